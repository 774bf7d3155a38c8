/**
 * The way of a response from `write()` to the connection.
 *
 * What is written is gathered until `flush()` or `finish()`. A response that is finished in one piece, which
 * most are, leaves in one call (`connection.respond`) with its length known; one that was flushed before is
 * framed by the connection.
 */
import type { WaitOptions } from "../../async/cancel.js";
import { isThenable, pendingResult } from "../../async/coroutine/yieldable.js";
import { TurnBudget } from "../../async/turn-budget.js";
import { resolveWait } from "../../async/wait-options.js";
import { byteLength, viewOf } from "../../base/bytes.js";
import { errorSite } from "../../base/call-site.js";
import { InvalidStateError } from "../../base/errors.js";
import { jsonEncode } from "../../base/escape.js";
import { appLog } from "../../base/log.js";
import type { Chunk, HTTPConnection, UpgradedProtocol } from "../../http/delegates.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPOutputError } from "../../protocol/fields/errors.js";
import { HTTPHeaders, type HTTPHeadersInit } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";
import { forbidsContent } from "../../protocol/message/content.js";
import { CLIENT_LEFT } from "../application/access-log.js";
import type { FlushOptions, Handler, TransformedHead, Writable } from "../types.js";
import { type HandlerState, NO_HEADERS, stateOf } from "./handler-state.js";
import { verbOf } from "./methods.js";
import { removeSpools } from "./upload-part.js";
import { checkJson } from "./writable.js";

/** What is handed over is done: one promise for all who ask. */
export const DONE: Promise<void> = Promise.resolve();

function ignore(): void {}

/** The writing side of the handler's exchange. */
export function connectionOf(handler: Handler): HTTPConnection {
  const { connection } = handler.request;
  if (connection !== undefined) return connection;
  throw new InvalidStateError("the request has no connection to write a response to");
}

/** `handler.write()`. */
export function writeChunk(handler: Handler, chunk: Writable): void {
  const state = stateOf(handler);
  if (state.finished) {
    if (state.finishedBy === LEFT_BY_CLIENT) return;
    throw new InvalidStateError(afterFinish("write", handler));
  }
  if (typeof chunk === "string" || chunk instanceof Uint8Array) {
    state.append(chunk);
    return;
  }
  const bytes = viewOf(chunk);
  if (bytes !== undefined) {
    state.append(bytes);
    return;
  }
  checkJson(chunk);
  state.append(jsonEncode(chunk));
  state.headers.setTrusted("Content-Type", "application/json; charset=UTF-8");
}

/** Throws if the response is finished, in the name of the method `call`. */
export function checkUnfinished(handler: Handler, call: string): void {
  if (stateOf(handler).finished) throw new InvalidStateError(afterFinish(call, handler));
}

/** What finished a response that its client left. Writing to such a one goes nowhere, and is no mistake. */
export const LEFT_BY_CLIENT = "the end of the connection";

/**
 * Where responses were finished, for applications that show tracebacks. The text of a stack is made when it
 * is asked for, which is after a mistake.
 */
const places = new WeakMap<Handler, Error>();

function notePlace(handler: Handler): void {
  if (handler.application.settings.serveTraceback === true) places.set(handler, new Error("finished here"));
}

/** Why nothing can be written any more, in words that lead to the line at fault. */
function afterFinish(call: string, handler: Handler): string {
  const { finishedBy } = stateOf(handler);
  const start = `Cannot ${call}() after finish(): the response was finished`;
  if (finishedBy === "") {
    const method = `${handler.constructor.name}.${verbOf(handler.request.method)}()`;
    return `${start} when ${method} ended, so a promise was not awaited in it`;
  }
  const { path, line } = errorSite(places.get(handler));
  return `${start} by ${finishedBy}${line > 0 ? ` in ${path}:${line}` : ""}`;
}

let lastStartLine: ResponseStartLine = Object.freeze({ version: "HTTP/1.1", code: 200, reason: "OK" });

/** That of the response before, if it says the same: a constant object, as most responses are a 200. */
function startLine({ status, reason }: HandlerState): ResponseStartLine {
  if (lastStartLine.code !== status || lastStartLine.reason !== reason) {
    lastStartLine = Object.freeze({ version: "HTTP/1.1", code: status, reason });
  }
  return lastStartLine;
}

function bytesOf(chunk: Chunk | undefined): Buffer {
  if (chunk === undefined) return Buffer.alloc(0);
  return typeof chunk === "string"
    ? Buffer.from(chunk)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

function addCookies(state: HandlerState): void {
  const cookies = state.extras?.cookies;
  if (cookies === undefined) return;
  for (const line of cookies.values()) state.headers.add("Set-Cookie", line);
}

/** Runs one transform, and the rest when it has an answer. */
function transformFrom(
  state: HandlerState,
  at: number,
  bytes: Buffer,
  first: boolean,
  finishing: boolean,
): Buffer | Promise<Buffer> {
  const step = state.transforms?.[at];
  if (step === undefined) return bytes;
  const further = (changed: Buffer) => transformFrom(state, at + 1, changed, first, finishing);
  if (!first) {
    const changed = step.transformChunk(bytes, finishing);
    return isThenable(changed) ? changed.then(further) : further(changed);
  }
  const takeHead = ([status, headers, changed]: TransformedHead) => {
    state.status = status;
    state.headers = headers;
    return further(changed);
  };
  const head = step.transformFirstChunk(state.status, state.headers, bytes, finishing);
  return isThenable(head) ? head.then(takeHead) : takeHead(head as TransformedHead);
}

/** Hands a piece to the connection; the first one with the head. */
function sendPiece(
  handler: Handler,
  chunk: Chunk | undefined,
  first: boolean,
  options: WaitOptions | undefined,
): Promise<void> {
  const state = stateOf(handler);
  const connection = connectionOf(handler);
  const body = handler.request.method === "HEAD" || chunk?.length === 0 ? undefined : chunk;
  if (!first) {
    if (body !== undefined) return connection.write(body, options);
    // What is dropped, for HEAD, is no pause for the loop either.
    return chunk === undefined ? DONE : TurnBudget.of(handler.request.ioLoop).spend(chunk.length);
  }
  addCookies(state);
  const sent = connection.writeHeaders(startLine(state), state.headers, body, options);
  // Only now: what the connection refuses has not been sent, and an error page can be.
  state.headersWritten = true;
  return sent;
}

const FOOTERS: ReadonlySet<string> = new Set(["includeFooters"] satisfies (keyof FlushOptions)[]);

/** `handler.flush()`: sends what was gathered. Resolves when there is room for more. */
export function flushOutput(
  handler: Handler,
  includeFooters: boolean,
  options?: FlushOptions | null,
): Promise<void> {
  const state = stateOf(handler);
  const first = !state.headersWritten;
  // Before the body is taken: a call that is refused leaves what was written where it is.
  resolveWait(options, FOOTERS);
  // What the connection waits with has no other options.
  const wait = options == null ? undefined : { signal: options.signal, timeout: options.timeout };
  const chunk = state.takeBody();
  if (first && !includeFooters && forbidsContent(state.status) && chunk !== undefined) {
    throw bodyForbidden(state.status);
  }
  if (state.transforms === undefined) return sendPiece(handler, chunk, first, wait);
  const before = state.extras?.transforming;
  const bytes = bytesOf(chunk);
  const changed =
    before === undefined
      ? transformFrom(state, 0, bytes, first, includeFooters)
      : before.then(() => transformFrom(state, 0, bytes, first, includeFooters));
  if (!isThenable(changed)) return sendPiece(handler, changed, first, wait);
  // From here on the response is this one: no other head can take the place of the one that is being made.
  state.headersWritten = true;
  const sent = changed.then(
    (piece) => sendPiece(handler, piece, first, wait),
    (error: unknown) => {
      endTransforms(state);
      // An error page can still take the place of a head that was not made.
      if (first) state.headersWritten = false;
      throw error;
    },
  );
  const transforming = changed.then(ignore, ignore);
  const { more } = state;
  more.transforming = transforming;
  transforming.then(() => {
    if (more.transforming === transforming) more.transforming = undefined;
  });
  sent.catch(ignore);
  return sent;
}

function bodyForbidden(status: number): HTTPOutputError {
  return new HTTPOutputError(`Cannot send a body with status ${status}; something was written`);
}

/** Fills in what only a complete response knows: its tag, its length, or that it has not changed. */
function completeHeaders(handler: Handler, state: HandlerState, hasTrailers: boolean): void {
  const { method } = handler.request;
  const { headers } = state;
  if (state.status === 200 && (method === "GET" || method === "HEAD")) {
    if (headers.rawGet("etag") === undefined) handler.setEtagHeader();
    if (headers.rawGet("etag") !== undefined && handler.checkEtagHeader()) {
      state.clearBody();
      handler.setStatus(304);
    }
  }
  if (forbidsContent(state.status)) {
    if (state.status === 101) throw new HTTPOutputError("a 101 ends no response: upgrade() sends it");
    if (state.first !== undefined) throw bodyForbidden(state.status);
    headers.delete("Content-Encoding");
    headers.delete("Content-Language");
    headers.delete("Content-Type");
  } else if (hasTrailers) {
    // They follow a chunked body; one with Content-Length has no place for them.
    headers.delete("Content-Length");
  } else if (headers.rawGet("content-length") === undefined) {
    headers.addTrusted("Content-Length", String(gatheredLength(state)));
  }
}

function gatheredLength(state: HandlerState): number {
  let total = state.first === undefined ? 0 : byteLength(state.first);
  if (state.rest !== undefined) for (const chunk of state.rest) total += byteLength(chunk);
  return total;
}

/** `handler.finish()`: sends the rest and ends the exchange. */
export function finishOutput(handler: Handler, trailers?: HTTPHeadersInit): Promise<void> {
  const state = stateOf(handler);
  if (state.finished) {
    if (state.finishedBy === LEFT_BY_CLIENT) return DONE;
    throw new InvalidStateError(afterFinish("finish", handler));
  }
  notePlace(handler);
  const connection = connectionOf(handler);
  if (!state.headersWritten) {
    completeHeaders(handler, state, trailers !== undefined);
    if (state.transforms === undefined && trailers === undefined) {
      addCookies(state);
      const body = state.takeBody();
      // Asked before: what answers a client that has ended its side closes the connection as well.
      if (connection.closed) noteClientLeft(state);
      connection.respond(
        startLine(state),
        state.headers,
        handler.request.method === "HEAD" ? undefined : body,
      );
      state.headersWritten = true;
      endOfResponse(handler, state);
      return DONE;
    }
  }
  return finishPieces(handler, state, connection, trailers);
}

/** The end of a response that leaves in pieces. Apart, so that the others do not pay for its closures. */
function finishPieces(
  handler: Handler,
  state: HandlerState,
  connection: HTTPConnection,
  trailers: HTTPHeadersInit | undefined,
): Promise<void> {
  if (connection.closed) noteClientLeft(state);
  const end = (): void => {
    connection.finish(trailers === undefined ? undefined : new HTTPHeaders(trailers));
    endOfResponse(handler, state);
  };
  const sent = flushOutput(handler, true);
  sent.catch(ignore);
  if (state.extras?.transforming === undefined) {
    end();
    return sent;
  }
  // The last piece is still being made. Nothing can be written any more, but the response is not over.
  state.finished = true;
  const done = sent.then(end, (error: unknown) => {
    state.finished = false;
    endUntransformed(handler, error);
    throw error;
  });
  done.catch(ignore);
  return done;
}

/** What finished a response whose transform failed; the error was told to the log. */
export const FAILED_TRANSFORM = "an error in a transform";

/**
 * The last piece could not be made or sent: an error page without transforms, if it is not too late for one.
 */
function endUntransformed(handler: Handler, error: unknown): void {
  const state = stateOf(handler);
  if (error instanceof StreamClosedError) {
    endOfResponse(handler, state);
    return;
  }
  try {
    handler.logException(error);
    handler.sendError(500, { error });
  } catch (failure) {
    appLog.exception("the response could not be ended", failure);
    connectionOf(handler).close();
    endOfResponse(handler, state);
  }
  state.finishedBy = FAILED_TRANSFORM;
}

function endTransforms(state: HandlerState): void {
  for (const step of state.transforms ?? []) step.onEnd?.();
  state.transforms = undefined;
}

/** The log shows what was sent, which for a client that has left is nothing. */
function noteClientLeft(state: HandlerState): void {
  if (!state.headersWritten) state.status = CLIENT_LEFT;
}

/** `handler.sendEarlyHints()`. */
export function sendEarlyHints(handler: Handler, headers: HTTPHeadersInit): boolean {
  const startLine = { version: "HTTP/1.1", code: 103, reason: "Early Hints" };
  return connectionOf(handler).informational(startLine, new HTTPHeaders(headers));
}

/** `handler.detach()`. */
export function detachOutput(handler: Handler, protocol: UpgradedProtocol | undefined): IOStream {
  const state = stateOf(handler);
  const stream = connectionOf(handler).detach(protocol);
  state.finished = true;
  state.detached = true;
  state.endDeadline();
  return stream;
}

/** `handler.upgrade()`. */
export function upgradeOutput(handler: Handler, protocol: UpgradedProtocol | undefined): IOStream {
  const state = stateOf(handler);
  const headers = state.headers.copy();
  for (const name of ["Content-Length", "Content-Type"]) headers.delete(name);
  for (const line of state.extras?.cookies?.values() ?? []) headers.add("Set-Cookie", line);
  const stream = connectionOf(handler).upgrade(startLine(state), headers, protocol);
  state.headersWritten = true;
  state.detached = true;
  endOfResponse(handler, state);
  return stream;
}

/** Lets go of what only a response needs, for a handler that lives on behind an upgrade. */
export function releaseResponse(handler: Handler): void {
  const state = stateOf(handler);
  state.headers = NO_HEADERS;
  if (state.extras !== undefined) state.extras.cookies = undefined;
}

/**
 * After the last byte was handed over: the log line, then the hook. Also for responses that other code
 * writes.
 */
export function endOfResponse(handler: Handler, state: HandlerState): void {
  state.finished = true;
  state.clearBody();
  state.endDeadline();
  if (state.transforms !== undefined) endTransforms(state);
  state.extras?.body?.release();
  try {
    handler.request.markFinished();
    handler.application.logRequest(handler);
  } catch (error) {
    appLog.exception("the log function failed", error);
  }
  let pending: PromiseLike<unknown> | undefined;
  try {
    pending = pendingResult(handler.onFinish())?.then(undefined, reportFailure);
  } catch (error) {
    reportFailure(error);
  }
  if (pending === undefined) dropSpools(state);
  else pending.then(() => dropSpools(state));
}

/** Files of uploads that the handler did not keep; after `onFinish()`, which may still move them. */
function dropSpools({ extras }: HandlerState): void {
  const spools = extras?.spools;
  if (spools !== undefined) removeSpools(spools.splice(0));
}

/** Nobody waits for `onFinish`, but its errors must not become unhandled rejections. */
function reportFailure(error: unknown): void {
  appLog.exception("onFinish() failed", error);
}
