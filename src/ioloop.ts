/** `squall/ioloop`: the event loop. Tornado: `tornado.ioloop`. */

export type { IOHandler, Watchable } from "./async/handlers.js";
export { IOLoop, type IOLoopClass, type IOLoopOptions } from "./async/ioloop.js";
export type {
  ConnectRequest,
  ListenRequest,
  Network,
  NetworkAddress,
  NetworkServer,
  NetworkSocket,
  ResolvedAddress,
} from "./async/network.js";
export { PeriodicCallback, type PeriodicCallbackOptions } from "./async/periodic-callback.js";
export type { Clock, WorkSource } from "./async/timers/clock.js";
export type { Duration } from "./async/timers/duration.js";
export type { AnyCallback, Timeout } from "./async/timers/timeout.js";
export type { WaitOptions } from "./async/wait-options.js";
export { TimeoutError } from "./base/errors.js";
