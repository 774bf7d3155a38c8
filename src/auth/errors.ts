/**
 * How a sign-in fails. Each failure is an HTTP error, so that a handler that does not catch it answers with
 * the right status; its code says which check refused it. No message holds a code, a token or a secret.
 */
import { SquallError, type SquallErrorOptions } from "../base/errors.js";
import { HTTPError } from "../web/errors.js";

/** Which check refused a sign-in. */
export type AuthErrorCode =
  | "ERR_SQUALL_AUTH_RESPONSE"
  | "ERR_SQUALL_AUTH_STATE"
  | "ERR_SQUALL_AUTH_DENIED"
  | "ERR_SQUALL_AUTH_ASSERTION"
  | "ERR_SQUALL_AUTH_PROVIDER";

/** The status of the response if the error is not caught. */
const STATUS: Readonly<Record<AuthErrorCode, number>> = {
  ERR_SQUALL_AUTH_RESPONSE: 400,
  ERR_SQUALL_AUTH_STATE: 403,
  ERR_SQUALL_AUTH_DENIED: 403,
  ERR_SQUALL_AUTH_ASSERTION: 403,
  ERR_SQUALL_AUTH_PROVIDER: 502,
};

/** Options of {@link AuthError}. */
export interface AuthErrorOptions extends SquallErrorOptions {
  /** The `error` that the provider sent, such as `access_denied`; default none. */
  readonly providerError?: string | undefined;
}

/**
 * A sign-in failed. Uncaught, it is answered with its status:
 *
 * - `ERR_SQUALL_AUTH_RESPONSE` (400): the browser came back with a parameter missing, repeated or
 *   malformed.
 * - `ERR_SQUALL_AUTH_STATE` (403): this browser did not begin the sign-in, or it expired, or it was
 *   finished before.
 * - `ERR_SQUALL_AUTH_DENIED` (403): the user or the provider said no; {@link AuthError.providerError} may
 *   say why.
 * - `ERR_SQUALL_AUTH_ASSERTION` (403): what the provider asserts about the user does not stand a check.
 * - `ERR_SQUALL_AUTH_PROVIDER` (502): the provider cannot be reached, or its answer makes no sense.
 *
 * Tornado `auth.AuthError`, which has neither code nor status.
 */
export class AuthError extends HTTPError {
  static {
    this.prototype.name = "AuthError";
  }

  /** Which check refused the sign-in. */
  override readonly code: AuthErrorCode;
  /** The `error` that the provider sent, if it sent one. It is text from outside. */
  readonly providerError: string | undefined;

  constructor(code: AuthErrorCode, message: string, options: AuthErrorOptions = {}) {
    super(STATUS[code], "%s", message, { cause: options.cause });
    this.code = code;
    this.providerError = options.providerError;
  }
}

/**
 * The optional package `jose`, which checks ID tokens, is needed and not installed
 * (`ERR_SQUALL_AUTH_LIBRARY`).
 */
export class AuthLibraryMissingError extends SquallError {
  static {
    this.prototype.name = "AuthLibraryMissingError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_AUTH_LIBRARY", message, options);
  }
}
