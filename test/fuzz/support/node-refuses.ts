/**
 * Where Node's parser (llhttp, strict) refuses what RFC 9112 allows and we take: reasons that hold for requests and
 * for responses. Each is a predicate, as narrow as it can be told from the outside.
 */
import type { Outcome, SeenMessage } from "./outcome.js";

/** A place where Node has given up and we have not. */
export interface Refusal {
  /** The code of Node's error; empty when it saw no more without one. */
  readonly code: string;
  /** The message in which it happened, as we see it; undefined when we see none there. */
  readonly message: SeenMessage | undefined;
  readonly ours: Outcome;
  readonly text: string;
}

function lines(message: SeenMessage | undefined, name: string): string[] {
  return (message?.fields ?? []).filter((_, i, all) => i % 2 === 1 && all[i - 1]!.toLowerCase() === name);
}

/** Reasons with their names, for the summary of a run. */
export type Reasons = Readonly<Record<string, (refusal: Refusal) => boolean>>;

export const NODE_REFUSES: Reasons = {
  // Nothing of it has been acted upon, and nothing will be.
  "a head that never became whole: we look at it when its line or block is there": ({ message, ours }) =>
    message === undefined && ours.broken === "ERR_SQUALL_HTTP_INCOMPLETE",
  // RFC 9110 §2.5: a higher minor version is read as the highest one that is known.
  "a higher minor version": ({ code, text }) =>
    code === "HPE_INVALID_VERSION" && /(?: |^|\n)HTTP\/1\.[2-9][ \r]/.test(text),
  // RFC 9112 §6.3, rule 5: repeats of the same valid length may be replaced by one.
  "the same Content-Length several times": ({ code, message }) =>
    /CONTENT_LENGTH/.test(code) &&
    new Set(lines(message, "content-length").flatMap((value) => value.split(/[ \t]*,[ \t]*/))).size === 1,
  // RFC 9112 §7.1.1 with RFC 9110 §5.6.3: bad whitespace around `;` and `=` must be parsed.
  "white space in a chunk extension": ({ code, message, text }) =>
    /CHUNK_SIZE|STRICT|EXTENSION/.test(code) &&
    lines(message, "transfer-encoding").length === 1 &&
    /\r\n[0-9A-Fa-f]+(?:;[^\r\n]*)?[ \t]/.test(text),
  // RFC 9112 §5: a value is trimmed of spaces and tabs; llhttp knows the space alone here.
  "a tab behind chunked": ({ code, text }) =>
    code === "HPE_INVALID_TRANSFER_ENCODING" && /\ntransfer-encoding:[ \t]*chunked *\t[ \t]*\r/i.test(text),
  // RFC 9110 §6.5.1: the connection was decided by the head.
  "Connection: close in a trailer section": ({ code, text }) =>
    code === "HPE_CLOSED_CONNECTION" &&
    /\r\n0+(?:[ \t]*;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*connection:[^\r\n]*close/i.test(text),
  // RFC 9110 §6.5.1: they are dropped, whatever they say.
  "framing fields in a trailer section": ({ code, message, text }) =>
    /CONTENT_LENGTH|TRANSFER_ENCODING/.test(code) &&
    lines(message, "transfer-encoding").length === 1 &&
    /\r\n0+(?:[ \t]*;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*(?:content-length|transfer-encoding):/i.test(text),
};
