/**
 * Cookies (RFC 6265): the Cookie field of a request taken apart, and Set-Cookie fields written.
 *
 * Parsing follows browsers, not the grammar: the field is cut at every semicolon, even inside quotes, each
 * piece at its first `=`, and only spaces and tabs are trimmed (§5.2). A server that cuts elsewhere than the
 * browser sees other cookies than the browser meant, which has defeated XSRF checks. Everything is linear.
 *
 * A value that cannot stand in the field as it is (spaces aside) is written in quotes with `\"`, `\\` and
 * three octal digits, the form that Python's cookies use, so that Tornado and squall read each other's
 * cookies.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { isToken, trimWhitespace } from "./abnf.js";
import { formatTimestamp } from "./date.js";

/**
 * The cookies of a Cookie field, name → value, without a prototype. A piece without `=` has the empty name; a
 * value in quotes is unquoted. Of two cookies with one name the later wins, as in Tornado. Never throws.
 * Tornado `parse_cookie`.
 */
export function parseCookie(field: string): Record<string, string> {
  const cookies: Record<string, string> = Object.create(null);
  let start = 0;
  while (start <= field.length) {
    let end = field.indexOf(";", start);
    if (end === -1) end = field.length;
    const piece = field.slice(start, end);
    const equals = piece.indexOf("=");
    const name = trimWhitespace(piece.slice(0, Math.max(equals, 0)));
    const value = trimWhitespace(piece.slice(equals + 1));
    if (name !== "" || value !== "") cookies[name] = unquoteCookieValue(value);
    start = end + 1;
  }
  return cookies;
}

/**
 * What a handler sees of a Cookie field: {@link parseCookie} without the pieces that no server can have set,
 * those whose name is not a token (or is empty). One bad cookie does not spoil the others.
 */
export function parseRequestCookies(field: string): Record<string, string> {
  const cookies = parseCookie(field);
  for (const name of Object.keys(cookies)) {
    if (!isCookieName(name)) delete cookies[name];
  }
  return cookies;
}

/** True for a token; a colon is let pass as well, as Python and browsers do. */
export function isCookieName(name: string): boolean {
  return isToken(name) || (name.includes(":") && isToken(name.replaceAll(":", "_")));
}

/** True for names that {@link formatSetCookie} takes: cookie names that are not reserved for attributes. */
export function isSettableCookieName(name: string): boolean {
  return isCookieName(name) && !RESERVED_NAMES.has(name.toLowerCase());
}

/** A value without its quotes, `\"`, `\\` and `\054` undone; text that is not quoted on both sides stays. */
export function unquoteCookieValue(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value
    .slice(1, -1)
    .replace(
      /\\(?:([0-3][0-7][0-7])|(.))/gs,
      (_, octal: string | undefined, character: string | undefined) =>
        octal === undefined ? character! : String.fromCharCode(Number.parseInt(octal, 8)),
    );
}

/** The attributes of a cookie (RFC 6265 §5.2 and its revision). */
export interface CookieAttributes {
  /** The hosts that get it; default the very host that sets it. */
  readonly domain?: string | undefined;
  /** The part of the site that gets it; default the folder of the request's path, chosen by the browser. */
  readonly path?: string | undefined;
  /** When it is forgotten: a `Date` or milliseconds since 1970; default when the browser ends. */
  readonly expires?: Date | number | undefined;
  /** For how many **seconds** it is kept, 0 or less to forget it now; wins over `expires`. */
  readonly maxAge?: number | undefined;
  /** Scripts do not see it; default false. */
  readonly httpOnly?: boolean | undefined;
  /** Sent over TLS only; default false. */
  readonly secure?: boolean | undefined;
  /** Whether it goes along with requests from other sites; default the browser's, which is mostly `Lax`. */
  readonly sameSite?: "Strict" | "Lax" | "None" | "strict" | "lax" | "none" | undefined;
  /** Kept apart for each top-level site (CHIPS); asks for `secure`. Default false. */
  readonly partitioned?: boolean | undefined;
}

/** Names that other servers' parsers take for attributes, so that the cookie would be lost there. */
const RESERVED_NAMES = new Set(
  "expires path comment domain max-age secure httponly version samesite partitioned".split(" "),
);
/** What stands in a value without quotes: Python's set, the token characters and the colon. */
const NEEDS_QUOTES = /[^!#$%&'*+\-.^_`|~:0-9A-Za-z]/;
const CONTROL_OR_SPACE = /[\0-\x20]/;
const CONTROL = /[\0-\x1f\x7f]/;

/**
 * The value of a Set-Cookie field, attributes in alphabetical order as Tornado has them.
 * @throws InvalidArgumentError for a name that is not a token or is reserved, a value with spaces, control
 * characters or characters above U+00FF, an attribute that could begin another one, and for cookies that
 * browsers refuse because of their name (`__Secure-` without `secure`; `__Host-` without `secure`, with a
 * `domain` or with a `path` other than `/`).
 */
export function formatSetCookie(name: string, value: string, attributes: CookieAttributes = {}): string {
  checkCookieName(name);
  checkCookieValue(value);
  checkAttributes(name, attributes);
  const { domain, expires, maxAge, path, sameSite } = attributes;
  let field = `${name}=${quoteCookieValue(value)}`;
  if (domain !== undefined && domain !== "") field += `; Domain=${domain}`;
  if (expires !== undefined) field += `; expires=${formatTimestamp(expires)}`;
  if (attributes.httpOnly === true) field += "; HttpOnly";
  if (maxAge !== undefined) field += `; Max-Age=${maxAge}`;
  if (attributes.partitioned === true) field += "; Partitioned";
  if (path !== undefined && path !== "") field += `; Path=${path}`;
  if (sameSite !== undefined) field += `; SameSite=${sameSite}`;
  if (attributes.secure === true) field += "; Secure";
  return field;
}

function quoteCookieValue(value: string): string {
  if (value !== "" && !NEEDS_QUOTES.test(value)) return value;
  const escaped = value.replace(/["\\,;\x7f-\xff]/g, (character) =>
    character === '"' || character === "\\"
      ? `\\${character}`
      : `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}

function checkCookieName(name: string): void {
  if (!isCookieName(name)) {
    throw new InvalidArgumentError(`a cookie's name must be a token, got ${JSON.stringify(name)}`);
  }
  if (RESERVED_NAMES.has(name.toLowerCase())) {
    throw new InvalidArgumentError(`a cookie cannot be named ${name}: that is the name of an attribute`);
  }
}

function checkCookieValue(value: string): void {
  if (!CONTROL_OR_SPACE.test(value) && !/[^\0-\xff]/.test(value)) return;
  throw new InvalidArgumentError(
    `a cookie's value may hold no spaces, no control characters and none above U+00FF; encode it first, got ${JSON.stringify(value)}`,
  );
}

function checkAttributes(name: string, attributes: CookieAttributes): void {
  const { domain, maxAge, partitioned, path, sameSite, secure } = attributes;
  checkAttributeText("domain", domain, /[\0-\x20\x7f;,]/);
  checkAttributeText("path", path, CONTROL);
  if (maxAge !== undefined && !Number.isSafeInteger(maxAge)) {
    throw new InvalidArgumentError(`a cookie's maxAge must be a whole number of seconds, got ${maxAge}`);
  }
  if (sameSite !== undefined && !/^(?:strict|lax|none)$/i.test(sameSite)) {
    throw new InvalidArgumentError(
      `a cookie's sameSite must be Strict, Lax or None, got ${JSON.stringify(sameSite)}`,
    );
  }
  if (partitioned === true && secure !== true) {
    throw new InvalidArgumentError("a partitioned cookie must be secure as well, or browsers refuse it");
  }
  // Browsers compare the prefixes without regard to case.
  const prefix = /^__(?:secure|host)-/i.exec(name)?.[0].toLowerCase();
  if (prefix !== undefined && secure !== true) {
    throw new InvalidArgumentError(`the cookie ${name} must be secure: its prefix promises it`);
  }
  if (prefix === "__host-" && (path !== "/" || (domain !== undefined && domain !== ""))) {
    throw new InvalidArgumentError(
      `the cookie ${name} must have the path "/" and no domain: its prefix promises it`,
    );
  }
}

function checkAttributeText(attribute: string, text: string | undefined, forbidden: RegExp): void {
  if (text === undefined || !(forbidden.test(text) || text.includes(";") || /[^\0-\xff]/.test(text))) return;
  throw new InvalidArgumentError(
    `a cookie's ${attribute} may hold no semicolon, no control characters and none above U+00FF, got ${JSON.stringify(text)}`,
  );
}
