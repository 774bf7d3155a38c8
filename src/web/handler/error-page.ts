/**
 * What happens to errors: which status they become, what the client is shown, and what the log is told.
 *
 * The client sees a status and a reason; log messages and stacks stay in the log, unless `serveTraceback` is
 * set.
 */
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { xhtmlEscape } from "../../base/escape.js";
import { appLog, genLog } from "../../base/log.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import { HTTPInputError } from "../../protocol/fields/errors.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import { forbidsContent } from "../../protocol/message/content.js";
import { CLIENT_LEFT } from "../application/access-log.js";
import { checkErrorStatus, Finish, HTTPError } from "../errors.js";
import type { ErrorPageOptions, Handler } from "../types.js";
import { exchangeAborted } from "./abort.js";
import { stateOf } from "./handler-state.js";
import { addToVary } from "./header-value.js";
import { allowedMethods } from "./methods.js";
import { connectionOf, endOfResponse, LEFT_BY_CLIENT } from "./output.js";
import { forgetModules } from "./render.js";
import { tracebackHtml, tracebackText, wantsHtml } from "./traceback-page.js";

/** How a request is named in the log: method, target and address. */
export function requestSummary(handler: Handler): string {
  const { request } = handler;
  return `${request.method} ${handler.loggedUri()} (${request.remoteIp})`;
}

/**
 * A writer can hear that the stream is closed a moment before the exchange does. Then the signal aborts and
 * `onConnectionClose()` runs now, and not again later.
 */
function noticeClosing(handler: Handler, error: unknown): void {
  if (!(error instanceof StreamClosedError) || stateOf(handler).abortReason !== undefined) return;
  if (handler.request.connection?.closed !== true) return;
  exchangeAborted(handler, new ExchangeAbortedError("closed", { cause: error.realError }));
}

/** True for an error that only says that the exchange ended: the handler has done nothing wrong. */
function isAbort(handler: Handler, error: unknown): boolean {
  const { abortReason } = stateOf(handler);
  return abortReason !== undefined && (error === abortReason || error instanceof StreamClosedError);
}

/**
 * True if the client has left, as far as a server can know: a FIN may close one half of the connection alone,
 * but mostly the client is gone.
 */
function clientHasLeft(handler: Handler): boolean {
  const { abortReason } = stateOf(handler);
  return abortReason instanceof ExchangeAbortedError && abortReason.reason !== "stopping";
}

/** Deals with whatever a handler's method threw. Never throws. */
export function handleException(handler: Handler, error: unknown): void {
  const state = stateOf(handler);
  try {
    if (error instanceof Finish) {
      if (!state.finished) handler.finish(error.chunk).catch(() => {});
      return;
    }
    noticeClosing(handler, error);
    if (isAbort(handler, error)) {
      if (!state.finished) endAborted(handler);
      return;
    }
    try {
      handler.logException(error);
    } catch (failure) {
      appLog.exception("Error in exception logger", failure);
    }
    if (!state.finished) handler.sendError(statusOf(error), { error });
  } catch (failure) {
    appLog.exception("Uncaught exception while answering an error, %s", requestSummary(handler), failure);
    if (!state.finished) endBroken(handler);
  }
}

/** The status that an error becomes. */
export function statusOf(error: unknown): number {
  if (error instanceof HTTPError) return error.statusCode;
  if (error instanceof HTTPInputError) return error.status;
  return 500;
}

/**
 * The handler gave up when its signal aborted: 503 for a client that still waits, nothing for one that has
 * left.
 */
function endAborted(handler: Handler): void {
  const state = stateOf(handler);
  if (!clientHasLeft(handler)) {
    handler.sendError(503, { error: state.abortReason });
    return;
  }
  if (!state.headersWritten) state.status = CLIENT_LEFT;
  abandon(handler);
}

/** The client left before its request was whole. Never throws. */
export function endWithoutClient(handler: Handler): void {
  const state = stateOf(handler);
  if (state.finished) return;
  if (!state.headersWritten) state.status = CLIENT_LEFT;
  abandon(handler);
}

/** How often a connection whose client has ended its side is looked at; such a client may still read. */
const LOOK = 5000;

/**
 * The client may have left a response that stays open although its method has ended. If it is gone, the
 * response ends here: the callback that was to do so may never come, and if it comes its writes go nowhere,
 * as they would have. A client that has only ended its side can still be answered, until its connection ends
 * (`halfClosedTimeout`). Never throws.
 */
export function endOpenResponse(handler: Handler): void {
  const state = stateOf(handler);
  if (state.finished || state.autoFinish || !state.verbEnded) return;
  if (handler.request.connection?.closed === false) {
    const loop = handler.request.ioLoop;
    const timeout = loop.callLater(LOOK, () => endOpenResponse(handler));
    state.more.cancelDeadline = () => loop.removeTimeout(timeout);
    return;
  }
  state.finishedBy = LEFT_BY_CLIENT;
  endWithoutClient(handler);
}

/** Even the error page failed: a bare 500 if nothing was sent yet, else the response is broken off. */
function endBroken(handler: Handler): void {
  const state = stateOf(handler);
  if (state.headersWritten) {
    abandon(handler);
    return;
  }
  state.clearBody();
  state.status = 500;
  state.headersWritten = true;
  try {
    sendBareStatus(connectionOf(handler), 500);
  } catch (failure) {
    genLog.error("the response could not be ended", failure);
  }
  endOfResponse(handler, state);
}

/** `handler.sendError()`. */
export function sendError(handler: Handler, statusCode: number, options: ErrorPageOptions): void {
  checkErrorStatus(statusCode);
  const state = stateOf(handler);
  if (state.headersWritten) {
    genLog.error("Cannot send error response after headers written");
    if (!state.finished) {
      // A message cut short must not look complete: the connection closes if its framing is not satisfied.
      abandon(handler);
    }
    return;
  }
  handler.clear();
  forgetModules(handler);
  state.finishedBy = "sendError()";
  const { error } = options;
  const own = error instanceof HTTPError && error.reason !== "" ? error.reason : undefined;
  const reason = own ?? options.reason;
  handler.setStatus(statusCode, reason);
  if (statusCode === 405) state.headers.set("Allow", allowedMethods(handler).join(", "));
  try {
    const pending = pendingResult(handler.writeError(statusCode, options));
    if (pending !== undefined) {
      pending.then(
        () => endErrorPage(handler),
        (failure: unknown) => endErrorPage(handler, failure),
      );
      return;
    }
  } catch (failure) {
    endErrorPage(handler, failure);
    return;
  }
  endErrorPage(handler);
}

/** `writeError()` is done or has failed: whatever it left open is ended. Never throws. */
function endErrorPage(handler: Handler, failure?: unknown): void {
  if (failure !== undefined) appLog.exception("Uncaught exception in writeError", failure);
  if (stateOf(handler).finished) return;
  try {
    handler.finish().catch(() => {});
  } catch (error) {
    appLog.exception("the error page could not be finished", error);
    endBroken(handler);
  }
}

/** Ends an exchange whose response broke off after its head was sent. */
function abandon(handler: Handler): void {
  const state = stateOf(handler);
  state.clearBody();
  try {
    connectionOf(handler).close();
  } catch (failure) {
    genLog.error("the response could not be ended", failure);
  }
  endOfResponse(handler, state);
}

/** `handler.writeError()`: a small page, or for `serveTraceback` the stack, see `traceback-page.ts`. */
export function writeErrorPage(handler: Handler, statusCode: number, options: ErrorPageOptions): void {
  const state = stateOf(handler);
  const { error } = options;
  if (handler.application.settings.serveTraceback === true && error instanceof Error) {
    const html = wantsHtml(handler);
    state.headers.set("Content-Type", html ? "text/html; charset=UTF-8" : "text/plain");
    addToVary(state.headers, "Accept");
    const title = `${statusCode}: ${state.reason}`;
    handler.finish(html ? tracebackHtml(handler, title, error) : tracebackText(error)).catch(() => {});
    return;
  }
  if (forbidsContent(statusCode)) {
    handler.finish().catch(() => {});
    return;
  }
  const title = `${statusCode}: ${xhtmlEscape(state.reason)}`;
  handler.finish(`<html><title>${title}</title><body>${title}</body></html>`).catch(() => {});
}

/** `handler.logException()`. */
export function logException(handler: Handler, error: unknown): void {
  if (error instanceof HTTPError) {
    if (error.logMessage !== undefined) {
      genLog.warning("%d %s: %s", error.statusCode, requestSummary(handler), error.getMessage());
    }
  } else if (error instanceof HTTPInputError) {
    genLog.warning("%d %s: %s", error.status, requestSummary(handler), error.message);
  } else {
    appLog.exception("Uncaught exception %s", requestSummary(handler), error);
  }
}

/** The reason phrase for a status: the one given, else the standard one. */
export function phraseFor(statusCode: number, reason: string | null | undefined): string {
  return reason === undefined || reason === null ? reasonPhrase(statusCode) : reason;
}
