/**
 * The writing side of an exchange over a server that is not ours: what `HTTPConnection` promises, down to
 * the few calls that a foreign server understands.
 *
 *     fresh ─▶ open ─▶ ended       the message is complete
 *     fresh, open ───▶ failed      it can never be complete
 *
 * The length that Content-Length announces is kept here, since foreign servers differ in what they make of a
 * response that is longer or shorter: here it is broken off.
 */
import { cancellable } from "../async/cancel.js";
import { RESOLVED, rejectedQuietly } from "../async/deferred.js";
import { TurnBudget } from "../async/turn-budget.js";
import { resolveWait, type WaitOptions } from "../async/wait-options.js";
import { byteLength } from "../base/bytes.js";
import { InvalidStateError } from "../base/errors.js";
import { appLog } from "../base/log.js";
import { bareHeaders, bareStartLine } from "../http/delegates/bare-response.js";
import { BaseHTTPConnection, type BaseHTTPConnectionOptions } from "../http/delegates/base-connection.js";
import type { Chunk, HTTPMessageDelegate } from "../http/delegates.js";
import { type AbortCause, ExchangeAbortedError } from "../http/errors.js";
import { StreamClosedError } from "../net/stream/stream-errors.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";
import { HTTP1OutputError } from "../protocol/http1/output-errors.js";
import { isForbiddenTrailer } from "../protocol/http1/trailers.js";
import { forbidsContent } from "../protocol/message/content.js";

type State = "fresh" | "open" | "ended" | "failed";

/** See the head of this file. */
export abstract class ForeignConnection extends BaseHTTPConnection {
  readonly #method: string;
  #state: State = "fresh";
  #bytesSent = 0;
  /** How many octets Content-Length leaves. */
  #left = Number.POSITIVE_INFINITY;
  /** The response has no body, whatever is written. */
  #isEmpty = false;
  /** Gets the request; told when the exchange ends early. */
  #delegate: HTTPMessageDelegate | undefined = undefined;
  #received = false;
  #onEnd: (() => void) | undefined = undefined;

  constructor(method: string, options: BaseHTTPConnectionOptions) {
    super(options);
    this.#method = method;
  }

  // --- what the foreign server does ------------------------------------------------------------------------

  /**
   * Begins the response. `body` says what follows: "none", "whole" (`chunk` is all of it), or "stream".
   * Returns whether there is room for more, as the next two do. May throw; nothing was sent then.
   */
  protected abstract sendHead(
    line: ResponseStartLine,
    headers: HTTPHeaders,
    body: "none" | "whole" | "stream",
    chunk: Chunk | undefined,
  ): boolean;
  /** Sends a piece of the body, never empty. */
  protected abstract sendPiece(chunk: Chunk): boolean;
  /** Ends a response that was begun with "stream". */
  protected abstract sendEnd(trailers: HTTPHeaders | undefined): void;
  /** Makes the response break off, so that it cannot be taken for a whole one. */
  protected abstract breakOff(): void;
  /** Resolves when there is room; rejects when there never will be. */
  protected abstract whenWritable(): Promise<void>;

  // --- the request -----------------------------------------------------------------------------------------

  /** `delegate` gets this request; `onEnd` is called once when the exchange is over, however it ended. */
  serve(delegate: HTTPMessageDelegate, onEnd?: () => void): void {
    this.#delegate = delegate;
    this.#onEnd = onEnd;
  }

  /** The request is whole. */
  received(): void {
    this.#received = true;
  }

  /** True until the response is complete or cannot be any more. */
  get isRunning(): boolean {
    return this.#state === "fresh" || this.#state === "open";
  }

  /**
   * The client is gone, or the exchange ends for another reason: tells the delegate and the watchers, once.
   */
  leave(cause: AbortCause = "closed"): void {
    if (!this.isRunning) return;
    this.#state = "failed";
    this.breakOff();
    this.#tellOfAbort(cause);
  }

  /** Answers with a bare status because of the request, or breaks off the response that has begun. */
  refuse(status: number): void {
    if (this.#state === "fresh") {
      const { serverHeader, ioLoop } = this;
      this.respond(bareStartLine(status), bareHeaders(serverHeader, ioLoop));
      this.#state = "failed";
      this.#tellOfAbort("closed");
    } else {
      this.leave();
    }
  }

  #tellOfAbort(cause: AbortCause): void {
    const reason = new ExchangeAbortedError(cause);
    const delegate = this.#delegate;
    this.#delegate = undefined;
    try {
      if (this.#received) delegate?.onExchangeAborted?.(reason);
      else delegate?.onConnectionClose();
    } catch (error) {
      appLog.exception("Uncaught exception in an HTTP message delegate", error);
    }
    this.abort(reason);
    this.#end();
  }

  #end(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    this.ended();
    onEnd?.();
  }

  // --- HTTPConnection --------------------------------------------------------------------------------------

  get closed(): boolean {
    return this.#state === "failed";
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void> {
    if (this.#state !== "fresh") return this.#refusal();
    resolveWait(options);
    const length = chunk === undefined ? 0 : byteLength(chunk);
    const hasRoom = this.#begin(startLine as ResponseStartLine, headers, "stream", chunk, length);
    return this.#room(hasRoom, length, options);
  }

  write(chunk: Chunk, options?: WaitOptions): Promise<void> {
    if (this.#state !== "open") return this.#refusal();
    resolveWait(options);
    const length = byteLength(chunk);
    if (length === 0) return RESOLVED;
    if (length > this.#left) this.#broken("ERR_SQUALL_HTTP_OUTPUT_TOO_LONG", "more body than announced");
    if (this.#isEmpty) return this.#room(true, length, options);
    this.#bytesSent += length;
    this.#left -= length;
    return this.#room(this.sendPiece(chunk), length, options);
  }

  finish(trailers?: HTTPHeaders): void {
    if (this.#state === "fresh") throw tooEarly();
    if (this.#state !== "open") return;
    for (const name of trailers?.keys() ?? []) {
      if (!isForbiddenTrailer(name)) continue;
      throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_TRAILER", `the field ${name} cannot be a trailer`);
    }
    const isShort = !this.#isEmpty && this.#left > 0 && this.#left !== Number.POSITIVE_INFINITY;
    if (isShort) this.#broken("ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", "less body than announced");
    this.#state = "ended";
    if (!this.#isEmpty) this.sendEnd(trailers);
    this.#end();
  }

  override respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void {
    if (this.#state !== "fresh") {
      if (this.#state === "failed") return;
      throw new InvalidStateError("the response has begun");
    }
    const length = body === undefined ? 0 : byteLength(body);
    const announced = lengthOf(headers);
    const isHead = this.#method === "HEAD";
    if (announced < 0 && (length > 0 || !isHead) && !forbidsContent(startLine.code)) {
      headers.setTrusted("Content-Length", String(length));
    } else if (announced > length && !isHead && !forbidsContent(startLine.code)) {
      throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", "less body than Content-Length says");
    }
    this.#begin(startLine, headers, "whole", body, length);
    this.#state = "ended";
    this.#end();
  }

  close(): void {
    this.leave();
  }

  // --- inside ----------------------------------------------------------------------------------------------

  #begin(
    line: ResponseStartLine,
    headers: HTTPHeaders,
    body: "whole" | "stream",
    chunk: Chunk | undefined,
    length: number,
  ): boolean {
    const { code } = line;
    if (code < 200) {
      throw new HTTP1OutputError(
        "ERR_SQUALL_HTTP_OUTPUT_START_LINE",
        `a ${code} is no final response, and this connection cannot switch to another protocol`,
      );
    }
    const isForbidden = forbidsContent(code);
    if (isForbidden && length > 0) {
      throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY", `a ${code} has no body`);
    }
    const announced = lengthOf(headers);
    const isHead = this.#method === "HEAD";
    if (!isHead && announced >= 0 && length > announced) {
      throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_TOO_LONG", "more body than Content-Length says");
    }
    const isEmpty = isHead || isForbidden;
    const hasRoom = this.sendHead(line, headers, isEmpty ? "none" : body, isEmpty ? undefined : chunk);
    this.#state = "open";
    this.#isEmpty = isEmpty;
    if (isForbidden) this.#left = 0;
    else if (!isEmpty) {
      this.#bytesSent = length;
      if (announced >= 0) this.#left = announced - length;
    }
    return hasRoom;
  }

  #room(hasRoom: boolean, length: number, options: WaitOptions | undefined): Promise<void> {
    const room = hasRoom ? TurnBudget.of(this.ioLoop).spend(length) : this.whenWritable();
    if (room === RESOLVED || options === undefined) return room;
    return cancellable(this.ioLoop, "writing", options, (settle) => {
      room.then(settle.resolve, settle.reject);
      return undefined;
    });
  }

  #refusal(): Promise<void> {
    if (this.#state === "failed") return rejectedQuietly(new StreamClosedError());
    if (this.#state === "fresh") throw tooEarly();
    throw new InvalidStateError("the exchange is over, or its response has begun");
  }

  #broken(code: "ERR_SQUALL_HTTP_OUTPUT_TOO_LONG" | "ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", what: string): never {
    this.close();
    throw new HTTP1OutputError(code, `${what} in Content-Length`);
  }
}

/** What Content-Length says; -1 without one. */
function lengthOf(headers: HTTPHeaders): number {
  const value = headers.get("Content-Length");
  if (value === undefined) return -1;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH", `Content-Length cannot be ${value}`);
}

function tooEarly(): HTTP1OutputError {
  return new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_STATE", "the head of the message comes first");
}
