/** What a client is told once, checked and filled with defaults. */

import type { IOLoop } from "../../async/ioloop.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { hintOf } from "../../base/nearest-name.js";
import { checkBoolean, checkInteger, checkLimit, checkMilliseconds } from "../../base/validate.js";
import type { OverrideMapping, Resolver } from "../../net/resolver.js";
import { HTTP1ConnectionParameters } from "../connection/params.js";
import { type HTTPRequestOptions, isRequestOption, REQUEST_OPTION_NAMES } from "./request.js";

/** Options of clients. Times are in milliseconds, sizes in octets; `Infinity` switches a limit off. */
export interface AsyncHTTPClientOptions {
  /**
   * Make a client of one's own instead of the loop's shared one, which ignores all other options; default
   * false.
   */
  readonly forceInstance?: boolean | undefined;
  /** Options for requests that do not have them; default none. */
  readonly defaults?: HTTPRequestOptions | undefined;
  /** The loop to work on; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
  /** Requests in progress at once; others wait; default 10. */
  readonly maxClients?: number | undefined;
  /** Requests that may wait; default 10,000. One more is refused. */
  readonly maxQueue?: number | undefined;
  /** Other addresses for hosts, as `OverrideResolver` takes them; default none. */
  readonly hostnameMapping?: OverrideMapping | undefined;
  /** Octets of a response held in memory; default 100 MiB. Tornado's name: `maxBodySize` beats it. */
  readonly maxBufferSize?: number | undefined;
  /** Who looks hosts up; default a resolver of the client's own. */
  readonly resolver?: Resolver | undefined;
  /** Octets of the head of a response; default 64 KiB. */
  readonly maxHeaderSize?: number | undefined;
  /**
   * Octets of the body of a response, also unpacked; default 100 MiB. No limit for streamed bodies, unless it
   * is given.
   */
  readonly maxBodySize?: number | undefined;
  /** Keep connections for further requests; default true. */
  readonly keepAlive?: boolean | undefined;
  /**
   * How long a kept connection may be idle; default 30 s. A shorter time that the server announces counts.
   */
  readonly keepAliveTimeout?: number | undefined;
  /** Idle connections in all; default 100. Above it the one that has been idle longest closes. */
  readonly maxIdleConnections?: number | undefined;
  /** Time in which not a byte of a body comes that is due; default 60 s. */
  readonly responseStallTimeout?: number | undefined;
  /** Time in which the server takes nothing of a request; default 60 s. */
  readonly requestStallTimeout?: number | undefined;
}

const MIB = 1024 * 1024;
const OPTIONS: ReadonlySet<string> = new Set<keyof AsyncHTTPClientOptions>([
  "forceInstance",
  "defaults",
  "ioLoop",
  "maxClients",
  "maxQueue",
  "hostnameMapping",
  "maxBufferSize",
  "resolver",
  "maxHeaderSize",
  "maxBodySize",
  "keepAlive",
  "keepAliveTimeout",
  "maxIdleConnections",
  "responseStallTimeout",
  "requestStallTimeout",
]);

/** See {@link AsyncHTTPClientOptions}. */
export class ClientSettings {
  readonly defaults: HTTPRequestOptions;
  readonly maxClients: number;
  readonly maxQueue: number;
  readonly maxBufferSize: number;
  readonly maxHeaderSize: number;
  readonly maxBodySize: number;
  /** The limit of a body that is not held in memory. */
  readonly maxStreamedSize: number;
  readonly keepAlive: boolean;
  readonly maxIdleConnections: number;
  readonly keepAliveTimeout: number;
  /** For connections. */
  readonly params: HTTP1ConnectionParameters;

  /**
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for an unknown option, or a wrong type or
   * range.
   */
  constructor(options: AsyncHTTPClientOptions) {
    for (const name of Object.keys(options)) {
      if (!OPTIONS.has(name)) {
        const hint = isRequestOption(name)
          ? `; is it meant for defaults: { ${name}: … }?`
          : hintOf(name, OPTIONS);
        throw new InvalidArgumentError(`an HTTP client has no option ${JSON.stringify(name)}${hint}`);
      }
    }
    this.defaults = checkDefaults(options.defaults ?? {});
    this.maxClients = checkLimit("maxClients", options.maxClients ?? 10, 1);
    this.maxQueue = checkLimit("maxQueue", options.maxQueue ?? 10_000);
    this.maxBufferSize = checkLimit("maxBufferSize", options.maxBufferSize ?? 100 * MIB);
    this.maxHeaderSize = checkInteger("maxHeaderSize", options.maxHeaderSize ?? 65_536, { min: 1 });
    this.maxBodySize = checkLimit("maxBodySize", options.maxBodySize ?? this.maxBufferSize);
    this.maxStreamedSize = options.maxBodySize ?? Number.POSITIVE_INFINITY;
    this.keepAlive = checkBoolean("keepAlive", options.keepAlive ?? true);
    this.maxIdleConnections = checkLimit("maxIdleConnections", options.maxIdleConnections ?? 100);
    this.keepAliveTimeout = checkMilliseconds("keepAliveTimeout", options.keepAliveTimeout ?? 30_000);
    this.params = new HTTP1ConnectionParameters({
      maxHeaderSize: this.maxHeaderSize,
      maxBodySize: this.maxBodySize,
      headerTimeout: Number.POSITIVE_INFINITY,
      idleTimeout: this.keepAliveTimeout,
      bodyStallTimeout: options.responseStallTimeout ?? 60_000,
      writeStallTimeout: options.requestStallTimeout ?? 60_000,
      noKeepAlive: !this.keepAlive,
    });
  }
}

function checkDefaults(defaults: HTTPRequestOptions): HTTPRequestOptions {
  for (const name of Object.keys(defaults)) {
    if (!isRequestOption(name)) {
      throw new InvalidArgumentError(
        `defaults has no option ${JSON.stringify(name)}${hintOf(name, REQUEST_OPTION_NAMES)}`,
      );
    }
  }
  return { ...defaults };
}
