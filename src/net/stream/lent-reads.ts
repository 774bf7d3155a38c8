/**
 * Reads that allocate nothing: all sockets of a thread read into one buffer.
 *
 * For each read Node allocates 64 KiB, shrinks them to what has come, and wraps the rest in two objects that
 * the collector has to find again: 0.8 of the 5 µs that a small request and its answer cost on a bare socket.
 * Its option `onread` lets a socket read into a buffer of the caller's; Node takes the option where it
 * connects a socket and not where it accepts one, so what the option sets is set here. Where that is not
 * found (another runtime, another kind of socket, another version of Node) nothing is changed, and bytes come
 * with the socket's `data` events.
 *
 * What was read is *lent*: it is there during the call, and the next read of any socket overwrites it. Inside
 * such a call Node reads nothing, but for an empty write to the same TLS socket, which streams never make
 * there. A stream that gets a full buffer goes on with buffers of its own, which are given away as they are,
 * until a read does not fill one: a long body costs one copy of 64 KiB, and an idle connection holds no
 * buffer.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { copyApart, NO_BYTES } from "../../base/bytes.js";

/** How much one read takes at most, in bytes; as much as Node reads at once. */
const SIZE = 65_536;

/** A read of a buffer of its own that is at least so long is given away; a shorter one would waste memory. */
const GIVEN = SIZE / 2;

/**
 * Deno's TLS sockets read inside `resume()`. A reader that lets another connection go on would lose there
 * what it has been lent.
 */
const TLS_LENDS = process.versions.deno === undefined;

/** Takes what a socket has read. Neither method throws. */
export interface LentReader {
  /** Bytes that are the reader's only during the call. */
  receiveLent(bytes: Buffer): void;
  /** Bytes that are the reader's to keep. */
  receive(bytes: Buffer): void;
}

/** The properties of a socket behind Node's option `onread`, and that of ours. */
interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly next: symbol;
}

const READER = Symbol("squall.lentReader");

type LendingSocket = Duplex & {
  [READER]?: LentReader | undefined;
  readonly connecting?: boolean;
  /** True for TLS. */
  readonly encrypted?: boolean;
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
} & Record<symbol, unknown>;

/** The fields of Node's sockets, once one has been seen. */
let known: Fields | undefined;
let shared: Buffer | undefined;
/** A buffer that one socket had for itself, and that was not given away. */
let spare: Buffer | undefined;
/** What the last read has brought: requests of one length, the usual case, share the view. */
let view: Buffer | undefined;
/** Where the socket that is being read reads next; undefined for where it has read now. */
let next: Buffer | undefined;

/**
 * Lets `reader` have what the connected `socket` reads from now on, instead of `data` events. False where
 * that cannot be: then nothing has changed.
 */
export function lendReads(socket: Duplex, reader: LentReader): boolean {
  const lending = socket as unknown as LendingSocket;
  // Only what is known to be read so: a socket of Node's, plain or TLS, and no class made from one.
  if ((socket as object).constructor !== Socket && !(lending.encrypted === true && TLS_LENDS)) return false;
  const handle = lending._handle;
  if (typeof handle?.useUserBuffer !== "function" || lending.connecting === true) return false;
  // What has been read already would come after what is read now.
  if (socket.readableLength > 0 || socket.readableEnded) return false;
  const fields = fieldsOf(lending);
  if (fields === undefined || !isFree(lending[fields.callback])) return false;
  shared ??= Buffer.allocUnsafeSlow(SIZE);
  lending[READER] = reader;
  lending[fields.buffer] = shared;
  lending[fields.callback] = onRead;
  lending[fields.next] = takeNext;
  handle.useUserBuffer(shared);
  return true;
}

/** Ends {@link lendReads}: `socket` is an ordinary one again, for another owner. */
export function endLending(socket: Duplex): void {
  const lending = socket as unknown as LendingSocket;
  if (known === undefined) return;
  if (process.versions.deno === undefined) {
    // Node's handle keeps the buffer for good; who reads below JavaScript, as TLS does, has its own.
    lending[known.callback] = pushRead;
    return;
  }
  // Deno's handle reads into the buffer whoever reads, until it gets an empty one.
  lending[known.buffer] = null;
  lending[known.callback] = null;
  lending._handle?.useUserBuffer?.(NO_BYTES);
}

/** False for a socket whose owner reads it by the option itself. */
function isFree(callback: unknown): boolean {
  return callback == null || callback === pushRead;
}

/** Node calls this with the number of bytes that it has read into `buffer`. */
function onRead(this: LendingSocket, size: number, buffer: Buffer): void {
  const reader = this[READER]!;
  const isFull = size === SIZE;
  if (buffer === shared) {
    if (isFull) next = ownBuffer();
    if (view?.length !== size) view = shared.subarray(0, size);
    reader.receiveLent(view);
  } else {
    next = isFull ? ownBuffer() : shared;
    const bytes = buffer.subarray(0, size);
    if (size >= GIVEN) {
      reader.receive(bytes);
    } else {
      reader.receiveLent(bytes);
      spare = buffer;
    }
  }
}

/** A buffer for one socket alone. */
function ownBuffer(): Buffer {
  const buffer = spare ?? Buffer.allocUnsafeSlow(SIZE);
  spare = undefined;
  return buffer;
}

/** The same for a socket that lends no more: what was read is queued in it. False stops the reading. */
function pushRead(this: Duplex, size: number, buffer: Buffer): boolean {
  return this.push(copyApart(buffer.subarray(0, size)));
}

/** Node asks for the next buffer after each read, and keeps the last one if there is none. */
function takeNext(): Buffer | undefined {
  const taken = next;
  next = undefined;
  return taken;
}

/** The fields behind `onread`, which every socket of Node's has, set or not. */
function fieldsOf(socket: object): Fields | undefined {
  if (known === undefined) {
    const named = (name: string): symbol | undefined =>
      Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
    const buffer = named("kBuffer");
    const callback = named("kBufferCb");
    const generate = named("kBufferGen");
    if (buffer === undefined || callback === undefined || generate === undefined) return undefined;
    known = { buffer, callback, next: generate };
  }
  return known;
}
