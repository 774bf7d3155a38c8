/**
 * `squall/http1connection`: one HTTP/1 exchange, a server's connection, and their limits. Tornado's
 * `http1connection`.
 */
export { type ExchangeState, HTTP1Exchange } from "./http/connection/exchange.js";
export { HTTP1Connection } from "./http/connection/http1-connection.js";
export { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./http/connection/params.js";
export { HTTP1ServerConnection, type ServerConnectionState } from "./http/connection/server-connection.js";
export type { ServerConnection, ServerProtocol, ShutdownState } from "./http/connection/server-protocol.js";
export { HTTP1_ERROR_STATUS, HTTP1Error, type HTTP1ErrorCode } from "./protocol/http1/errors.js";
export { isTransferEncodingChunked } from "./protocol/http1/framing.js";
export type { HTTP1Limits, HTTP1LimitsOptions } from "./protocol/http1/limits.js";
export { CR_OR_LF_RE, DIGITS, HEXDIGITS, parseHexInt, parseInt } from "./protocol/http1/numbers.js";
export type {
  BodyFraming,
  HTTP1Framing,
  HTTP1RequestHead,
  HTTP1ResponseHead,
} from "./protocol/http1/visitor.js";
export type { HTTPVersion, RequestHead, ResponseHead } from "./protocol/message/head.js";
