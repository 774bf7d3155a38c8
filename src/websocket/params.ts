/**
 * How one end of a WebSocket behaves: times, limits, and what happens to a peer that reads slowly. The
 * options become one object of parameters, which connections with the same options share.
 */
import { genLog } from "../base/log.js";
import { checkNames } from "../base/nearest-name.js";
import { checkBoolean, checkMilliseconds, checkOneOf } from "../base/validate.js";
import { type OutboxLimits, type OutboxOptions, resolveOutboxOptions } from "../net/outbox.js";
import { resolveWebSocketLimits, type WebSocketLimitsOptions } from "../protocol/websocket/limits.js";

/** Times, limits and policies of one end of a WebSocket. */
export interface WebSocketOptions extends WebSocketLimitsOptions, OutboxOptions {
  /** Milliseconds between two pings; default `Infinity`, no pings. 0 means the same, as in Tornado. */
  readonly pingInterval?: number | undefined;
  /**
   * Milliseconds after a ping in which something must come from the peer, else the connection is closed with
   * the reason "ping timed out"; default `pingInterval`, which is also the most.
   */
  readonly pingTimeout?: number | undefined;
  /**
   * Milliseconds that the peer has to answer a close frame, and to end TCP afterwards, before the connection
   * is cut; default 5 s, `Infinity` to wait without limit.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * Milliseconds in which a peer takes nothing of what is queued for it before the connection is cut; default
   * 60 s, `Infinity` for no limit.
   */
  readonly writeStallTimeout?: number | undefined;
  /**
   * Whether an idle connection is closed, with code 1013, to make room for a new one at the server's
   * `maxConnections`; default false.
   */
  readonly makesRoom?: boolean | undefined;
  /**
   * The code of the close frame when the server stops: 1001 (going away) or 1012 (service restart); default
   * 1001.
   */
  readonly shutdownCode?: 1001 | 1012 | undefined;
}

/** {@link WebSocketOptions}, complete and checked. */
export interface WebSocketParams {
  /** See {@link WebSocketLimitsOptions.maxMessageSize}. */
  readonly maxMessageSize: number;
  /** See {@link WebSocketOptions.pingInterval}. */
  readonly pingInterval: number;
  /** See {@link WebSocketOptions.pingTimeout}. */
  readonly pingTimeout: number;
  /** See {@link WebSocketOptions.closeTimeout}. */
  readonly closeTimeout: number;
  /** See {@link WebSocketOptions.writeStallTimeout}. */
  readonly writeStallTimeout: number;
  /** See {@link WebSocketOptions.makesRoom}. */
  readonly makesRoom: boolean;
  /** See {@link WebSocketOptions.shutdownCode}. */
  readonly shutdownCode: 1001 | 1012;
  /** The budget of the outbox, and the policy for slow consumers. */
  readonly outbox: OutboxLimits;
}

/** The names of {@link WebSocketOptions}. */
export const WEBSOCKET_OPTION_NAMES: ReadonlySet<string> = new Set([
  "maxMessageSize",
  "pingInterval",
  "pingTimeout",
  "closeTimeout",
  "writeStallTimeout",
  "makesRoom",
  "shutdownCode",
  "slowConsumer",
  "maxQueuedBytes",
  "maxQueuedMessages",
] satisfies readonly (keyof WebSocketOptions)[]);

/** @throws InvalidArgumentError for a name that no option has. */
export function checkWebSocketOptionNames(options: object): void {
  checkNames("option of a WebSocket", options, WEBSOCKET_OPTION_NAMES, false);
}

const NEVER = Number.POSITIVE_INFINITY;

/** Texts that have been logged; their number is that of the ways in which options can be at odds. */
const logged = new Set<string>();
const MOST_LOGGED = 100;

/**
 * Logs a warning of squall itself, unless the same text has been logged before: what a program does wrong for
 * each of its connections is worth one line. Tornado `de_dupe_gen_log`.
 */
export function deDupeGenLog(message: string): void {
  if (logged.has(message) || logged.size >= MOST_LOGGED) return;
  logged.add(message);
  genLog.warning("%s", message);
}

/** A pong that is due after the next ping would never be missed. */
function cappedTimeout(pingTimeout: number, pingInterval: number): number {
  if (pingTimeout <= pingInterval || pingTimeout === NEVER) return Math.min(pingTimeout, pingInterval);
  deDupeGenLog(`pingTimeout (${pingTimeout} ms) is longer than pingInterval, so ${pingInterval} ms are used`);
  return pingInterval;
}

/** What was resolved last: most connections of a process have the same options. */
let latest: { readonly options: readonly unknown[]; readonly params: WebSocketParams } | undefined;

/**
 * Fills in the defaults. Equal options that come one after another give the same object.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an option of the wrong type or range.
 */
export function resolveWebSocketOptions(options: WebSocketOptions): WebSocketParams {
  const given = [
    options.maxMessageSize,
    options.pingInterval,
    options.pingTimeout,
    options.closeTimeout,
    options.writeStallTimeout,
    options.makesRoom,
    options.shutdownCode,
    options.slowConsumer,
    options.maxQueuedBytes,
    options.maxQueuedMessages,
  ];
  if (latest?.options.every((value, i) => value === given[i]) === true) return latest.params;
  const interval = checkMilliseconds("pingInterval", options.pingInterval ?? NEVER);
  const pingInterval = interval === 0 ? NEVER : interval;
  const params: WebSocketParams = {
    maxMessageSize: resolveWebSocketLimits(options).maxMessageSize,
    pingInterval,
    pingTimeout: cappedTimeout(checkMilliseconds("pingTimeout", options.pingTimeout ?? NEVER), pingInterval),
    closeTimeout: checkMilliseconds("closeTimeout", options.closeTimeout ?? 5000),
    writeStallTimeout: checkMilliseconds("writeStallTimeout", options.writeStallTimeout ?? 60_000),
    makesRoom: checkBoolean("makesRoom", options.makesRoom ?? false),
    shutdownCode: checkOneOf("shutdownCode", options.shutdownCode ?? 1001, [1001, 1012]),
    outbox: resolveOutboxOptions(options),
  };
  latest = { options: given, params };
  return params;
}
