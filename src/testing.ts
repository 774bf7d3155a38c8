/** `squall/testing`: help for tests. Tornado: `tornado.testing`. */

export { ExpectedLogError, ExpectLog, type ExpectLogOptions } from "./testing/expect-log.js";
export { MemoryNetwork, type MemoryNetworkOptions } from "./testing/memory-network.js";
export {
  VirtualClock,
  type VirtualClockOptions,
  VirtualTimeError,
} from "./testing/virtual-clock.js";
export { VirtualLoop, type VirtualLoopOptions } from "./testing/virtual-loop.js";
