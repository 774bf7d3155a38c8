/**
 * The times of a fetch: how an option says that there is no limit, and the words of the error in each phase.
 */
import { checkMilliseconds } from "../../base/validate.js";
import { type FetchPhase, HTTPTimeoutError } from "./errors.js";

/** Tornado's words for queue, connecting and request; behind the colon is what we know better. */
const MESSAGES: Readonly<Record<FetchPhase, string>> = {
  queue: "Timeout in request queue",
  lookup: "Timeout while connecting: looking the host up",
  connect: "Timeout while connecting",
  "proxy-tls": "Timeout while connecting: TLS handshake with the proxy",
  proxy: "Timeout while connecting: waiting for the proxy",
  tls: "Timeout while connecting: TLS handshake",
  upload: "Timeout during request: sending the body",
  headers: "Timeout during request: waiting for the response",
  body: "Timeout during request: receiving the body",
};

/** The error of a fetch whose time was over in this phase. */
export function timeoutIn(phase: FetchPhase): HTTPTimeoutError {
  return new HTTPTimeoutError(MESSAGES[phase], phase);
}

/**
 * The limit of the option `name` in milliseconds; 0 means none, as in Tornado.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for what is no number of milliseconds.
 */
export function limitOf(name: string, ms: number | undefined, byDefault: number): number {
  const limit = checkMilliseconds(name, ms ?? byDefault);
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
