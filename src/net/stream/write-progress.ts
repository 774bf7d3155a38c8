/**
 * How far a socket has got with what was written to it, also in the middle of one long write: what tells a
 * slow reader from one that has stopped, and what a close still has to wait for.
 */
import type { Duplex } from "node:stream";
import type { IOLoop } from "../../async/ioloop.js";

/** What the handle of a socket of Node's counts. */
interface WriteCounters {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

interface CountingSocket extends Duplex {
  /** True for TLS. */
  readonly encrypted?: boolean;
  /** Node counts whole writes only; its handles know how much of the present one the kernel has taken. */
  readonly _handle?: WriteCounters | null;
  /** What a socket of another network counts. */
  readonly bytesTaken?: number;
}

/** Whether the handle knows how much of what was written to it the kernel has taken. */
function isCounting(handle: WriteCounters | null | undefined): handle is Required<WriteCounters> {
  return typeof handle?.bytesWritten === "number" && typeof handle.writeQueueSize === "number";
}

/**
 * A number that grows whenever the other side takes something; only differences mean anything. For TLS, ask
 * the socket below: the one above has encrypted long before anything goes out.
 */
export function writeProgress(socket: Duplex | undefined): number {
  if (socket === undefined) return 0;
  const { _handle: handle, bytesTaken, writableLength } = socket as CountingSocket;
  if (isCounting(handle)) return handle.bytesWritten - handle.writeQueueSize;
  return bytesTaken ?? 0 - writableLength;
}

/** How long a runtime may take to hand a write to a kernel that has room for it, in milliseconds. */
const HAND_OVER = 1000;

/** Whether a socket has a handle that does not count: that of another runtime than Node. */
export function isUncounted(socket: Duplex | undefined): socket is Duplex {
  const handle = (socket as CountingSocket | undefined)?._handle;
  return handle != null && !isCounting(handle);
}

/**
 * Whether something is queued of which it is not known whether the kernel has been asked to take it. Node
 * asks at once, and what is queued is what the kernel has no room for. Where handles do not count, data may
 * be queued although there is room, or although the connection is gone: Deno keeps what is written before the
 * system has reported on a new connection, and the error of a write for the next turn of the loop. (TLS
 * encrypts first everywhere.)
 */
export function hidesQueue(socket: Duplex): boolean {
  return socket.writableLength > 0 && isUncounted(socket) && (socket as CountingSocket).encrypted !== true;
}

/**
 * Destroys a socket, and drops what the kernel has no room for. What it may not have been asked to take gets
 * a moment.
 */
export function destroySoon(socket: Duplex, ioLoop: IOLoop): void {
  if (hidesQueue(socket)) destroyAfterWrites(socket, ioLoop, HAND_OVER);
  else socket.destroy();
}

/** Ends a socket and destroys it when its writes are done, at the latest after `limit` milliseconds. */
export function destroyAfterWrites(socket: Duplex, ioLoop: IOLoop, limit: number): void {
  const timer = ioLoop.callLater(limit, () => socket.destroy());
  socket.once("close", () => ioLoop.removeTimeout(timer));
  if (socket.writableFinished) {
    socket.destroy();
    return;
  }
  socket.once("finish", () => socket.destroy());
  if (!socket.writableEnded) socket.end();
}
