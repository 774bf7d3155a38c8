/**
 * Protection against requests that another site makes a browser send (cross-site request forgery), as Tornado
 * does it.
 *
 * A cookie holds a random token. A request that changes something must repeat it where another site cannot:
 * in the form or in a header field. The token is written in two formats:
 *
 *     version 2    2|<mask, 4 octets>|<token xor mask>|<seconds since 1970>     in hexadecimal
 *     version 1    <token>                                                      in hexadecimal, or as it is
 *
 * The mask is new in each response, so that a compressed page does not give the token away a letter at a time
 * (the BREACH attack); what is compared are the tokens without masks, in constant time. Nothing excuses a
 * request from the check: other sites can send any Content-Type, and `X-Requested-With` is a convention.
 */
import { xhtmlEscape } from "../../base/escape.js";
import { websocketMask } from "../../protocol/websocket/mask.js";
import { HTTPError } from "../errors.js";
import type { Handler } from "../types.js";
import { readArgument } from "./arguments.js";
import { queueCookie } from "./response-cookies.js";

/** A token taken apart. */
export interface RawXsrfToken {
  /** The format it came in, 1 or 2. */
  readonly version: number;
  readonly token: Buffer;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** What a handler knows of its token. */
interface XsrfState {
  /** The token of the cookie, or a new one. */
  readonly raw: RawXsrfToken;
  /** True if the client has none that is valid yet. */
  readonly isNew: boolean;
  /** As pages of this response show it; made when first asked for. */
  shown: string | undefined;
}

/** Where random octets come from; tests give their own. */
export type RandomSource = (size: number) => Buffer;

const randomOctets: RandomSource = (size) => process.getBuiltinModule("node:crypto").randomBytes(size);

const states = new WeakMap<Handler, XsrfState>();
const DAYS_FOR_USERS = 30;
/** A token is some 60 characters; what is longer is an attack on our time. */
const MAX_LENGTH = 1024;
const HEX = /^(?:[0-9a-f]{2})*$/i;

function nowSeconds(handler: Handler): number {
  return Math.trunc(handler.request.ioLoop.wallTime() / 1000);
}

/**
 * Takes a token apart; `undefined` if it is in no format that is known. Never throws.
 * Tornado `_decode_xsrf_token`.
 */
export function decodeXsrfToken(text: string, now: number): RawXsrfToken | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const version = /^([1-9][0-9]*)\|/.exec(text)?.[1];
  if (version === undefined) {
    const token = HEX.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "utf8");
    return { version: 1, token, timestamp: now };
  }
  if (version !== "2") return undefined;
  const parts = text.split("|");
  const [, mask, masked, timestamp] = parts;
  if (parts.length !== 4 || !/^[0-9a-f]{8}$/i.test(mask!) || !HEX.test(masked!)) return undefined;
  if (!/^ *[-+]?[0-9]{1,15} *$/.test(timestamp!)) return undefined;
  const token = websocketMask(Buffer.from(mask!, "hex"), Buffer.from(masked!, "hex"));
  return { version: 2, token, timestamp: Number(timestamp) };
}

function stateFor(handler: Handler, random: RandomSource): XsrfState {
  let state = states.get(handler);
  if (state === undefined) {
    const { xsrfCookieName = "_xsrf" } = handler.application.settings;
    const cookie = handler.request.cookies[xsrfCookieName];
    const now = nowSeconds(handler);
    const known = cookie === undefined || cookie === "" ? undefined : decodeXsrfToken(cookie, now);
    state =
      known === undefined
        ? { raw: { version: 2, token: random(16), timestamp: now }, isNew: true, shown: undefined }
        : { raw: known, isNew: false, shown: undefined };
    states.set(handler, state);
  }
  return state;
}

/**
 * `handler.xsrfToken`: the token as this response shows it; the first time it is asked for, the cookie is
 * set.
 */
export function xsrfTokenOf(handler: Handler, random: RandomSource = randomOctets): string {
  const state = stateFor(handler, random);
  if (state.shown !== undefined) return state.shown;
  const {
    xsrfCookieVersion = 2,
    xsrfCookieKwargs = {},
    xsrfCookieName = "_xsrf",
  } = handler.application.settings;
  const { token, timestamp } = state.raw;
  if (xsrfCookieVersion === 1) {
    state.shown = token.toString("hex");
  } else {
    const mask = random(4);
    state.shown = `2|${mask.toString("hex")}|${websocketMask(mask, token).toString("hex")}|${timestamp}`;
  }
  if (state.isNew) {
    // Who is signed in comes back; for others the cookie ends with the browser.
    const lifetime =
      handler.currentUser && xsrfCookieKwargs.expiresDays === undefined
        ? { expiresDays: DAYS_FOR_USERS }
        : undefined;
    queueCookie(handler, xsrfCookieName, state.shown, { ...xsrfCookieKwargs, ...lifetime });
  }
  return state.shown;
}

/**
 * `handler.checkXsrfCookie()`: the token of the request, from the argument `_xsrf`, else `X-Xsrftoken`, else
 * `X-Csrftoken`, is that of the cookie.
 * @throws HTTPError 403 if it is missing, in no known format, or another one.
 */
export function checkXsrf(handler: Handler): void {
  const { headers } = handler.request;
  const given =
    readArgument<null>(handler, handler.request.arguments, "_xsrf", null) ||
    headers.get("X-Xsrftoken") ||
    headers.get("X-Csrftoken");
  if (!given) throw new HTTPError(403, "'_xsrf' argument missing from %s", handler.request.method);
  const token = decodeXsrfToken(given, nowSeconds(handler))?.token;
  if (token === undefined || token.length === 0) {
    throw new HTTPError(403, "'_xsrf' argument has invalid format");
  }
  const expected = stateFor(handler, randomOctets).raw.token;
  if (
    token.length !== expected.length ||
    !process.getBuiltinModule("node:crypto").timingSafeEqual(token, expected)
  ) {
    throw new HTTPError(403, "XSRF cookie does not match %s argument", handler.request.method);
  }
}

/** `handler.xsrfFormHtml()`. */
export function xsrfFormHtml(token: string): string {
  return `<input type="hidden" name="_xsrf" value="${xhtmlEscape(token)}"/>`;
}

/** True for methods that change nothing (RFC 9110 §9.2.1), which are not checked. */
export function isSafeMethod(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
