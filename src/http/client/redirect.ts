/**
 * Redirects (RFC 9110 §15.4): where they lead, and what is left of the request there. A 303, and a 301 or 302
 * after POST, becomes GET (HEAD stays HEAD) and loses its body; all else is sent again as it was.
 *
 * What belongs to one origin does not leave it: Authorization, Cookie and the fields that the caller named as
 * secret are dropped, as are user name and password, on the way to another scheme, host or port.
 */
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { Intent } from "./hop.js";
import { targetOf } from "./target.js";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const SECRETS = ["Authorization", "Cookie", "Proxy-Authorization"];
const OF_BODIES = ["Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect"];

/** Where a response redirects to, as its Location says; undefined if it does not. */
export function redirectLocation(code: number, headers: HTTPHeaders): string | undefined {
  return REDIRECTS.has(code) ? headers.getList("Location")[0] : undefined;
}

/**
 * The URL that a Location leads to; undefined if it is invalid. Text beyond ASCII is read as UTF-8, if it is
 * that.
 */
export function resolveLocation(location: string, base: URL): URL | undefined {
  const utf8 = Buffer.from(location, "latin1").toString("utf8");
  const text = utf8.includes("\uFFFD") ? location : utf8;
  if (!URL.canParse(text, base.href)) return undefined;
  const to = new URL(text, base);
  if (to.hash === "") to.hash = base.hash; // RFC 9110 §10.2.2
  // A relative reference keeps the user of the base; another user is the server's idea.
  const isSameUser = to.username === base.username && to.password === base.password;
  if (!isSameUser || to.origin !== base.origin) {
    to.username = "";
    to.password = "";
  }
  return to;
}

/** What the hop to `to` is to do. */
export function redirectedIntent(
  intent: Intent,
  code: number,
  to: URL,
  secrets: readonly string[] = [],
): Intent {
  const staysHome = to.origin === intent.target.url.origin;
  const becomesGet =
    (code === 303 && intent.method !== "HEAD") ||
    ((code === 301 || code === 302) && intent.method === "POST");
  const fields = new HTTPHeaders(intent.fields);
  fields.delete("Host");
  if (becomesGet) for (const name of OF_BODIES) fields.delete(name);
  if (!staysHome) for (const name of [...SECRETS, ...secrets]) fields.delete(name);
  const target = targetOf(to);
  return {
    url: to.href,
    target,
    method: becomesGet ? "GET" : intent.method,
    fields,
    body: becomesGet ? undefined : intent.body,
    credentials: staysHome ? intent.credentials : undefined,
    authorization: undefined,
    proxyAuthorization: undefined,
  };
}

/** Whether `to` would turn a secure connection into one that is not. */
export function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === "https:" && to.protocol !== "https:";
}

/** Whether a URL is one that a client can fetch. */
export function isFetchable(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}
