/** Which content codings a client unpacks (RFC 9110 §8.4.1), on the way to the receiver of the body. */
import type { IOLoop } from "../../async/ioloop.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import { type BodyCoding, type GunzipLimits, inflateBody } from "../delegates/gunzip.js";
import type { HTTPMessageDelegate } from "../delegates.js";

const CODINGS: ReadonlyMap<string, BodyCoding> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "br"],
]);

/** The coding of a body; undefined for none, and for one that is not known or not alone. */
export function codingOf(contentEncoding: string): BodyCoding | undefined {
  return CODINGS.get(contentEncoding.trim().toLowerCase());
}

/**
 * A delegate that unpacks a body for `sink`, with the coding moved from Content-Encoding to
 * X-Consumed-Content-Encoding; undefined if there is nothing to unpack.
 */
export function decoderFor(
  headers: HTTPHeaders,
  sink: HTTPMessageDelegate,
  loop: IOLoop,
  limits: GunzipLimits,
  fail: (error: unknown) => void,
): HTTPMessageDelegate | undefined {
  const contentEncoding = headers.rawGet("content-encoding");
  const coding = contentEncoding === undefined ? undefined : codingOf(contentEncoding);
  if (contentEncoding === undefined || coding === undefined) return undefined;
  headers.delete("Content-Encoding");
  headers.add("X-Consumed-Content-Encoding", contentEncoding);
  return inflateBody(coding, sink, loop, limits, fail);
}
