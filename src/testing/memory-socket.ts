/**
 * One end of a connection in memory, and the channel that carries bytes one way.
 *
 * A channel behaves as TCP does, as far as a program can see. It takes bytes until its buffer is full, then
 * makes the writer wait. Bytes, FIN and reset arrive in order, in pieces as the network's settings say. Who
 * is not reading learns nothing, of the end neither. An end that is closed while bytes are unread, or gets
 * bytes afterwards, answers with a reset (RFC 9293 §3.10.7); one that has read everything says goodbye with a
 * FIN.
 */
import { Duplex } from "node:stream";
import type { NetworkSocket } from "../async/network.js";

/** How a channel reaches the other end: `arrive` happens later, in order. */
export interface Carrier {
  /**
   * Lets `arrive` happen one latency from now, or later if bytes had to be sent again, never before earlier
   * ones.
   */
  carry(channel: Channel, arrive: () => void): void;
  /** How many bytes the next arrival has at most. */
  pieceSize(): number;
  /** How many bytes may be on their way or unread. */
  readonly bufferSize: number;
  /** A socket is gone for good. */
  forget(socket: MemorySocket): void;
}

/** An error as the operating system's look. */
export function systemError(
  code: string,
  syscall: string,
  where: { readonly address?: string | undefined; readonly port?: number | undefined } = {},
): NodeJS.ErrnoException {
  const { address, port } = where;
  const place = address === undefined ? "" : ` ${address}${port === undefined ? "" : `:${port}`}`;
  const error: NodeJS.ErrnoException = new Error(`${syscall} ${code}${place}`);
  return Object.assign(error, { code, syscall, ...(address === undefined ? {} : { address, port }) });
}

const FIN = Symbol("FIN");

/** Carries bytes from one end to the other. */
export class Channel {
  /** When the latest arrival is due, in the loop's time; later ones come no earlier. */
  lastDue = 0;
  readonly #carrier: Carrier;
  readonly #sender: MemorySocket;
  readonly #receiver: MemorySocket;
  /** Bytes on their way or not yet taken by the receiver. */
  #used = 0;
  /** Bytes that there was room for, in all. */
  taken = 0;
  readonly #arrived: (Buffer | typeof FIN)[] = [];
  #blocked: { rest: Buffer; done: (error?: Error | null) => void } | undefined;
  #ended = false;
  #finTaken = false;

  constructor(carrier: Carrier, sender: MemorySocket, receiver: MemorySocket) {
    this.#carrier = carrier;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** True once a FIN has arrived, whether or not the receiver has read up to it. */
  get hasFin(): boolean {
    return this.#finTaken || this.#arrived.includes(FIN);
  }

  /** How many bytes are on their way or unread. */
  get used(): number {
    return this.#used;
  }

  /** True while bytes have arrived that the receiver has not taken. */
  get hasUnread(): boolean {
    return this.#arrived.some((piece) => piece !== FIN);
  }

  /** Takes what there is room for; `done` is called when all of it has been taken. */
  send(bytes: Buffer, done: (error?: Error | null) => void): void {
    const room = Math.max(0, this.#carrier.bufferSize - this.#used);
    if (room >= bytes.length) {
      this.#transmit(bytes);
      done();
      return;
    }
    this.#transmit(bytes.subarray(0, room));
    this.#blocked = { rest: bytes.subarray(room), done };
  }

  /** Sends FIN, once. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#carrier.carry(this, () => {
      this.#arrived.push(FIN);
      this.flush();
    });
  }

  /** Sends a reset; nothing after it. */
  reset(): void {
    this.#ended = true;
    this.#carrier.carry(this, () => this.#receiver.resetArrived());
  }

  /** The sender is closed: a write that waits will never be done. */
  abandon(error: Error): void {
    const blocked = this.#blocked;
    this.#blocked = undefined;
    blocked?.done(error);
  }

  /** Hands the receiver what has arrived, as long as it asks. */
  flush(): void {
    const receiver = this.#receiver;
    while (this.#arrived.length > 0 && receiver.asking && !receiver.destroyed) {
      const piece = this.#arrived.shift() as Buffer | typeof FIN;
      if (piece === FIN) {
        this.#finTaken = true;
        receiver.push(null);
        return;
      }
      this.#used -= piece.length;
      receiver.asking = receiver.push(piece);
    }
    const blocked = this.#blocked;
    if (blocked !== undefined && this.#used < this.#carrier.bufferSize) {
      this.#blocked = undefined;
      this.send(blocked.rest, blocked.done);
    }
  }

  #transmit(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      const size = Math.max(1, Math.min(bytes.length - start, this.#carrier.pieceSize()));
      // A copy, as the kernel makes one: the sender may use its buffer again.
      const piece = Buffer.from(bytes.subarray(start, start + size));
      start += size;
      this.#used += size;
      this.taken += size;
      this.#carrier.carry(this, () => this.#arrive(piece));
    }
  }

  #arrive(piece: Buffer): void {
    if (this.#receiver.destroyed) {
      this.#carrier.carry(this, () => this.#sender.resetArrived());
      return;
    }
    this.#arrived.push(piece);
    this.flush();
  }
}

/** A socket in memory: the members of `net.Socket` that squall uses, over a {@link Channel} each way. */
export class MemorySocket extends Duplex implements NetworkSocket {
  connecting = true;
  remoteAddress: string | undefined = undefined;
  remotePort: number | undefined = undefined;
  remoteFamily: string | undefined = undefined;
  localAddress: string | undefined = undefined;
  localPort: number | undefined = undefined;
  /** What `setNoDelay` was called with last, for tests. */
  noDelay = false;
  /** @internal True while the reader wants more. */
  asking = false;
  readonly #carrier: Carrier;
  #incoming: Channel | undefined;
  #outgoing: Channel | undefined;
  #resetReceived = false;
  #resetSent = false;
  /** What was written before the connection was there. */
  #early: (() => void) | undefined;

  constructor(carrier: Carrier) {
    super({ allowHalfOpen: true, highWaterMark: 65_536 });
    this.#carrier = carrier;
  }

  /** @internal Joins two ends; each still has to emit `connect`. */
  static join(carrier: Carrier, a: MemorySocket, b: MemorySocket): void {
    const there = new Channel(carrier, a, b);
    const back = new Channel(carrier, b, a);
    a.#outgoing = there;
    a.#incoming = back;
    b.#outgoing = back;
    b.#incoming = there;
  }

  /** @internal The connection is there. */
  established(): void {
    this.connecting = false;
    this.#early?.();
    this.#early = undefined;
    this.emit("connect");
    this.emit("ready");
    this.#incoming?.flush();
  }

  /** @internal The other end has sent a reset. Who neither reads nor writes does not notice. */
  resetArrived(): void {
    this.#resetReceived = true;
    if (this.asking && !this.destroyed) this.destroy(systemError("ECONNRESET", "read"));
  }

  /** How many of the bytes written have left, also of a write that is not done yet. */
  get bytesTaken(): number {
    return this.#outgoing?.taken ?? 0;
  }

  /** How many of the bytes that have left the other end has not read. */
  get bytesUnacknowledged(): number {
    return this.#outgoing?.used ?? 0;
  }

  /** Whether a FIN or a reset of the other end has arrived, also behind bytes that have not been read. */
  get peerHasLeft(): boolean {
    return this.#resetReceived || this.#incoming?.hasFin === true;
  }

  setNoDelay(noDelay = true): this {
    this.noDelay = noDelay;
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  resetAndDestroy(): this {
    if (!this.destroyed && !this.connecting) this.#sendReset();
    this.destroy();
    return this;
  }

  override _read(): void {
    this.asking = true;
    if (this.#resetReceived) this.destroy(systemError("ECONNRESET", "read"));
    else this.#incoming?.flush();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.connecting) this.#early = () => this.#send(chunk, done);
    else this.#send(chunk, done);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map((entry) => entry.chunk)), "utf8", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const finish = (): void => {
      this.#outgoing?.end();
      done();
    };
    if (this.connecting) this.#early = finish;
    else finish();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const outgoing = this.#outgoing;
    outgoing?.abandon(error ?? systemError("ECANCELED", "write"));
    if (outgoing !== undefined && !this.#resetReceived) {
      if (this.#incoming?.hasUnread || this.readableLength > 0) this.#sendReset();
      else if (!this.#resetSent) outgoing.end();
    }
    this.connecting = false;
    this.#carrier.forget(this);
    done(error);
  }

  #send(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.#resetReceived || this.#outgoing === undefined) done(systemError("EPIPE", "write"));
    else this.#outgoing.send(chunk, done);
  }

  #sendReset(): void {
    if (this.#resetSent) return;
    this.#resetSent = true;
    this.#outgoing?.reset();
  }
}
