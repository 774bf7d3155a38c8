/**
 * The life of a request in a handler:
 *
 *     method known? (405, 501) → form body parsed (400) → path arguments decoded (400)
 *       → XSRF token checked (403) → prepare() → the verb → finish() unless it was called
 *
 * Every step may be a plain, `async` or generator method. A handler that never waits runs to its end in the
 * call that brought the last byte of its request, without a promise. Whatever is thrown ends in
 * `handleException`.
 */
import { inspect } from "node:util";
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import type { PathGroup } from "../../http/routing/matchers.js";
import type { Handler, PathGroups } from "../types.js";
import { endOpenResponse, handleException } from "./error-page.js";
import { stateOf } from "./handler-state.js";
import { callVerb, checkMethod, NO_ARGS, NO_KWARGS, verbOf } from "./methods.js";
import { DONE, FAILED_TRANSFORM } from "./output.js";
import { answerPreflight } from "./response-policies.js";
import { isSafeMethod } from "./xsrf.js";

/**
 * An empty body can be a malformed form, too; but a GET without one, the usual request, need not be looked
 * at.
 */
function mayHaveForm(request: Handler["request"]): boolean {
  return request.body.length > 0 || (request.method !== "GET" && request.method !== "HEAD");
}

function decoded(handler: Handler, group: PathGroup | string, name?: string): string | undefined {
  return group === undefined || typeof group === "string" ? group : handler.decodeArgument(group, name);
}

function decodePath(handler: Handler, groups: PathGroups): void {
  const { pathArgs, pathKwargs } = groups;
  handler.pathArgs =
    pathArgs === undefined || pathArgs.length === 0
      ? NO_ARGS
      : pathArgs.map((group) => decoded(handler, group));
  if (pathKwargs === undefined) {
    handler.pathKwargs = NO_KWARGS;
    return;
  }
  const values: Record<string, string | undefined> = Object.create(null);
  for (const name of Object.keys(pathKwargs)) values[name] = decoded(handler, pathKwargs[name], name);
  handler.pathKwargs = values;
}

/**
 * Runs everything up to and including `prepare()`. Returns a promise if `prepare` waits; it never rejects,
 * and afterwards the handler may be finished already.
 */
export function prepareHandler(
  handler: Handler,
  groups: PathGroups,
  streaming: boolean,
): Promise<void> | undefined {
  try {
    if (handler.application.settings.cors !== undefined && answerPreflight(handler)) return undefined;
    checkMethod(handler);
    if (!streaming && mayHaveForm(handler.request)) handler.request.parseBody();
    decodePath(handler, groups);
    if (handler.application.settings.xsrfCookies === true && !isSafeMethod(handler.request.method)) {
      handler.checkXsrfCookie();
    }
    const pending = pendingResult(handler.prepare());
    return pending === undefined ? undefined : settle(handler, pending);
  } catch (error) {
    handleException(handler, error);
    return undefined;
  }
}

async function settle(handler: Handler, pending: PromiseLike<unknown>): Promise<void> {
  try {
    await pending;
  } catch (error) {
    handleException(handler, error);
  }
}

/**
 * Calls the verb, unless the response is done already, and finishes what it leaves unfinished. Never throws.
 */
export function runVerb(handler: Handler): void {
  const state = stateOf(handler);
  if (state.finished) return;
  try {
    const result = callVerb(handler);
    const pending = pendingResult(result);
    if (pending === undefined) {
      endVerb(handler, result);
      return;
    }
    pending.then(
      (value) => endVerb(handler, value),
      (error: unknown) => handleException(handler, error),
    );
  } catch (error) {
    handleException(handler, error);
  }
}

/**
 * A verb writes its response; what it returns goes nowhere, so it was meant to be written.
 * @throws InvalidArgumentError for anything but `undefined` and `null`.
 */
function checkResult(handler: Handler, result: unknown): void {
  if (result === undefined || result === null) return;
  const method = `${handler.constructor.name}.${verbOf(handler.request.method)}()`;
  if (typeof result === "object" && Symbol.asyncIterator in result && "next" in result) {
    throw new InvalidArgumentError(
      `${method} is an async generator, which is not run; write it as "async ${verbOf(handler.request.method)}()" that calls this.write(…) and await this.flush()`,
    );
  }
  const shown = inspect(result, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 40 });
  throw new InvalidArgumentError(
    `${method} returned ${shown}, which is sent nowhere; a handler writes its response: this.write(…)`,
  );
}

function endVerb(handler: Handler, result: unknown): void {
  if (result !== undefined) {
    try {
      checkResult(handler, result);
    } catch (error) {
      handleException(handler, error);
      return;
    }
  }
  autoFinish(handler);
}

function autoFinish(handler: Handler): void {
  const state = stateOf(handler);
  state.verbEnded = true;
  if (state.finished) return;
  if (!state.autoFinish) {
    if (state.abortReason instanceof ExchangeAbortedError) endOpenResponse(handler);
    return;
  }
  try {
    state.finishedBy = "";
    const sent = handler.finish();
    if (sent === DONE) return;
    sent.catch((error: unknown) => {
      if (state.finishedBy !== FAILED_TRANSFORM) handleException(handler, error);
    });
  } catch (error) {
    handleException(handler, error);
  }
}

/** The whole life of a request whose body is there. Never throws. */
export function executeHandler(handler: Handler, groups: PathGroups): void {
  const preparing = prepareHandler(handler, groups, false);
  if (preparing === undefined) runVerb(handler);
  else preparing.then(() => runVerb(handler));
}
