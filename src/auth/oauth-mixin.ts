/**
 * `OAuthMixin`: signing in with a provider of OAuth 1.0 or 1.0a (RFC 5849).
 *
 *     authorizeRedirect()     asks for a request token, keeps it in a cookie, sends the user to the provider
 *     getAuthenticatedUser()  exchanges the request token and the verifier for an access token
 *
 * Requests are POSTs with an Authorization field (RFC 5849 §3.5.1), so that no token stands in a URL. The
 * version of 2007 (`1.0`) has no verifier: whoever gets a user to follow a link of theirs can finish that
 * user's sign-in. Use it only where a provider has nothing better.
 */
import { randomBytes } from "node:crypto";
import { InvalidStateError } from "../base/errors.js";
import { urlConcat } from "../protocol/fields/url.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import { answerArgument, callbackUrl, requiredArgument } from "./answer.js";
import { AuthError } from "./errors.js";
import { type AuthWaitOptions, askProvider, checkEndpoint } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import {
  type OAuthParameters,
  type OAuthToken,
  oauth10aSignature,
  oauthEscape,
  oauthSignature,
  parseTokenResponse,
} from "./oauth1-signature.js";
import { ProviderMixin } from "./provider-mixin.js";
import { equalSecrets, setVisitCookie, takeVisitCookie, useOnce } from "./sign-in-cookie.js";

/** Options of {@link OAuthMixin.authorizeRedirect}. */
export interface OAuthRedirectOptions extends AuthWaitOptions {
  /**
   * Where the provider sends the browser back to: an absolute URL, or a path below the setting
   * `publicOrigin`; default what the provider has registered. With `oob` the response is the address of the
   * provider's page, as text, and the user brings the verifier back by hand.
   */
  readonly callbackUri?: string | undefined;
  /** Further parameters of the request for a request token (1.0a); default none. */
  readonly extraParams?: Readonly<Record<string, string>> | undefined;
}

/** A user, with the access token that signs further requests. */
export interface OAuthUser {
  /** Token and secret. */
  readonly access_token: OAuthToken;
  /** What `oauthGetUserFuture()` found. */
  readonly [name: string]: unknown;
}

/** What {@link OAuthMixin} adds to a handler. */
export interface OAuthMixin extends ProviderMixin {
  /** The provider's endpoint for request tokens. A class for a provider sets it. */
  readonly OAUTH_REQUEST_TOKEN_URL: string;
  /** The provider's endpoint that exchanges a request token for an access token. */
  readonly OAUTH_ACCESS_TOKEN_URL: string;
  /** The provider's page that asks the user. */
  readonly OAUTH_AUTHORIZE_URL: string;
  /** `1.0a`, the default, or `1.0`. */
  readonly OAUTH_VERSION: "1.0" | "1.0a";
  /** The provider takes no callback address; default false. */
  readonly OAUTH_NO_CALLBACKS: boolean;
  /** Accept endpoints without TLS; default false. */
  readonly OAUTH_ALLOW_HTTP: boolean;

  /**
   * Asks for a request token, remembers it in the signed cookie `_oauth_request_token` (with `__Host-` in
   * front if the callback is https), which lasts ten minutes, and sends the user to the provider. Ends the
   * response. Needs the `cookieSecret` setting.
   *
   * Rejects with an {@link AuthError} (`ERR_SQUALL_AUTH_PROVIDER`) if the provider gives no token, and with
   * an `InvalidStateError` if a setting is missing, or for a callback with {@link
   * OAuthMixin.OAUTH_NO_CALLBACKS}.
   */
  authorizeRedirect(options?: OAuthRedirectOptions): Promise<void>;
  /** True if the request is the answer of a provider: then call {@link OAuthMixin.getAuthenticatedUser}. */
  isAuthResponse(): boolean;
  /**
   * Checks the answer of the provider, exchanges its token, and resolves with the user.
   *
   * Rejects with an {@link AuthError}: `ERR_SQUALL_AUTH_STATE` if the request token is not this browser's,
   * expired or used; `ERR_SQUALL_AUTH_RESPONSE` if the answer lacks it, or the verifier of 1.0a;
   * `ERR_SQUALL_AUTH_DENIED` if the provider refuses the exchange or there is no user.
   */
  getAuthenticatedUser(options?: AuthWaitOptions): Promise<OAuthUser>;
  /**
   * Key and secret of the application. A class for a provider overrides it.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) unless overridden.
   */
  oauthConsumerToken(): OAuthToken;
  /**
   * Finds the user for an access token, usually by a request to the provider; undefined if there is none. A
   * class for a provider overrides it. Default: what came with the token.
   */
  oauthGetUserFuture(
    accessToken: OAuthToken,
    options?: AuthWaitOptions,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The parameters that sign a request, `oauth_signature` among them; they go beside `parameters`. */
  oauthRequestParameters(
    url: string,
    accessToken: OAuthToken,
    parameters?: OAuthParameters,
    method?: string,
  ): Record<string, string>;
}

const COOKIE = "_oauth_request_token";
const isSecure = (url: string | undefined): boolean => url !== undefined && /^https:/i.test(url);
const cookieFor = (secure: boolean): string => (secure ? `__Host-${COOKIE}` : COOKIE);

/**
 * Handlers that sign users in with OAuth 1. A class for a provider sets the three endpoints and overrides
 * `oauthConsumerToken()` and `oauthGetUserFuture()`. Tornado `auth.OAuthMixin`.
 */
export function OAuthMixin<Base extends HandlerConstructor>(base: Base): Mixed<Base, OAuthMixin> {
  class Mixin extends ProviderMixin(base as HandlerConstructor) implements OAuthMixin {
    readonly OAUTH_REQUEST_TOKEN_URL: string = "";
    readonly OAUTH_ACCESS_TOKEN_URL: string = "";
    readonly OAUTH_AUTHORIZE_URL: string = "";
    readonly OAUTH_VERSION: "1.0" | "1.0a" = "1.0a";
    readonly OAUTH_NO_CALLBACKS: boolean = false;
    readonly OAUTH_ALLOW_HTTP: boolean = false;

    authorizeRedirect(options: OAuthRedirectOptions = {}): Promise<void> {
      return redirectWithToken(this, this.OAUTH_AUTHORIZE_URL, options);
    }

    isAuthResponse(): boolean {
      return (answerArgument(this, "oauth_token") ?? answerArgument(this, "denied")) !== undefined;
    }

    async getAuthenticatedUser(options: AuthWaitOptions = {}): Promise<OAuthUser> {
      const requestToken = takeRequestToken(this);
      const accessToken = await exchangeToken(this, requestToken, options);
      const user = await this.oauthGetUserFuture(accessToken, options);
      if (user === undefined || user === null) {
        throw new AuthError("ERR_SQUALL_AUTH_DENIED", "the provider knows no user for the access token");
      }
      return { ...user, access_token: accessToken };
    }

    oauthConsumerToken(): OAuthToken {
      throw new InvalidStateError("a class with OAuthMixin must override oauthConsumerToken()");
    }

    async oauthGetUserFuture(
      accessToken: OAuthToken,
      _options?: AuthWaitOptions,
    ): Promise<Readonly<Record<string, unknown>> | undefined> {
      const { key: _key, secret: _secret, ...user } = accessToken;
      return user;
    }

    oauthRequestParameters(
      url: string,
      accessToken: OAuthToken,
      parameters: OAuthParameters = {},
      method = "GET",
    ): Record<string, string> {
      return signedParameters(this, method, url, parameters, { oauth_token: accessToken.key }, accessToken);
    }
  }
  return Mixin as unknown as Mixed<Base, OAuthMixin>;
}

type OAuthHandler = RequestHandler & OAuthMixin;

/** The protocol parameters of a request (RFC 5849 §3.1), signed together with its own. */
function signedParameters(
  handler: OAuthHandler,
  method: string,
  url: string,
  parameters: OAuthParameters,
  more: Readonly<Record<string, string>>,
  token: OAuthToken | undefined,
): Record<string, string> {
  const consumer = handler.oauthConsumerToken();
  const protocol: Record<string, string> = {
    oauth_consumer_key: consumer.key,
    oauth_signature_method: "HMAC-SHA1",
    oauth_timestamp: String(Math.floor(handler.request.ioLoop.wallTime() / 1000)),
    oauth_nonce: randomBytes(16).toString("hex"),
    oauth_version: "1.0",
    ...more,
  };
  const signature = handler.OAUTH_VERSION === "1.0" ? oauthSignature : oauth10aSignature;
  protocol.oauth_signature = signature(consumer, method, url, { ...parameters, ...protocol }, token);
  return protocol;
}

/** The field that carries the protocol parameters (RFC 5849 §3.5.1). */
export function authorizationField(parameters: Readonly<Record<string, string>>): string {
  const fields = Object.entries(parameters).map(([name, value]) => `${name}="${oauthEscape(value)}"`);
  return `OAuth ${fields.join(", ")}`;
}

/** A signed POST to one of the two token endpoints. */
async function askForToken(
  handler: OAuthHandler,
  name: string,
  url: string,
  form: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
  token: OAuthToken | undefined,
  options: AuthWaitOptions,
): Promise<OAuthToken> {
  const { href } = checkEndpoint(name, url, handler.OAUTH_ALLOW_HTTP);
  const parameters = signedParameters(handler, "POST", href, form, more, token);
  const response = await askProvider(handler, {
    ...options,
    name,
    url: href,
    allowHttp: handler.OAUTH_ALLOW_HTTP,
    headers: { Authorization: authorizationField(parameters) },
    form,
  });
  if (response.code === 400 || response.code === 401 || response.code === 403) {
    throw new AuthError("ERR_SQUALL_AUTH_DENIED", `${name} answered with status ${response.code}`);
  }
  if (response.code < 200 || response.code > 299) {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${name} answered with status ${response.code}`);
  }
  return parseTokenResponse(response.body);
}

/** Gets a request token and sends the user to `authorizeUrl` with it. */
export async function redirectWithToken(
  handler: OAuthHandler,
  authorizeUrl: string,
  options: OAuthRedirectOptions,
): Promise<void> {
  const { callbackUri, extraParams = {} } = options;
  handler.requireSetting("cookieSecret", "signing in");
  if (callbackUri !== undefined && handler.OAUTH_NO_CALLBACKS) {
    throw new InvalidStateError("this provider takes no callbackUri: it knows the address itself");
  }
  checkEndpoint("the authorization endpoint", authorizeUrl, handler.OAUTH_ALLOW_HTTP);
  const isOldVersion = handler.OAUTH_VERSION === "1.0";
  const isByHand = callbackUri === "oob";
  const callback =
    callbackUri === undefined || isByHand ? callbackUri : callbackUrl(handler, "callbackUri", callbackUri);
  const name = "the request token endpoint";
  const token = await askForToken(
    handler,
    name,
    handler.OAUTH_REQUEST_TOKEN_URL,
    isOldVersion ? {} : extraParams,
    isOldVersion || callback === undefined ? {} : { oauth_callback: callback },
    undefined,
    options,
  );
  // Without it the provider did not understand 1.0a, and the verifier protects nothing (RFC 5849 §2.1).
  if (!isOldVersion && callback !== undefined && token.oauth_callback_confirmed !== "true") {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${name} did not confirm the callback`);
  }
  const secure = isSecure(callback) || handler.request.protocol === "https";
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  setVisitCookie(handler, cookieFor(secure), `${encode(token.key)}|${encode(token.secret)}`, secure);
  const args: Record<string, string> = { oauth_token: token.key };
  if (isOldVersion && callback !== undefined && !isByHand) args.oauth_callback = callback;
  const url = urlConcat(authorizeUrl, args);
  if (isByHand) void handler.finish(url);
  else handler.redirect(url);
}

/** The request token that the answer belongs to, once. */
function takeRequestToken(handler: OAuthHandler): OAuthToken {
  handler.requireSetting("cookieSecret", "signing in");
  const denied = answerArgument(handler, "denied");
  const key = denied ?? requiredArgument(handler, "oauth_token");
  const value =
    takeVisitCookie(handler, cookieFor(true), true) ?? takeVisitCookie(handler, cookieFor(false), false);
  if (value === undefined) {
    throw new AuthError(
      "ERR_SQUALL_AUTH_STATE",
      "this browser did not begin the sign-in, or it took more than ten minutes",
    );
  }
  const [ownKey = "", secret = ""] = value
    .split("|")
    .map((text) => Buffer.from(text, "base64").toString("utf8"));
  if (!equalSecrets(ownKey, key)) {
    throw new AuthError("ERR_SQUALL_AUTH_STATE", "the request token belongs to another sign-in");
  }
  useOnce(handler, ownKey);
  if (denied !== undefined) {
    throw new AuthError("ERR_SQUALL_AUTH_DENIED", "the user refused", { providerError: "denied" });
  }
  return { key: ownKey, secret };
}

function exchangeToken(
  handler: OAuthHandler,
  requestToken: OAuthToken,
  options: AuthWaitOptions,
): Promise<OAuthToken> {
  const more: Record<string, string> = { oauth_token: requestToken.key };
  if (handler.OAUTH_VERSION !== "1.0") more.oauth_verifier = requiredArgument(handler, "oauth_verifier");
  return askForToken(
    handler,
    "the access token endpoint",
    handler.OAUTH_ACCESS_TOKEN_URL,
    {},
    more,
    requestToken,
    options,
  );
}
