/** `TwitterMixin`: signing in with Twitter by OAuth 1.0a, and requests to its version 1.1 API. */
import { urlConcat } from "../protocol/fields/url.js";
import { AuthError } from "./errors.js";
import { type AuthWaitOptions, askProvider, checkOk, parseJson } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import {
  authorizationField,
  OAuthMixin,
  type OAuthRedirectOptions,
  redirectWithToken,
} from "./oauth-mixin.js";
import type { OAuthToken } from "./oauth1-signature.js";

/** Options of {@link TwitterMixin.twitterRequest}. */
export interface TwitterRequestOptions extends AuthWaitOptions {
  /** The `access_token` of a user, who the request is signed for; default none: it is not signed. */
  readonly accessToken?: OAuthToken | undefined;
  /** Fields of a form, with which the request is a POST; default none: a GET. */
  readonly postArgs?: Readonly<Record<string, string>> | undefined;
  /** Arguments for the query; default none. */
  readonly args?: Readonly<Record<string, string>> | undefined;
}

/** What {@link TwitterMixin} adds to a handler. */
export interface TwitterMixin extends OAuthMixin {
  /** The page that does not ask again a user who has agreed before. */
  readonly OAUTH_AUTHENTICATE_URL: string;
  /** Where paths of the API begin. */
  readonly TWITTER_BASE_URL: string;
  /** As `authorizeRedirect()`, by {@link TwitterMixin.OAUTH_AUTHENTICATE_URL}. */
  authenticateRedirect(options?: OAuthRedirectOptions): Promise<void>;
  /**
   * Asks the API: `twitterRequest("/statuses/update", { accessToken, postArgs: { status } })`. A path gets
   * `.json` appended; a whole URL is taken as it is. Resolves with the JSON of the answer.
   *
   * Rejects with an {@link AuthError} (`ERR_SQUALL_AUTH_PROVIDER`) for a status outside 200 to 299 and for
   * no response.
   */
  twitterRequest(path: string, options?: TwitterRequestOptions): Promise<unknown>;
}

/**
 * Handlers that sign users in with Twitter. Needs the settings `cookieSecret`, `twitterConsumerKey` and
 * `twitterConsumerSecret`. The user has Twitter's fields, and `username`.
 *
 *     class Login extends TwitterMixin(RequestHandler) {
 *       override async get() {
 *         if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
 *         const user = await this.getAuthenticatedUser();
 *       }
 *     }
 *
 * Tornado `auth.TwitterMixin`, deprecated there since Twitter closed most of this API.
 */
export function TwitterMixin<Base extends HandlerConstructor>(base: Base): Mixed<Base, TwitterMixin> {
  class Mixin extends OAuthMixin(base as HandlerConstructor) implements TwitterMixin {
    override readonly OAUTH_REQUEST_TOKEN_URL: string = "https://api.twitter.com/oauth/request_token";
    override readonly OAUTH_ACCESS_TOKEN_URL: string = "https://api.twitter.com/oauth/access_token";
    override readonly OAUTH_AUTHORIZE_URL: string = "https://api.twitter.com/oauth/authorize";
    readonly OAUTH_AUTHENTICATE_URL: string = "https://api.twitter.com/oauth/authenticate";
    readonly TWITTER_BASE_URL: string = "https://api.twitter.com/1.1";

    authenticateRedirect(options: OAuthRedirectOptions = {}): Promise<void> {
      return redirectWithToken(this, this.OAUTH_AUTHENTICATE_URL, options);
    }

    override oauthConsumerToken(): OAuthToken {
      this.requireSetting("twitterConsumerKey", "Twitter sign-in");
      this.requireSetting("twitterConsumerSecret", "Twitter sign-in");
      const { twitterConsumerKey, twitterConsumerSecret } = this.settings;
      return { key: String(twitterConsumerKey), secret: String(twitterConsumerSecret) };
    }

    override async oauthGetUserFuture(
      accessToken: OAuthToken,
      options: AuthWaitOptions = {},
    ): Promise<Readonly<Record<string, unknown>> | undefined> {
      const user = await this.twitterRequest("/account/verify_credentials", { ...options, accessToken });
      if (user === null || user === undefined) return undefined;
      if (typeof user !== "object") throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "Twitter sent no user");
      return { ...user, username: (user as Record<string, unknown>).screen_name };
    }

    async twitterRequest(path: string, options: TwitterRequestOptions = {}): Promise<unknown> {
      const { accessToken, postArgs: form, args = {} } = options;
      const name = "Twitter's API";
      const url = /^https?:/i.test(path) ? path : `${this.TWITTER_BASE_URL}${path}.json`;
      const method = form === undefined ? "GET" : "POST";
      const headers: Record<string, string> = {};
      if (accessToken !== undefined) {
        const parameters = { ...args, ...form };
        headers.Authorization = authorizationField(
          this.oauthRequestParameters(url, accessToken, parameters, method),
        );
      }
      const response = await askProvider(this, {
        ...options,
        name,
        url: urlConcat(url, args),
        allowHttp: this.OAUTH_ALLOW_HTTP,
        headers,
        form,
      });
      checkOk(name, response);
      return parseJson(name, response);
    }
  }
  return Mixin as unknown as Mixed<Base, TwitterMixin>;
}
