/**
 * Entity tags of whole responses: the quoted SHA-1 of the body (RFC 9110 §8.8.3).
 */
import type { Chunk } from "../../http/delegates.js";
import { joinChunks } from "./handler-state.js";

type OneShotHash = (algorithm: string, data: Chunk, encoding: "hex") => string;

let knownHash: OneShotHash | undefined;

/** The one-shot call, if the runtime has it: three times quicker than a Hash object for a small body. */
function oneShotHash(): OneShotHash {
  const crypto = process.getBuiltinModule("node:crypto");
  return typeof crypto.hash === "function"
    ? crypto.hash
    : (algorithm, data, encoding) => crypto.createHash(algorithm).update(data).digest(encoding);
}

/**
 * Tags of small texts seen lately, by a number made of length and ends. A text that is equal has the same
 * tag.
 */
const MEMO_SIZE = 64;
const MEMO_MAX_LENGTH = 1024;
const memoTexts: string[] = new Array<string>(MEMO_SIZE).fill("");
const memoTags: string[] = new Array<string>(MEMO_SIZE).fill("");

function memoSlot(text: string): number {
  const { length } = text;
  const sum =
    length * 31 + text.charCodeAt(0) * 7 + text.charCodeAt(length >> 1) * 3 + text.charCodeAt(length - 1);
  return sum % MEMO_SIZE;
}

/** The tag of a body: an entity tag in quotes. */
export function etagOf(first: Chunk | undefined, rest?: readonly Chunk[] | undefined): string {
  const body = rest === undefined ? (first ?? "") : joinChunks([first ?? "", ...rest]);
  if (typeof body !== "string" || body.length === 0 || body.length > MEMO_MAX_LENGTH) {
    knownHash ??= oneShotHash();
    return `"${knownHash("sha1", body, "hex")}"`;
  }
  const slot = memoSlot(body);
  if (memoTexts[slot] === body) return memoTags[slot] as string;
  knownHash ??= oneShotHash();
  const tag = `"${knownHash("sha1", body, "hex")}"`;
  memoTexts[slot] = body;
  memoTags[slot] = tag;
  return tag;
}
