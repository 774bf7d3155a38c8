/**
 * RESP2, the protocol of Redis, on a stream.
 *
 * A reply begins with a byte for its type: `+OK`, `-ERR …`, `:42`, `$5` and five bytes, `*3` and three replies; each line
 * ends with CR LF. A command is an array of byte strings. https://redis.io/docs/latest/develop/reference/protocol-spec
 *
 * The reader takes nothing on trust: what is no RESP is a {@link ProtocolError}, after which nobody knows where the next
 * reply begins, so the connection has to be closed.
 */
import type { IOStream } from "squall/iostream";

/** What Redis answers: text for `+`, bytes for `$`, numbers for `:`, lists for `*`; null for what is not there. */
export type Reply = string | number | bigint | Buffer | null | RedisError | Reply[];

/** What a command is made of. */
export type Argument = string | number | Uint8Array;

/** Redis has refused a command. The first word of the message is the kind: `ERR`, `WRONGTYPE`, … */
export class RedisError extends Error {
  override name = "RedisError";
}

/** The other side does not speak RESP. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

const LONGEST_LINE = 65_536;
const LARGEST_STRING = 512 * 1024 * 1024;
const LONGEST_ARRAY = 1024 * 1024;
const DEEPEST = 8;

/** Reads one whole reply. An error that Redis sends is a value here: in an array it is one element among others. */
export async function readReply(stream: IOStream, depth = 0): Promise<Reply> {
  const line = (await stream.readUntil("\r\n", { maxBytes: LONGEST_LINE })).toString("utf8", 0).slice(0, -2);
  const text = line.slice(1);
  switch (line[0]) {
    case "+":
      return checkText(text);
    case "-":
      return new RedisError(checkText(text));
    case ":":
      return parseInteger(text);
    case "$":
      return await readString(stream, parseLength(text, LARGEST_STRING));
    case "*":
      return await readArray(stream, parseLength(text, LONGEST_ARRAY), depth);
    default:
      throw new ProtocolError(`a reply begins with + - : $ or *, got ${JSON.stringify(line.slice(0, 20))}`);
  }
}

async function readString(stream: IOStream, length: number | null): Promise<Buffer | null> {
  if (length === null) return null;
  const bytes = await stream.readBytes(length + 2);
  if (bytes[length] !== 13 || bytes[length + 1] !== 10) {
    throw new ProtocolError(`a string of ${length} bytes does not end with CR LF`);
  }
  return bytes.subarray(0, length);
}

async function readArray(stream: IOStream, length: number | null, depth: number): Promise<Reply[] | null> {
  if (length === null) return null;
  if (depth >= DEEPEST) throw new ProtocolError(`arrays in arrays, more than ${DEEPEST} deep`);
  const items: Reply[] = [];
  while (items.length < length) items.push(await readReply(stream, depth + 1));
  return items;
}

function checkText(text: string): string {
  if (/[\r\n]/.test(text)) throw new ProtocolError("a line holds a CR or LF of its own");
  return text;
}

function parseInteger(text: string): number | bigint {
  if (!/^[+-]?\d{1,19}$/.test(text))
    throw new ProtocolError(`expected an integer, got ${JSON.stringify(text)}`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** A length, or null for the "-1" of what is not there. */
function parseLength(text: string, limit: number): number | null {
  if (text === "-1") return null;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= limit))
    throw new ProtocolError(`expected a length up to ${limit}, got ${JSON.stringify(text)}`);
  return value;
}

/** The bytes of a command. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: (string | Uint8Array)[] = [`*${args.length}\r\n`];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
    parts.push(`$${bytes.length}\r\n`, bytes, "\r\n");
  }
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}
