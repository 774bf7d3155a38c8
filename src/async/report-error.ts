/**
 * Errors that have lost their receiver: the second failure of a `multi`, the late failure of an operation
 * that has already timed out, a callback's exception. They are logged as errors of the application and hurt
 * nothing else, unless their class was declared quiet.
 */
import { appLog } from "../base/log.js";

/** An error class, as `instanceof` takes it. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** One error class or several. */
export type QuietExceptions = ErrorClass | readonly ErrorClass[];

/** True if `error` is an instance of one of the classes. */
export function isQuiet(error: unknown, quiet: QuietExceptions | undefined): boolean {
  if (quiet === undefined) return false;
  if (typeof quiet === "function") return error instanceof quiet;
  return quiet.some((kind) => error instanceof kind);
}

/** Logs an error that has no other place to go. */
export function reportError(what: string, error: unknown): void {
  appLog.exception("%s", what, error);
}
