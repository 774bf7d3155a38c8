/**
 * A reset that TLS does not report. When the system refuses a write at once, because a reset has arrived,
 * Node's TLS loses the error: the write never ends, and what the socket reads next looks like the FIN of the
 * other side. Without the check below such a connection stays until the deadlines of its output.
 */
import type { Duplex } from "node:stream";

interface TLSLike extends Duplex {
  /** True for TLS. */
  readonly encrypted?: boolean;
  /** `getpeername()` gives an error of the system, a negative number, where the connection is gone. */
  readonly _handle?: { getpeername?(out: object): unknown } | null;
}

/**
 * Destroys a socket on which TLS has lost a write: something is queued on a connection that the system no
 * longer has. Does nothing where the handle cannot be asked. A connection that both sides have ended is gone,
 * too, but then nothing is queued.
 */
export function endLostWrite(socket: Duplex): void {
  const { encrypted, writableLength, _handle: handle } = socket as TLSLike;
  if (encrypted !== true || writableLength === 0 || typeof handle?.getpeername !== "function") return;
  const answer = handle.getpeername({});
  if (typeof answer !== "number" || answer >= 0) return;
  socket.destroy(Object.assign(new Error("write ECONNRESET"), { code: "ECONNRESET", syscall: "write" }));
}
