/**
 * Signatures of OAuth 1.0 (RFC 5849 §3.4) by HMAC-SHA1, the method that providers agree on.
 *
 *     base   METHOD & encoded(URL without query) & encoded(parameters, sorted, those of the query among them)
 *     key    consumer secret & token secret        percent-encoded; bare in the 1.0 of 2007
 */
import { createHmac } from "node:crypto";
import { encodePercent } from "../base/percent.js";
import { parseQsBytes } from "../protocol/body/form.js";
import { AuthError } from "./errors.js";

/**
 * A token of OAuth 1.0 and its secret; with an access token there may be more that the provider says of the
 * user.
 */
export interface OAuthToken {
  /** The token. */
  readonly key: string;
  /** The secret that it signs with. */
  readonly secret: string;
  /** Whatever else came with it, such as `screen_name`. */
  readonly [name: string]: string | undefined;
}

/** Parameters of a request. */
export type OAuthParameters = Readonly<Record<string, string | number>>;

/** Percent-encodes everything but unreserved characters (RFC 5849 §3.6). */
export function oauthEscape(text: string): string {
  return encodePercent(text);
}

/**
 * The signature of OAuth Core 1.0 (2007), whose key is not encoded. For providers that never went on to
 * 1.0a.
 */
export function oauthSignature(
  consumer: OAuthToken,
  method: string,
  url: string,
  parameters: OAuthParameters = {},
  token?: OAuthToken | null,
): string {
  return sign(`${consumer.secret}&${token?.secret ?? ""}`, baseString(method, url, parameters));
}

/** The signature of OAuth 1.0a and RFC 5849 §3.4.2. */
export function oauth10aSignature(
  consumer: OAuthToken,
  method: string,
  url: string,
  parameters: OAuthParameters = {},
  token?: OAuthToken | null,
): string {
  const key = `${oauthEscape(consumer.secret)}&${oauthEscape(token?.secret ?? "")}`;
  return sign(key, baseString(method, url, parameters));
}

function sign(key: string, text: string): string {
  return createHmac("sha1", key).update(text).digest("base64");
}

/**
 * RFC 5849 §3.4.1. The URL class gives the address as it is sent: encoded, in lower case, without a default
 * port.
 */
function baseString(method: string, url: string, parameters: OAuthParameters): string {
  const { protocol, host, pathname, searchParams } = new URL(url);
  const pairs = [...searchParams, ...Object.entries(parameters)].map(
    ([name, value]) => [oauthEscape(name), oauthEscape(String(value))] as const,
  );
  pairs.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  const normalised = pairs.map(([name, value]) => `${name}=${value}`).join("&");
  return [method.toUpperCase(), `${protocol}//${host}${pathname}`, normalised].map(oauthEscape).join("&");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * The token in an answer, a form with `oauth_token` and `oauth_token_secret`. Without prototype.
 * @throws AuthError (`ERR_SQUALL_AUTH_PROVIDER`) if one of the two is missing.
 */
export function parseTokenResponse(body: Uint8Array): OAuthToken {
  const fields = parseQsBytes(body);
  const text = (name: string): string | undefined => fields[name]?.[0]?.toString("utf8");
  const key = text("oauth_token");
  const secret = text("oauth_token_secret");
  if (key === undefined || secret === undefined) {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "the provider sent no token");
  }
  const token: Record<string, string | undefined> = Object.create(null);
  for (const name of Object.keys(fields)) {
    // Names come as octets in latin1.
    if (name !== "oauth_token" && name !== "oauth_token_secret") {
      token[Buffer.from(name, "latin1").toString("utf8")] = text(name);
    }
  }
  return Object.assign(token, { key, secret });
}
