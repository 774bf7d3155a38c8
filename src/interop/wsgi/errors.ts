/** What can go wrong between squall and a Python application. */
import { SquallError, type SquallErrorOptions } from "../../base/errors.js";

/** The workers of a `WSGIContainer` cannot be started (`ERR_SQUALL_WSGI_START`). */
export class WSGIStartError extends SquallError {
  static {
    this.prototype.name = "WSGIStartError";
  }

  /** The option that is to blame, such as `python` or `application`; undefined if none is. */
  readonly option: string | undefined;

  constructor(message: string, option?: string | undefined, options?: SquallErrorOptions) {
    super("ERR_SQUALL_WSGI_START", option === undefined ? message : `${message} (option ${option})`, options);
    this.option = option;
  }
}

/**
 * A Python application raised an exception, or broke the rules of WSGI (`ERR_SQUALL_WSGI_APPLICATION`). It is
 * logged, not thrown; its stack is Python's traceback.
 */
export class WSGIApplicationError extends SquallError {
  static {
    this.prototype.name = "WSGIApplicationError";
  }

  constructor(message: string, traceback?: string) {
    super("ERR_SQUALL_WSGI_APPLICATION", message);
    if (traceback !== undefined) this.stack = `${this.name}: ${message}\n${traceback}`;
  }
}

/** The last line of a traceback, which says what was raised. */
export function lastLine(traceback: string): string {
  return traceback.trimEnd().split("\n").at(-1) ?? "";
}
