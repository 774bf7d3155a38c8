/** How much a WebSocket peer may send in one message. */
import { checkLimit } from "../../base/validate.js";

/** The limits of a {@link WebSocketConnection}; each may be left out. */
export interface WebSocketLimitsOptions {
  /**
   * The largest message that is taken, in bytes, all fragments together and after inflating; a larger one
   * fails the connection with close code 1009. Default 10 MiB, as in Tornado; `Infinity` for no limit.
   */
  readonly maxMessageSize?: number | undefined;
}

/** Limits with every default filled in. */
export type WebSocketLimits = { readonly [K in keyof WebSocketLimitsOptions]-?: number };

/** The default of `maxMessageSize`: 10 MiB. */
export const DEFAULT_MAX_MESSAGE_SIZE = 10_485_760;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a value that is neither an integer of at
 *   least 0 nor `Infinity`.
 */
export function resolveWebSocketLimits(options: WebSocketLimitsOptions = {}): WebSocketLimits {
  return { maxMessageSize: checkLimit("maxMessageSize", options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE) };
}

/**
 * How many compressed bytes a message within `maxMessageSize` may have: deflate makes incompressible data an
 * eighth longer at the worst (fixed codes of nine bits), and a sender may flush between its fragments.
 */
export function maxCompressedSize(maxMessageSize: number): number {
  return maxMessageSize + maxMessageSize / 8 + 1024;
}
