/**
 * The whole answer to a request that broke the protocol: a bare status, and the end of the connection. It is made
 * from the code alone, so nothing that the peer sent can find its way into it.
 */
import { httpDate } from "../fields/date.js";
import { reasonPhrase } from "../fields/status.js";

/**
 * The bytes (as latin1 text) of an empty response with `status` that announces the close.
 * `wallTime` is in milliseconds since the epoch, for the Date field (RFC 9110 §6.6.1).
 */
export function refusalHead(status: number, wallTime: number): string {
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nDate: ${httpDate(wallTime)}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}
