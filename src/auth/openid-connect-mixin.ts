/**
 * `OpenIdConnectMixin`: signing in with any provider of OpenID Connect, known by its issuer alone (OpenID
 * Connect Core §3.1, Discovery). Tornado has no counterpart.
 */
import { InvalidStateError } from "../base/errors.js";
import type { App } from "../web/types.js";
import { callbackUrl } from "./answer.js";
import { AuthError } from "./errors.js";
import { type AuthHttpClient, type AuthWaitOptions, askProvider, checkOk, jsonObject } from "./http.js";
import { type IdTokenClaims, verifyIdToken } from "./id-token.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import { acceptAnswer, authorizationUrl, isAnswer, type OAuth2Tokens, requestTokens } from "./oauth2-code.js";
import { OidcProvider } from "./oidc-provider.js";
import { ProviderMixin } from "./provider-mixin.js";
import { beginSignIn } from "./sign-in-cookie.js";

/** The setting `oidc`: which provider, and what it calls the application. */
export interface OidcSettings {
  /**
   * The provider's issuer, an https URL, exactly as the provider writes it: `https://accounts.google.com`.
   * No default.
   */
  readonly issuer: string;
  /** What the provider calls the application; no default. */
  readonly clientId: string;
  /** The secret of the application; default none. */
  readonly clientSecret?: string | undefined;
  /**
   * Accept an issuer and endpoints without TLS; default false. For tests and providers on the same machine.
   */
  readonly allowHttp?: boolean | undefined;
  /** Other applications whose ID tokens may also name this one; default none. */
  readonly trustedAudiences?: readonly string[] | undefined;
}

/** Options of {@link OpenIdConnectMixin.authorizeRedirect}. */
export interface OidcRedirectOptions extends AuthWaitOptions {
  /** Where the provider sends the browser back to, as for `OAuth2Mixin`. Default the path of this request. */
  readonly redirectUri?: string | undefined;
  /** What the application asks for besides `openid`; default `profile` and `email`. */
  readonly scope?: readonly string[] | undefined;
  /**
   * Further arguments, such as `prompt` or `login_hint`; default none. Those that protect the sign-in are
   * refused.
   */
  readonly extraParams?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link OpenIdConnectMixin.getAuthenticatedUser}. */
export interface OidcUserOptions extends AuthWaitOptions {
  /** The address that the sign-in was begun with; default is any. */
  readonly redirectUri?: string | undefined;
}

/** A user who has signed in. */
export interface OidcUser {
  /** Who it is; every check of the ID token has passed. */
  readonly claims: IdTokenClaims;
  /** For requests in the user's name. */
  readonly tokens: OAuth2Tokens;
}

/** What {@link OpenIdConnectMixin} adds to a handler. */
export interface OpenIdConnectMixin extends ProviderMixin {
  /**
   * The name of the setting with the provider; default `oidc`. An application with several providers has a
   * class for each.
   */
  readonly OIDC_SETTINGS_KEY: string;
  /**
   * The provider, from the setting that {@link OpenIdConnectMixin.OIDC_SETTINGS_KEY} names; override it to
   * take it from elsewhere.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) if the application has no such setting.
   */
  getOidcSettings(): OidcSettings;
  /**
   * Sends the user to the provider, and remembers the sign-in in a cookie that lasts ten minutes. Ends the
   * response. Needs the `cookieSecret` setting.
   *
   * Rejects with an {@link AuthError} (`ERR_SQUALL_AUTH_PROVIDER`) if the provider does not say where its
   * pages are. A cancel sends the user nowhere.
   */
  authorizeRedirect(options?: OidcRedirectOptions): Promise<void>;
  /**
   * True if the request is the answer of a provider: then call {@link
   * OpenIdConnectMixin.getAuthenticatedUser}.
   */
  isAuthResponse(): boolean;
  /**
   * Checks the provider's answer, turns its code into tokens and verifies the ID token.
   *
   * Rejects with an {@link AuthError}: see there for the codes; and with an `AuthLibraryMissingError`
   * (`ERR_SQUALL_AUTH_LIBRARY`) if the package `jose` is not installed.
   */
  getAuthenticatedUser(options?: OidcUserOptions): Promise<OidcUser>;
  /**
   * What the provider says of the user at its userinfo endpoint, for claims that the ID token lacks.
   *
   * Rejects with an {@link AuthError}: `ERR_SQUALL_AUTH_PROVIDER` if there is no such endpoint or it gives
   * no answer, `ERR_SQUALL_AUTH_ASSERTION` if it speaks of another user.
   */
  oidcUserInfo(user: OidcUser, options?: AuthWaitOptions): Promise<Readonly<Record<string, unknown>>>;
}

/** The providers of each application, so that what they publish is fetched once for all requests. */
const providers = new WeakMap<App, Map<string, OidcProvider>>();

function providerOf(application: App, { issuer, allowHttp = false }: OidcSettings): OidcProvider {
  let ofApplication = providers.get(application);
  if (ofApplication === undefined) {
    ofApplication = new Map();
    providers.set(application, ofApplication);
  }
  const key = `${allowHttp} ${issuer}`;
  let provider = ofApplication.get(key);
  if (provider === undefined) {
    provider = new OidcProvider(issuer, allowHttp);
    ofApplication.set(key, provider);
  }
  return provider;
}

/**
 * Handlers that sign users in with OpenID Connect. Needs the settings `cookieSecret` and `oidc`, and the
 * package `jose`.
 *
 *     class Login extends OpenIdConnectMixin(RequestHandler) {
 *       override async get() {
 *         if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri: "/login" });
 *         const { claims } = await this.getAuthenticatedUser();
 *         this.setSignedCookie("user", `${claims.iss} ${claims.sub}`);
 *         this.redirect("/");
 *       }
 *     }
 */
export function OpenIdConnectMixin<Base extends HandlerConstructor>(
  base: Base,
): Mixed<Base, OpenIdConnectMixin> {
  class Mixin extends ProviderMixin(base as HandlerConstructor) implements OpenIdConnectMixin {
    readonly OIDC_SETTINGS_KEY: string = "oidc";

    getOidcSettings(): OidcSettings {
      this.requireSetting(this.OIDC_SETTINGS_KEY, "OpenID Connect");
      const settings = this.settings[this.OIDC_SETTINGS_KEY] as OidcSettings;
      if (typeof settings.issuer === "string" && typeof settings.clientId === "string") return settings;
      throw new InvalidStateError(`the setting '${this.OIDC_SETTINGS_KEY}' must have issuer and clientId`);
    }

    async authorizeRedirect(options: OidcRedirectOptions = {}): Promise<void> {
      const settings = this.getOidcSettings();
      const redirectUri = callbackUrl(this, "redirectUri", options.redirectUri);
      const { client, wait } = this.#asking(options);
      const provider = providerOf(this.application, settings);
      const { authorizationEndpoint } = await provider.metadata(this.request.ioLoop, client, wait);
      const { scope = ["profile", "email"] } = options;
      const signIn = beginSignIn(this, settings.issuer, redirectUri);
      const url = authorizationUrl(
        {
          endpoint: authorizationEndpoint,
          allowHttp: settings.allowHttp ?? false,
          clientId: settings.clientId,
          scope: [...new Set(["openid", ...scope])],
          responseType: "code",
          pkce: true,
          nonce: true,
          extraParams: options.extraParams,
        },
        signIn,
      );
      this.redirect(url);
    }

    isAuthResponse(): boolean {
      return isAnswer(this);
    }

    async getAuthenticatedUser(options: OidcUserOptions = {}): Promise<OidcUser> {
      const settings = this.getOidcSettings();
      const { issuer, clientId, clientSecret, allowHttp = false, trustedAudiences = [] } = settings;
      const loop = this.request.ioLoop;
      const provider = providerOf(this.application, settings);
      const { client, wait } = this.#asking(options);
      const metadata = await provider.metadata(loop, client, wait);
      const { redirectUri } = options;
      const answer = acceptAnswer(this, {
        provider: issuer,
        redirectUri: redirectUri === undefined ? undefined : callbackUrl(this, "redirectUri", redirectUri),
        code: undefined,
        issuer,
        namesIssuer: metadata.namesIssuer,
      });
      const tokens = await requestTokens(this, answer, {
        ...options,
        endpoint: metadata.tokenEndpoint,
        allowHttp,
        clientId,
        clientSecret,
        authentication:
          clientSecret === undefined
            ? "none"
            : metadata.takesBasic
              ? "client_secret_basic"
              : "client_secret_post",
        pkce: true,
      });
      if (typeof tokens.id_token !== "string") {
        throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "the token endpoint sent no ID token");
      }
      const keys = {
        keys: () => provider.keys(loop, client, wait),
        renewedKeys: () => provider.renewedKeys(loop, client, wait),
      };
      const claims = await verifyIdToken(loop, tokens.id_token, keys, {
        issuer,
        clientId,
        nonce: answer.signIn.nonce,
        accessToken: tokens.access_token,
        trustedAudiences,
      });
      return { claims, tokens };
    }

    async oidcUserInfo(
      { claims, tokens }: OidcUser,
      options: AuthWaitOptions = {},
    ): Promise<Readonly<Record<string, unknown>>> {
      const settings = this.getOidcSettings();
      const { client, wait } = this.#asking(options);
      const provider = providerOf(this.application, settings);
      const { userinfoEndpoint } = await provider.metadata(this.request.ioLoop, client, wait);
      if (userinfoEndpoint === undefined) {
        throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "the provider has no userinfo endpoint");
      }
      const name = "the userinfo endpoint";
      const response = await askProvider(this, {
        ...options,
        name,
        url: userinfoEndpoint,
        allowHttp: settings.allowHttp ?? false,
        headers: { Authorization: `Bearer ${tokens.access_token}` },
      });
      checkOk(name, response);
      const user = jsonObject(name, response);
      // OpenID Connect Core §5.3.2: the answer may be another user's if the access token was swapped.
      if (user.sub === claims.sub) return user;
      throw new AuthError("ERR_SQUALL_AUTH_ASSERTION", `${name} speaks of another user`);
    }

    #asking({ httpClient, signal = this.signal, timeout }: AuthWaitOptions): {
      readonly client: AuthHttpClient;
      readonly wait: {
        readonly signal: AuthWaitOptions["signal"];
        readonly timeout: AuthWaitOptions["timeout"];
      };
    } {
      return { client: httpClient ?? this.getAuthHttpClient(), wait: { signal, timeout } };
    }
  }
  return Mixin as unknown as Mixed<Base, OpenIdConnectMixin>;
}
