/** `squall/httputil`: header fields, start lines, forms, cookies, URLs: the values of HTTP. Tornado's `httputil`. */
export { HTTP_WHITESPACE } from "./protocol/fields/abnf.js";
export {
  HTTPInputError,
  type HTTPInputErrorOptions,
  HTTPOutputError,
} from "./protocol/fields/errors.js";
export {
  HTTPHeaders,
  type HTTPHeadersInit,
  type HTTPHeadersParseOptions,
} from "./protocol/fields/headers.js";
export {
  parseRequestStartLine,
  parseResponseStartLine,
  type RequestStartLine,
  type ResponseStartLine,
} from "./protocol/fields/start-line.js";
