/**
 * Changes to a head that has been sent. They reach nobody, and a cookie or a status that is lost in silence is
 * hard to find, so each handler class and method that tries is logged once.
 */
import { appLog } from "../../base/log.js";
import type { Handler } from "../types.js";
import type { HandlerState } from "./handler-state.js";

const logged = new WeakMap<object, Set<string>>();

/** Logs a warning if `method` changes the head too late to have an effect. */
export function noteLateChange(state: HandlerState, handler: Handler, method: string): void {
  if (!state.headersWritten) return;
  const { constructor } = handler;
  let methods = logged.get(constructor);
  if (methods === undefined) {
    methods = new Set();
    logged.set(constructor, methods);
  }
  if (methods.has(method)) return;
  methods.add(method);
  appLog.warning(
    "%s() of %s for %s %s has no effect: the head of the response was sent before",
    method,
    constructor.name,
    handler.request.method,
    handler.request.uri,
  );
}
