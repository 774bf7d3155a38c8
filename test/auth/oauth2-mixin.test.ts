import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FacebookGraphMixin, GoogleOAuth2Mixin, OAuth2Mixin } from "squall/auth";
import { InvalidArgumentError } from "squall/util";
import "../support/guard.js";
import { CLIENT_ID, CLIENT_SECRET, Provider } from "./oidc-provider.js";
import { assertRefused, PROVIDER, SITE, SiteHandler, type World, withArgument, withSite } from "./world.js";

const redirectUri = `${SITE}/login`;
const credentials = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };

class Plain extends OAuth2Mixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL: string = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly OAUTH_ALLOW_HTTP: boolean = true;

  override async get() {
    if (!this.isAuthResponse()) {
      const scope = ["read", "write"];
      return this.authorizeRedirect({
        redirectUri,
        clientId: CLIENT_ID,
        scope,
        extraParams: { prompt: "none" },
      });
    }
    const { access_token: accessToken } = await this.fetchAccessToken({ ...credentials, redirectUri });
    this.finish(
      (await this.oauth2Request(`${PROVIDER}/me`, { accessToken, args: { fields: "a b" } })) as object,
    );
  }
}

class Google extends GoogleOAuth2Mixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly OAUTH_USERINFO_URL = `${PROVIDER}/userinfo`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    const { key } = this.getGoogleOauthSettings();
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri, clientId: key });
    const { access_token: accessToken } = await this.getAuthenticatedUser({ redirectUri });
    this.finish((await this.oauth2Request(this.OAUTH_USERINFO_URL, { accessToken })) as object);
  }
}

class Facebook extends FacebookGraphMixin(SiteHandler) {
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/authorize`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/token`;
  override readonly FACEBOOK_BASE_URL = PROVIDER;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    const clientId = String(this.settings.facebookApiKey);
    const clientSecret = String(this.settings.facebookSecret);
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri, clientId });
    const { access_token, ...user } = await this.getAuthenticatedUser({
      redirectUri,
      clientId,
      clientSecret,
      extraFields: ["fields"],
    });
    this.finish({ ...user, hasToken: access_token.length > 0 });
  }
}

function withProvider(
  login: typeof SiteHandler,
  run: (world: World, provider: Provider) => Promise<void>,
  settings: Record<string, unknown> = {},
): Promise<void> {
  const provider = new Provider();
  return withSite(login, provider, settings, (world) => run(world, provider));
}

describe("OAuth2Mixin", () => {
  test("goes the whole way, with PKCE, and keeps the access token out of URLs", () =>
    withProvider(Plain, async ({ signIn }, provider) => {
      const page = await signIn();
      assert.deepEqual([page.code, JSON.parse(page.text).fields], [200, "a b"], page.text);
      const [asked] = provider.authorizations;
      assert.equal(asked?.get("scope"), "read write");
      assert.equal(asked?.get("prompt"), "none");
      assert.equal(asked?.get("nonce"), null);
    }));

  test("refuses answers that are forged, used or of another browser", () =>
    withProvider(Plain, async ({ answerTo, browser, newBrowser }) => {
      const answer = await answerTo();
      assertRefused(await newBrowser().get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      assertRefused(
        await browser.get(withArgument(answer, "state", "made-up")),
        403,
        "ERR_SQUALL_AUTH_STATE",
      );
      assert.equal((await browser.get(answer)).code, 200);
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
    }));

  test("an answer of one provider is refused by the handler of another", () => {
    class Other extends Plain {
      override readonly OAUTH_AUTHORIZE_URL: string =
        this.getArgument("code", "") === "" ? `${PROVIDER}/authorize` : `${PROVIDER}/elsewhere`;
    }
    return withProvider(Other, async ({ signIn }) => {
      assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_STATE");
    });
  });

  test("an API that fails is a 502", () =>
    withProvider(Plain, async ({ signIn, newBrowser }, provider) => {
      provider.replies.set("/me", () => ({ status: 401, json: {} }));
      assertRefused(await signIn(), 502, "ERR_SQUALL_AUTH_PROVIDER");
      provider.replies.set("/me", () => ({ text: "{" }));
      assertRefused(await signIn(newBrowser()), 502, "ERR_SQUALL_AUTH_PROVIDER");
    }));

  test("refuses endpoints without TLS, and parameters that would replace its protection", () => {
    const seen: unknown[] = [];
    class Careless extends Plain {
      override readonly OAUTH_ALLOW_HTTP: boolean = false;

      override async get() {
        const extraParams = { state: "chosen by the application" };
        await this.authorizeRedirect({ redirectUri, extraParams }).catch((error: unknown) =>
          seen.push(error),
        );
        await this.authorizeRedirect({ redirectUri }).catch((error: unknown) => seen.push(error));
        if (seen.length > 1) this.finish("refused");
      }
    }
    return withProvider(Careless, async ({ browser }) => {
      assert.equal((await browser.get(`${SITE}/login`)).text, "refused");
      assert.ok(seen.every((error) => error instanceof InvalidArgumentError));
      assert.match(String(seen[0]), /extraParams must not hold state/);
      assert.match(String(seen[1]), /must be an absolute https URL/);
    });
  });
});

describe("GoogleOAuth2Mixin", () => {
  test("signs in with key and secret of the setting googleOauth", () =>
    withProvider(
      Google,
      async ({ signIn }) => {
        const page = await signIn();
        assert.deepEqual([page.code, JSON.parse(page.text).name], [200, "Ann"], page.text);
      },
      { googleOauth: { key: CLIENT_ID, secret: CLIENT_SECRET } },
    ));

  test("a wrong secret is refused by Google", () =>
    withProvider(
      Google,
      async ({ signIn, errors }) => {
        assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_DENIED");
        assert.equal(errors[0]?.providerError, "invalid_client");
      },
      { googleOauth: { key: CLIENT_ID, secret: "wrong" } },
    ));
});

describe("FacebookGraphMixin", () => {
  const settings = { facebookApiKey: CLIENT_ID, facebookSecret: CLIENT_SECRET };

  test("gives the profile, with session_expires as text, and proves that it has the secret of the settings", () =>
    withProvider(
      Facebook,
      async ({ signIn }) => {
        const user = JSON.parse((await signIn()).text);
        assert.equal(user.name, "Ann");
        assert.equal(user.session_expires, "3600");
        assert.equal(user.hasToken, true);
        assert.equal(user.fields, "id,name,first_name,last_name,locale,picture,link,fields");
      },
      settings,
    ));
});
