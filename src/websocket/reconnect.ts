/**
 * Connections one after the other, for a client that is to stay connected. The wait before each attempt
 * grows, and is random, so that the clients of a server that was restarted do not come back in one moment
 * (RFC 6455 §7.2.3).
 */
import { cancellable, onAbort, type WaitOptions } from "../async/cancel.js";
import { IOLoop } from "../async/ioloop.js";
import { InvalidArgumentError } from "../base/errors.js";
import { checkLimit, checkMilliseconds } from "../base/validate.js";
import type { WebSocketClientConnection } from "./client-connection.js";
import { type WebSocketConnectOptions, websocketConnect } from "./connect.js";

/** Options of {@link websocketConnections}. */
export interface WebSocketReconnectOptions extends WebSocketConnectOptions {
  /**
   * The longest wait before the second attempt, in milliseconds; it doubles with each further one. Default 1
   * s.
   */
  readonly firstDelay?: number | undefined;
  /** The longest wait of all, in milliseconds; default 30 s. */
  readonly maxDelay?: number | undefined;
  /** Attempts in a row that may fail; after the last its error is thrown. Default `Infinity`. */
  readonly maxAttempts?: number | undefined;
  /** A connection that lasted this many milliseconds counts as good: the waits start over. Default 10 s. */
  readonly stableAfter?: number | undefined;
  /**
   * Gets the error of each attempt that failed, and the wait that follows, in milliseconds; what it throws
   * ends the iteration. Default nothing.
   */
  readonly onRetry?: ((error: unknown, delay: number) => void) | undefined;
}

/** The waits and the limit of a series of connections, with every default filled in. */
type ReconnectLimits = {
  readonly [Name in "firstDelay" | "maxDelay" | "maxAttempts" | "stableAfter"]: number;
};

/** @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a value of the wrong type or range. */
export function resolveReconnectLimits(options: WebSocketReconnectOptions): ReconnectLimits {
  return {
    firstDelay: checkMilliseconds("firstDelay", options.firstDelay ?? 1000),
    maxDelay: checkMilliseconds("maxDelay", options.maxDelay ?? 30_000),
    maxAttempts: checkLimit("maxAttempts", options.maxAttempts ?? Number.POSITIVE_INFINITY, 1),
    stableAfter: checkMilliseconds("stableAfter", options.stableAfter ?? 10_000),
  };
}

/** The options that are not those of one connection. */
const OWN_OPTIONS: ReadonlySet<string> = new Set<keyof WebSocketReconnectOptions>([
  "firstDelay",
  "maxDelay",
  "maxAttempts",
  "stableAfter",
  "onRetry",
]);

/**
 * Connects, and connects again when the loop's body is done with a connection, as often as the loop goes on.
 * The waits are random between half of the current delay and all of it.
 *
 *     for await (const connection of websocketConnections(url, { signal })) {
 *       await connection.writeMessage({ since: lastSeen });
 *       for await (const message of connection) show(message);
 *     } // the connection has ended: the next one follows
 *
 * A connection that is still open when its body ends is closed. An error of an option is thrown at once, the
 * reason of `signal` when it aborts, which also closes the connection.
 */
export async function* websocketConnections(
  address: string | URL,
  options: WebSocketReconnectOptions = {},
): AsyncGenerator<WebSocketClientConnection, void, undefined> {
  const { firstDelay, maxDelay, maxAttempts, stableAfter } = resolveReconnectLimits(options);
  const ioLoop = options.ioLoop ?? IOLoop.current();
  const connectOptions: WebSocketConnectOptions = Object.fromEntries(
    Object.entries({ ...options, ioLoop }).filter(([name]) => !OWN_OPTIONS.has(name)),
  );
  const delayAfter = (rounds: number): number =>
    Math.min(maxDelay, firstDelay * 2 ** rounds) * (0.5 + Math.random() / 2);
  /** Rounds since the last good connection, and attempts since the last one that succeeded. */
  let rounds = 0;
  let failed = 0;
  let delay = 0;
  for (;;) {
    if (delay > 0) await pause(ioLoop, delay, options.signal);
    let connection: WebSocketClientConnection;
    try {
      connection = await websocketConnect(address, connectOptions);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof InvalidArgumentError || ++failed >= maxAttempts) throw error;
      delay = delayAfter(rounds++);
      options.onRetry?.(error, delay);
      continue;
    }
    failed = 0;
    const since = ioLoop.time();
    const stopListening = onAbort(options.signal, () => connection.close());
    try {
      yield connection;
    } finally {
      stopListening();
      connection.close();
    }
    if (ioLoop.time() - since >= stableAfter) rounds = 0;
    delay = delayAfter(rounds++);
  }
}

function pause(ioLoop: IOLoop, ms: number, signal: WaitOptions["signal"]): Promise<void> {
  return cancellable<void>(ioLoop, "the pause before an attempt", { signal }, (settle) => {
    const timer = ioLoop.callLater(ms, () => settle.resolve());
    return () => ioLoop.removeTimeout(timer);
  });
}
