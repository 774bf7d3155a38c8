/**
 * How far a socket has got with what was written to it, also in the middle of one long write: what tells a
 * slow reader from one that has stopped.
 */
import type { Duplex } from "node:stream";

/** What the handle of a socket of Node's counts. */
interface WriteCounters {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

interface CountingSocket extends Duplex {
  /** Node counts whole writes only; its handles know how much of the present one the kernel has taken. */
  readonly _handle?: WriteCounters | null;
  /** What a socket of another network counts. */
  readonly bytesTaken?: number;
}

/**
 * A number that grows whenever the other side takes something; only differences mean anything. For TLS, ask
 * the socket below: the one above has encrypted long before anything goes out.
 */
export function writeProgress(socket: Duplex | undefined): number {
  if (socket === undefined) return 0;
  const { _handle: handle, bytesTaken, writableLength } = socket as CountingSocket;
  if (typeof handle?.bytesWritten === "number" && typeof handle.writeQueueSize === "number") {
    return handle.bytesWritten - handle.writeQueueSize;
  }
  return bytesTaken ?? 0 - writableLength;
}
