/** `squall/testing`: help for tests. Tornado: `tornado.testing`. */

export { ExpectedLogError, ExpectLog, type ExpectLogOptions } from "./testing/expect-log.js";
export {
  VirtualClock,
  type VirtualClockOptions,
  VirtualTimeError,
} from "./testing/virtual-clock.js";
export { VirtualLoop, type VirtualLoopOptions } from "./testing/virtual-loop.js";
