/**
 * The memory of a sign-in between the two visits of the browser: a signed cookie that only this browser
 * has.
 *
 *     authorizeRedirect()   → state, PKCE verifier and nonce are made, and put into a cookie of their own
 *     the provider          → sends the browser back, with the state in the query
 *     getAuthenticatedUser() → the cookie that the state names must be there, and is used once
 *
 * An answer that was begun by another browser finds no cookie (RFC 6749 §10.12, RFC 9700 §4.7). Each
 * sign-in has a cookie, so that two tabs do not disturb each other. Over TLS its name begins with
 * `__Host-`, so that no other host of the domain can plant one. The value is signed and not encrypted: the
 * browser may read it, and has nothing to gain from it.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "../web/handler/request-handler.js";
import type { App } from "../web/types.js";
import { requiredArgument } from "./answer.js";
import { AuthError } from "./errors.js";

/** How long a sign-in may take, in milliseconds. */
export const SIGN_IN_LIFETIME = 600_000;

/** Sign-ins of one browser that are remembered at once; the others are forgotten when another one begins. */
const MAX_PENDING = 4;

/** Finished sign-ins that an application remembers; each is forgotten after {@link SIGN_IN_LIFETIME}. */
const MAX_FINISHED = 100_000;

/** What is remembered of a sign-in. */
export interface SignIn {
  /** The value that the answer must repeat. */
  readonly state: string;
  /**
   * Where the user was sent; an answer that comes to the handler of another provider is refused (RFC 9700
   * §4.4).
   */
  readonly provider: string;
  /** Where the provider sends the browser back to. */
  readonly redirectUri: string;
  /** The PKCE verifier (RFC 7636 §4.1), which doubles as the secret that ties a code to this browser. */
  readonly verifier: string;
  /** The nonce of the ID token (OpenID Connect Core §3.1.2.1). */
  readonly nonce: string;
}

/** 256 random bits as 43 characters. */
export function randomText(): string {
  return randomBytes(32).toString("base64url");
}

/** Compares secrets in constant time. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const PREFIX = "squall_sign_in_";

function cookieName(state: string, secure: boolean): string {
  const id = createHash("sha256").update(state).digest("base64url").slice(0, 16);
  return `${secure ? "__Host-" : ""}${PREFIX}${id}`;
}

const isSecure = (redirectUri: string): boolean => /^https:/i.test(redirectUri);

/** Sets a cookie for one visit to a provider. */
export function setVisitCookie(handler: RequestHandler, name: string, value: string, secure: boolean): void {
  handler.setSignedCookie(name, value, {
    httponly: true,
    secure,
    // The way back is a navigation from another site; "strict" would keep the cookie from it.
    samesite: "lax",
    expiresDays: null,
    maxAge: SIGN_IN_LIFETIME / 1000,
  });
}

/** The value of such a cookie, which is cleared; `undefined` if it is missing, forged or too old. */
export function takeVisitCookie(handler: RequestHandler, name: string, secure: boolean): string | undefined {
  if (handler.getCookie(name) === undefined) return undefined;
  const value = handler.getSignedCookie(name, { maxAgeDays: SIGN_IN_LIFETIME / 86_400_000, minVersion: 2 });
  handler.clearCookie(name, { httponly: true, secure, samesite: "lax" });
  return value?.toString("utf8");
}

/** Begins a sign-in: makes its secrets and sets its cookie. Needs the `cookieSecret` setting. */
export function beginSignIn(handler: RequestHandler, provider: string, redirectUri: string): SignIn {
  handler.requireSetting("cookieSecret", "signing in");
  forgetPending(handler);
  const signIn: SignIn = {
    state: randomText(),
    provider,
    redirectUri,
    verifier: randomText(),
    nonce: randomText(),
  };
  const { state, ...rest } = signIn;
  const secure = isSecure(redirectUri);
  setVisitCookie(handler, cookieName(state, secure), JSON.stringify({ ...rest, state }), secure);
  return signIn;
}

/**
 * Clears the cookies of earlier sign-ins if there are many, so that they do not fill the head of requests.
 */
function forgetPending(handler: RequestHandler): void {
  const pending = Object.keys(handler.cookies).filter((name) => /^(?:__Host-)?squall_sign_in_/.test(name));
  if (pending.length < MAX_PENDING) return;
  for (const name of pending) {
    handler.clearCookie(name, { httponly: true, secure: name.startsWith("__Host-"), samesite: "lax" });
  }
}

/**
 * Ends the sign-in that the answer belongs to; it cannot be ended twice.
 * @throws AuthError (`ERR_SQUALL_AUTH_RESPONSE`) if the answer has no state, or several.
 * @throws AuthError (`ERR_SQUALL_AUTH_STATE`) if this browser did not begin it, or with another provider or
 *   address; if it began more than ten minutes ago; or if it has ended.
 */
export function endSignIn(handler: RequestHandler, provider: string, redirectUri?: string): SignIn {
  handler.requireSetting("cookieSecret", "signing in");
  const state = requiredArgument(handler, "state");
  // The signature covers the name: a cookie for an https address has the prefix or is not valid.
  const value =
    takeVisitCookie(handler, cookieName(state, true), true) ??
    takeVisitCookie(handler, cookieName(state, false), false);
  if (value === undefined) {
    throw refused("this browser did not begin the sign-in, or it took more than ten minutes");
  }
  const signIn = JSON.parse(value) as SignIn;
  if (!equalSecrets(signIn.state, state)) throw refused("the state belongs to another sign-in");
  if (signIn.provider !== provider) throw refused("the sign-in was begun with another provider");
  if (redirectUri !== undefined && signIn.redirectUri !== redirectUri) {
    throw refused("the sign-in was begun with another address for the way back");
  }
  useOnce(handler, state);
  return signIn;
}

function refused(message: string): AuthError {
  return new AuthError("ERR_SQUALL_AUTH_STATE", message);
}

/**
 * States that were used, with the time when their cookies are worthless in any case; in the order of these
 * times.
 */
const finished = new WeakMap<App, Map<string, number>>();

/**
 * Refuses a state that was used before: a client can keep a cookie that it was asked to forget. The memory
 * is that of this process; behind it stands the provider, which accepts each code once.
 */
export function useOnce(handler: RequestHandler, state: string): void {
  let states = finished.get(handler.application);
  if (states === undefined) {
    states = new Map();
    finished.set(handler.application, states);
  }
  const now = handler.request.ioLoop.wallTime();
  for (const [old, until] of states) {
    if (until > now && states.size < MAX_FINISHED) break;
    states.delete(old);
  }
  if (states.has(state)) throw refused("the answer was used before");
  states.set(state, now + SIGN_IN_LIFETIME);
}
