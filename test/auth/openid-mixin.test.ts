import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OpenIdMixin } from "squall/auth";
import "../support/guard.js";
import { ENDPOINT, OpenIdProvider } from "./openid-provider.js";
import { assertRefused, PROVIDER, SITE, SiteHandler, type World, withArgument, withSite } from "./world.js";

class Login extends OpenIdMixin(SiteHandler) {
  override readonly OPENID_ENDPOINT = ENDPOINT;
  override readonly OPENID_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
    this.finish({ ...(await this.getAuthenticatedUser()) });
  }
}

function withOpenId(run: (world: World, provider: OpenIdProvider) => Promise<void>): Promise<void> {
  const provider = new OpenIdProvider();
  return withSite(Login, provider, { publicOrigin: SITE }, (world) => run(world, provider));
}

describe("OpenIdMixin", () => {
  test("signs in and reads the attributes that the provider signed", () =>
    withOpenId(async ({ signIn }, provider) => {
      const page = await signIn();
      assert.deepEqual(JSON.parse(page.text), {
        first_name: "Ann",
        last_name: "Lee",
        name: "Ann Lee",
        email: "ann@example.com",
        locale: "en-gb",
        claimed_id: `${PROVIDER}/ann`,
      });
      assert.equal(provider.asked?.get("openid.realm"), `${SITE}/`);
      assert.equal(
        provider.asked?.get("openid.ax.required"),
        "firstname,fullname,lastname,email,language,username",
      );
    }));

  test("does not believe an attribute that is not signed", () =>
    withOpenId(async ({ signIn }, provider) => {
      provider.unsigned = ["ext1.value.mail"];
      assert.equal(JSON.parse((await signIn()).text).email, undefined);
    }));

  test("refuses an assertion that was changed, and one that the provider does not confirm on a line of its own", () =>
    withOpenId(async ({ answerTo, browser }, provider) => {
      const changed = withArgument(await answerTo(), "openid.claimed_id", `${PROVIDER}/root`);
      assertRefused(await browser.get(changed), 403, "ERR_SQUALL_AUTH_ASSERTION");
      provider.reply = "is_valid:false\nx:is_valid:true\n";
      assertRefused(await browser.get(await answerTo()), 403, "ERR_SQUALL_AUTH_ASSERTION");
    }));

  test("refuses assertions for other addresses, of other providers and versions, and without what must be signed", () =>
    withOpenId(async ({ signIn }, provider) => {
      const faults: Record<string, string>[] = [
        { op_endpoint: "http://evil.example/openid" },
        { return_to: `${SITE}/elsewhere` },
        { ns: "http://openid.net/signon/1.1" },
        { mode: "setup_needed" },
      ];
      for (const fault of faults) {
        provider.assertion = (fields) => void Object.assign(fields, fault);
        assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_ASSERTION");
      }
      provider.assertion = () => {};
      for (const name of [
        "claimed_id",
        "identity",
        "return_to",
        "response_nonce",
        "op_endpoint",
        "assoc_handle",
      ]) {
        provider.unsigned = [name];
        assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_ASSERTION");
      }
      assert.equal(provider.confirmations, 0, "none of these was worth asking the provider");
    }));

  test("refuses answers of other browsers, used and late ones, and a refusal of the user", () =>
    withOpenId(async ({ answerTo, browser, newBrowser, loop }) => {
      browser.keepsCookies = true;
      const answer = await answerTo();
      assertRefused(await newBrowser().get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      assert.equal((await browser.get(answer)).code, 200);
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      const late = await answerTo();
      await loop.advance(602_000);
      assertRefused(await browser.get(late), 403, "ERR_SQUALL_AUTH_STATE");
      const refusal = withArgument(await answerTo(newBrowser()), "openid.mode", "cancel");
      assertRefused(await newBrowser().get(refusal), 403, "ERR_SQUALL_AUTH_STATE");
      assertRefused(
        await browser.get(withArgument(await answerTo(), "openid.mode", "cancel")),
        403,
        "ERR_SQUALL_AUTH_DENIED",
      );
    }));
});
