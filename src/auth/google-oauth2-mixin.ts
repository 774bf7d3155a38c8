/** `GoogleOAuth2Mixin`: signing in with Google. */
import { InvalidStateError } from "../base/errors.js";
import type { AuthWaitOptions } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import type { OAuth2Tokens } from "./oauth2-code.js";
import { OAuth2Mixin } from "./oauth2-mixin.js";

/** What Google's console calls client ID and client secret; the setting `googleOauth`. */
export interface GoogleOauthSettings {
  /** The client ID. */
  readonly key: string;
  /** The client secret. */
  readonly secret: string;
}

/** Options of {@link GoogleOAuth2Mixin.getAuthenticatedUser}. */
export interface GoogleUserOptions extends AuthWaitOptions {
  /** The address that the sign-in was begun with; default is any. */
  readonly redirectUri?: string | undefined;
  /** The code; default the argument `code` of the request. */
  readonly code?: string | undefined;
  /** In place of the key of the settings; default that. */
  readonly clientId?: string | undefined;
  /** In place of the secret of the settings; default that. */
  readonly clientSecret?: string | undefined;
}

/** What {@link GoogleOAuth2Mixin} adds to a handler. */
export interface GoogleOAuth2Mixin extends OAuth2Mixin {
  /** The endpoint that says who the user is, for `oauth2Request()`. */
  readonly OAUTH_USERINFO_URL: string;
  /** The name of the setting with key and secret; default `googleOauth`. */
  readonly OAUTH_SETTINGS_KEY: string;
  /**
   * Key and secret, from the setting that {@link GoogleOAuth2Mixin.OAUTH_SETTINGS_KEY} names; override it
   * to take them from elsewhere.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) if the application has no such setting.
   */
  getGoogleOauthSettings(): GoogleOauthSettings;
  /**
   * Checks Google's answer and resolves with its tokens, as `OAuth2Mixin.fetchAccessToken()` does. Ask
   * {@link GoogleOAuth2Mixin.OAUTH_USERINFO_URL} who the user is; or use `OpenIdConnectMixin`, which
   * verifies the ID token.
   */
  getAuthenticatedUser(options?: GoogleUserOptions): Promise<OAuth2Tokens>;
}

/**
 * Handlers that sign users in with Google. Needs the settings `cookieSecret` and `googleOauth: { key,
 * secret }`.
 *
 *     class Login extends GoogleOAuth2Mixin(RequestHandler) {
 *       override async get() {
 *         if (!this.isAuthResponse()) {
 *           const { key } = this.getGoogleOauthSettings();
 *           const scope = ["profile", "email"];
 *           return this.authorizeRedirect({ redirectUri: "/login", clientId: key, scope });
 *         }
 *         const { access_token } = await this.getAuthenticatedUser();
 *         const user = await this.oauth2Request(this.OAUTH_USERINFO_URL, { accessToken: access_token });
 *       }
 *     }
 *
 * Tornado `auth.GoogleOAuth2Mixin`.
 */
export function GoogleOAuth2Mixin<Base extends HandlerConstructor>(
  base: Base,
): Mixed<Base, GoogleOAuth2Mixin> {
  class Mixin extends OAuth2Mixin(base as HandlerConstructor) implements GoogleOAuth2Mixin {
    override readonly OAUTH_AUTHORIZE_URL: string = "https://accounts.google.com/o/oauth2/v2/auth";
    override readonly OAUTH_ACCESS_TOKEN_URL: string = "https://www.googleapis.com/oauth2/v4/token";
    readonly OAUTH_USERINFO_URL: string = "https://www.googleapis.com/oauth2/v1/userinfo";
    readonly OAUTH_SETTINGS_KEY: string = "googleOauth";

    getGoogleOauthSettings(): GoogleOauthSettings {
      this.requireSetting(this.OAUTH_SETTINGS_KEY, "Google sign-in");
      const { key, secret } = this.settings[this.OAUTH_SETTINGS_KEY] as Partial<GoogleOauthSettings>;
      if (typeof key === "string" && typeof secret === "string") return { key, secret };
      throw new InvalidStateError(`the setting '${this.OAUTH_SETTINGS_KEY}' must have key and secret`);
    }

    async getAuthenticatedUser(options: GoogleUserOptions = {}): Promise<OAuth2Tokens> {
      const { clientId, clientSecret } = options;
      const settings =
        clientId === undefined || clientSecret === undefined ? this.getGoogleOauthSettings() : undefined;
      return this.fetchAccessToken({
        ...options,
        clientId: clientId ?? settings!.key,
        clientSecret: clientSecret ?? settings!.secret,
      });
    }
  }
  return Mixin as unknown as Mixed<Base, GoogleOAuth2Mixin>;
}
