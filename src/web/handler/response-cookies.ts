/**
 * Cookies on their way to the client. They are kept aside until the headers are sent, by name, so that an
 * error page still carries them and a cookie that is set twice is sent once.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { isFieldValue } from "../../protocol/fields/abnf.js";
import { formatSetCookie, isSettableCookieName } from "../../protocol/fields/cookie.js";
import type { CookieOptions, Handler } from "../types.js";
import { stateOf } from "./handler-state.js";
import { noteLateChange } from "./late-change.js";

const DAY = 86_400_000;

/** Attributes that name the cookie to be cleared: all but its lifetime. */
export type ClearCookieOptions = Omit<CookieOptions, "expires" | "expiresDays" | "maxAge">;

/**
 * The options of a cookie. Other spellings, such as `httpOnly`, are refused: a cookie that scripts see is no
 * small slip.
 */
const OPTION_NAMES: ReadonlySet<string> = new Set([
  "domain",
  "expires",
  "expiresDays",
  "path",
  "maxAge",
  "httponly",
  "secure",
  "samesite",
  "partitioned",
] satisfies readonly (keyof CookieOptions)[]);

/** The moment at which the cookie ends, in milliseconds since 1970; `now` is such a moment. */
function expiryOf({ expires, expiresDays }: CookieOptions, now: () => number): Date | number | undefined {
  if (expires !== undefined) return typeof expires === "number" ? expires * 1000 : expires;
  if (expiresDays === undefined || expiresDays === null) return undefined;
  return now() + expiresDays * DAY;
}

/** The value of a Set-Cookie field. */
function formatCookie(name: string, value: string, options: CookieOptions, now: () => number): string {
  checkNames("option of a cookie", options, OPTION_NAMES, false);
  const { domain, path, maxAge, httponly, secure, samesite, partitioned } = options;
  const line = formatSetCookie(name, value, {
    domain,
    path: path === undefined ? "/" : (path ?? undefined),
    expires: expiryOf(options, now),
    maxAge,
    httpOnly: httponly,
    secure,
    sameSite: samesite,
    partitioned,
  });
  if (isFieldValue(line)) return line;
  throw new InvalidArgumentError(`the attributes of the cookie ${name} may hold no characters above U+00FF`);
}

/**
 * Checks the name and the options of a cookie that is set later.
 * @throws InvalidArgumentError as `handler.setCookie()` would.
 */
export function checkCookie(name: string, options: CookieOptions): void {
  formatCookie(name, "", options, () => 0);
}

/** `handler.setCookie()`. */
export function queueCookie(
  handler: Handler,
  name: string,
  value: string | Uint8Array,
  options: CookieOptions,
): void {
  const text = typeof value === "string" ? value : Buffer.from(value).toString("latin1");
  const line = formatCookie(name, text, options, () => handler.request.ioLoop.wallTime());
  const state = stateOf(handler);
  noteLateChange(state, handler, "setCookie");
  state.more.cookies ??= new Map();
  state.more.cookies.delete(name); // so that the later one also comes later
  state.more.cookies.set(name, line);
}

/** `handler.clearCookie()`: the cookie's value is empty and it ended a year ago. */
export function queueClearedCookie(handler: Handler, name: string, options: ClearCookieOptions): void {
  for (const wrong of ["expires", "expiresDays", "maxAge"]) {
    if ((options as Record<string, unknown>)[wrong] !== undefined) {
      throw new InvalidArgumentError(`clearCookie() sets the cookie's lifetime itself and takes no ${wrong}`);
    }
  }
  queueCookie(handler, name, "", { ...options, expiresDays: -365 });
}

/**
 * `handler.clearAllCookies()`: every cookie that came with the request. A name that no server can have set is
 * skipped. A prefix demands attributes (RFC 6265bis §4.1.3): `Secure` for both, for `__Host-` also the path
 * `/` and no domain.
 */
export function queueAllClearedCookies(handler: Handler, options: ClearCookieOptions): void {
  for (const name of Object.keys(handler.request.cookies)) {
    if (!isSettableCookieName(name)) continue;
    const prefix = /^__(?:secure|host)-/i.exec(name)?.[0].toLowerCase();
    const demanded: ClearCookieOptions =
      prefix === undefined
        ? options
        : prefix === "__host-"
          ? { ...options, secure: true, path: "/", domain: undefined }
          : { ...options, secure: true };
    queueClearedCookie(handler, name, demanded);
  }
}
