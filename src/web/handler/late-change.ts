/**
 * Changes to a head that has been sent. They do not reach the client, and a cookie or status that is lost in
 * silence is hard to find: the first attempt of each handler class and method is logged.
 */
import { appLog } from "../../base/log.js";
import type { Handler } from "../types.js";
import type { HandlerState } from "./handler-state.js";

const logged = new WeakMap<object, Set<string>>();

/** Logs a warning if `method` changes the head too late to have an effect. */
export function noteLateChange(state: HandlerState, handler: Handler, method: string): void {
  if (!state.headersWritten) return;
  const handlerClass = handler.constructor;
  let methods = logged.get(handlerClass);
  if (methods === undefined) {
    methods = new Set();
    logged.set(handlerClass, methods);
  }
  if (methods.has(method)) return;
  methods.add(method);
  appLog.warning(
    "%s() of %s for %s %s has no effect: the head of the response was sent before",
    method,
    handlerClass.name,
    handler.request.method,
    handler.request.uri,
  );
}
