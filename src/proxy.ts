/** `squall/proxy`: a reverse proxy, as a handler and as a whole server. */
export type { HeaderRules, ProxyOptions } from "./interop/proxy/options.js";
export { ProxyHandler } from "./interop/proxy/proxy-handler.js";
export { ReverseProxy } from "./interop/proxy/reverse-proxy.js";
