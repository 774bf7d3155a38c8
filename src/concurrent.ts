/** Promises settled from outside, and work done elsewhere. Tornado: `tornado.concurrent`. */
export { CancelledError } from "./async/cancelled.js";
export {
  chainFuture,
  type DoneCallback,
  FUTURES,
  Future,
  futureAddDoneCallback,
  futureSetExceptionUnlessCancelled,
  futureSetExcInfo,
  futureSetResultUnlessCancelled,
  isFuture,
} from "./async/future.js";
