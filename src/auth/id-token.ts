/**
 * Checks of an ID token (OpenID Connect Core §3.1.3.7). `jose` verifies the signature and the claims of RFC
 * 7519 (`iss`, `aud`, `exp`, `nbf`, `iat`); what only OpenID Connect has is checked here: `azp`, `nonce`,
 * `at_hash`.
 *
 * Two algorithms are accepted, RS256, which every provider has, and ES256. Both use public keys, so that a
 * key of the provider's published set can never be taken for the secret of an HMAC.
 */
import { createHash } from "node:crypto";
import type { IOLoop } from "../async/ioloop.js";
import { AuthError } from "./errors.js";
import { importJose, type KeySet } from "./jose.js";
import { equalSecrets } from "./sign-in-cookie.js";

/** The verified claims of an ID token: who the user is, in the words of the provider. */
export interface IdTokenClaims {
  /** The provider. */
  readonly iss: string;
  /** The user, with this provider: together with `iss` the only lasting identifier. */
  readonly sub: string;
  /** For whom the token was made. */
  readonly aud: string | readonly string[];
  /** When it expires, in seconds since 1970. */
  readonly exp: number;
  /** When it was issued, in seconds since 1970. */
  readonly iat: number;
  /** The address of the user; believe it only if {@link IdTokenClaims.email_verified} is true. */
  readonly email?: string | undefined;
  /** The provider has checked the address. */
  readonly email_verified?: boolean | undefined;
  /** The full name. */
  readonly name?: string | undefined;
  /** Whatever else the provider says. */
  readonly [claim: string]: unknown;
}

/** What an ID token must fit to. */
export interface IdTokenCheck {
  readonly issuer: string;
  readonly clientId: string;
  /** The nonce of the sign-in. */
  readonly nonce: string;
  /** The access token that came with it. */
  readonly accessToken: string;
  /** Other audiences that the token may also have been made for. */
  readonly trustedAudiences: readonly string[];
}

/** Where keys come from. */
export interface KeySource {
  /** The keys, as they are known. */
  keys(): Promise<KeySet>;
  /** The keys fetched anew; `undefined` if that was done a short while ago. */
  renewedKeys(): Promise<KeySet | undefined>;
}

const ALGORITHMS = ["RS256", "ES256"];
/** Seconds that clocks of servers may differ. */
const CLOCK_TOLERANCE = 60;
/** Seconds: a token that comes straight from the provider is not older. */
const MAX_AGE = 600;

/**
 * Resolves with the claims of a token that stands every check.
 * @throws AuthError (`ERR_SQUALL_AUTH_ASSERTION`) for any other; the `cause` says which check failed.
 * @throws AuthLibraryMissingError (`ERR_SQUALL_AUTH_LIBRARY`) if `jose` is not installed.
 */
export async function verifyIdToken(
  loop: IOLoop,
  token: string,
  source: KeySource,
  check: IdTokenCheck,
): Promise<IdTokenClaims> {
  const claims = (await verifySignature(loop, token, source, check)) as unknown as IdTokenClaims;
  const { sub, aud, nonce, azp, at_hash } = claims;
  if (typeof sub !== "string" || sub === "" || sub.length > 255) throw refused("it names no user");
  if (typeof nonce !== "string" || !equalSecrets(nonce, check.nonce))
    throw refused("the nonce is another one");
  const audiences = typeof aud === "string" ? [aud] : aud;
  for (const audience of audiences) {
    if (audience !== check.clientId && !check.trustedAudiences.includes(audience)) {
      throw refused("it is also for an audience that is not trusted");
    }
  }
  if (azp === undefined ? audiences.length > 1 : azp !== check.clientId) {
    throw refused("it was issued to another application");
  }
  if (at_hash !== undefined && at_hash !== halfHash(check.accessToken)) {
    throw refused("it belongs to another access token");
  }
  return claims;
}

async function verifySignature(
  loop: IOLoop,
  token: string,
  source: KeySource,
  { issuer, clientId: audience }: IdTokenCheck,
): Promise<Readonly<Record<string, unknown>>> {
  // Importing and verifying happen in other threads, which a virtual clock has to wait for.
  const { createLocalJWKSet, jwtVerify } = await loop.external(importJose());
  const verify = async ({ keys }: KeySet): Promise<Readonly<Record<string, unknown>>> => {
    const options = {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ["sub", "exp", "iat"],
      clockTolerance: CLOCK_TOLERANCE,
      maxTokenAge: MAX_AGE,
      currentDate: new Date(loop.wallTime()),
    };
    try {
      const verified = jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), options);
      return (await loop.external(verified)).payload;
    } catch (cause) {
      throw refused(reasonOf(cause), cause);
    }
  };
  try {
    return await verify(await source.keys());
  } catch (error) {
    if (codeOf((error as AuthError).cause) !== "ERR_JWKS_NO_MATCHING_KEY") throw error;
    const renewed = await source.renewedKeys();
    if (renewed === undefined) throw error;
    return verify(renewed);
  }
}

function refused(reason: string, cause?: unknown): AuthError {
  return new AuthError("ERR_SQUALL_AUTH_ASSERTION", `the ID token is refused: ${reason}`, { cause });
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

/** The package's code and claim, which say enough; its sentences could hold text of the token. */
function reasonOf(error: unknown): string {
  const { claim } = error as { claim?: unknown };
  const code = codeOf(error);
  const what = typeof code === "string" ? code : "it is malformed";
  return typeof claim === "string" && claim !== "unspecified" ? `${what}, claim ${claim}` : what;
}

/**
 * The left half of the SHA-256 of a token (OpenID Connect Core §3.1.3.6); both algorithms go with this
 * hash.
 */
function halfHash(token: string): string {
  return createHash("sha256").update(token).digest().subarray(0, 16).toString("base64url");
}
