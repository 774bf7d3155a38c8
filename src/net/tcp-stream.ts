/**
 * Streams over sockets: TCP and unix sockets.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { cancellable, type WaitOptions } from "../async/cancel.js";
import type { NetworkSocket } from "../async/network.js";
import { InvalidStateError } from "../base/errors.js";
import { type ConnectAddress, normalizeAddress } from "./address.js";
import { BaseIOStream } from "./base-stream.js";
import { nodeNetwork } from "./node-network.js";
import { StreamClosedError } from "./stream-errors.js";
import type { StreamOptions, StreamSettings } from "./stream-settings.js";

/** A stream over a TCP or unix socket. */
export class IOStream extends BaseIOStream {
  #connecting: boolean;

  /**
   * `socket` is a connected socket, whatever network it comes from; or one that is still connecting; or undefined (or
   * a fresh `net.Socket`) for a stream that gets its socket by {@link IOStream.connect}.
   */
  constructor(socket?: NetworkSocket | undefined, options?: StreamOptions | StreamSettings) {
    super(options);
    this.#connecting = false;
    if (socket !== undefined && !isFresh(socket)) this.attach(socket);
  }

  /** The socket; undefined before `connect()` and once the stream is closed. Writing to it behind the stream's back breaks the order. */
  get socket(): NetworkSocket | undefined {
    return this.transport as NetworkSocket | undefined;
  }

  /**
   * Connects to an address; resolves with the stream itself. A host that is a name is looked up and its first address
   * is taken: `TCPClient` tries them all. What was written before is sent once the connection is there.
   *
   * Rejects with a `StreamClosedError` whose `realError` is the system's error. However it fails, a cancel included, the
   * stream is closed.
   */
  async connect(address: ConnectAddress, options?: ConnectStreamOptions): Promise<this> {
    await this.openSocket(address, options);
    return this;
  }

  override setNodelay(value: boolean): void {
    if (!this.closed()) this.socket?.setNoDelay(value);
  }

  /** Makes a socket, attaches it and waits for the connection. */
  protected openSocket(address: ConnectAddress, options: WaitOptions | undefined): Promise<void> {
    if (this.transport !== undefined || this.#connecting) {
      return Promise.reject(new InvalidStateError("the stream is connected already, or connecting"));
    }
    if (this.closed()) return Promise.reject(new StreamClosedError(this.error));
    const target = normalizeAddress(address);
    return cancellable<void>(this.ioLoop, "connecting", options, (settle) => {
      const socket = (this.ioLoop.network ?? nodeNetwork).connect(target);
      this.#connecting = true;
      this.attach(socket);
      const done = (): void => {
        this.#connecting = false;
        socket.off("connect", done);
        socket.off("close", done);
        if (this.closed()) settle.reject(new StreamClosedError(this.error));
        else settle.resolve();
      };
      socket.on("connect", done);
      socket.on("close", done);
      return (reason) => this.close(reason instanceof Error ? reason : undefined);
    });
  }

  protected override logError(error: Error): void {
    // A failed connect has somebody who waits for it.
    if (!this.#connecting) super.logError(error);
  }

  protected override resetTransport(socket: Duplex): void {
    reset(socket as NetworkSocket);
  }
}

/** Options of {@link IOStream.connect}. */
export interface ConnectStreamOptions extends WaitOptions {
  /** The name of the server, for TLS; plain streams do not need it. */
  readonly serverHostname?: string | undefined;
}

/** A `net.Socket` that was made and never connected. */
function isFresh(socket: NetworkSocket): boolean {
  return socket instanceof Socket && socket.pending && !socket.connecting && !socket.destroyed;
}

/** Resets a connection; a socket that knows no reset (a unix socket) is just closed. */
export function reset(socket: NetworkSocket): void {
  if (socket.connecting || socket.destroyed) {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}
