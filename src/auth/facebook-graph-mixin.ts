/** `FacebookGraphMixin`: signing in with Facebook, and requests to its Graph API. */
import { createHmac } from "node:crypto";
import { AuthError } from "./errors.js";
import type { AuthWaitOptions } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import { OAuth2Mixin, type OAuth2RequestOptions } from "./oauth2-mixin.js";

/** Options of {@link FacebookGraphMixin.getAuthenticatedUser}. */
export interface FacebookUserOptions extends AuthWaitOptions {
  /** The address that the sign-in was begun with; default is any. */
  readonly redirectUri?: string | undefined;
  /** The app ID; no default. */
  readonly clientId: string;
  /** The app secret; no default. */
  readonly clientSecret: string;
  /** The code; default the argument `code` of the request. */
  readonly code?: string | undefined;
  /**
   * Fields of the profile besides id, name, first_name, last_name, locale, picture and link; default none.
   */
  readonly extraFields?: Iterable<string> | undefined;
}

/** A user of Facebook: the fields of the profile that were asked for, and the token. */
export interface FacebookUser {
  /** The user's token. */
  readonly access_token: string;
  /** Seconds until the token expires, as text; undefined if Facebook does not say. */
  readonly session_expires: string | undefined;
  /** A field of the profile; undefined if the user does not share it. */
  readonly [field: string]: unknown;
}

/** What {@link FacebookGraphMixin} adds to a handler. */
export interface FacebookGraphMixin extends OAuth2Mixin {
  /** Where paths of the Graph API begin. */
  readonly FACEBOOK_BASE_URL: string;
  /**
   * Checks Facebook's answer, and resolves with the profile of the user.
   *
   * Rejects with an {@link AuthError}: see there for the codes.
   */
  getAuthenticatedUser(options: FacebookUserOptions): Promise<FacebookUser>;
  /**
   * Asks the Graph API: `facebookRequest("/me/feed", { accessToken, postArgs: { message } })`. With a
   * token, `args` should hold the `appsecret_proof` if the app demands it. Rejects as `oauth2Request()`
   * does.
   */
  facebookRequest(path: string, options?: OAuth2RequestOptions): Promise<unknown>;
}

const FIELDS = ["id", "name", "first_name", "last_name", "locale", "picture", "link"] as const;

/**
 * Handlers that sign users in with Facebook. Needs the setting `cookieSecret`.
 *
 *     class Login extends FacebookGraphMixin(RequestHandler) {
 *       override async get() {
 *         const { facebookApiKey: clientId, facebookSecret: clientSecret } = this.settings;
 *         if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri: "/login", clientId });
 *         const user = await this.getAuthenticatedUser({ clientId, clientSecret });
 *       }
 *     }
 *
 * Tornado `auth.FacebookGraphMixin`.
 */
export function FacebookGraphMixin<Base extends HandlerConstructor>(
  base: Base,
): Mixed<Base, FacebookGraphMixin> {
  class Mixin extends OAuth2Mixin(base as HandlerConstructor) implements FacebookGraphMixin {
    override readonly OAUTH_AUTHORIZE_URL: string = "https://www.facebook.com/dialog/oauth";
    override readonly OAUTH_ACCESS_TOKEN_URL: string = "https://graph.facebook.com/oauth/access_token";
    readonly FACEBOOK_BASE_URL: string = "https://graph.facebook.com";

    async getAuthenticatedUser(options: FacebookUserOptions): Promise<FacebookUser> {
      const { clientSecret, extraFields = [], signal, timeout, httpClient } = options;
      const fields = [...new Set([...FIELDS, ...extraFields])];
      const tokens = await this.fetchAccessToken(options);
      const accessToken = tokens.access_token;
      const profile = await this.facebookRequest("/me", {
        accessToken,
        // Shows that who uses the token has the secret of the app, too.
        args: {
          appsecret_proof: createHmac("sha256", clientSecret).update(accessToken).digest("hex"),
          fields: fields.join(","),
        },
        signal,
        timeout,
        httpClient,
      });
      if (typeof profile !== "object" || profile === null) {
        throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "Facebook sent no profile");
      }
      const user: Record<string, unknown> = Object.create(null);
      for (const field of fields) user[field] = (profile as Record<string, unknown>)[field];
      const expires = tokens.expires_in;
      user.access_token = accessToken;
      user.session_expires = expires === undefined ? undefined : String(expires);
      return user as unknown as FacebookUser;
    }

    facebookRequest(path: string, options: OAuth2RequestOptions = {}): Promise<unknown> {
      return this.oauth2Request(`${this.FACEBOOK_BASE_URL}${path}`, options);
    }
  }
  return Mixin as unknown as Mixed<Base, FacebookGraphMixin>;
}
