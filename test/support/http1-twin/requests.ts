/** All requests of an input, as the plain reading of `head.ts` and `body.ts` sees them. */
import { readBody } from "./body.js";
import { type FieldLines, type Head, interpret, type Limits, persists, readHead } from "./head.js";

/** One message as both parsers see it. */
export interface TwinMessage {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly keepAlive: boolean;
  readonly body: string;
  readonly trailers: readonly string[] | undefined;
}

/** All whole messages of the input, and whether what follows them is refused or merely not complete. */
export interface TwinResult {
  readonly messages: readonly TwinMessage[];
  readonly refused: boolean;
}

const LIMITS: Limits = { header: 64 * 1024, body: 100 * 1024 * 1024 };
/** The one forbidden trailer that the generated input holds. */
const DROPPED_TRAILER = /^host$/i;

/** Reads requests until the input is used up, is refused, ends the connection, or makes no whole message. */
export function readRequests(text: string): TwinResult {
  const messages: TwinMessage[] = [];
  for (let at = 0; at < text.length; ) {
    const head = readHead(text, at, LIMITS);
    if (head.kind !== "head") return { messages, refused: head.kind === "refused" };
    const framing = interpret(head);
    if (framing.kind === "refused") return { messages, refused: true };
    const body = readBody(text, head.end, framing, LIMITS);
    if (body.kind !== "body") return { messages, refused: body.kind === "refused" };
    const kept = body.trailers.filter(([name]) => !DROPPED_TRAILER.test(name));
    messages.push(messageOf(head, body.text, kept));
    if (!persists(head)) break;
    at = body.end;
  }
  return { messages, refused: false };
}

function messageOf(head: Head, body: string, trailers: FieldLines): TwinMessage {
  return {
    method: head.method,
    target: head.target,
    fields: head.fields.filter(isFirstLength).flatMap(withOneLength),
    keepAlive: persists(head),
    body,
    trailers: trailers.length === 0 ? undefined : trailers.flat(),
  };
}

const isLength = (name: string): boolean => /^content-length$/i.test(name);

/** Equal lengths are one field, where the first one stood. */
function isFirstLength([name]: FieldLines[number], at: number, lines: FieldLines): boolean {
  return !isLength(name) || lines.findIndex(([other]) => isLength(other)) === at;
}

function withOneLength([name, value]: FieldLines[number]): FieldLines[number] {
  return [name, isLength(name) ? value.replace(/,.*$/, "").trim() : value];
}
