/**
 * The way of a response from `write()` to the connection.
 *
 * What is written is gathered until `flush()` or `finish()`. A response that is finished in one piece, which
 * most are, leaves in one call (`connection.respond`) with its length known; one that was flushed before is
 * framed by the connection.
 */
import type { WaitOptions } from "../../async/cancel.js";
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { InvalidStateError } from "../../base/errors.js";
import { jsonEncode } from "../../base/escape.js";
import { appLog } from "../../base/log.js";
import type { Chunk, HTTPConnection, UpgradedProtocol } from "../../http/delegates.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPOutputError } from "../../protocol/fields/errors.js";
import { HTTPHeaders, type HTTPHeadersInit } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";
import { forbidsContent } from "../../protocol/message/content.js";
import type { Handler, Writable } from "../types.js";
import { type HandlerState, stateOf } from "./handler-state.js";
import { verbOf } from "./methods.js";
import { checkJson, viewOf } from "./writable.js";

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
  if (state.finished) throw new InvalidStateError(afterFinish("write", handler));
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

/** Why nothing can be written any more, in words that lead to the line at fault. */
function afterFinish(call: string, handler: Handler): string {
  const { finishedBy } = stateOf(handler);
  if (finishedBy !== "") return `Cannot ${call}() after finish(): the response was finished by ${finishedBy}`;
  const method = `${handler.constructor.name}.${verbOf(handler.request.method)}()`;
  return `Cannot ${call}() after finish(): the response was finished when ${method} ended. Was a promise in it not awaited?`;
}

function startLine(state: HandlerState): ResponseStartLine {
  return { version: "HTTP/1.1", code: state.status, reason: state.reason };
}

function bytesOf(chunk: Chunk | undefined): Buffer {
  if (chunk === undefined) return Buffer.alloc(0);
  return typeof chunk === "string"
    ? Buffer.from(chunk)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

function addCookies(state: HandlerState): void {
  if (state.cookies === undefined) return;
  for (const line of state.cookies.values()) state.headers.add("Set-Cookie", line);
}

/** Runs the transforms over a piece of the body; the first one also over the head. */
function transform(
  handler: Handler,
  chunk: Chunk | undefined,
  first: boolean,
  finishing: boolean,
): Chunk | undefined {
  const state = stateOf(handler);
  if (state.transforms === undefined) return chunk;
  let bytes = bytesOf(chunk);
  for (const step of state.transforms) {
    if (first) {
      const [status, headers, changed] = step.transformFirstChunk(
        state.status,
        state.headers,
        bytes,
        finishing,
      );
      state.status = status;
      state.headers = headers;
      bytes = changed;
    } else {
      bytes = step.transformChunk(bytes, finishing);
    }
  }
  return bytes.length === 0 ? undefined : bytes;
}

/** `handler.flush()`: sends what was gathered. Resolves when there is room for more. */
export function flushOutput(handler: Handler, includeFooters: boolean, options?: WaitOptions): Promise<void> {
  const state = stateOf(handler);
  const connection = connectionOf(handler);
  const isHead = handler.request.method === "HEAD";
  let chunk = state.takeBody();
  if (!state.headersWritten) {
    if (!includeFooters && forbidsContent(state.status) && chunk !== undefined)
      throw bodyForbidden(state.status);
    chunk = transform(handler, chunk, true, includeFooters);
    addCookies(state);
    const sent = connection.writeHeaders(
      startLine(state),
      state.headers,
      isHead ? undefined : chunk,
      options,
    );
    // Only now: what the connection refuses has not been sent, and an error page can be.
    state.headersWritten = true;
    return sent;
  }
  chunk = transform(handler, chunk, false, includeFooters);
  return isHead || chunk === undefined ? DONE : connection.write(chunk, options);
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
  let total = chunkLength(state.first);
  if (state.rest !== undefined) for (const chunk of state.rest) total += chunkLength(chunk);
  return total;
}

function chunkLength(chunk: Chunk | undefined): number {
  if (chunk === undefined) return 0;
  return typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
}

/** `handler.finish()`: sends the rest and ends the exchange. */
export function finishOutput(handler: Handler, trailers?: HTTPHeadersInit): Promise<void> {
  const state = stateOf(handler);
  if (state.finished) throw new InvalidStateError(afterFinish("finish", handler));
  const connection = connectionOf(handler);
  if (!state.headersWritten) {
    completeHeaders(handler, state, trailers !== undefined);
    if (state.transforms === undefined && trailers === undefined) {
      addCookies(state);
      const body = state.takeBody();
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
  const sent = flushOutput(handler, true);
  sent.catch(ignore);
  connection.finish(trailers === undefined ? undefined : new HTTPHeaders(trailers));
  endOfResponse(handler, state);
  return sent;
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
  state.cancelDeadline?.();
  state.cancelDeadline = undefined;
  return stream;
}

/** `handler.upgrade()`. */
export function upgradeOutput(handler: Handler, protocol: UpgradedProtocol | undefined): IOStream {
  const state = stateOf(handler);
  const headers = state.headers.copy();
  for (const name of ["Content-Length", "Content-Type"]) headers.delete(name);
  for (const line of state.cookies?.values() ?? []) headers.add("Set-Cookie", line);
  const stream = connectionOf(handler).upgrade(startLine(state), headers, protocol);
  state.headersWritten = true;
  state.detached = true;
  endOfResponse(handler, state);
  return stream;
}

/**
 * After the last byte was handed over: the log line, then the hook. Also for responses that somebody else
 * writes.
 */
export function endOfResponse(handler: Handler, state: HandlerState): void {
  state.finished = true;
  state.clearBody();
  state.cancelDeadline?.();
  state.cancelDeadline = undefined;
  try {
    handler.request.markFinished();
    handler.application.logRequest(handler);
  } catch (error) {
    appLog.exception("the log function failed", error);
  }
  try {
    pendingResult(handler.onFinish())?.then(undefined, reportFailure);
  } catch (error) {
    reportFailure(error);
  }
}

/** Nobody waits for `onFinish`, but its errors must not become unhandled rejections. */
function reportFailure(error: unknown): void {
  appLog.exception("onFinish() failed", error);
}
