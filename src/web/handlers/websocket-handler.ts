/**
 * A handler whose connection becomes a WebSocket (RFC 6455). Up to the handshake it is a request handler like
 * any other: routes, `prepare()`, cookies, the user, limits. Then the HTTP machinery is let go, and the
 * connection (`websocket/shell.ts`) calls the handler.
 *
 *     prepare() ─▶ get(): refused ─▶ 400, 403, 426
 *                       ╲ agreed ─▶ 101 ─▶ open() ─▶ onMessage() … ─▶ onClose()
 *
 * Messages wait until `open()` is done, unless it takes them itself by `for await`.
 */
import { CancelScope } from "../../async/cancel.js";
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { InvalidStateError } from "../../base/errors.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { WebSocketClosedError, WebSocketHandshakeError } from "../../protocol/websocket/errors.js";
import { isSameOrigin } from "../../protocol/websocket/handshake/origin.js";
import {
  acceptOffer,
  type CompressionOptions,
  resolveCompressionOptions,
} from "../../protocol/websocket/handshake/permessage-deflate.js";
import {
  answerFields,
  type ClientHandshake,
  readClientHandshake,
} from "../../protocol/websocket/handshake/server-handshake.js";
import { withinContextLimit } from "../../websocket/deflate-contexts.js";
import { Inbox } from "../../websocket/inbox.js";
import type { ShellCompression, WebSocketLink } from "../../websocket/link.js";
import type { WebSocketMessage, WriteMessageOptions } from "../../websocket/outgoing-message.js";
import {
  checkWebSocketOptionNames,
  resolveWebSocketOptions,
  type WebSocketOptions,
  type WebSocketParams,
} from "../../websocket/params.js";
import { WebSocketShell } from "../../websocket/shell.js";
import { stateOf } from "../handler/handler-state.js";
import type { HeaderValue } from "../handler/header-value.js";
import { NO_ARGS, NO_KWARGS } from "../handler/methods.js";
import { connectionOf, releaseResponse } from "../handler/output.js";
import { RequestHandler } from "../handler/request-handler.js";
import type { CookieOptions, ErrorPageOptions, HandlerResult } from "../types.js";

/** What a message is when it comes: text, or bytes. */
export type ReceivedMessage = string | Buffer;

/**
 * Answers a request for a WebSocket, and lives as long as the connection. Tornado
 * `websocket.WebSocketHandler`.
 *
 *     class EchoHandler extends WebSocketHandler {
 *       onMessage(message: string | Buffer) {
 *         return this.writeMessage(message);
 *       }
 *     }
 *
 * Every hook may be plain, `async` or a generator. While a promise of `open()` or `onMessage()` is pending,
 * no further message is delivered, and a peer that sends on is held back by TCP. What a hook throws is logged
 * and closes the connection with code 1011.
 */
export class WebSocketHandler extends RequestHandler implements AsyncIterable<ReceivedMessage> {
  /** The subprotocol that {@link WebSocketHandler.selectSubprotocol} chose; undefined for none. */
  selectedSubprotocol: string | undefined = undefined;
  /** The code of the peer's close frame; undefined while open, and if there was no frame or no code in it. */
  closeCode: number | undefined = undefined;
  /** The reason that came with {@link WebSocketHandler.closeCode}. */
  closeReason: string | undefined = undefined;
  #shell: WebSocketShell | undefined = undefined;
  #inbox: Inbox | undefined = undefined;
  /** Aborts at the end of the connection; made when a signal is asked for. */
  #scope: CancelScope | undefined = undefined;
  #hasEnded = false;
  /** `open()` is at work: messages wait. */
  #isOpening = false;

  // --- hooks, to be overridden -----------------------------------------------------------------------------

  /** The WebSocket is open. Gets the groups of the route, as a verb does. */
  open(..._args: never[]): unknown {
    return undefined;
  }

  /**
   * A message came: text, or a buffer that may be kept. Override it, or take the messages by
   * `for await (const message of this)`, for instance in `open()`.
   *
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) unless overridden.
   */
  onMessage(_message: ReceivedMessage): unknown {
    throw new InvalidStateError(`${this.constructor.name} must override onMessage(), or iterate over itself`);
  }

  /** A ping came; it is answered without this. */
  onPing(_data: Buffer): unknown {
    return undefined;
  }

  /** A pong came, asked for or not. */
  onPong(_data: Buffer): unknown {
    return undefined;
  }

  /**
   * The connection has ended, for whatever reason; called once, if `open()` was. Code and reason are those of
   * the peer's close frame ({@link WebSocketHandler.closeCode}). What is thrown is logged.
   */
  onClose(_code?: number, _reason?: string): unknown {
    return undefined;
  }

  /**
   * Chooses one of the subprotocols that the client offers, in its order of preference (often none);
   * undefined for none. {@link WebSocketHandler.selectedSubprotocol} has the choice.
   */
  selectSubprotocol(_subprotocols: readonly string[]): string | null | undefined {
    return undefined;
  }

  /**
   * Whether a page of this origin may connect. Default: the origin's host and port are those of the `Host`
   * field. Requests without `Origin` come from no page, and pass. Pages of other sites act with the user's
   * cookies, so return true for those alone that you trust (RFC 6455 §10.2).
   */
  checkOrigin(origin: string): boolean {
    return isSameOrigin(origin, this.request.headers.get("Host", ""));
  }

  /**
   * How to compress (permessage-deflate, RFC 7692), if the client offers it; default not at all. `{}`
   * compresses with the defaults. Compression costs memory and time for each connection, see
   * `compressionContexts`.
   */
  getCompressionOptions(): CompressionOptions | null | undefined {
    return undefined;
  }

  /** Milliseconds between pings: the setting `websocketPingInterval`. Override it for one class. */
  get pingInterval(): number | undefined {
    return this.settings.websocketPingInterval;
  }

  /** Milliseconds that an answer to a ping may take: the setting `websocketPingTimeout`. */
  get pingTimeout(): number | undefined {
    return this.settings.websocketPingTimeout;
  }

  /** The largest message that is taken, in bytes: the setting `websocketMaxMessageSize`. */
  get maxMessageSize(): number | undefined {
    return this.settings.websocketMaxMessageSize;
  }

  /**
   * Times, limits and the policy for slow consumers, beside {@link WebSocketHandler.pingInterval}, {@link
   * WebSocketHandler.pingTimeout} and {@link WebSocketHandler.maxMessageSize}, which win: the setting
   * `websocketOptions`. Asked once, at the handshake.
   */
  getWebSocketOptions(): WebSocketOptions {
    return this.settings.websocketOptions ?? {};
  }

  // --- the open connection ---------------------------------------------------------------------------------

  /** The connection; undefined before the handshake and after the end. */
  get wsConnection(): WebSocketLink | undefined {
    return this.#hasEnded ? undefined : this.#shell;
  }

  /** The positional groups of the route, as `open()` got them. */
  get openArgs(): readonly (string | undefined)[] {
    return this.pathArgs;
  }

  /** The named groups of the route. */
  get openKwargs(): Readonly<Record<string, string | undefined>> {
    return this.pathKwargs;
  }

  /**
   * Aborts when the connection ends, with a {@link WebSocketClosedError} as the reason; before the handshake
   * it is that of every handler.
   */
  override get signal(): AbortSignal {
    if (this.#shell === undefined) return super.signal;
    if (this.#scope === undefined) {
      this.#scope = new CancelScope();
      if (this.#hasEnded) this.#scope.abort(this.#endReason());
    }
    return this.#scope.signal;
  }

  /** Bytes of messages that were written and have not been handed to the system. */
  get bufferedAmount(): number {
    return this.#shell?.bufferedAmount ?? 0;
  }

  /** The stream below the WebSocket, for its addresses. Do not read from it or write to it. */
  get stream(): IOStream {
    return this.#opened("stream").stream;
  }

  /**
   * Sends a message: text, bytes, or an object or array as JSON. Resolves when there is room for the next
   * one; a producer that awaits it keeps pace with the client, and leaves the loop a turn after 512 KiB or
   * 128 messages where the client is never behind. What happens to messages that nobody awaits
   * and the client does not read, says the policy `slowConsumer` of
   * {@link WebSocketHandler.getWebSocketOptions}.
   *
   * Bytes must not be changed until they have left. Rejects, not reported as unhandled, with a
   * {@link WebSocketClosedError} (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is or gets closed, and
   * with an `OutboxFullError` (`ERR_SQUALL_OUTBOX_FULL`) when the budget is used up; with an
   * `InvalidArgumentError` for what cannot be a message.
   */
  writeMessage(message: WebSocketMessage, options?: WriteMessageOptions): Promise<void> {
    return this.#opened("writeMessage()").write(message, options);
  }

  /**
   * Sends a ping of at most 125 bytes, text as UTF-8; the answer comes to {@link WebSocketHandler.onPong}.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the payload is longer.
   */
  ping(data: string | Uint8Array = ""): void {
    this.#opened("ping()").ping(data);
  }

  /**
   * Begins the closing handshake, behind the messages that were written before.
   * {@link WebSocketHandler.onClose} follows when the client has answered, or has not done so in time.
   * Calling twice is fine.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a code that must not be sent, and for a
   * reason
   *   of more than 123 bytes.
   */
  close(code?: number, reason?: string): void {
    this.#shell?.close(code, reason);
  }

  /** Whether small messages leave at once (true, as from the beginning), or may wait for more. */
  setNodelay(value: boolean): void {
    this.#opened("setNodelay()").setNodelay(value);
  }

  /**
   * The messages, one after the other, instead of {@link WebSocketHandler.onMessage}; ends with the
   * connection. While a message is worked on, no further one is taken from the client. Leaving the loop early
   * leaves the rest unread.
   */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox(this.#opened("the iteration"));
      if (this.#hasEnded) this.#inbox.end();
    }
    this.#isOpened();
    return this.#inbox;
  }

  // --- the handshake ---------------------------------------------------------------------------------------

  /** Answers the handshake. An override must call this one to open the WebSocket. */
  override get(..._args: never[]): HandlerResult {
    let handshake: ClientHandshake;
    try {
      handshake = readClientHandshake(this.request, (origin) => this.checkOrigin(origin));
    } catch (error) {
      if (!(error instanceof WebSocketHandshakeError)) throw error;
      this.#refuse(error);
      return;
    }
    this.#accept(handshake);
  }

  #refuse(error: WebSocketHandshakeError): void {
    this.clear();
    this.setStatus(error.status);
    for (const [name, value] of Object.entries(error.fields)) this.setHeader(name, value);
    this.setHeader("Content-Type", "text/plain; charset=UTF-8");
    void this.finish(`${error.message}\n`);
  }

  #accept(handshake: ClientHandshake): void {
    const params = this.#params();
    const subprotocol = this.selectSubprotocol(handshake.subprotocols) ?? undefined;
    const wanted = this.getCompressionOptions() ?? undefined;
    const effort = wanted && withinContextLimit(resolveCompressionOptions(wanted));
    const accepted = effort && acceptOffer(handshake.extensions, effort);
    const fields = answerFields(handshake, { subprotocol, extensions: accepted && [accepted.answer] });
    this.setStatus(101);
    for (const [name, value] of fields) this.setHeader(name, value);
    this.selectedSubprotocol = subprotocol;
    this.#open(params, accepted && { agreement: accepted.agreement, effort: effort! });
  }

  #params(): WebSocketParams {
    const options = this.getWebSocketOptions();
    checkWebSocketOptionNames(options);
    return resolveWebSocketOptions({
      ...options,
      pingInterval: this.pingInterval ?? options.pingInterval,
      pingTimeout: this.pingTimeout ?? options.pingTimeout,
      maxMessageSize: this.maxMessageSize ?? options.maxMessageSize,
    });
  }

  #open(params: WebSocketParams, compression: ShellCompression | undefined): void {
    const shell = new WebSocketShell("server", this, params, compression);
    let stream: IOStream;
    try {
      stream = this.upgrade(shell);
    } catch (error) {
      shell.discard();
      // A client that has left gets no answer.
      if (connectionOf(this).closed) return;
      throw error;
    }
    releaseResponse(this);
    this.#shell = shell;
    this.#isOpening = true;
    shell.hold();
    shell.start(stream);
    try {
      const pending = pendingResult(this.#callOpen());
      if (pending === undefined) this.#isOpened();
      else this.#waitForOpen(pending);
    } catch (error) {
      shell.fail(error);
      this.#isOpened();
    }
  }

  #waitForOpen(pending: PromiseLike<unknown>): void {
    pending.then(
      () => this.#isOpened(),
      (error: unknown) => {
        if (error !== this.#scope?.reason) this.#shell?.fail(error);
        this.#isOpened();
      },
    );
  }

  #callOpen(): unknown {
    const open = this.open as (...args: unknown[]) => unknown;
    if (this.pathKwargs !== NO_KWARGS) return open.call(this, ...this.pathArgs, this.pathKwargs);
    return this.pathArgs === NO_ARGS ? open.call(this) : open.apply(this, [...this.pathArgs]);
  }

  /** `open()` is done, or takes the messages itself. */
  #isOpened(): void {
    if (!this.#isOpening) return;
    this.#isOpening = false;
    this.request.pack();
    this.#shell?.release();
  }

  #opened(what: string): WebSocketShell {
    if (this.#shell !== undefined) return this.#shell;
    throw new WebSocketClosedError(`${what} needs an open WebSocket; this one is not open yet`);
  }

  // --- what the connection calls ---------------------------------------------------------------------------

  /** Takes a message to the iteration, if there is one, else to {@link WebSocketHandler.onMessage}. */
  deliverMessage(message: ReceivedMessage): unknown {
    if (this.#inbox === undefined) return this.onMessage(message);
    this.#inbox.put(message);
    return undefined;
  }

  /**
   * The connection has ended, with the code and the reason of the peer's close frame. Sets {@link
   * WebSocketHandler.closeCode}, aborts {@link WebSocketHandler.signal} and calls {@link
   * WebSocketHandler.onClose}.
   */
  onWsConnectionClose(code?: number, reason?: string): void {
    if (this.#hasEnded || this.#shell === undefined) return;
    this.#hasEnded = true;
    this.closeCode = code;
    this.closeReason = reason;
    this.#inbox?.end();
    const before = stateOf(this).scope;
    if (this.#scope !== undefined || before !== undefined) {
      const ended = this.#endReason();
      this.#scope?.abort(ended);
      before?.abort(ended);
    }
    try {
      pendingResult(this.onClose(code, reason))?.then(undefined, (error: unknown) =>
        this.logException(error),
      );
    } catch (error) {
      this.logException(error);
    }
  }

  #endReason(): WebSocketClosedError {
    const { closeCode, closeReason } = this;
    const said = closeCode === undefined ? "" : ` with code ${closeCode}`;
    const why = closeReason === undefined || closeReason === "" ? "" : `: ${closeReason}`;
    return new WebSocketClosedError(`the WebSocket was closed${said}${why}`, {
      cause: this.#shell?.violation,
    });
  }

  // --- what a WebSocket has no place for -------------------------------------------------------------------

  /** As in every handler; after the handshake there is no response. */
  override setStatus(statusCode: number, reason?: string | null): void {
    this.#refuseAfterUpgrade("setStatus()");
    super.setStatus(statusCode, reason);
  }

  /** As in every handler; after the handshake there is no response. */
  override setHeader(name: string, value: HeaderValue): void {
    this.#refuseAfterUpgrade("setHeader()");
    super.setHeader(name, value);
  }

  /** As in every handler; after the handshake there is no response. */
  override addHeader(name: string, value: HeaderValue): void {
    this.#refuseAfterUpgrade("addHeader()");
    super.addHeader(name, value);
  }

  /** As in every handler; after the handshake there is no response. */
  override setCookie(name: string, value: string | Uint8Array, options?: CookieOptions): void {
    this.#refuseAfterUpgrade("setCookie()");
    super.setCookie(name, value, options);
  }

  /** As in every handler; after the handshake it closes the connection with 1011. */
  override sendError(statusCode = 500, options: ErrorPageOptions = {}): void {
    if (this.#shell === undefined) super.sendError(statusCode, options);
    else if (this.#shell.isOpen) this.#shell.close(1011);
  }

  #refuseAfterUpgrade(call: string): void {
    if (this.#shell === undefined) return;
    throw new InvalidStateError(`${call} is not possible after the handshake: a WebSocket has no response`);
  }
}
