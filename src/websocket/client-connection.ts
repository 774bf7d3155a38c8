/**
 * The client's end of a WebSocket, as programs see it. `connect.ts` opens it; the shell does the work.
 */
import type { WaitOptions } from "../async/cancel.js";
import { cancellable } from "../async/cancel.js";
import { pendingResult } from "../async/coroutine/yieldable.js";
import { Deferred } from "../async/deferred.js";
import { refusal } from "../async/wait-options.js";
import { InvalidStateError } from "../base/errors.js";
import { appLog } from "../base/log.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { ServerHandshake } from "../protocol/websocket/handshake/client-handshake.js";
import type { ResolvedCompressionOptions } from "../protocol/websocket/handshake/permessage-deflate.js";
import { Inbox } from "./inbox.js";
import type { WebSocketLink } from "./link.js";
import type { WebSocketMessage, WriteMessageOptions } from "./outgoing-message.js";
import type { WebSocketParams } from "./params.js";
import { WebSocketShell } from "./shell.js";

/** The callbacks of a {@link WebSocketClientConnection}; each may be plain, `async` or a generator. */
export interface WebSocketClientCallbacks {
  /**
   * Gets each message, and `undefined` at the end; while its promise is pending, no further message comes.
   * Default: messages wait for {@link WebSocketClientConnection.readMessage}.
   */
  readonly onMessageCallback?: ((message: string | Buffer | undefined) => unknown) | undefined;
  /** Gets the payload of each ping, which is answered without it; default nothing. */
  readonly onPingCallback?: ((data: Buffer) => unknown) | undefined;
  /** Gets the payload of each pong; default nothing. */
  readonly onPongCallback?: ((data: Buffer) => unknown) | undefined;
}

/** What a connection is made of, once the server has agreed. */
export interface ClientConnectionParts {
  readonly stream: IOStream;
  readonly headers: HTTPHeaders;
  readonly handshake: ServerHandshake;
  readonly params: WebSocketParams;
  readonly compression: ResolvedCompressionOptions | undefined;
  readonly callbacks: WebSocketClientCallbacks;
}

/**
 * A client's connection; {@link websocketConnect} makes it. Messages go to the callback that it was given,
 * else they are taken by {@link WebSocketClientConnection.readMessage} or `for await`; one waits here, the
 * others in the system's buffers and at the server. Tornado `WebSocketClientConnection`.
 */
export class WebSocketClientConnection implements AsyncIterable<string | Buffer> {
  /** The header fields of the server's answer. */
  readonly headers: HTTPHeaders;
  /** The subprotocol that the server chose; undefined for none. */
  readonly selectedSubprotocol: string | undefined;
  /** Times and limits, complete. */
  readonly params: WebSocketParams;
  /**
   * The code of the server's close frame; undefined while open, and if there was no frame or no code in it.
   */
  closeCode: number | undefined = undefined;
  /** The reason that came with {@link WebSocketClientConnection.closeCode}. */
  closeReason: string | undefined = undefined;
  readonly #shell: WebSocketShell;
  readonly #callbacks: WebSocketClientCallbacks;
  readonly #inbox: Inbox | undefined;
  readonly #closed = new Deferred<void>();
  #hasEnded = false;

  /** @internal */
  constructor({ stream, headers, handshake, params, compression, callbacks }: ClientConnectionParts) {
    this.headers = headers;
    this.selectedSubprotocol = handshake.subprotocol;
    this.params = params;
    this.#callbacks = callbacks;
    const { deflate } = handshake;
    this.#shell = new WebSocketShell(
      "client",
      this,
      params,
      deflate && { agreement: deflate, effort: compression ?? {} },
    );
    this.#shell.start(stream);
    this.#inbox = callbacks.onMessageCallback === undefined ? new Inbox(this.#shell) : undefined;
  }

  /** The connection below; undefined after the end. */
  get wsConnection(): WebSocketLink | undefined {
    return this.#hasEnded ? undefined : this.#shell;
  }

  /** The stream below, for its addresses. Do not read from it or write to it. */
  get stream(): IOStream {
    return this.#shell.stream;
  }

  /** True until a close frame is sent or received, and while TCP lasts. */
  get isOpen(): boolean {
    return this.#shell.isOpen;
  }

  /** Bytes of messages that were written and have not been handed to the system. */
  get bufferedAmount(): number {
    return this.#shell.bufferedAmount;
  }

  /**
   * Sends a message: text, bytes, or an object or array as JSON. Resolves when there is room for the next
   * one; after 512 KiB or 128 messages without a pause, with the next turn of the loop. Bytes must not be
   * changed until they have left.
   *
   * Rejects, not reported as unhandled, with a `WebSocketClosedError` (`ERR_SQUALL_WEBSOCKET_CLOSED`) when
   * the connection is or gets closed, and with an `OutboxFullError` (`ERR_SQUALL_OUTBOX_FULL`) when the
   * budget is used up; with an `InvalidArgumentError` for what cannot be a message.
   */
  writeMessage(message: WebSocketMessage, options?: WriteMessageOptions): Promise<void> {
    return this.#shell.write(message, options);
  }

  /**
   * The next message; `undefined` when the connection has ended and all messages have been taken. Several may
   * wait. A wait that is given up, by `options`, takes no message. Rejects with an `InvalidStateError` if
   * messages go to a callback.
   */
  async readMessage(options?: WaitOptions): Promise<string | Buffer | undefined> {
    return await this.#messages().read(options);
  }

  /**
   * `for await (const message of connection)`: all messages until the end. Leaving early leaves it open.
   *
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) if messages go to a callback.
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Buffer, undefined> {
    return this.#messages();
  }

  #messages(): Inbox {
    if (this.#inbox !== undefined) return this.#inbox;
    throw new InvalidStateError("the messages go to onMessageCallback");
  }

  /**
   * Sends a ping of at most 125 bytes, text as UTF-8.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the payload is longer.
   */
  ping(data: string | Uint8Array = ""): void {
    this.#shell.ping(data);
  }

  /**
   * Begins the closing handshake, behind the messages that were written before. Calling twice is fine; what
   * had come before can still be read.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a code that must not be sent, and for a
   * reason
   *   of more than 123 bytes.
   */
  close(code?: number, reason?: string): void {
    this.#shell.close(code, reason);
  }

  /**
   * Resolves when the closing handshake is over, or the connection is gone without one. Never rejects by
   * itself.
   */
  whenClosed(options?: WaitOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return cancellable<void>(this.stream.ioLoop, "waiting for the close", options, (settle) => {
      this.#closed.promise.then(settle.resolve);
      return undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#closed.promise;
  }

  // --- what the connection calls ---------------------------------------------------------------------------

  /** @internal */
  deliverMessage(message: string | Buffer): unknown {
    if (this.#inbox === undefined) return this.onMessage(message);
    this.#inbox.put(message);
    return undefined;
  }

  /** A message came, or with `undefined` the end; calls the callback. */
  onMessage(message: string | Buffer | undefined): unknown {
    return this.#callbacks.onMessageCallback?.(message);
  }

  /** A ping came; calls the callback. */
  onPing(data: Buffer): unknown {
    return this.#callbacks.onPingCallback?.(data);
  }

  /** A pong came; calls the callback. */
  onPong(data: Buffer): unknown {
    return this.#callbacks.onPongCallback?.(data);
  }

  /** The connection has ended: sets {@link WebSocketClientConnection.closeCode} and wakes those who wait. */
  onWsConnectionClose(code?: number, reason?: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.closeCode = code;
    this.closeReason = reason;
    this.#inbox?.end();
    this.#closed.resolve();
    try {
      pendingResult(this.onMessage(undefined))?.then(undefined, (error: unknown) => this.logException(error));
    } catch (error) {
      this.logException(error);
    }
  }

  /** Tells the log about an error that a callback has thrown. */
  logException(error: unknown): void {
    appLog.exception("Uncaught exception in a callback of a WebSocket client", error);
  }
}
