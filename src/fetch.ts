/** `squall/fetch`: applications of Fetch's kind under squall's server, and squall's without a server. */
export { FetchContainer, type FetchContainerOptions } from "./interop/fetch/container.js";
export { type FetchHandler, type FetchHandlerOptions, fetchHandler } from "./interop/fetch/handler.js";
export type { FetchApplication, FetchInfo } from "./interop/fetch/types.js";
