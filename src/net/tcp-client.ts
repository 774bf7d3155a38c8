/** Connecting by name: lookup, happy eyeballs, TLS; one deadline for all of it. */
import type { SecureContext } from "node:tls";
import { cancellable, onAbort, type WaitOptions } from "../async/cancel.js";
import { IOLoop } from "../async/ioloop.js";
import { resolveWait } from "../async/wait-options.js";
import { InvalidArgumentError } from "../base/errors.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkInteger } from "../base/validate.js";
import { Race } from "./connector.js";
import { type ResolvedEndpoint, Resolver } from "./resolver.js";
import { type StreamOptions, StreamSettings } from "./stream/stream-settings.js";
import { IOStream, type SSLIOStream } from "./stream/tcp-stream.js";
import { type SSLContext, type SSLOptions, sslOptionsToContext } from "./tls/ssl-options.js";

/** Options of {@link TCPClient}. */
export interface TCPClientOptions {
  /** Looks names up; default a resolver of its own, which is closed with the client. */
  readonly resolver?: Resolver | undefined;
  /** The loop that it works on; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

/** Options of {@link TCPClient.connect}; those of streams are for the stream that comes out. */
export interface TCPConnectOptions extends WaitOptions, Omit<StreamOptions, "ioLoop"> {
  /** 4 or 6 for one address family alone; default 0, both. */
  readonly af?: 0 | 4 | 6 | undefined;
  /** Speaks TLS, with these options or this context; default: does not. */
  readonly sslOptions?: SSLOptions | SSLContext | SecureContext | undefined;
  /** The name for TLS to ask for and to check; default the host. */
  readonly serverHostname?: string | undefined;
  /**
   * The local address to connect from; default the system's choice, or the loopback address with a
   * `sourcePort`.
   */
  readonly sourceIp?: string | undefined;
  /** The local port to connect from; default the system's choice. */
  readonly sourcePort?: number | undefined;
  /**
   * Called with the addresses of the host before the first of them is tried; tries those that it returns, in
   * their order. What it throws rejects the call. Default: all, as the resolver gave them.
   */
  readonly filterAddresses?:
    | ((addresses: readonly ResolvedEndpoint[]) => readonly ResolvedEndpoint[])
    | undefined;
}

const CLIENT = optionNames<TCPClientOptions>({ resolver: 1, ioLoop: 1 });

/** The names of {@link TCPConnectOptions} beside those of everything that waits. */
const CONNECT = optionNames<Omit<TCPConnectOptions, keyof WaitOptions>>({
  maxBufferSize: 1,
  readChunkSize: 1,
  maxWriteBufferSize: 1,
  allowHalfOpen: 1,
  af: 1,
  sslOptions: 1,
  serverHostname: 1,
  sourceIp: 1,
  sourcePort: 1,
  filterAddresses: 1,
});

/** Connects to hosts by name. */
export class TCPClient {
  /** The loop that its streams belong to. */
  readonly ioLoop: IOLoop;
  /** Looks names up. */
  readonly resolver: Resolver;
  readonly #ownsResolver: boolean;

  constructor(options: TCPClientOptions = {}) {
    checkNames("option of TCPClient", options, CLIENT);
    this.ioLoop = options.ioLoop ?? IOLoop.current();
    this.#ownsResolver = options.resolver === undefined;
    this.resolver = options.resolver ?? Resolver.create({ ioLoop: this.ioLoop });
  }

  /** Closes the resolver if it is the client's own. Connections stay. */
  close(): void {
    if (this.#ownsResolver) this.resolver.close();
  }

  /**
   * Looks `host` up and connects to the first of its addresses that answers; with `sslOptions` the handshake
   * is done and the server verified when the promise resolves. `timeout` and `signal` cover all of it; a
   * cancel leaves nothing behind.
   *
   * Rejects with the resolver's error; with a `StreamClosedError` whose `realError` is that of the last
   * address tried; or with the error of TLS.
   */
  connect(
    host: string,
    port: number,
    options: TCPConnectOptions & { readonly sslOptions: SSLOptions | SSLContext | SecureContext },
  ): Promise<SSLIOStream>;
  connect(host: string, port: number, options?: TCPConnectOptions): Promise<IOStream>;
  async connect(host: string, port: number, options: TCPConnectOptions = {}): Promise<IOStream> {
    checkInteger("port", port, { min: 0, max: 65_535 });
    resolveWait(options, CONNECT);
    if (options.sourcePort !== undefined)
      checkInteger("sourcePort", options.sourcePort, { min: 0, max: 65_535 });
    const attempt = new Attempt(this, host, port, options);
    return await cancellable<IOStream>(this.ioLoop, `connecting to ${host}:${port}`, options, (settle) => {
      attempt.run().then(settle.resolve, settle.reject);
      return (reason) => attempt.abort(reason);
    });
  }
}

/** One call of {@link TCPClient.connect}. */
class Attempt {
  readonly #client: TCPClient;
  readonly #host: string;
  readonly #port: number;
  readonly #options: TCPConnectOptions;
  readonly #settings: StreamSettings;
  readonly #context: SSLContext | undefined;
  readonly #controller = new AbortController();

  constructor(client: TCPClient, host: string, port: number, options: TCPConnectOptions) {
    this.#client = client;
    this.#host = host;
    this.#port = port;
    this.#options = options;
    this.#settings = new StreamSettings({ ...options, ioLoop: client.ioLoop });
    this.#context = options.sslOptions === undefined ? undefined : sslOptionsToContext(options.sslOptions);
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  async run(): Promise<IOStream> {
    const { signal } = this.#controller;
    const family = this.#options.af ?? 0;
    const found = await this.#client.resolver.resolve(this.#host, this.#port, { family, signal });
    const addresses = this.#options.filterAddresses?.(found) ?? found;
    if (addresses.length === 0)
      throw new InvalidArgumentError("filterAddresses left no address to connect to");
    const race = new Race(
      this.#client.ioLoop,
      addresses,
      () => new IOStream(undefined, this.#settings),
      (stream, address) => stream.connect(address, this.#source(address)),
    );
    onAbort(signal, (reason) => race.abort(reason));
    const stream = await race.run();
    if (this.#context === undefined) {
      // Cancelled in the moment in which it was there: no caller takes it.
      if (signal.aborted) stream.close();
      return stream;
    }
    return await stream.startTls(false, {
      sslOptions: this.#context,
      serverHostname: this.#options.serverHostname ?? this.#host,
      signal,
    });
  }

  #source({ family }: ResolvedEndpoint): { sourceIp?: string; sourcePort?: number } {
    const { sourceIp, sourcePort } = this.#options;
    if (sourcePort === undefined) return sourceIp === undefined ? {} : { sourceIp };
    return { sourceIp: sourceIp ?? (family === 6 ? "::1" : "127.0.0.1"), sourcePort };
  }
}
