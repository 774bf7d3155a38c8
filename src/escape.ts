/** `squall/escape`: HTML, JSON, URLs and UTF-8, there and back. */
export type { Chunk } from "./base/bytes.js";
export { DecodeError } from "./base/decode-error.js";
export {
  jsonDecode,
  jsonEncode,
  nativeStr,
  recursiveUnicode,
  squeeze,
  toBasestring,
  toUnicode,
  utf8,
  xhtmlEscape,
  xhtmlUnescape,
} from "./base/escape.js";
export {
  type UrlEscapeOptions,
  type UrlUnescapeOptions,
  urlEscape,
  urlUnescape,
} from "./base/url-escape.js";
export { type ParseQsOptions, parseQsBytes } from "./protocol/body/form.js";
export { type LinkifyOptions, linkify } from "./text/linkify.js";
