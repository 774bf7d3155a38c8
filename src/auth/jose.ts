/**
 * The package `jose` verifies ID tokens. It is an optional peer, since programs without OpenID Connect do
 * not need it. squall uses only the members below.
 */
import { AuthLibraryMissingError } from "./errors.js";

/** Public keys of a provider (RFC 7517 §5). */
export interface KeySet {
  /** The keys. */
  readonly keys: readonly object[];
}

/** The claims that {@link JoseLibrary.jwtVerify} checks besides the signature. */
export interface VerifyOptions {
  readonly algorithms: string[];
  readonly issuer: string;
  readonly audience: string;
  readonly requiredClaims: string[];
  /** Seconds that clocks may differ. */
  readonly clockTolerance: number;
  /** Seconds since the token was issued. */
  readonly maxTokenAge: number;
  readonly currentDate: Date;
}

/** What squall needs of `jose`. */
export interface JoseLibrary {
  /** Returns the function that finds the key of a token. */
  createLocalJWKSet(keys: { keys: object[] }): KeyFinder;
  /**
   * Verifies a signed token and its claims. Rejects with an error that has a `code` (`ERR_JWT_EXPIRED`, …).
   */
  jwtVerify(
    token: string,
    keys: KeyFinder,
    options: VerifyOptions,
  ): Promise<{ readonly payload: Readonly<Record<string, unknown>> }>;
}

/** Finds the key of a token; opaque to squall. */
export type KeyFinder = (...args: never[]) => Promise<never>;

/**
 * Imports the package.
 * @throws AuthLibraryMissingError (`ERR_SQUALL_AUTH_LIBRARY`) if it is not installed.
 */
export async function importJose(): Promise<JoseLibrary> {
  try {
    return (await import("jose")) as unknown as JoseLibrary;
  } catch (cause) {
    throw new AuthLibraryMissingError('ID tokens need the optional package "jose": npm install jose', {
      cause,
    });
  }
}
