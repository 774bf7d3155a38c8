/** The framing rules of the receiver, for whoever has the fields of a head already (RFC 9112 §6.1 and §6.3). */
import type { HTTPHeaders } from "../fields/headers.js";
import { FieldFacts, isChunked } from "./framing.js";

/**
 * True when the fields of an HTTP/1.1 message say that its body is chunked, false when they have no
 * Transfer-Encoding. Throws an `HTTP1Error` (an `HTTPInputError`) for another coding, for two of them, and for a
 * Content-Length beside it. Tornado `is_transfer_encoding_chunked`.
 */
export function isTransferEncodingChunked(headers: HTTPHeaders): boolean {
  const facts = new FieldFacts();
  const fields = headers.toRaw();
  for (let at = 0; at < fields.length; at += 2) facts.note(fields[at]!, fields[at + 1]!);
  return isChunked(facts, false);
}
