/**
 * What every mixin refuses, asked of each in the same words: answers that are replayed, expired, forged, or those of another
 * browser or of another sign-in. What is particular to one protocol is tested beside it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  FacebookGraphMixin,
  GoogleOAuth2Mixin,
  OAuth2Mixin,
  OAuthMixin,
  type OAuthToken,
  OpenIdConnectMixin,
  OpenIdMixin,
  TwitterMixin,
} from "squall/auth";
import "../support/guard.js";
import { CONSUMER_SECRET, KEY, OAuth1Provider } from "./oauth1-provider.js";
import { CLIENT_ID, CLIENT_SECRET, Provider } from "./oidc-provider.js";
import { ENDPOINT, OpenIdProvider } from "./openid-provider.js";
import {
  assertRefused,
  type FakeProvider,
  PROVIDER,
  SITE,
  SiteHandler,
  type World,
  withArgument,
  withSite,
} from "./world.js";

const redirectUri = `${SITE}/login`;
const [clientId, clientSecret] = [CLIENT_ID, CLIENT_SECRET];

class OAuth2 extends OAuth2Mixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri, clientId });
    await this.fetchAccessToken({ clientId, clientSecret, redirectUri });
    this.finish("signed in");
  }
}

class Google extends GoogleOAuth2Mixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri, clientId });
    await this.getAuthenticatedUser({ redirectUri });
    this.finish("signed in");
  }
}

class Facebook extends FacebookGraphMixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly FACEBOOK_BASE_URL = PROVIDER;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri, clientId });
    await this.getAuthenticatedUser({ redirectUri, clientId, clientSecret });
    this.finish("signed in");
  }
}

class Oidc extends OpenIdConnectMixin(SiteHandler) {
  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri });
    await this.getAuthenticatedUser({ redirectUri });
    this.finish("signed in");
  }
}

class OAuth1 extends OAuthMixin(SiteHandler) {
  override readonly OAUTH_REQUEST_TOKEN_URL = `${PROVIDER}/oauth/request_token`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/oauth/access_token`;
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/oauth/authorize`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override oauthConsumerToken(): OAuthToken {
    return { key: KEY, secret: CONSUMER_SECRET };
  }

  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ callbackUri: "/login" });
    await this.getAuthenticatedUser();
    this.finish("signed in");
  }
}

class Twitter extends TwitterMixin(SiteHandler) {
  override readonly OAUTH_REQUEST_TOKEN_URL = `${PROVIDER}/oauth/request_token`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/oauth/access_token`;
  override readonly OAUTH_AUTHENTICATE_URL = `${PROVIDER}/oauth/authenticate`;
  override readonly TWITTER_BASE_URL = `${PROVIDER}/1.1`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
    await this.getAuthenticatedUser();
    this.finish("signed in");
  }
}

class OpenId extends OpenIdMixin(SiteHandler) {
  override readonly OPENID_ENDPOINT = ENDPOINT;
  override readonly OPENID_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
    await this.getAuthenticatedUser();
    this.finish("signed in");
  }
}

interface Kind {
  readonly login: typeof SiteHandler;
  readonly provider: () => FakeProvider;
  /** The argument that a forger has to guess, and the one that the provider vouches for. */
  readonly secret: string;
  readonly proof: string;
}

const oauth2 = { provider: () => new Provider(), secret: "state", proof: "code" };
const oauth1 = { provider: () => new OAuth1Provider(), secret: "oauth_token", proof: "oauth_verifier" };

const KINDS: Readonly<Record<string, Kind>> = {
  OAuth2Mixin: { login: OAuth2, ...oauth2 },
  GoogleOAuth2Mixin: { login: Google, ...oauth2 },
  FacebookGraphMixin: { login: Facebook, ...oauth2 },
  OpenIdConnectMixin: { login: Oidc, ...oauth2 },
  OAuthMixin: { login: OAuth1, ...oauth1 },
  TwitterMixin: { login: Twitter, ...oauth1 },
  OpenIdMixin: {
    login: OpenId,
    provider: () => new OpenIdProvider(),
    secret: "state",
    proof: "openid.sig",
  },
};

const SETTINGS = {
  publicOrigin: SITE,
  googleOauth: { key: CLIENT_ID, secret: CLIENT_SECRET },
  facebookApiKey: CLIENT_ID,
  facebookSecret: CLIENT_SECRET,
  twitterConsumerKey: KEY,
  twitterConsumerSecret: CONSUMER_SECRET,
  oidc: { issuer: PROVIDER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, allowHttp: true },
};

for (const [name, { login, provider, secret, proof }] of Object.entries(KINDS)) {
  const withKind = (run: (world: World) => Promise<void>): Promise<void> =>
    withSite(login, provider(), SETTINGS, run);

  describe(`${name} refuses an answer`, () => {
    test("that is replayed, also by a browser that kept its cookie", () =>
      withKind(async ({ answerTo, browser }) => {
        browser.keepsCookies = true;
        const answer = await answerTo();
        assert.equal((await browser.get(answer)).text, "signed in");
        assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      }));

    test("that is expired, also by a browser that kept its cookie", () =>
      withKind(async ({ answerTo, browser, loop }) => {
        browser.keepsCookies = true;
        const answer = await answerTo();
        await loop.advance(602_000);
        assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      }));

    test("that is forged: the sign-in is made up, or what the provider vouches for", () =>
      withKind(async ({ answerTo, newBrowser }) => {
        const guessing = newBrowser();
        const madeUp = withArgument(await answerTo(guessing), secret, "made-up");
        assertRefused(await guessing.get(madeUp), 403, "ERR_SQUALL_AUTH_STATE");
        const lying = newBrowser();
        const forged = withArgument(await answerTo(lying), proof, "forged");
        const page = await lying.get(forged);
        assert.equal(page.code, 403, page.text);
        assert.match(page.text, /ERR_SQUALL_AUTH_(?:DENIED|ASSERTION)/);
      }));

    test("that is another browser's, or of another sign-in", () =>
      withKind(async ({ answerTo, newBrowser }) => {
        const [ann, eve] = [newBrowser(), newBrowser()];
        const [hers, evil] = [await answerTo(ann), await answerTo(eve)];
        assertRefused(await newBrowser().get(evil), 403, "ERR_SQUALL_AUTH_STATE");
        assertRefused(await ann.get(evil), 403, "ERR_SQUALL_AUTH_STATE");
        // What the provider vouches for in one sign-in is worth nothing in another.
        const mixed = withArgument(hers, proof, new URL(evil).searchParams.get(proof) ?? "");
        const page = await ann.get(mixed);
        assert.equal(page.code, 403, page.text);
      }));
  });
}
