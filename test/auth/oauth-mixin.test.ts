import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OAuthMixin, type OAuthToken, TwitterMixin } from "squall/auth";
import "../support/guard.js";
import { CONSUMER_SECRET, KEY, OAuth1Provider } from "./oauth1-provider.js";
import { assertRefused, PROVIDER, SITE, SiteHandler, type World, withArgument, withSite } from "./world.js";

class Login extends OAuthMixin(SiteHandler) {
  override readonly OAUTH_REQUEST_TOKEN_URL = `${PROVIDER}/oauth/request_token`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/oauth/access_token`;
  override readonly OAUTH_AUTHORIZE_URL = `${PROVIDER}/oauth/authorize`;
  override readonly OAUTH_ALLOW_HTTP: boolean = true;
  override readonly OAUTH_VERSION: "1.0" | "1.0a" = "1.0a";

  override oauthConsumerToken(): OAuthToken {
    return { key: KEY, secret: CONSUMER_SECRET };
  }

  override async get() {
    if (!this.isAuthResponse()) {
      const callbackUri = this.getArgument("by", "/login?a=b c");
      return this.authorizeRedirect({ callbackUri, extraParams: { x_auth_access_type: "read & write" } });
    }
    const { access_token, ...user } = await this.getAuthenticatedUser();
    this.finish({ ...user, hasToken: access_token.secret.length > 0 });
  }
}

class OldLogin extends Login {
  override readonly OAUTH_VERSION = "1.0";
}

class Twitter extends TwitterMixin(SiteHandler) {
  override readonly OAUTH_REQUEST_TOKEN_URL = `${PROVIDER}/oauth/request_token`;
  override readonly OAUTH_ACCESS_TOKEN_URL = `${PROVIDER}/oauth/access_token`;
  override readonly OAUTH_AUTHENTICATE_URL = `${PROVIDER}/oauth/authenticate`;
  override readonly TWITTER_BASE_URL = `${PROVIDER}/1.1`;
  override readonly OAUTH_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
    const { access_token: accessToken, username } = await this.getAuthenticatedUser();
    const args = { trim: "yes & no" };
    const posted = await this.twitterRequest("/statuses/update", {
      accessToken,
      args,
      postArgs: { status: "Ça va? 100 %" },
    });
    const { path, status, trim } = posted as Record<string, string>;
    this.finish({ username, path, status, trim });
  }
}

function withOAuth(
  login: typeof SiteHandler,
  run: (world: World, provider: OAuth1Provider) => Promise<void>,
): Promise<void> {
  const provider = new OAuth1Provider();
  const settings = { publicOrigin: SITE, twitterConsumerKey: KEY, twitterConsumerSecret: CONSUMER_SECRET };
  return withSite(login, provider, settings, (world) => run(world, provider));
}

describe("OAuthMixin", () => {
  test("signs requests so that a provider that computes the signature by itself accepts them", () =>
    withOAuth(Login, async ({ signIn, answerTo, newBrowser }, provider) => {
      const page = await signIn();
      assert.deepEqual(JSON.parse(page.text), { screen_name: "ann", hasToken: true }, page.text);
      await answerTo(newBrowser());
      assert.equal(provider.last.x_auth_access_type, "read & write");
      assert.equal(provider.last.oauth_callback, `${SITE}/login?a=b%20c`);
      assert.equal(provider.last.oauth_version, "1.0");
    }));

  test("speaks the version of 2007, without callback and verifier", () =>
    withOAuth(OldLogin, async ({ signIn }, provider) => {
      provider.version = "1.0";
      provider.confirms = false;
      assert.equal((await signIn()).code, 200);
      assert.equal(provider.last.oauth_verifier, undefined);
    }));

  test("keeps the request token in a signed cookie that scripts do not see, and clears it", () =>
    withOAuth(Login, async ({ answerTo, browser, loop }) => {
      const answer = await answerTo();
      const cookie = () => browser.cookies.get("site.example")!.get("_oauth_request_token")!;
      assert.match(cookie().value, /^2\|1:0\|/);
      assert.match(cookie().attributes, /^(?=.*HttpOnly)(?=.*Max-Age=600)(?=.*SameSite=lax)/i);
      await browser.get(answer);
      assert.ok(cookie().until <= loop.wallTime());
    }));

  test("oob gives the address of the provider's page as text", () =>
    withOAuth(Login, async ({ browser }) => {
      const page = await browser.get(`${SITE}/login?by=oob`);
      assert.equal(page.code, 200);
      assert.match(page.text, /^http:\/\/id\.example\/oauth\/authorize\?oauth_token=\w+$/);
    }));

  test("refuses answers of other browsers, of other sign-ins, late ones and used ones", () =>
    withOAuth(Login, async ({ answerTo, browser, newBrowser, loop }, provider) => {
      const answer = await answerTo();
      assertRefused(await newBrowser().get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      assertRefused(
        await browser.get(withArgument(answer, "oauth_token", "x")),
        403,
        "ERR_SQUALL_AUTH_STATE",
      );
      const keeper = newBrowser();
      keeper.keepsCookies = true;
      const own = await answerTo(keeper);
      assert.equal((await keeper.get(own)).code, 200);
      const before = provider.asked;
      assertRefused(await keeper.get(own), 403, "ERR_SQUALL_AUTH_STATE");
      assert.equal(provider.asked, before, "the provider was not asked");
      const late = await answerTo(keeper);
      await loop.advance(602_000);
      assertRefused(await keeper.get(late), 403, "ERR_SQUALL_AUTH_STATE");
    }));

  test("refuses an answer without verifier or with a wrong one, and a refusal of the user", () =>
    withOAuth(Login, async ({ answerTo, browser }, provider) => {
      const bare = withArgument(await answerTo(), "oauth_verifier", undefined);
      assertRefused(await browser.get(bare), 400, "ERR_SQUALL_AUTH_RESPONSE");
      const wrong = withArgument(await answerTo(), "oauth_verifier", "wrong");
      assertRefused(await browser.get(wrong), 403, "ERR_SQUALL_AUTH_DENIED");
      provider.answer = (query) => {
        query.set("denied", query.get("oauth_token")!);
        query.delete("oauth_token");
      };
      assertRefused(await browser.get(await answerTo()), 403, "ERR_SQUALL_AUTH_DENIED");
    }));

  test("refuses a provider that does not confirm the callback", () =>
    withOAuth(Login, async ({ browser }, provider) => {
      provider.confirms = false;
      assertRefused(await browser.get(`${SITE}/login`), 502, "ERR_SQUALL_AUTH_PROVIDER");
    }));
});

describe("TwitterMixin", () => {
  test("signs in, and signs requests with a form and a query", () =>
    withOAuth(Twitter, async ({ signIn }) => {
      const page = await signIn();
      assert.deepEqual(JSON.parse(page.text), {
        username: "ann",
        path: "/1.1/statuses/update.json",
        status: "Ça va? 100 %",
        trim: "yes & no",
      });
    }));

  test("a token without a user is refused", () =>
    withOAuth(Twitter, async ({ signIn }, provider) => {
      provider.user = null;
      assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_DENIED");
    }));
});
