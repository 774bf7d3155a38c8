/**
 * The URL of a request, taken apart. The grammar is the WHATWG's, as in browsers and in `new URL()`, with one
 * difference: that drops tabs and line ends inside a URL without a word, and here they are refused.
 */
import { InvalidArgumentError } from "../../base/errors.js";

/** Where a request goes. */
export interface Target {
  /** The parsed URL. Not to be changed. */
  readonly url: URL;
  readonly isSecure: boolean;
  /** The host as it is looked up: without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** What the Host field says. */
  readonly authority: string;
  /** Path and query, as they go into the start line. */
  readonly path: string;
  /** User name and password of the URL; undefined if it has none. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
}

/** How many are remembered; programs that fetch have few URLs or very many. */
const MEMO_SIZE = 512;
const memo = new Map<string, Target>();

/**
 * Takes a URL apart.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) unless it is an absolute http or https URL
 * without control characters.
 */
export function parseTarget(text: string): Target {
  const known = memo.get(text);
  if (known !== undefined) return known;
  const target = targetOf(parseUrl(text));
  if (memo.size >= MEMO_SIZE) memo.clear();
  memo.set(text, target);
  return target;
}

/** The parts of a URL that was parsed already. */
export function targetOf(url: URL): Target {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidArgumentError(
      `the URL of a request begins with http: or https:, got ${shown(url.href)}`,
    );
  }
  const isSecure = url.protocol === "https:";
  const { hostname, username, password } = url;
  return {
    url,
    isSecure,
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: url.port === "" ? (isSecure ? 443 : 80) : Number(url.port),
    authority: url.host,
    path: url.pathname + url.search,
    credentials:
      username === "" && password === ""
        ? undefined
        : { username: decode(username), password: decode(password) },
  };
}

function parseUrl(text: string): URL {
  // C0 controls and DEL, which URL would drop or encode: they come from input that was not checked.
  if (/[\0-\x1f\x7f]/.test(text)) {
    throw new InvalidArgumentError(`a URL cannot hold control characters, got ${shown(text)}`);
  }
  if (!URL.canParse(text)) throw new InvalidArgumentError(`invalid URL: ${shown(text)}`);
  return new URL(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
