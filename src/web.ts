/** `squall/web`: applications and request handlers. */
export type { HTTPServerRequest } from "./http/request.js";
export type { PathParams } from "./http/routing/template.js";
export { URLSpec, url } from "./http/routing/url-spec.js";
export {
  Application,
  type ApplicationListenOptions,
  type ApplicationOptions,
  type Routes,
} from "./web/application.js";
export type { ApplicationRouter } from "./web/application-router.js";
export type { ArgumentFallback, ArgumentOptions, ArgumentsOptions } from "./web/arguments.js";
export {
  addslash,
  asynchronous,
  authenticated,
  type HandlerMethod,
  removeslash,
  streamRequestBody,
} from "./web/decorators.js";
export { ErrorHandler } from "./web/error-handler.js";
export { Finish, HTTPError, type HTTPErrorOptions, MissingArgumentError } from "./web/errors.js";
export type { PathGroups } from "./web/execute.js";
export { type Fallback, FallbackHandler } from "./web/fallback-handler.js";
export type { ErrorPageOptions, Writable } from "./web/handler-core.js";
export type { HandlerDelegateOptions, RequestHandlerClass } from "./web/handler-delegate.js";
export type { HeaderValue } from "./web/header-value.js";
export { isAbsolute } from "./web/is-absolute.js";
export { OutputTransform } from "./web/output-transform.js";
export { isLocalUrl, type RedirectOptions } from "./web/redirect.js";
export { RedirectHandler, type RedirectHandlerOptions } from "./web/redirect-handler.js";
export {
  type GetSignedCookieOptions,
  RequestHandler,
  type SignedCookieOptions,
} from "./web/request-handler.js";
export type { ClearCookieOptions, CookieOptions } from "./web/response-cookies.js";
export {
  type CookieSecret,
  type CreateSignedValueOptions,
  createSignedValue,
  DEFAULT_SIGNED_VALUE_MIN_VERSION,
  DEFAULT_SIGNED_VALUE_VERSION,
  type DecodeSignedValueOptions,
  decodeSignedValue,
  getSignatureKeyVersion,
  type KeyMap,
  MAX_SUPPORTED_SIGNED_VALUE_VERSION,
  MIN_SUPPORTED_SIGNED_VALUE_VERSION,
} from "./web/signed-value.js";
export { type Content, StaticFileHandler, type StaticFileOptions } from "./web/static-file-handler.js";
export type {
  ApplicationSettings,
  FlushOptions,
  HandlerApplication,
  HandlerClass,
  LoggedHandler,
  StaticUrlMaker,
  StaticUrlOptions,
  Transform,
  TransformClass,
} from "./web/types.js";
