/**
 * The life of a request in a handler:
 *
 *     method known? (405, 501) → form body parsed (400) → path arguments decoded (400)
 *       → prepare() → the verb → finish() unless it was called
 *
 * Every step may be a plain, `async` or generator method. A handler that never waits runs to its end in the
 * call that brought the last byte of its request, without a promise. Whatever is thrown ends in
 * `handleException`.
 */
import { pendingResult } from "../../async/coroutine/yieldable.js";
import type { PathGroup } from "../../http/routing/matchers.js";
import { handleException } from "./error-page.js";
import type { HandlerCore } from "./handler-core.js";
import { stateOf } from "./handler-state.js";
import { callVerb, checkMethod, NO_ARGS, NO_KWARGS } from "./methods.js";
import { DONE } from "./output.js";

/** Path groups as the router found them. */
export interface PathGroups {
  /** The positional groups in order, not decoded yet; default none. */
  readonly pathArgs?: readonly (PathGroup | string)[] | undefined;
  /** The named groups, not decoded yet; default none. A route has one kind or the other. */
  readonly pathKwargs?: Readonly<Record<string, PathGroup | string>> | undefined;
}

/**
 * An empty body can be a malformed form, too; but a GET without one, the usual request, need not be looked
 * at.
 */
function mayHaveForm(request: HandlerCore["request"]): boolean {
  return request.body.length > 0 || (request.method !== "GET" && request.method !== "HEAD");
}

function decoded(handler: HandlerCore, group: PathGroup | string, name?: string): string | undefined {
  return group === undefined || typeof group === "string" ? group : handler.decodeArgument(group, name);
}

function decodePath(handler: HandlerCore, groups: PathGroups): void {
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
  handler: HandlerCore,
  groups: PathGroups,
  streaming: boolean,
): Promise<void> | undefined {
  try {
    checkMethod(handler);
    if (!streaming && mayHaveForm(handler.request)) handler.request.parseBody();
    decodePath(handler, groups);
    const pending = pendingResult(handler.prepare());
    return pending === undefined ? undefined : settle(handler, pending);
  } catch (error) {
    handleException(handler, error);
    return undefined;
  }
}

async function settle(handler: HandlerCore, pending: PromiseLike<unknown>): Promise<void> {
  try {
    await pending;
  } catch (error) {
    handleException(handler, error);
  }
}

/**
 * Calls the verb, unless the response is done already, and finishes what it leaves unfinished. Never throws.
 */
export function runVerb(handler: HandlerCore): void {
  const state = stateOf(handler);
  if (state.finished) return;
  try {
    const pending = pendingResult(callVerb(handler));
    if (pending === undefined) {
      autoFinish(handler);
      return;
    }
    pending.then(
      () => autoFinish(handler),
      (error: unknown) => handleException(handler, error),
    );
  } catch (error) {
    handleException(handler, error);
  }
}

function autoFinish(handler: HandlerCore): void {
  const state = stateOf(handler);
  if (!state.autoFinish || state.finished) return;
  try {
    const sent = handler.finish();
    if (sent !== DONE) sent.catch((error: unknown) => handleException(handler, error));
  } catch (error) {
    handleException(handler, error);
  }
}

/** The whole life of a request whose body is there. Never throws. */
export function executeHandler(handler: HandlerCore, groups: PathGroups): void {
  const preparing = prepareHandler(handler, groups, false);
  if (preparing === undefined) runVerb(handler);
  else preparing.then(() => runVerb(handler));
}
