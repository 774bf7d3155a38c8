/**
 * What a `(req, res)` application has for its `req.socket`: one `Duplex` for each exchange.
 *
 *     exchange ──▶ tunnel      the connection was given away: octets flow in both directions
 *     exchange ──▶ over        the response is complete; the socket is not used any more
 *     all ───────▶ destroyed
 *
 * During an exchange the response writes its octets here, head and framing included, and a {@link
 * ResponseReader} makes calls on the exchange of them. One socket for each exchange, not for each
 * connection, since behind a trusted proxy every request may have another client.
 */
import { Duplex } from "node:stream";
import type { Timeout } from "../../async/timers/timeout.js";
import { checkMilliseconds } from "../../base/validate.js";
import type { HTTPConnection } from "../../http/delegates.js";
import type { PeerCertificate } from "../../http/peer.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";

/** What the exchange does with the octets that its response writes. */
export interface ResponseOctets {
  /** Takes octets; undefined when there is room for more, else a promise of room. */
  write(octets: Buffer): Promise<void> | undefined;
  /** What was held back to be sent together leaves now. */
  flush(): void;
}

/** What the exchange wants to know of its socket. */
export interface NodeSocketOwner extends ResponseOctets {
  /** The application is ready for more of the request's body. */
  onResume(): void;
  /** There is room again after a write that had to wait. */
  onDrain(): void;
  /** Nothing was read or written for the time of `setTimeout()`. True if the application takes care of it. */
  onTimeout(): boolean;
  /** The application destroyed the socket, or ended it. */
  onDestroy(): void;
}

type Callback = (error?: Error | null) => void;

const NO_TIMEOUT = 0;

/** See the head of this file. */
export class NodeSocket extends Duplex implements StreamSink {
  /** False: it is connected. */
  readonly connecting: boolean = false;
  /** Whether the client speaks TLS, as far as is known: to this server, or to a trusted proxy in front. */
  readonly encrypted: boolean;
  /** Octets written to this socket, heads and framing included. */
  bytesWritten = 0;
  /** Octets read from a connection that was taken over; 0 during an exchange. */
  bytesRead = 0;
  /** Milliseconds of silence after which "timeout" is emitted; 0 for none. */
  timeout: number = NO_TIMEOUT;

  readonly #connection: HTTPConnection;
  #owner: NodeSocketOwner | undefined;
  #stream: IOStream | undefined = undefined;
  #timer: Timeout | undefined = undefined;
  /** When something was read or written last, in the loop's time. */
  #activeAt = 0;
  #isFull = false;

  constructor(connection: HTTPConnection, owner: NodeSocketOwner) {
    super({ allowHalfOpen: true, autoDestroy: true, emitClose: true });
    this.#connection = connection;
    this.#owner = owner;
    this.encrypted = connection.peer.protocol === "https";
  }

  // --- who is on the other end -----------------------------------------------------------------------------

  /** The client's address; behind a trusted proxy the one that the proxy names. */
  get remoteAddress(): string | undefined {
    const { remoteIp } = this.#connection.peer;
    return remoteIp === "" ? undefined : remoteIp;
  }

  /** The port of the other end of the connection; undefined if nothing is known of it. */
  get remotePort(): number | undefined {
    const { address } = this.#connection.peer;
    return address !== undefined && "port" in address ? address.port : undefined;
  }

  /** "IPv4" or "IPv6"; undefined if the address is not known. */
  get remoteFamily(): string | undefined {
    const address = this.remoteAddress;
    if (address === undefined) return undefined;
    return address.includes(":") ? "IPv6" : "IPv4";
  }

  /** The client's TLS certificate, empty without one, as `tls.TLSSocket` has it. */
  getPeerCertificate(): PeerCertificate | Record<string, never> {
    return this.#connection.peer.certificate?.() ?? {};
  }

  // --- what the server decides: there for applications that call it ----------------------------------------

  /** Changes nothing: the server has switched Nagle's algorithm off. */
  setNoDelay(): this {
    return this;
  }

  /** Changes nothing: how long connections are kept is the server's decision. */
  setKeepAlive(): this {
    return this;
  }

  /** Changes nothing: the server keeps the process running. */
  ref(): this {
    return this;
  }

  /** Changes nothing: the server keeps the process running. */
  unref(): this {
    return this;
  }

  /** Emits "timeout" after `ms` milliseconds of silence, 0 for never; `callback` is called once for it. */
  setTimeout(ms: number, callback?: () => void): this {
    this.timeout = checkMilliseconds("ms", ms);
    if (this.#timer !== undefined) this.#connection.ioLoop.removeTimeout(this.#timer);
    this.#timer = undefined;
    if (callback !== undefined) {
      if (this.timeout === NO_TIMEOUT) this.removeListener("timeout", callback);
      else this.once("timeout", callback);
    }
    this.#active();
    if (this.timeout > NO_TIMEOUT && this.timeout < Number.POSITIVE_INFINITY) this.#arm(this.timeout);
    return this;
  }

  /** Ends the connection with a reset where it was given away; during an exchange as `destroy()`. */
  resetAndDestroy(): this {
    const stream = this.#stream;
    if (stream !== undefined && !stream.closed()) stream.abort();
    return this.destroy();
  }

  /** Ends the socket when everything written has left. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  // --- the exchange ----------------------------------------------------------------------------------------

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    const owner = this.#owner;
    if (owner === undefined) return super.write(chunk, encoding as BufferEncoding, callback as Callback);
    const done = (typeof encoding === "function" ? encoding : callback) as Callback | undefined;
    if (this.destroyed) {
      if (done != null) process.nextTick(done, new Error("the socket was destroyed"));
      return false;
    }
    const octets =
      typeof chunk === "string"
        ? Buffer.from(chunk, (typeof encoding === "string" ? encoding : "utf8") as BufferEncoding)
        : (chunk as Buffer);
    this.bytesWritten += octets.length;
    this.#active();
    const room = owner.write(octets);
    if (this.writableCorked === 0) owner.flush();
    if (room === undefined && !this.#isFull) {
      if (done != null) process.nextTick(done, null);
      return true;
    }
    this.#waitForRoom(owner, room, done);
    return false;
  }

  override uncork(): void {
    super.uncork();
    if (this.writableCorked === 0) this.#owner?.flush();
  }

  /** During an exchange: the request's reader has room again. */
  override resume(): this {
    if (this.#owner === undefined) return super.resume();
    this.#owner.onResume();
    return this;
  }

  #waitForRoom(
    owner: NodeSocketOwner,
    room: Promise<void> | undefined,
    done: Callback | undefined | null,
  ): void {
    this.#isFull = true;
    const promise = room ?? Promise.resolve();
    promise.then(
      () => {
        this.#isFull = false;
        done?.(null);
        this.#active();
        owner.onDrain();
      },
      (error: Error) => done?.(error),
    );
  }

  /** The exchange is over: what is written from now on goes nowhere, and nothing reaches its owner. */
  release(): void {
    this.#owner = undefined;
    this.#disarm();
  }

  // --- the tunnel ------------------------------------------------------------------------------------------

  /** The connection was given away: its octets flow through this socket from now on. */
  tunnel(stream: IOStream): void {
    this.#owner = undefined;
    this.#stream = stream;
    stream.consume(this);
  }

  onData(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.#active();
    if (!this.push(chunk)) this.#stream?.pauseReading();
  }

  onFin(): void {
    this.push(null);
  }

  /** Waiting writers have a promise of the stream's. */
  onDrain(): void {}

  onClose(error: Error | undefined): void {
    if (error === undefined && !this.readableEnded) this.push(null);
    this.destroy(error);
  }

  override _read(): void {
    const stream = this.#stream;
    if (stream !== undefined && !stream.closed()) stream.resumeReading();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    const stream = this.#stream;
    if (stream === undefined) {
      callback();
      return;
    }
    this.bytesWritten += chunk.length;
    this.#active();
    if (stream.send(chunk)) callback();
    else stream.whenWritable().then(() => callback(), callback);
  }

  override _final(callback: Callback): void {
    if (this.#owner !== undefined) this.#owner.onDestroy();
    else if (this.#stream?.closed() === false) this.#stream.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#disarm();
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.onDestroy();
    const stream = this.#stream;
    if (stream !== undefined && !stream.closed()) {
      if (error === null) stream.close();
      else stream.abort();
    }
    callback(error);
  }

  // --- silence ---------------------------------------------------------------------------------------------

  #active(): void {
    if (this.timeout > NO_TIMEOUT) this.#activeAt = this.#connection.ioLoop.time();
  }

  #arm(ms: number): void {
    this.#timer = this.#connection.ioLoop.callLater(ms, () => this.#silent());
  }

  #disarm(): void {
    this.timeout = NO_TIMEOUT;
    if (this.#timer !== undefined) this.#connection.ioLoop.removeTimeout(this.#timer);
    this.#timer = undefined;
  }

  #silent(): void {
    this.#timer = undefined;
    const left = this.#activeAt + this.timeout - this.#connection.ioLoop.time();
    if (left > 0) {
      this.#arm(left);
      return;
    }
    this.#active();
    this.#arm(this.timeout);
    const isHandled = this.#owner?.onTimeout() ?? false;
    // As Node's server does: a socket without a listener for "timeout" is closed.
    if (!this.emit("timeout") && !isHandled && this.#owner !== undefined) this.destroy();
  }
}
