/** `squall/testing`: help for tests. Tornado: `tornado.testing`. */

export {
  AsyncTestCase,
  type CleanupHost,
  type GenTestOptions,
  type GenTestWrapper,
  genTest,
  setupWithContextManager,
  type TestCaseClass,
  type TestFunction,
  type TestRunner,
  type TestWaitOptions,
  testMethods,
} from "./testing/async-test.js";
export type { ExchangeOptions, ExchangeRequest, ExchangeResponse } from "./testing/exchange.js";
export { ExpectedLogError, ExpectLog, type ExpectLogOptions } from "./testing/expect-log.js";
export {
  AsyncHTTPSTestCase,
  AsyncHTTPTestCase,
  type TestClient,
  type TestFetchOptions,
  TestResponse,
  TestResponseError,
} from "./testing/http-test.js";
export { type MainOptions, main } from "./testing/main.js";
export { type HostBehaviour, MemoryNetwork, type MemoryNetworkOptions } from "./testing/memory-network.js";
export { type BindUnusedPortOptions, bindUnusedPort } from "./testing/ports.js";
export { getAsyncTestTimeout } from "./testing/test-timeout.js";
export {
  VirtualClock,
  type VirtualClockOptions,
  VirtualTimeError,
} from "./testing/virtual-clock.js";
export { VirtualLoop, type VirtualLoopOptions } from "./testing/virtual-loop.js";
