/**
 * What a handler throws on purpose: `HTTPError` for an error response, `Finish` to stop here.
 */
import { inspect } from "node:util";
import { InvalidArgumentError, SquallError } from "../base/errors.js";
import { escapeControls, formatMessage, shown } from "../base/format-message.js";
import { reasonPhrase } from "../protocol/fields/status.js";

/** Keyword arguments of {@link HTTPError}. */
export interface HTTPErrorOptions {
  /** The reason phrase of the status line; default the standard one. It is shown to the client. */
  readonly reason?: string | null | undefined;
  /** The error that led to this one, for the log; default none. */
  readonly cause?: unknown;
}

function isOptions(value: unknown): value is HTTPErrorOptions {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.keys(value).every((key) => key === "reason" || key === "cause");
}

/**
 * An error response (`ERR_SQUALL_HTTP_ERROR`). Thrown in a handler, it becomes a page with this status; the
 * log message is for the log alone and is never shown to the client. Tornado `web.HTTPError`.
 *
 *     throw new HTTPError(404);
 *     throw new HTTPError(403, "user %s may not edit %s", user.id, story.id);
 *     throw new HTTPError(400, { reason: "No Such Colour" });
 */
export class HTTPError extends SquallError {
  static {
    this.prototype.name = "HTTPError";
  }

  /** The status of the response. */
  readonly statusCode: number;
  /** The format of the log message (`%s`, `%d`, `%r`; plain text if there are no {@link HTTPError.args}). */
  readonly logMessage: string | undefined;
  /** What the format is filled with. */
  readonly args: readonly unknown[];
  /** The reason phrase, or `undefined` for the standard one. */
  readonly reason: string | undefined;

  /**
   * @param statusCode default 500.
   * @param logMessage a format for the log, followed by what it is filled with.
   *   Arguments that do not fit the format are shown beside it.
   * @param args a last argument that is a plain object of `reason` and `cause` only is the options.
   * @throws InvalidArgumentError if the status is not an integer from 200 to 999: a 1xx ends no response.
   */
  constructor(statusCode?: number, options?: HTTPErrorOptions);
  constructor(statusCode: number, logMessage: string | null | undefined, ...args: readonly unknown[]);
  constructor(statusCode = 500, ...rest: readonly unknown[]) {
    checkErrorStatus(statusCode);
    const last = rest.at(-1);
    const options: HTTPErrorOptions = isOptions(last) ? last : {};
    const texts = isOptions(last) ? rest.slice(0, -1) : rest;
    const logMessage = (texts[0] ?? undefined) as string | undefined;
    const args = texts.slice(1);
    const reason = options.reason ?? undefined;
    super("ERR_SQUALL_HTTP_ERROR", describe(statusCode, reason, fill(logMessage, args)), options);
    this.statusCode = statusCode;
    this.logMessage = logMessage;
    this.args = args;
    this.reason = reason;
  }

  /** The log message with its arguments filled in; `undefined` if there is none. */
  getMessage(): string | undefined {
    return fill(this.logMessage, this.args);
  }

  /** `HTTP 404: Not Found (what the log message says)`. */
  override toString(): string {
    return this.message;
  }
}

/**
 * The message, filled in. Arguments may come from the client, so one that does not fit the format must not
 * decide the status: the format is then shown beside its arguments.
 */
function fill(format: string | undefined, args: readonly unknown[]): string | undefined {
  if (format === undefined || args.length === 0) return format;
  try {
    return formatMessage(format, args);
  } catch {
    return `${format} ${args.map(shownSafely).join(" ")}`;
  }
}

function shownSafely(value: unknown): string {
  try {
    return escapeControls(shown(value));
  } catch {
    return "(an argument that cannot be shown)";
  }
}

function isFinalStatus(statusCode: unknown): statusCode is number {
  return Number.isInteger(statusCode) && (statusCode as number) >= 200 && (statusCode as number) <= 999;
}

/**
 * Throws an {@link InvalidArgumentError} unless a response can end with this status: an integer from 200 to
 * 999, or 101, which changes to another protocol. After any other 1xx the client waits for the final response
 * (RFC 9110 §15.2).
 */
export function checkStatusCode(statusCode: unknown): asserts statusCode is number {
  if (isFinalStatus(statusCode) || statusCode === 101) return;
  const hint = statusCode === 103 ? "; sendEarlyHints() sends a 103 before the response" : "";
  throw new InvalidArgumentError(
    `the status of a response must be an integer from 200 to 999, or 101 for upgrade(), got ${named(statusCode)}${hint}`,
  );
}

/** The same for an error response, whose status is from 200 to 999. */
export function checkErrorStatus(statusCode: unknown): asserts statusCode is number {
  if (isFinalStatus(statusCode)) return;
  throw new InvalidArgumentError(
    `the status of an error response must be an integer from 200 to 999, got ${named(statusCode)}`,
  );
}

function named(statusCode: unknown): string {
  return inspect(statusCode, { depth: 0 });
}

function describe(statusCode: number, reason: string | undefined, message: string | undefined): string {
  const phrase = reason === undefined || reason === "" ? reasonPhrase(statusCode) : reason;
  return `HTTP ${statusCode}: ${phrase}${message === undefined ? "" : ` (${message})`}`;
}

/** A required argument is not there: 400 (`ERR_SQUALL_HTTP_ERROR`). Tornado `web.MissingArgumentError`. */
export class MissingArgumentError extends HTTPError {
  static {
    this.prototype.name = "MissingArgumentError";
  }

  /** The argument's name. */
  readonly argName: string;

  constructor(argName: string) {
    super(400, "Missing argument %s", argName);
    this.argName = argName;
  }
}

/**
 * Ends the request here, without an error page and without a log line (`ERR_SQUALL_FINISH`): what was written
 * so far is sent, and the argument, if there is one, as the last chunk. Tornado `web.Finish`.
 */
export class Finish extends SquallError {
  static {
    this.prototype.name = "Finish";
  }

  /** The last chunk, as for `handler.finish()`. */
  readonly chunk: string | Uint8Array | object | undefined;

  constructor(chunk?: string | Uint8Array | object) {
    super(
      "ERR_SQUALL_FINISH",
      "the request was finished by throwing Finish; outside of a handler it means nothing",
    );
    this.chunk = chunk;
  }
}
