/**
 * The limits and times of an HTTP/1 connection, filled with defaults and checked once; the connection code
 * sees only the result. `Infinity` switches a limit or a time off; 0 is a legal value and means what it says.
 */

import { InvalidArgumentError } from "../../base/errors.js";
import { checkBoolean, checkInteger, checkLimit, checkMilliseconds } from "../../base/validate.js";
import { isFieldValue } from "../../protocol/fields/abnf.js";
import {
  type HTTP1Limits,
  type HTTP1LimitsOptions,
  resolveHTTP1Limits,
} from "../../protocol/http1/limits.js";
import { DEFAULT_SERVER_HEADER } from "../delegates/default-fields.js";

const KIB = 1024;

/** Options of {@link HTTP1ConnectionParameters}: the limits of the receiver, and the following. */
export interface HTTP1ConnectionOptions extends HTTP1LimitsOptions {
  /** Close after one exchange; default false. */
  readonly noKeepAlive?: boolean | undefined;
  /** Bytes of a body handed to the delegate at once; default 64 KiB. */
  readonly chunkSize?: number | undefined;
  /**
   * Milliseconds from the first byte of a head (or from accepting) to its end; default 30 s. Over it: 408.
   */
  readonly headerTimeout?: number | undefined;
  /** Milliseconds that a connection may be idle between two requests; default 620 s, above load balancers. */
  readonly idleTimeout?: number | undefined;
  /** Milliseconds for a whole body; default off. Over it: 408. */
  readonly bodyTimeout?: number | undefined;
  /** Milliseconds without a byte of a body that is due; default 60 s. Over it: 408. */
  readonly bodyStallTimeout?: number | undefined;
  /**
   * Milliseconds in which a reader that is behind takes nothing at all; default 180 s, in which a reader of 1
   * kB a second acknowledges something. After the second time without anything: reset.
   */
  readonly writeStallTimeout?: number | undefined;
  /**
   * Milliseconds in which a client that has ended its side (FIN) is sent nothing of its answer, or takes
   * nothing of it; default 60 s. Such a client may still read, or be gone: `handler.signal` has been aborted.
   * The same time holds for one that pipelined more than `maxPipelinedSize`: nothing more is read from it, so
   * that its FIN would not be seen.
   */
  readonly halfClosedTimeout?: number | undefined;
  /** Bytes of further requests kept while one is answered; above it the socket is paused; default 64 KiB. */
  readonly maxPipelinedSize?: number | undefined;
  /** Requests answered on one connection before it is closed; default off. */
  readonly maxRequests?: number | undefined;
  /**
   * Bytes discarded after an early answer or an error response, so that the peer can read it; default 256
   * KiB.
   */
  readonly drainSize?: number | undefined;
  /** Milliseconds in which they may come; default 2 s. */
  readonly drainTimeout?: number | undefined;
  /** Unpack bodies that come with `Content-Encoding: gzip`; default false. */
  readonly decompress?: boolean | undefined;
  /**
   * The `Server` field of the server's own answers (error responses, a router's 404), or false for none;
   * default `squall/<version>`.
   */
  readonly serverHeader?: string | false | undefined;
}

/** Options with every default filled in. */
type Resolved<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/**
 * The checked parameters of HTTP/1 connections, shared by all connections of a server.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a value of the wrong type or range.
 */
export class HTTP1ConnectionParameters
  implements Resolved<Omit<HTTP1ConnectionOptions, keyof HTTP1LimitsOptions>>
{
  /** What a peer may send: the limits of the receiver. */
  readonly limits: HTTP1Limits;
  readonly noKeepAlive: boolean;
  readonly chunkSize: number;
  readonly headerTimeout: number;
  readonly idleTimeout: number;
  readonly bodyTimeout: number;
  readonly bodyStallTimeout: number;
  readonly writeStallTimeout: number;
  readonly halfClosedTimeout: number;
  readonly maxPipelinedSize: number;
  readonly maxRequests: number;
  readonly drainSize: number;
  readonly drainTimeout: number;
  readonly decompress: boolean;
  readonly serverHeader: string | false;

  constructor(options: HTTP1ConnectionOptions = {}) {
    this.noKeepAlive = checkBoolean("noKeepAlive", options.noKeepAlive ?? false);
    this.chunkSize = checkInteger("chunkSize", options.chunkSize ?? 64 * KIB, { min: 1 });
    this.limits = resolveHTTP1Limits(options);
    this.headerTimeout = checkMilliseconds("headerTimeout", options.headerTimeout ?? 30_000);
    this.idleTimeout = checkMilliseconds("idleTimeout", options.idleTimeout ?? 620_000);
    this.bodyTimeout = checkMilliseconds("bodyTimeout", options.bodyTimeout ?? Number.POSITIVE_INFINITY);
    this.bodyStallTimeout = checkMilliseconds("bodyStallTimeout", options.bodyStallTimeout ?? 60_000);
    this.writeStallTimeout = checkMilliseconds("writeStallTimeout", options.writeStallTimeout ?? 180_000);
    this.halfClosedTimeout = checkMilliseconds("halfClosedTimeout", options.halfClosedTimeout ?? 60_000);
    this.maxPipelinedSize = checkLimit("maxPipelinedSize", options.maxPipelinedSize ?? 64 * KIB);
    this.maxRequests = checkLimit("maxRequests", options.maxRequests ?? Number.POSITIVE_INFINITY, 1);
    this.drainSize = checkLimit("drainSize", options.drainSize ?? 256 * KIB);
    this.drainTimeout = checkMilliseconds("drainTimeout", options.drainTimeout ?? 2_000);
    this.decompress = checkBoolean("decompress", options.decompress ?? false);
    this.serverHeader = checkServerHeader(options.serverHeader ?? DEFAULT_SERVER_HEADER);
  }

  /** {@link HTTP1LimitsOptions.maxHeaderSize}. */
  get maxHeaderSize(): number {
    return this.limits.maxHeaderSize;
  }

  /** {@link HTTP1LimitsOptions.maxBodySize}. */
  get maxBodySize(): number {
    return this.limits.maxBodySize;
  }
}

function checkServerHeader(value: unknown): string | false {
  if (value === false || (typeof value === "string" && isFieldValue(value))) return value;
  throw new InvalidArgumentError(
    `serverHeader must be false or text that can stand in a header field, got ${JSON.stringify(value)}`,
  );
}
