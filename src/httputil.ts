/**
 * `squall/httputil`: header fields, start lines, forms, cookies, URLs: the values of HTTP. Tornado's
 * `httputil`.
 */

export { BaseHTTPConnection, type BaseHTTPConnectionOptions } from "./http/delegates/base-connection.js";
export type {
  Chunk,
  HTTPConnection,
  HTTPMessageDelegate,
  HTTPServerConnectionDelegate,
  UpgradedProtocol,
} from "./http/delegates.js";
export { type AbortCause, ExchangeAbortedError } from "./http/errors.js";
export type { PeerCertificate, PeerContext } from "./http/peer.js";
export { BadJSONError, HTTPServerRequest, type HTTPServerRequestOptions } from "./http/request.js";
export {
  type BodyArguments,
  type ParseBodyConfig,
  parseBodyArguments,
  setParseBodyConfig,
} from "./protocol/body/arguments.js";
export { type ArgumentMap, parseUrlencoded } from "./protocol/body/form.js";
export {
  type FileMap,
  HTTPFile,
  type ParseMultipartConfig,
  parseMultipartFormData,
} from "./protocol/body/multipart.js";
export { HTTP_WHITESPACE } from "./protocol/fields/abnf.js";
export {
  allowsRange,
  type ConditionResult,
  type CurrentRepresentation,
  evaluateConditions,
  parseEntityTags,
  type RequestConditions,
} from "./protocol/fields/conditional.js";
export { type CookieAttributes, formatSetCookie, parseCookie } from "./protocol/fields/cookie.js";
export { encodeUsernamePassword } from "./protocol/fields/credentials.js";
export { formatTimestamp, parseDate } from "./protocol/fields/date.js";
export {
  HTTPInputError,
  type HTTPInputErrorOptions,
  HTTPOutputError,
  type HTTPOutputErrorOptions,
} from "./protocol/fields/errors.js";
export {
  HTTPHeaders,
  type HTTPHeadersInit,
  type HTTPHeadersParseOptions,
} from "./protocol/fields/headers.js";
export {
  formatParameters,
  type ParameterizedValue,
  type ParameterValue,
  parseParameters,
} from "./protocol/fields/parameters.js";
export {
  formatContentRange,
  parseRange,
  type RangeSpec,
  type ResolvedRange,
  resolveRange,
} from "./protocol/fields/range.js";
export type { RawFields } from "./protocol/fields/raw-fields.js";
export {
  parseRequestStartLine,
  parseResponseStartLine,
  type RequestStartLine,
  type ResponseStartLine,
} from "./protocol/fields/start-line.js";
export { responses } from "./protocol/fields/status.js";
export {
  type QueryArguments,
  type QueryValue,
  qsToQsl,
  splitHostAndPort,
  urlConcat,
} from "./protocol/fields/url.js";
