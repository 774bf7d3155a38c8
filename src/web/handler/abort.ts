/**
 * `handler.signal`: one scope for everything that a handler waits for.
 *
 * It aborts when the exchange ends before the response is done, or when the handler's time is up. The
 * signal is made when it is first asked for, the timer when a time is set; once the response is done
 * neither does anything any more.
 */

import { CancelScope } from "../../async/cancel.js";
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { TimeoutError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import { checkMilliseconds } from "../../base/validate.js";
import type { ExchangeAbortedError } from "../../http/errors.js";
import type { Handler } from "../types.js";
import { type HandlerState, stateOf } from "./handler-state.js";

/** The signal, made at the first call. */
export function signalOf(handler: Handler): AbortSignal {
  return scopeOf(stateOf(handler)).signal;
}

function scopeOf(state: HandlerState): CancelScope {
  state.scope ??= new CancelScope();
  return state.scope;
}

/** Gives the handler up for a reason of its own: its signal aborts, unless the response is over. */
export function abortHandler(handler: Handler, reason: unknown): void {
  abort(stateOf(handler), reason);
}

/**
 * Calls `fn` when the handler's signal aborts, without making one; at once if it has. Returns the function
 * that takes it away.
 */
export function onHandlerAbort(handler: Handler, fn: (reason: unknown) => void): () => void {
  return scopeOf(stateOf(handler)).onAbort(fn);
}

function abort(state: HandlerState, reason: unknown): void {
  if (!state.finished) scopeOf(state).abort(reason);
}

/** The exchange ended before the response was done: the signal aborts, then the hook runs. Never throws. */
export function exchangeAborted(handler: Handler, reason: ExchangeAbortedError): void {
  const state = stateOf(handler);
  if (state.finished) return;
  state.endDeadline();
  abort(state, reason);
  if (reason.reason === "stopping") return;
  try {
    pendingResult(handler.onConnectionClose())?.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  appLog.exception("onConnectionClose() failed", error);
}

/** Gives the handler `ms` milliseconds from now; `Infinity` takes an earlier limit off. */
export function setDeadline(handler: Handler, ms: number): void {
  const state = stateOf(handler);
  checkMilliseconds("the handler's time", ms);
  state.endDeadline();
  if (ms === Number.POSITIVE_INFINITY || state.finished) return;
  const loop = handler.request.ioLoop;
  const timeout = loop.callLater(ms, () => {
    abort(state, new TimeoutError(`the handler did not finish within ${ms} ms`));
  });
  state.more.cancelDeadline = () => loop.removeTimeout(timeout);
}
