/** `squall/web`: applications and request handlers. */
export type { HTTPServerRequest } from "./http/request.js";
export type { PathParams } from "./http/routing/template.js";
export { type CheckedRoute, type CheckedRoutes, routes, URLSpec, url } from "./http/routing/url-spec.js";
export type { OutboxOptions, SlowConsumerPolicy } from "./net/outbox.js";
export { EncodedEvent, encodeEvent, type ServerSentEvent } from "./protocol/body/event-stream.js";
export type { PartHead } from "./protocol/body/multipart.js";
export type { MultipartReaderConfig } from "./protocol/body/multipart-reader.js";
export {
  Application,
  type ApplicationConstructor,
  type ApplicationListenOptions,
  type ApplicationOptions,
  type Routes,
} from "./web/application/application.js";
export type { ApplicationRouter } from "./web/application/application-router.js";
export type { RequestHandlerClass } from "./web/application/handler-delegate.js";
export { Finish, HTTPError, type HTTPErrorOptions, MissingArgumentError } from "./web/errors.js";
export type { ArgumentFallback, ArgumentOptions, ArgumentsOptions } from "./web/handler/arguments.js";
export { GZipContentEncoding } from "./web/handler/compress.js";
export {
  addslash,
  asynchronous,
  authenticated,
  type HandlerMethod,
  removeslash,
  streamRequestBody,
} from "./web/handler/decorators.js";
export { type EventInit, EventStream, type EventStreamOptions } from "./web/handler/event-stream.js";
export type { HeaderValue } from "./web/handler/header-value.js";
export { OutputTransform } from "./web/handler/output-transform.js";
export { isAbsolute, isLocalUrl, type RedirectOptions } from "./web/handler/redirect.js";
export {
  type GetSignedCookieOptions,
  RequestHandler,
  type SignedCookieOptions,
} from "./web/handler/request-handler.js";
export type { ClearCookieOptions } from "./web/handler/response-cookies.js";
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
} from "./web/handler/signed-value.js";
export { type SpooledFile, UploadPart } from "./web/handler/upload-part.js";
export { ErrorHandler } from "./web/handlers/error-handler.js";
export { type Fallback, FallbackHandler } from "./web/handlers/fallback-handler.js";
export { RedirectHandler, type RedirectHandlerOptions } from "./web/handlers/redirect-handler.js";
export { TemplateModule, type TemplateResources } from "./web/modules/template-module.js";
export type {
  ModuleFiles,
  ModuleText,
  PagePart,
  UIMethod,
  UIModuleClass,
  UINames,
} from "./web/modules/types.js";
export { UIModule } from "./web/modules/ui-module.js";
export { type Content, StaticFileHandler, type StaticFileOptions } from "./web/static/static-file-handler.js";
export type {
  App,
  ApplicationSettings,
  CookieOptions,
  CorsOptions,
  ErrorPageOptions,
  FinishOptions,
  FlushOptions,
  Handler,
  HandlerClass,
  HandlerDelegateOptions,
  HandlerResult,
  PathGroups,
  SecurityHeaders,
  StaticUrlMaker,
  StaticUrlOptions,
  Transform,
  TransformClass,
  TransformedHead,
  Writable,
} from "./web/types.js";
