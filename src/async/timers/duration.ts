/**
 * Times as people write them: Tornado takes a `timedelta` wherever a deadline or an interval is wanted, and
 * so do we, as an object like `{ minutes: 1, seconds: 30 }`.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "../../base/errors.js";

/** A length of time; the members add up, may have fractions and may be negative. */
export interface Duration {
  /** Each of 24 hours, whatever the calendar says; default 0. */
  readonly days?: number | undefined;
  /** Default 0. */
  readonly hours?: number | undefined;
  /** Default 0. */
  readonly minutes?: number | undefined;
  /** Default 0. */
  readonly seconds?: number | undefined;
  /** Default 0. */
  readonly milliseconds?: number | undefined;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1000],
  ["milliseconds", 1],
]);

/** The milliseconds of a duration, or of a number, which is milliseconds already; `name` is for the error. */
export function toMilliseconds(name: string, time: number | Duration): number {
  if (typeof time === "number" && !Number.isNaN(time)) return time;
  if (typeof time === "object" && time !== null) {
    const parts = Object.entries(time).filter(([, value]) => value !== undefined);
    let total = 0;
    for (const [unit, value] of parts) total += (UNITS.get(unit) ?? Number.NaN) * (value as number);
    if (parts.length > 0 && Number.isFinite(total)) return total;
  }
  throw new InvalidArgumentError(
    `${name} must be a number of milliseconds or a duration such as { minutes: 1, seconds: 30 }, got ${inspect(time, { depth: 0 })}`,
  );
}

/** The loop time of a deadline: a number is absolute already, a duration counts from now. */
export function toDeadline(loop: { time(): number }, name: string, deadline: number | Duration): number {
  const time = toMilliseconds(name, deadline);
  return typeof deadline === "number" ? time : loop.time() + time;
}
