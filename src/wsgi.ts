/** `squall/wsgi`: Python WSGI applications under squall, and squall under WSGI servers. */
export { HTTPServerRequest as HTTPRequest } from "./http/request.js";
export { WSGIAdapter, type WSGIAdapterOptions } from "./interop/wsgi/adapter.js";
export { WSGIContainer } from "./interop/wsgi/container.js";
export { fromWsgiStr, toWsgiStr, type WSGIEnviron } from "./interop/wsgi/environ.js";
export { WSGIApplicationError, WSGIStartError } from "./interop/wsgi/errors.js";
export type { WSGIContainerOptions } from "./interop/wsgi/options.js";
