/** The line that the access log gets for each request. */
import { accessLog } from "../../base/log.js";
import { LogLevel } from "../../base/log-record.js";
import { shorten } from "../../base/shorten.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { stateOf } from "../handler/handler-state.js";
import type { Handler } from "../types.js";

/**
 * What is logged as status when the client left before there was one; the number that nginx uses. Never sent.
 */
export const CLIENT_LEFT = 499;

/**
 * Writes the line for a handler's response; see {@link logResponse}. A response that was written after the
 * client's FIN has the mark `half-closed`: such a client may have read it, or may have been gone.
 */
export function logRequestLine(handler: Handler): void {
  const { abortReason } = stateOf(handler);
  const isHalfClosed = abortReason instanceof ExchangeAbortedError && abortReason.reason === "half-closed";
  logResponse(handler.getStatus(), handler.request, handler, isHalfClosed);
}

/** Whether the access log takes the line for a response of this status: what makes one may be left out. */
export function logsResponse(status: number): boolean {
  return accessLog.isEnabledFor(levelOf(status));
}

/**
 * `200 GET /path (127.0.0.1) 1.23ms`: information below 400, a warning below 500, else an error. Out of the
 * box information is silent, and costs one comparison here. A handler says what is shown of the target;
 * without one it is all of it. That a client left is information.
 */
export function logResponse(
  status: number,
  request: HTTPServerRequest,
  handler?: Pick<Handler, "loggedUri">,
  isHalfClosed = false,
): void {
  const level = levelOf(status);
  if (!accessLog.isEnabledFor(level)) return;
  accessLog.log(
    level,
    isHalfClosed && status !== CLIENT_LEFT ? "%d %s %s (%s) %.2fms half-closed" : "%d %s %s (%s) %.2fms",
    status,
    request.method,
    shorten(handler?.loggedUri() ?? request.uri),
    request.remoteIp,
    request.requestTime(),
  );
}

function levelOf(status: number): number {
  if (status < 400 || status === CLIENT_LEFT) return LogLevel.INFO;
  return status < 500 ? LogLevel.WARNING : LogLevel.ERROR;
}
