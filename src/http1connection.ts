/** `squall/http1connection`: one HTTP/1 exchange, a server's connection, and their limits. Tornado's `http1connection`. */
export type { ExchangeHost, HostedExchange, StreamGuest } from "./http/connection/exchange-host.js";
export { HTTP1Connection } from "./http/connection/http1-connection.js";
export { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./http/connection/params.js";
export { HTTP1ServerConnection, type ShutdownState } from "./http/connection/server-connection.js";
export { CR_OR_LF_RE, DIGITS, HEXDIGITS, parseHexInt, parseInt } from "./protocol/http1/numbers.js";
export { isTransferEncodingChunked } from "./protocol/http1/transfer-encoding.js";
