import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { OpenIdMixin } from "squall/auth";
import type { HTTPServerRequest } from "squall/httputil";
import "../support/guard.js";
import { send } from "./oidc-provider.js";
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

const ENDPOINT = `${PROVIDER}/openid`;

class Login extends OpenIdMixin(SiteHandler) {
  override readonly OPENID_ENDPOINT = ENDPOINT;
  override readonly OPENID_ALLOW_HTTP = true;

  override async get() {
    if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
    this.finish({ ...(await this.getAuthenticatedUser()) });
  }
}

/** Signs assertions with a secret of its own, and confirms each once (OpenID Authentication 2.0 §10, §11.4.2). */
class OpenIdProvider implements FakeProvider {
  readonly secrets = new Set<string>();
  readonly #confirmed = new Set<string>();
  asked: URLSearchParams | undefined;
  confirmations = 0;
  /** Changes an assertion before it is signed. */
  assertion: (fields: Record<string, string>) => void = () => {};
  /** Names that the signature leaves out. */
  unsigned: readonly string[] = [];
  reply: string | undefined;

  readonly serve = (request: HTTPServerRequest): void => {
    if (request.method === "POST") this.#confirm(request);
    else this.#assert(request);
  };

  #assert(request: HTTPServerRequest): void {
    const query = new URLSearchParams(request.query);
    this.asked = query;
    const returnTo = query.get("openid.return_to")!;
    this.secrets.add(new URL(returnTo).searchParams.get("state")!);
    const fields: Record<string, string> = {
      ns: "http://specs.openid.net/auth/2.0",
      mode: "id_res",
      op_endpoint: ENDPOINT,
      claimed_id: `${PROVIDER}/ann`,
      identity: `${PROVIDER}/ann`,
      return_to: returnTo,
      response_nonce: `2026-01-01T00:00:00Z${Math.trunc(request.ioLoop.time())}`,
      assoc_handle: "h1",
      "ns.ext1": "http://openid.net/srv/ax/1.0",
      "ext1.mode": "fetch_response",
      "ext1.type.first": "http://axschema.org/namePerson/first",
      "ext1.value.first": "Ann",
      "ext1.type.last": "http://axschema.org/namePerson/last",
      "ext1.value.last": "Lee",
      "ext1.type.mail": "http://axschema.org/contact/email",
      "ext1.value.mail": "ann@example.com",
      "ext1.type.lang": "http://axschema.org/pref/language",
      "ext1.value.lang": "EN-GB",
    };
    this.assertion(fields);
    const signed = Object.keys(fields).filter((name) => name !== "mode" && !this.unsigned.includes(name));
    fields.signed = signed.join(",");
    fields.sig = signature(signed, (name) => fields[name] ?? "");
    const location = new URL(returnTo);
    for (const [name, value] of Object.entries(fields)) location.searchParams.set(`openid.${name}`, value);
    send(request, { status: 302, headers: { Location: location.href } });
  }

  #confirm(request: HTTPServerRequest): void {
    this.confirmations++;
    const form = new URLSearchParams(request.body.toString());
    const get = (name: string): string => form.get(`openid.${name}`) ?? "";
    const fits =
      get("mode") === "check_authentication" &&
      get("sig") === signature(get("signed").split(","), get) &&
      !this.#confirmed.has(get("sig"));
    this.#confirmed.add(get("sig"));
    send(request, { text: this.reply ?? `ns:http://specs.openid.net/auth/2.0\nis_valid:${fits}\n` });
  }
}

function signature(names: readonly string[], get: (name: string) => string): string {
  const text = names.map((name) => `${name}:${get(name)}\n`).join("");
  return createHmac("sha256", "the provider's secret").update(text).digest("base64");
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
