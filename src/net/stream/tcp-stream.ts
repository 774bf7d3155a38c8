/**
 * Streams over sockets: {@link IOStream} for TCP and unix sockets, {@link SSLIOStream} for TLS over them.
 * They share a file because each leads to the other: a TLS stream is an `IOStream`, and `startTls()` turns
 * one into the other.
 *
 * A TLS stream has two sockets, one inside the other. It reads and writes nothing before the handshake is
 * done and the other side verified; what is written meanwhile waits in the stream.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import { cancellable, type Settle, type WaitOptions } from "../../async/cancel.js";
import type { NetworkSocket } from "../../async/network.js";
import { resolveWait } from "../../async/wait-options.js";
import { InvalidStateError, SquallError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkMilliseconds } from "../../base/validate.js";
import { type ConnectAddress, normalizeAddress } from "../address.js";
import { nodeNetwork } from "../node-network.js";
import { type SSLContext, type SSLOptions, sslOptionsToContext } from "../tls/ssl-options.js";
import { beginHandshake, checkHandshake, TLSHandshakeError, tlsOver } from "../tls/tls-handshake.js";
import { BaseIOStream } from "./base-stream.js";
import { isConnectionReset, StreamClosedError } from "./stream-errors.js";
import { STREAM_OPTIONS, type StreamOptions, StreamSettings } from "./stream-settings.js";
import { destroyAfterWrites } from "./write-progress.js";

/** Options of {@link IOStream.connect}. */
export interface ConnectStreamOptions extends WaitOptions {
  /**
   * The name of the server, for TLS: what is asked for (SNI) and what the certificate is checked against;
   * default the host of the address. Plain streams do not need it.
   */
  readonly serverHostname?: string | undefined;
  /** The local address to connect from; default the system's choice. */
  readonly sourceIp?: string | undefined;
  /** The local port to connect from; default the system's choice. */
  readonly sourcePort?: number | undefined;
}

/** Options of {@link IOStream.startTls}. */
export interface StartTlsOptions extends WaitOptions {
  /** Default for clients: Node's authorities. Servers need a certificate. */
  readonly sslOptions?: SSLOptions | SSLContext | SecureContext | undefined;
  /**
   * Clients: the name to ask for (SNI) and to check the certificate against. No default: without it a client
   * has to switch `checkHostname` off.
   */
  readonly serverHostname?: string | undefined;
}

/** Options of {@link SSLIOStream}. */
export interface SSLStreamOptions extends StreamOptions {
  /** TLS options or a context; default for clients: Node's authorities. Servers need a certificate. */
  readonly sslOptions?: SSLOptions | SSLContext | SecureContext | undefined;
  /** Whether this is the server's end of the handshake; default false. */
  readonly serverSide?: boolean | undefined;
  /**
   * Clients: the name to ask for (SNI) and to check the certificate against; default what `connect()` is
   * given.
   */
  readonly serverHostname?: string | undefined;
  /** How long the handshake may take, in milliseconds; default 30 s, `Infinity` for no limit. */
  readonly handshakeTimeout?: number | undefined;
}

/** The names of each beside those of everything that waits. */
const CONNECT = optionNames<Omit<ConnectStreamOptions, keyof WaitOptions>>({
  serverHostname: 1,
  sourceIp: 1,
  sourcePort: 1,
});
const START_TLS = optionNames<Omit<StartTlsOptions, keyof WaitOptions>>({
  sslOptions: 1,
  serverHostname: 1,
});

const SSL_STREAM_OPTIONS: ReadonlySet<string> = new Set([
  ...STREAM_OPTIONS,
  ...optionNames<Omit<SSLStreamOptions, keyof StreamOptions>>({
    sslOptions: 1,
    serverSide: 1,
    serverHostname: 1,
    handshakeTimeout: 1,
  }),
]);

const DEFAULT_HANDSHAKE_TIMEOUT = 30_000;

/** How long a closed TLS connection may take for its close_notify, in milliseconds. */
const CLOSE_LINGER = 1000;

/** A stream over a TCP or unix socket. */
export class IOStream extends BaseIOStream {
  /**
   * `socket` is a connected socket, whatever network it comes from; or one that is still connecting; or
   * undefined (or a fresh `net.Socket`) for a stream that gets its socket by {@link IOStream.connect}.
   */
  constructor(socket?: NetworkSocket | undefined, options?: StreamOptions) {
    super(options);
    if (socket !== undefined && !isFresh(socket) && new.target.adopts) this.attach(socket);
  }

  /** @internal Whether the constructor attaches its socket; TLS has something to do before. */
  protected static readonly adopts: boolean = true;

  /**
   * The socket; undefined before `connect()` and once the stream is closed. It is there to be asked and set
   * up: writing to it behind the stream's back breaks the order, and its `data` events do not come.
   */
  get socket(): NetworkSocket | undefined {
    return this.transport as NetworkSocket | undefined;
  }

  /**
   * Connects to an address; resolves with the stream itself. A host that is a name is looked up and its first
   * address is taken: `TCPClient` tries them all. What was written before is sent once the connection is
   * there.
   *
   * Rejects with a {@link StreamClosedError} whose `realError` is the system's error. However it fails, a
   * cancel included, the stream is closed; only a call with invalid arguments leaves it as it was.
   */
  async connect(address: ConnectAddress, options?: ConnectStreamOptions): Promise<this> {
    if (this.hasSocket) {
      throw new InvalidStateError("the stream is connected already, or connecting");
    }
    if (this.closed()) throw new StreamClosedError(this.error);
    const target = normalizeAddress(address);
    const { signal } = resolveWait(options, CONNECT);
    if (signal?.aborted) {
      this.close(signal.reason instanceof Error ? signal.reason : undefined);
      throw signal.reason;
    }
    this.nameServer(options?.serverHostname ?? ("host" in target ? target.host : undefined));
    await cancellable<void>(this.ioLoop, "connecting", options, (settle) => {
      const socket = (this.ioLoop.network ?? nodeNetwork).connect({
        ...target,
        localAddress: options?.sourceIp,
        localPort: options?.sourcePort,
      });
      this.adopt(socket, settle);
      return (reason) => this.close(reason instanceof Error ? reason : undefined);
    });
    return this;
  }

  /**
   * Begins TLS on this connection; resolves with the new stream when the handshake is done, and rejects with
   * its error (the connection is closed then, also by a cancel). This stream cannot be used any more; its
   * close callback moves to the new one. On a stream over TLS it begins a second TLS inside the first, as in
   * a tunnel of a proxy that is itself reached by TLS.
   *
   * Rejects with an `InvalidStateError` unless the stream is idle: no read or sink, nothing to be written,
   * and nothing left over from earlier reads. (What the other side has sent since then can only be the
   * beginning of TLS and is taken for that.) Then, and if an argument is invalid or the signal has aborted,
   * the stream stays as it was.
   */
  async startTls(serverSide: boolean, options: StartTlsOptions = {}): Promise<SSLIOStream> {
    const { signal } = resolveWait(options, START_TLS);
    const context = sslOptionsToContext(options.sslOptions ?? {}, { serverSide });
    checkHandshake(context, serverSide, options.serverHostname);
    signal?.throwIfAborted();
    const { socket, closeCallback } = this.detach();
    const settings = new SSLStreamSettings({
      ...this.options,
      sslOptions: context,
      serverSide,
      serverHostname: options.serverHostname,
    });
    const stream = new SSLIOStream(undefined, settings);
    stream.setCloseCallback(closeCallback);
    stream.carryOver(socket as NetworkSocket);
    try {
      return await stream.waitForHandshake({ signal: options.signal, timeout: options.timeout });
    } catch (error) {
      stream.close(error instanceof Error ? error : undefined);
      throw error;
    }
  }

  /** Switches Nagle's algorithm off (true) or on; a unix socket and a closed stream ignore it. */
  override setNodelay(value: boolean): void {
    if (!this.closed()) this.socket?.setNoDelay(value);
  }

  /**
   * Whether this connection keeps the process alive (true, as streams begin) or does not. A connection of a
   * network that no process waits for ignores it, as does a closed stream.
   */
  keepsAlive(value: boolean): void {
    const carrier = this.carrier as { ref?(): void; unref?(): void } | undefined;
    if (value) carrier?.ref?.();
    else carrier?.unref?.();
  }

  /** Whether there is a socket, connected or still connecting. */
  protected get hasSocket(): boolean {
    return this.transport !== undefined;
  }

  /** Takes the name that the server should have. */
  protected nameServer(_name: string | undefined): void {}

  /** Takes over a socket that is connecting. */
  protected adopt(socket: NetworkSocket, connected: Settle<void>): void {
    this.attach(socket);
    const done = (): void => {
      socket.off("connect", done);
      socket.off("close", done);
      if (this.closed()) connected.reject(new StreamClosedError(this.error));
      else connected.resolve();
    };
    socket.on("connect", done);
    socket.on("close", done);
  }

  protected override resetTransport(socket: Duplex): void {
    reset(socket as NetworkSocket);
  }
}

/** {@link SSLStreamOptions}, complete and checked, for any number of streams. */
export class SSLStreamSettings extends StreamSettings implements SSLStreamOptions {
  readonly sslOptions: SSLContext;
  readonly serverSide: boolean;
  readonly serverHostname: string | undefined;
  readonly handshakeTimeout: number;

  constructor(options: SSLStreamOptions) {
    super(options);
    this.serverSide = options.serverSide ?? false;
    this.serverHostname = options.serverHostname;
    this.sslOptions = sslOptionsToContext(options.sslOptions ?? {}, { serverSide: this.serverSide });
    this.handshakeTimeout = checkMilliseconds(
      "handshakeTimeout",
      options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT,
    );
  }
}

/** A stream over TLS. */
export class SSLIOStream extends IOStream {
  protected static override readonly adopts: boolean = false;

  readonly #settings: SSLStreamSettings;
  #serverHostname: string | undefined;
  /** The socket below. */
  #raw: NetworkSocket | undefined;
  #tls: TLSSocket | undefined;
  #state: "waiting" | "handshake" | "secure" | "failed";
  #waiter: Settle<void> | undefined;
  #connected: Settle<void> | undefined;

  /**
   * `socket` is what the TLS connection goes over, and the handshake begins as soon as it is connected; or a
   * `TLSSocket`; or undefined for a stream that gets its socket by `connect()`.
   *
   * @throws InvalidArgumentError if an option is invalid, a server has no certificate, or a client that has
   * its
   *   socket already has no name to check
   */
  constructor(socket?: NetworkSocket | undefined, options: SSLStreamOptions = {}) {
    const isShared = options instanceof SSLStreamSettings;
    if (!isShared) checkNames("option of a stream", options, SSL_STREAM_OPTIONS);
    const settings = isShared ? options : new SSLStreamSettings(options);
    super(socket, settings);
    this.#settings = settings;
    this.#serverHostname = options.serverHostname;
    this.#raw = undefined;
    this.#tls = undefined;
    this.#state = "waiting";
    this.#waiter = undefined;
    this.#connected = undefined;
    if (socket instanceof process.getBuiltinModule("node:tls").TLSSocket) {
      this.#tls = socket;
      this.#state = "secure";
      this.attach(socket);
    } else if (socket !== undefined && !isFresh(socket)) {
      checkHandshake(this.#settings.sslOptions, this.#settings.serverSide, this.#serverHostname);
      this.#over(socket);
    }
  }

  /**
   * The TLS socket, with the certificate of the other side and what was agreed; undefined once the stream is
   * closed.
   */
  override get socket(): TLSSocket | undefined {
    return this.closed() ? undefined : this.#tls;
  }

  protected override get carrier(): Duplex | undefined {
    return this.#raw ?? this.#tls;
  }

  /** The protocol that ALPN agreed on; undefined before the handshake or if there is none. */
  get alpnProtocol(): string | undefined {
    const protocol = this.#tls?.alpnProtocol;
    return typeof protocol === "string" ? protocol : undefined;
  }

  /**
   * Resolves with the stream when the handshake is done. There is one waiter: a second one meanwhile rejects
   * with an `InvalidStateError`. Rejects with what made the handshake fail. A cancel ends the waiting alone.
   */
  async waitForHandshake(options?: WaitOptions): Promise<this> {
    resolveWait(options);
    if (this.#state === "secure") return this;
    if (this.#state === "failed" || this.closed()) throw this.error ?? new StreamClosedError();
    if (this.#waiter !== undefined)
      throw new InvalidStateError("another caller is waiting for the handshake already");
    await cancellable<void>(this.ioLoop, "the TLS handshake", options, (settle) => {
      this.#waiter = settle;
      return () => {
        this.#waiter = undefined;
      };
    });
    return this;
  }

  /** True while a read waits or a sink receives, and during the handshake. */
  override reading(): boolean {
    return this.#state === "handshake" || super.reading();
  }

  /** True while bytes wait to be written, and during the handshake. */
  override writing(): boolean {
    return this.#state === "handshake" || super.writing();
  }

  override setNodelay(value: boolean): void {
    if (!this.closed()) this.#raw?.setNoDelay(value);
  }

  /**
   * Sends FIN after everything queued. A server that has nothing to send closes the connection when the
   * handshake is not done yet: there is no message that the client could miss.
   */
  override end(): void {
    if (this.#settings.serverSide && this.#state !== "secure" && this.bytesQueued === 0) this.close();
    else super.end();
  }

  /**
   * @internal Begins the handshake over a connected socket, which may be another TLS socket: the constructor
   * takes one of those for what this stream is over.
   */
  carryOver(socket: NetworkSocket): void {
    this.#over(socket);
  }

  protected override nameServer(name: string | undefined): void {
    this.#serverHostname ??= name;
    checkHandshake(this.#settings.sslOptions, this.#settings.serverSide, this.#serverHostname);
  }

  protected override get hasSocket(): boolean {
    return this.#raw !== undefined || this.#tls !== undefined;
  }

  protected override adopt(socket: NetworkSocket, connected: Settle<void>): void {
    this.#connected = connected;
    this.#over(socket);
  }

  protected override abandon(): void {
    this.#state = "failed";
    this.#tls?.destroy();
    this.#raw?.destroy();
    this.#tellFailure();
  }

  protected override closeTransport(socket: Duplex): void {
    // OpenSSL holds what a plain socket would have handed to the kernel already, and an orderly end is
    // announced inside TLS (close_notify), so that the other side knows that nothing was cut off. Both get a
    // moment.
    destroyAfterWrites(socket, this.ioLoop, CLOSE_LINGER);
  }

  protected override resetTransport(socket: Duplex): void {
    if (this.#raw !== undefined) reset(this.#raw);
    socket.destroy();
  }

  #over(socket: NetworkSocket): void {
    this.#raw = socket;
    if (!socket.connecting) {
      this.#handshake(socket);
      return;
    }
    let failure: Error | undefined;
    socket.on("error", (error) => {
      failure = error;
    });
    const onClose = (): void => this.#failed(new StreamClosedError(failure), failure);
    socket.once("close", onClose);
    socket.once("connect", () => {
      socket.off("close", onClose);
      this.#handshake(socket);
    });
  }

  #handshake(socket: NetworkSocket): void {
    this.#state = "handshake";
    this.#tls = beginHandshake(
      socket,
      {
        context: this.#settings.sslOptions,
        serverSide: this.#settings.serverSide,
        serverHostname: this.#serverHostname,
        timeout: this.#settings.handshakeTimeout,
        ioLoop: this.ioLoop,
      },
      (error) => {
        if (error === undefined) this.#secured();
        else this.#failed(error, error);
      },
    );
  }

  #secured(): void {
    if (this.closed() || this.#tls === undefined) return;
    this.#state = "secure";
    this.attach(this.#tls);
    this.#waiter?.resolve();
    this.#connected?.resolve();
    this.#waiter = undefined;
    this.#connected = undefined;
  }

  #failure: Error | undefined = undefined;

  #failed(failure: Error, realError: Error | undefined): void {
    if (this.closed()) return;
    this.#failure = failure;
    const closedByPeer =
      realError === undefined || isConnectionReset(realError) || realError instanceof TLSHandshakeError;
    if (this.#settings.serverSide && !closedByPeer)
      genLog.warning("TLS handshake failed: %s", realError.message.trimEnd());
    this.close(realError);
  }

  #tellFailure(): void {
    const error = this.#failure ?? new StreamClosedError(this.error);
    this.#waiter?.reject(error);
    this.#connected?.reject(error);
    this.#waiter = undefined;
    this.#connected = undefined;
  }
}

/** A `net.Socket` that was made and never connected. */
function isFresh(socket: NetworkSocket): boolean {
  return socket instanceof Socket && socket.pending && !socket.connecting && !socket.destroyed;
}

/** Whether a FIN of the socket, or of the TLS socket over it, is under way. */
function isEnding(socket: Duplex): boolean {
  const ending = tlsOver(socket) ?? socket;
  return ending.writableEnded && !ending.writableFinished;
}

/**
 * Resets a connection; a socket that knows no reset (a unix socket) is just closed. So is one whose FIN waits
 * behind bytes that the kernel has not taken: libuv refuses a reset then, and Node would never close the
 * socket.
 */
export function reset(socket: NetworkSocket): void {
  if (socket.connecting || socket.destroyed || isEnding(socket)) {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch (error) {
    if (error instanceof SquallError) throw error;
    socket.destroy();
  }
}
