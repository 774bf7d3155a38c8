/**
 * When to fetch again. A retry is a new attempt after a response that asks for one, or after none at all; it
 * waits longer each time, with some chance in it, so that clients that failed together do not come back
 * together.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkInteger, checkMilliseconds } from "../../base/validate.js";
import { isDigits } from "../../protocol/fields/abnf.js";
import { parseDate } from "../../protocol/fields/date.js";

/** How often, when and for what to fetch again. Times are in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first one included; default 3. */
  readonly attempts?: number | undefined;
  /** The wait before the second attempt; it doubles from one to the next; default 100 ms. */
  readonly delay?: number | undefined;
  /** The longest wait; a Retry-After above it ends the retrying; default 30 s. */
  readonly maxDelay?: number | undefined;
  /** The part of a wait, 0 to 1, that chance takes off; default 0.5. */
  readonly jitter?: number | undefined;
  /** Methods to try again; default those that are idempotent (RFC 9110 §9.2.2). */
  readonly methods?: readonly string[] | undefined;
  /** Statuses to try again after; default 429, 502, 503 and 504. */
  readonly statuses?: readonly number[] | undefined;
}

const NAMES = optionNames<RetryPolicy>({
  attempts: 1,
  delay: 1,
  maxDelay: 1,
  jitter: 1,
  methods: 1,
  statuses: 1,
});

/** {@link RetryPolicy} with every default filled in. */
export type ResolvedRetryPolicy = { readonly [Name in keyof RetryPolicy]-?: NonNullable<RetryPolicy[Name]> };

/** Methods whose repetition does what one request does (RFC 9110 §9.2.2). */
export const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
const STATUSES = [429, 502, 503, 504];

/**
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a value of the wrong type or range, and for
 *   an unknown name.
 */
export function resolveRetryPolicy(policy: RetryPolicy): ResolvedRetryPolicy {
  checkNames("option of retry", policy, NAMES);
  const jitter = policy.jitter ?? 0.5;
  if (!(jitter >= 0 && jitter <= 1)) throw new InvalidArgumentError(`jitter is from 0 to 1, got ${jitter}`);
  return {
    attempts: checkInteger("attempts", policy.attempts ?? 3, { min: 1 }),
    delay: checkMilliseconds("delay", policy.delay ?? 100),
    maxDelay: checkMilliseconds("maxDelay", policy.maxDelay ?? 30_000),
    jitter,
    methods: policy.methods ?? [...IDEMPOTENT],
    statuses: policy.statuses ?? STATUSES,
  };
}

/**
 * How many milliseconds to wait before attempt number `attempt + 1`; undefined if there is to be none,
 * because the server wants to be left alone for longer than `maxDelay`.
 */
export function retryDelay(
  policy: ResolvedRetryPolicy,
  attempt: number,
  retryAfter: number | undefined,
  random: () => number = Math.random,
): number | undefined {
  if (retryAfter !== undefined) return retryAfter > policy.maxDelay ? undefined : retryAfter;
  const delay = Math.min(policy.delay * 2 ** (attempt - 1), policy.maxDelay);
  return delay * (1 - policy.jitter * random());
}

/** What Retry-After says (RFC 9110 §10.2.3), in milliseconds from `now`; undefined if it says nothing. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (isDigits(value)) return Number(value) * 1000;
  const date = parseDate(value, now);
  return date === undefined ? undefined : Math.max(0, date - now);
}
