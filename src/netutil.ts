/** `squall/netutil`: listening sockets, addresses, names and TLS options. */

export type { NetworkAddress, NetworkServer, NetworkSocket } from "./async/network.js";
export type { ConnectAddress, PeerAddress } from "./net/address.js";
export { isValidIp } from "./net/address.js";
export { AddressSet } from "./net/address-set.js";
export type { BindOptions, BindUnixOptions } from "./net/listen.js";
export { addAcceptHandler, bindSockets, bindUnixSocket } from "./net/listen.js";
export type {
  CaresResolverOptions,
  ExecutorResolverOptions,
  OverrideKey,
  OverrideMapping,
  OverrideResolverOptions,
  OverrideTarget,
  ResolvedEndpoint,
  ResolveOptions,
  ResolverOptions,
  ThreadedResolverOptions,
} from "./net/resolver.js";
export {
  BlockingResolver,
  CaresResolver,
  DefaultExecutorResolver,
  DefaultLoopResolver,
  ExecutorResolver,
  OverrideResolver,
  Resolver,
  ThreadedResolver,
} from "./net/resolver.js";
export type {
  CertificateRequirement,
  SniAnswer,
  SniCallbackAnswer,
  SSLOptions,
} from "./net/tls/ssl-options.js";
export { SSLContext, sslOptionsToContext } from "./net/tls/ssl-options.js";
export type { SSLWrapOptions } from "./net/tls/ssl-wrap.js";
export { SSLCertificateError, sslMatchHostname, sslWrapSocket } from "./net/tls/ssl-wrap.js";
