/**
 * What follows an attempt that does not give the caller his response: the hop of a redirect, the answer to a
 * challenge, a fresh connection, another attempt after a while.
 */
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import { digestAuthorization, findDigestChallenge } from "./credentials.js";
import { type FetchPhase, HTTPConnectError } from "./errors.js";
import type { Hop, Intent } from "./hop.js";
import { isDowngrade, isFetchable, redirectedIntent, redirectLocation, resolveLocation } from "./redirect.js";
import { DEFAULTS } from "./request.js";
import { IDEMPOTENT, parseRetryAfter, type ResolvedRetryPolicy, retryDelay } from "./retry.js";
import type { Lookup } from "./route.js";

/** What follows. */
export type Next =
  | { readonly kind: "hop"; readonly intent: Intent; readonly isRedirect: boolean }
  | { readonly kind: "again" }
  | { readonly kind: "retry"; readonly delay: number };

/** How far a fetch has come. */
export interface Progress {
  readonly hop: Hop;
  readonly option: Lookup;
  /** Redirects followed. */
  readonly redirects: number;
  /** Attempts begun, the present one included. */
  readonly attempt: number;
  readonly policy: ResolvedRetryPolicy | undefined;
  /** The time as `Date` counts it. */
  readonly now: number;
}

/** Refuses a redirect; never returns. */
export type Refuse = (why: string, location: string) => never;

/** What follows a response; undefined if it is the one for the caller. */
export function afterResponse(
  progress: Progress,
  code: number,
  headers: HTTPHeaders,
  refuse: Refuse,
): Next | undefined {
  if (code >= 200 && code < 300) return undefined;
  const { option, policy } = progress;
  const location = option("followRedirects") === false ? undefined : redirectLocation(code, headers);
  if (location !== undefined && progress.redirects < (option("maxRedirects") ?? DEFAULTS.maxRedirects)) {
    return { kind: "hop", intent: redirect(progress, code, location, refuse), isRedirect: true };
  }
  if (code === 401 || code === 407) return answerChallenge(progress, code, headers);
  if (policy === undefined || !policy.statuses.includes(code) || !mayRepeat(progress, policy))
    return undefined;
  const retryAfter = parseRetryAfter(headers.get("Retry-After"), progress.now);
  const delay = retryDelay(policy, progress.attempt, retryAfter);
  return delay === undefined ? undefined : { kind: "retry", delay };
}

/**
 * What follows an attempt without a response; undefined: the fetch has failed. `isStale`: the connection had
 * been kept, and ended before a single octet of the response, so that the server most probably never saw the
 * request.
 */
export function afterFailure(progress: Progress, isStale: boolean): Next | undefined {
  const { policy } = progress;
  const { method, body } = progress.hop.intent;
  if (isStale && IDEMPOTENT.has(method) && (body?.isReplayable ?? true)) return { kind: "again" };
  if (policy === undefined || !mayRepeat(progress, policy)) return undefined;
  const delay = retryDelay(policy, progress.attempt, undefined);
  return delay === undefined ? undefined : { kind: "retry", delay };
}

/** Another attempt is left, of a request that may be repeated. */
function mayRepeat({ hop, attempt }: Progress, policy: ResolvedRetryPolicy): boolean {
  const { method, body } = hop.intent;
  return attempt < policy.attempts && policy.methods.includes(method) && (body?.isReplayable ?? true);
}

function redirect({ hop, option }: Progress, code: number, location: string, refuse: Refuse): Intent {
  const { intent } = hop;
  const from = intent.target.url;
  const to = resolveLocation(location, from);
  if (to === undefined || !isFetchable(to)) {
    return refuse("the redirect does not lead to an http or https URL", location);
  }
  if (isDowngrade(from, to) && option("allowDowngrade") !== true) {
    return refuse("the redirect leads from https to http (option allowDowngrade)", location);
  }
  option("redirectPolicy")?.({ from: new URL(from), to: new URL(to), code });
  const next = redirectedIntent(intent, code, to, option("secretHeaders"));
  if (next.body?.isReplayable === false) {
    return refuse("the redirect wants the body again, which cannot be repeated", location);
  }
  return next;
}

function answerChallenge({ hop, option }: Progress, code: number, headers: HTTPHeaders): Next | undefined {
  const { intent, route, startLine } = hop;
  const isProxy = code === 407;
  const credentials = isProxy ? route.proxy?.credentials : intent.credentials;
  const mode = isProxy ? route.proxy?.authMode : option("authMode");
  if (mode !== "digest" || credentials === undefined || intent.body?.isReplayable === false) return undefined;
  // A second challenge is a refusal.
  if ((isProxy ? intent.proxyAuthorization : intent.authorization) !== undefined) return undefined;
  const field = isProxy ? "Proxy-Authenticate" : "WWW-Authenticate";
  const challenge = findDigestChallenge(headers.getList(field));
  if (challenge === undefined) return undefined;
  const answer = digestAuthorization(challenge, credentials, intent.method, startLine.path);
  const answered: Intent = isProxy
    ? { ...intent, proxyAuthorization: answer }
    : { ...intent, authorization: answer };
  return { kind: "hop", intent: answered, isRedirect: false };
}

/** The error of a fetch that got no connection. */
export function connectError(error: unknown, phase: FetchPhase, hop: Hop): Error {
  if (error instanceof HTTPConnectError) return error;
  const cause = (error as { realError?: unknown }).realError ?? error;
  const what = cause instanceof Error ? cause.message : String(cause);
  return new HTTPConnectError(`no connection to ${hop.intent.target.authority} (${phase}): ${what}`, phase, {
    cause,
  });
}

/** What `Keep-Alive: timeout=…` says, less a second for what is under way. */
export function idleLimitOf(headers: HTTPHeaders | undefined): number {
  const text = headers?.rawGet("keep-alive");
  const seconds = text === undefined ? undefined : /(?:^|,)\s*timeout\s*=\s*(\d{1,9})/i.exec(text)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - 1000);
}
