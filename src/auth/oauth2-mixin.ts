/** `OAuth2Mixin`: signing in with a provider of OAuth 2 (RFC 6749), protected as RFC 9700 asks. */
import { urlConcat } from "../protocol/fields/url.js";
import { callbackUrl } from "./answer.js";
import { type AuthWaitOptions, askProvider, checkOk, parseJson } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import { acceptAnswer, authorizationUrl, isAnswer, type OAuth2Tokens, requestTokens } from "./oauth2-code.js";
import { ProviderMixin } from "./provider-mixin.js";
import { beginSignIn } from "./sign-in-cookie.js";

/** Options of {@link OAuth2Mixin.authorizeRedirect}. */
export interface AuthorizeRedirectOptions {
  /**
   * Where the provider sends the browser back to: an absolute URL, or a path below the setting
   * `publicOrigin`. Default the path of this request. It never comes from the request's Host field.
   */
  readonly redirectUri?: string | undefined;
  /** What the provider calls the application; default none, which few providers accept. */
  readonly clientId?: string | undefined;
  /** Not used, as in Tornado: a secret has no place in a browser's address. Default none. */
  readonly clientSecret?: string | undefined;
  /** Further arguments for the provider; default none. Those that protect the sign-in are refused. */
  readonly extraParams?: Readonly<Record<string, string>> | undefined;
  /** What the application asks for; default none. */
  readonly scope?: readonly string[] | undefined;
  /** What the provider is to answer with; default `code`. */
  readonly responseType?: string | undefined;
}

/** Options of {@link OAuth2Mixin.fetchAccessToken}. */
export interface AccessTokenOptions extends AuthWaitOptions {
  /** The address that the sign-in was begun with; default is any. */
  readonly redirectUri?: string | undefined;
  /** The code; default the argument `code` of the request. */
  readonly code?: string | undefined;
  /** What the provider calls the application; no default. */
  readonly clientId: string;
  /** The secret of the application; default none, for one that cannot keep any. */
  readonly clientSecret?: string | undefined;
}

/** Options of {@link OAuth2Mixin.oauth2Request}. */
export interface OAuth2RequestOptions extends AuthWaitOptions {
  /** The user's token; default none. It goes into the Authorization field. */
  readonly accessToken?: string | undefined;
  /** Fields of a form, with which the request is a POST; default none: a GET. */
  readonly postArgs?: Readonly<Record<string, string>> | undefined;
  /** Arguments for the query; default none. */
  readonly args?: Readonly<Record<string, string>> | undefined;
}

/** What {@link OAuth2Mixin} adds to a handler. */
export interface OAuth2Mixin extends ProviderMixin {
  /** The provider's page that asks the user; a class for a provider sets it. */
  readonly OAUTH_AUTHORIZE_URL: string;
  /** The provider's endpoint that turns codes into tokens. */
  readonly OAUTH_ACCESS_TOKEN_URL: string;
  /** Accept endpoints without TLS; default false. For tests and providers on the same machine. */
  readonly OAUTH_ALLOW_HTTP: boolean;
  /**
   * Protect the code by PKCE (RFC 7636); default true. False is for providers that refuse arguments that
   * they do not know.
   */
  readonly OAUTH_PKCE: boolean;

  /**
   * Sends the user to the provider, and remembers the sign-in in a cookie that lasts ten minutes. Ends the
   * response. Needs the `cookieSecret` setting.
   *
   * Rejects with an `InvalidArgumentError` (`ERR_SQUALL_INVALID_ARGUMENT`) for an endpoint without TLS, and
   * for `extraParams` that would replace what protects the sign-in; with an `InvalidStateError` if a
   * setting is missing.
   */
  authorizeRedirect(options?: AuthorizeRedirectOptions): Promise<void>;
  /**
   * True if the request is the answer of a provider, good or bad: then call `getAuthenticatedUser()`, else
   * {@link OAuth2Mixin.authorizeRedirect}.
   */
  isAuthResponse(): boolean;
  /**
   * Checks the answer of the provider and turns its code into tokens. The sign-in is over then, whether it
   * succeeds or not.
   *
   * Rejects with an {@link AuthError}: see there for the codes. A cancel leaves the code used or not, as
   * the provider saw it.
   */
  fetchAccessToken(options: AccessTokenOptions): Promise<OAuth2Tokens>;
  /**
   * Asks an API of the provider and resolves with the JSON of its answer.
   *
   * Rejects with an {@link AuthError} (`ERR_SQUALL_AUTH_PROVIDER`) for a status outside 200 to 299, and for
   * no response in 20 seconds (or `timeout`).
   */
  oauth2Request(url: string, options?: OAuth2RequestOptions): Promise<unknown>;
}

/**
 * Handlers that sign users in with OAuth 2. A class for a provider sets the two endpoints.
 *
 *     class Login extends OAuth2Mixin(RequestHandler) {
 *       override readonly OAUTH_AUTHORIZE_URL = "https://id.example.com/authorize";
 *       override readonly OAUTH_ACCESS_TOKEN_URL = "https://id.example.com/token";
 *
 *       override async get() {
 *         if (!this.isAuthResponse()) return this.authorizeRedirect({ clientId, redirectUri: "/login" });
 *         const tokens = await this.fetchAccessToken({ clientId, clientSecret });
 *       }
 *     }
 *
 * Tornado `auth.OAuth2Mixin`, which has neither state nor PKCE.
 */
export function OAuth2Mixin<Base extends HandlerConstructor>(base: Base): Mixed<Base, OAuth2Mixin> {
  class Mixin extends ProviderMixin(base as HandlerConstructor) implements OAuth2Mixin {
    readonly OAUTH_AUTHORIZE_URL: string = "";
    readonly OAUTH_ACCESS_TOKEN_URL: string = "";
    readonly OAUTH_ALLOW_HTTP: boolean = false;
    readonly OAUTH_PKCE: boolean = true;

    async authorizeRedirect(options: AuthorizeRedirectOptions = {}): Promise<void> {
      const redirectUri = callbackUrl(this, "redirectUri", options.redirectUri);
      const signIn = beginSignIn(this, this.OAUTH_AUTHORIZE_URL, redirectUri);
      const url = authorizationUrl(
        {
          endpoint: this.OAUTH_AUTHORIZE_URL,
          allowHttp: this.OAUTH_ALLOW_HTTP,
          clientId: options.clientId,
          scope: options.scope,
          responseType: options.responseType,
          pkce: this.OAUTH_PKCE,
          nonce: false,
          extraParams: options.extraParams,
        },
        signIn,
      );
      this.redirect(url);
    }

    isAuthResponse(): boolean {
      return isAnswer(this);
    }

    async fetchAccessToken(options: AccessTokenOptions): Promise<OAuth2Tokens> {
      const answer = acceptAnswer(this, {
        provider: this.OAUTH_AUTHORIZE_URL,
        redirectUri:
          options.redirectUri === undefined
            ? undefined
            : callbackUrl(this, "redirectUri", options.redirectUri),
        code: options.code,
      });
      return requestTokens(this, answer, {
        ...options,
        endpoint: this.OAUTH_ACCESS_TOKEN_URL,
        allowHttp: this.OAUTH_ALLOW_HTTP,
        clientSecret: options.clientSecret,
        authentication: options.clientSecret === undefined ? "none" : "client_secret_post",
        pkce: this.OAUTH_PKCE,
      });
    }

    async oauth2Request(url: string, options: OAuth2RequestOptions = {}): Promise<unknown> {
      const { accessToken, postArgs: form, args } = options;
      const name = "the API of the provider";
      const response = await askProvider(this, {
        ...options,
        name,
        url: urlConcat(url, args),
        allowHttp: this.OAUTH_ALLOW_HTTP,
        headers: accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` },
        form,
      });
      checkOk(name, response);
      return parseJson(name, response);
    }
  }
  return Mixin as unknown as Mixed<Base, OAuth2Mixin>;
}
