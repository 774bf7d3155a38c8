/**
 * Close codes (RFC 6455 §7.4, and IANA's registry of WebSocket close code numbers).
 *
 *     0–999        not used
 *     1000–2999    defined by RFCs and the registry; those that are not defined are errors
 *     3000–3999    registered by libraries and frameworks
 *     4000–4999    private use
 *
 * Three codes never stand in a frame (§7.4.1): 1005 and 1006 say what an endpoint found out by itself, 1015
 * that TLS failed. 1004 is reserved.
 */

/** The purpose of the connection is fulfilled. */
export const NORMAL_CLOSURE = 1000;
/** Never sent: the peer's close frame had no code. */
export const NO_STATUS = 1005;
/** Never sent: the connection ended without a close frame. */
export const ABNORMAL_CLOSURE = 1006;
/** The server met an unexpected condition. */
export const INTERNAL_ERROR = 1011;

const LAST_DEFINED = 1014;

/** Whether a close frame may hold `code` (RFC 6455 §7.4). */
export function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= NORMAL_CLOSURE && code <= LAST_DEFINED && (code < 1004 || code > ABNORMAL_CLOSURE);
}
