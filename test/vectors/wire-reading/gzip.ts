/** A second opinion on gzip bodies, read whole. */
import { constants, gunzipSync } from "node:zlib";
import { type Refused, refused } from "../../support/http1-twin/head.js";

/** What a gzip body holds. */
export type Unpacked = { readonly kind: "unpacked"; readonly text: string } | Refused;

/** Unpacks a gzip body (RFC 1952), which may have several members; everything after them is refused. */
export function unpack(packed: string, limit: number): Unpacked {
  const bytes = Buffer.from(packed, "latin1");
  if (bytes.length === 0) return { kind: "unpacked", text: "" };
  let text: string;
  let used: number;
  try {
    // The typings know nothing of `info`; `bytesWritten` is how much of the input zlib took.
    const whole = gunzipSync(bytes, { info: true } as object) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    text = whole.buffer.toString("latin1");
    used = whole.engine.bytesWritten;
  } catch {
    if (lengthWhenCut(bytes) > limit) return refused(413, "body-too-large");
    return refused(400, beginsWithMember(bytes) ? "gzip-trailing-bytes" : "gzip-corrupt");
  }
  if (used < bytes.length) return refused(400, "gzip-trailing-bytes");
  if (text.length > limit) return refused(413, "body-too-large");
  return { kind: "unpacked", text };
}

/** How much a stream that stops too early holds; -1 for one that is wrong in its middle. */
function lengthWhenCut(bytes: Buffer): number {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).length;
  } catch {
    return -1;
  }
}

/** What is known of a gzip body that is not all there: it may be wrong, or too much, already. */
export function unpackBeginning(packed: string, limit: number): Refused | undefined {
  const bytes = Buffer.from(packed, "latin1");
  if (bytes.length === 0) return undefined;
  const length = lengthWhenCut(bytes);
  if (length === -1) return refused(400, beginsWithMember(bytes) ? "gzip-trailing-bytes" : "gzip-corrupt");
  return length > limit ? refused(413, "body-too-large") : undefined;
}

function beginsWithMember(bytes: Buffer): boolean {
  for (let end = 18; end < bytes.length; end++) {
    try {
      gunzipSync(bytes.subarray(0, end));
      return true;
    } catch {
      // not yet whole
    }
  }
  return false;
}
