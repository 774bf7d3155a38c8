/** `squall/auth`: signing in with other sites. Tornado: `tornado.auth`. */
export {
  AuthError,
  type AuthErrorCode,
  type AuthErrorOptions,
  AuthLibraryMissingError,
} from "./auth/errors.js";
export {
  FacebookGraphMixin,
  type FacebookUser,
  type FacebookUserOptions,
} from "./auth/facebook-graph-mixin.js";
export {
  GoogleOAuth2Mixin,
  type GoogleOauthSettings,
  type GoogleUserOptions,
} from "./auth/google-oauth2-mixin.js";
export type { AuthFetchOptions, AuthHttpClient, AuthHttpResponse, AuthWaitOptions } from "./auth/http.js";
export type { IdTokenClaims } from "./auth/id-token.js";
export type { HandlerConstructor, Mixed, MixinConstructor } from "./auth/mixin.js";
export { OAuthMixin, type OAuthRedirectOptions, type OAuthUser } from "./auth/oauth-mixin.js";
export type { OAuthParameters, OAuthToken } from "./auth/oauth1-signature.js";
export type { OAuth2Tokens } from "./auth/oauth2-code.js";
export {
  type AccessTokenOptions,
  type AuthorizeRedirectOptions,
  OAuth2Mixin,
  type OAuth2RequestOptions,
} from "./auth/oauth2-mixin.js";
export {
  type OidcRedirectOptions,
  type OidcSettings,
  type OidcUser,
  type OidcUserOptions,
  OpenIdConnectMixin,
} from "./auth/openid-connect-mixin.js";
export {
  type AuthenticateRedirectOptions,
  type OpenIdAttribute,
  OpenIdMixin,
  type OpenIdUser,
} from "./auth/openid-mixin.js";
export { ProviderMixin } from "./auth/provider-mixin.js";
export { TwitterMixin, type TwitterRequestOptions } from "./auth/twitter-mixin.js";
