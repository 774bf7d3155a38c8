import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AuthError, OpenIdConnectMixin } from "squall/auth";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import "../support/guard.js";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type Claims,
  EC_KEY,
  FORGED_KEY,
  makeBareToken,
  makeHmacToken,
  makeToken,
  NEW_KEY,
  Provider,
  RSA_KEY,
} from "./oidc-provider.js";
import { assertRefused, PROVIDER, SITE, SiteHandler, type World, withArgument, withSite } from "./world.js";

class Login extends OpenIdConnectMixin(SiteHandler) {
  override async get() {
    if (!this.isAuthResponse()) return this.authorizeRedirect({ redirectUri: "/login" });
    const user = await this.getAuthenticatedUser({ redirectUri: "/login" });
    const info = this.settings.asksForInfo === true ? await this.oidcUserInfo(user) : undefined;
    this.finish({ sub: user.claims.sub, email: user.claims.email, info });
  }
}

const oidc = { issuer: PROVIDER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, allowHttp: true };

function withOidc(
  run: (world: World, provider: Provider) => Promise<void>,
  settings: Record<string, unknown> = {},
): Promise<void> {
  const provider = new Provider();
  return withSite(Login, provider, { publicOrigin: SITE, oidc, ...settings }, (world) =>
    run(world, provider),
  );
}

describe("signing in with OpenID Connect", () => {
  test("asks for a code with state, nonce and PKCE, and gives the verified claims", () =>
    withOidc(async ({ signIn }, provider) => {
      const page = await signIn();
      assert.equal(page.code, 200, page.text);
      assert.deepEqual(JSON.parse(page.text), { sub: "user-1", email: "ann@example.com" });
      const [asked] = provider.authorizations;
      assert.equal(asked?.get("response_type"), "code");
      assert.equal(asked?.get("scope"), "openid profile email");
      assert.equal(asked?.get("redirect_uri"), `${SITE}/login`);
      assert.equal(asked?.get("code_challenge_method"), "S256");
      for (const name of ["state", "nonce", "code_challenge"])
        assert.match(asked?.get(name) ?? "", /^[\w-]{43}$/);
    }));

  test("accepts ES256", () =>
    withOidc(async ({ signIn }, provider) => {
      provider.signingKey = EC_KEY;
      assert.equal((await signIn()).code, 200);
    }));

  test("fetches what the provider publishes once for many users, and again after an hour", () =>
    withOidc(async ({ signIn, newBrowser, loop }, provider) => {
      for (let i = 0; i < 3; i++) await signIn(newBrowser());
      assert.deepEqual(
        [provider.asked["/jwks"], provider.asked["/.well-known/openid-configuration"]],
        [1, 1],
      );
      await loop.advance(3_600_001);
      assert.equal((await signIn(newBrowser())).code, 200);
      assert.deepEqual(
        [provider.asked["/jwks"], provider.asked["/.well-known/openid-configuration"]],
        [2, 2],
      );
    }));

  test("sends the secret in the form if the provider takes it only there", () =>
    withOidc(async ({ signIn }, provider) => {
      provider.metadata = { token_endpoint_auth_methods_supported: ["client_secret_post"] };
      assert.equal((await signIn()).code, 200);
      assert.equal(provider.tokenRequests[0]?.authorization, undefined);
    }));

  test("asks the userinfo endpoint for the same user", () =>
    withOidc(
      async ({ signIn, newBrowser }, provider) => {
        assert.equal(JSON.parse((await signIn()).text).info.name, "Ann");
        provider.replies.set("/userinfo", () => ({ json: { sub: "user-2" } }));
        assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_ASSERTION");
      },
      { asksForInfo: true },
    ));

  test("two tabs of a browser do not disturb each other", () =>
    withOidc(async ({ answerTo, browser }) => {
      const [first, second] = [await answerTo(), await answerTo()];
      assert.equal((await browser.get(second)).code, 200);
      assert.equal((await browser.get(first)).code, 200);
    }));

  test("a browser keeps at most four sign-ins at once", () =>
    withOidc(async ({ answerTo, browser, loop }) => {
      for (let i = 0; i < 9; i++) await answerTo();
      const kept = [...browser.cookies.get("site.example")!.values()].filter(
        ({ until }) => until > loop.wallTime(),
      );
      assert.ok(kept.length <= 4, `${kept.length} cookies`);
    }));
});

describe("the cookie of a sign-in", () => {
  test("is signed, short-lived and hidden from scripts", () =>
    withOidc(async ({ answerTo, browser }) => {
      await answerTo();
      const [[name, cookie] = ["", undefined]] = browser.cookies.get("site.example")!;
      assert.match(name, /^squall_sign_in_[\w-]{16}$/);
      assert.match(cookie!.value, /^2\|1:0\|10:\d+\|/);
      assert.match(cookie!.attributes, /HttpOnly/i);
      assert.match(cookie!.attributes, /SameSite=lax/i);
      assert.match(cookie!.attributes, /Max-Age=600/i);
    }));

  test("is bound to the host and to TLS if the address for the way back is https", () =>
    withOidc(
      async ({ browser }) => {
        const { headers } = await browser.get(`${SITE}/login`);
        assert.match(
          headers.get("Set-Cookie") ?? "",
          /^__Host-squall_sign_in_[^;]*;(?=.*Secure)(?=.*Path=\/)/i,
        );
      },
      { publicOrigin: "https://site.example" },
    ));
});

describe("an answer is refused", () => {
  test("in a browser that did not begin the sign-in", () =>
    withOidc(async ({ answerTo, newBrowser }, provider) => {
      assertRefused(await newBrowser().get(await answerTo()), 403, "ERR_SQUALL_AUTH_STATE");
      assert.equal(provider.asked["/token"], undefined);
    }));

  test("with the state of another sign-in of another browser", () =>
    withOidc(async ({ answerTo, newBrowser, browser }) => {
      const stranger = new URL(await answerTo(newBrowser()));
      const own = await answerTo();
      const mixed = withArgument(own, "state", stranger.searchParams.get("state")!);
      assertRefused(await browser.get(mixed), 403, "ERR_SQUALL_AUTH_STATE");
    }));

  test("without state, and with a state or a code given twice", () =>
    withOidc(async ({ answerTo, browser }) => {
      const answer = await answerTo();
      assertRefused(await browser.get(`${answer}&state=x`), 400, "ERR_SQUALL_AUTH_RESPONSE");
      assertRefused(await browser.get(`${answer}&code=x`), 400, "ERR_SQUALL_AUTH_RESPONSE");
      assert.equal((await browser.get(answer)).code, 200, "a malformed answer ends no sign-in");
    }));

  test("with a cookie that was forged, whose state is another, or that was signed for another name", () =>
    withOidc(async ({ answerTo, browser }) => {
      const answer = await answerTo();
      const jar = browser.cookies.get("site.example")!;
      const [[name, cookie] = ["", undefined]] = jar;
      jar.set(name, { ...cookie!, value: cookie!.value.replace(/.$/, (last) => (last === "0" ? "1" : "0")) });
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      const next = await answerTo();
      const other = [...jar.keys()].at(-1)!;
      jar.set(other, cookie!);
      assertRefused(await browser.get(next), 403, "ERR_SQUALL_AUTH_STATE");
    }));

  test("a second time, by a browser that forgets and by one that keeps its cookie", () =>
    withOidc(async ({ answerTo, browser, newBrowser }, provider) => {
      const answer = await answerTo();
      assert.equal((await browser.get(answer)).code, 200);
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      const keeper = newBrowser();
      keeper.keepsCookies = true;
      const again = await answerTo(keeper);
      assert.equal((await keeper.get(again)).code, 200);
      const before = provider.asked["/token"];
      assertRefused(await keeper.get(again), 403, "ERR_SQUALL_AUTH_STATE");
      assert.equal(provider.asked["/token"], before, "the provider was not asked");
    }));

  test("after ten minutes, though the browser still has the cookie", () =>
    withOidc(async ({ answerTo, browser, loop, newBrowser }) => {
      browser.keepsCookies = true;
      const answer = await answerTo();
      await loop.advance(602_000);
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_STATE");
      const quicker = newBrowser();
      const inTime = await answerTo(quicker);
      await loop.advance(590_000);
      assert.equal((await quicker.get(inTime)).code, 200);
    }));

  test("if it names another issuer, or none where the provider promises one (RFC 9207)", () =>
    withOidc(async ({ signIn, newBrowser }, provider) => {
      provider.answer = { iss: "https://evil.example" };
      assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_STATE");
      provider.answer = { iss: PROVIDER };
      assert.equal((await signIn(newBrowser())).code, 200);
    }));

  test("if it names no issuer where the provider promises one (RFC 9207)", () =>
    withOidc(async ({ signIn, newBrowser }, provider) => {
      provider.metadata = { authorization_response_iss_parameter_supported: true };
      assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_STATE");
      provider.answer = { iss: PROVIDER };
      assert.equal((await signIn(newBrowser())).code, 200);
    }));

  test("if the user said no, with the provider's word", () =>
    withOidc(async ({ answerTo, browser, errors }) => {
      const answer = withArgument(
        withArgument(await answerTo(), "code", undefined),
        "error",
        "access_denied",
      );
      assertRefused(await browser.get(answer), 403, "ERR_SQUALL_AUTH_DENIED");
      assert.equal(errors[0]?.providerError, "access_denied");
    }));

  test("with a code that the provider did not give, or gave to another sign-in", () =>
    withOidc(async ({ answerTo, browser, newBrowser }) => {
      assertRefused(
        await browser.get(withArgument(await answerTo(), "code", "made-up")),
        403,
        "ERR_SQUALL_AUTH_DENIED",
      );
      // The code of a victim, injected into the attacker's own sign-in: the PKCE verifier does not fit.
      const stolen = new URL(await answerTo(newBrowser())).searchParams.get("code")!;
      assertRefused(
        await browser.get(withArgument(await answerTo(), "code", stolen)),
        403,
        "ERR_SQUALL_AUTH_DENIED",
      );
    }));
});

describe("an ID token is refused", () => {
  const cases: Record<string, (provider: Provider) => void> = {
    "signed with a key that is not the provider's": (p) => {
      p.signingKey = FORGED_KEY;
    },
    "without signature": (p) => {
      p.token = makeBareToken;
    },
    "signed by HMAC with a public key as secret": (p) => {
      p.token = (claims) => makeHmacToken(RSA_KEY, claims);
    },
    "with a header that must be understood and is not": (p) => {
      p.token = (claims) => makeToken(RSA_KEY, claims, { crit: ["x"], x: 1 });
    },
    "whose claims were changed after signing": (p) => {
      p.token = (claims) => {
        const [head, , signature] = makeToken(RSA_KEY, claims).split(".");
        return `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: "root" })).toString("base64url")}.${signature}`;
      };
    },
    "that is no token": (p) => {
      p.token = () => "x.y.z";
    },
    "of another issuer": changes({ iss: "https://evil.example" }),
    "for another application": changes({ aud: "another" }),
    "for another application as well": changes({ aud: [CLIENT_ID, "another"], azp: CLIENT_ID }),
    "issued to another application": changes({ azp: "another" }),
    "that names no user": changes({ sub: undefined }),
    "that never expires": changes({ exp: undefined }),
    "with another nonce": changes({ nonce: "the nonce of another sign-in" }),
    "without nonce": changes({ nonce: undefined }),
    "of another access token": changes({ at_hash: "another" }),
    "that has expired": moves({ exp: -61 }),
    "from the future": moves({ iat: 120 }),
    "that was issued long ago": moves({ iat: -700 }),
    "that is not valid yet": moves({ nbf: 120 }),
  };
  function changes(more: Claims): (provider: Provider) => void {
    return (provider) => {
      provider.claims = (claims) => ({ ...claims, ...more });
    };
  }
  function moves(times: Record<string, number>): (provider: Provider) => void {
    return (provider) => {
      provider.claims = (claims) => ({
        ...claims,
        ...Object.fromEntries(Object.entries(times).map(([name, by]) => [name, provider.now() + by])),
      });
    };
  }
  for (const [what, prepare] of Object.entries(cases)) {
    test(what, () =>
      withOidc(async ({ signIn }, provider) => {
        prepare(provider);
        assertRefused(await signIn(), 403, "ERR_SQUALL_AUTH_ASSERTION");
      }),
    );
  }

  test("but not for a trusted second audience, with azp", () =>
    withOidc(
      async ({ signIn, newBrowser }, provider) => {
        provider.claims = (claims) => ({ ...claims, aud: [CLIENT_ID, "partner"], azp: CLIENT_ID });
        assert.equal((await signIn()).code, 200);
        provider.claims = (claims) => ({ ...claims, aud: [CLIENT_ID, "partner"] });
        assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_ASSERTION");
      },
      { oidc: { ...oidc, trustedAudiences: ["partner"] } },
    ));

  test("but not for clocks that differ by less than a minute", () =>
    withOidc(async ({ signIn }, provider) => {
      provider.claims = (claims) => ({ ...claims, iat: provider.now() + 50, exp: provider.now() + 60 });
      assert.equal((await signIn()).code, 200);
    }));
});

describe("new keys of the provider", () => {
  test("are fetched when a token names one that is unknown", () =>
    withOidc(async ({ signIn, newBrowser, loop }, provider) => {
      await signIn();
      await loop.advance(60_000);
      provider.keys = [NEW_KEY];
      provider.signingKey = NEW_KEY;
      assert.equal((await signIn(newBrowser())).code, 200);
      assert.equal(provider.asked["/jwks"], 2);
    }));

  test("are fetched at most once a minute", () =>
    withOidc(async ({ signIn, newBrowser, loop }, provider) => {
      provider.signingKey = NEW_KEY;
      for (let i = 0; i < 5; i++) assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_ASSERTION");
      assert.equal(provider.asked["/jwks"], 1);
      await loop.advance(60_000);
      for (let i = 0; i < 5; i++) assertRefused(await signIn(newBrowser()), 403, "ERR_SQUALL_AUTH_ASSERTION");
      assert.equal(provider.asked["/jwks"], 2);
    }));
});

describe("a provider that misbehaves is a 502", () => {
  const cases: Record<string, (provider: Provider) => void> = {
    "whose discovery document is that of another issuer": (p) => {
      p.metadata = { issuer: "http://id.example/" };
    },
    "whose discovery document lacks an endpoint": (p) => {
      p.metadata = { jwks_uri: undefined };
    },
    "whose discovery document is missing": (p) => {
      p.replies.set("/.well-known/openid-configuration", () => ({ status: 404, json: {} }));
    },
    "whose discovery redirects": (p) => {
      p.replies.set("/.well-known/openid-configuration", () => ({
        status: 302,
        headers: { Location: "/x" },
      }));
    },
    "whose discovery answers with a list": (p) => {
      p.replies.set("/.well-known/openid-configuration", () => ({ json: [] }));
    },
    "whose answers are too long": (p) => {
      p.replies.set("/.well-known/openid-configuration", () => ({ text: " ".repeat(1024 * 1024 + 1) }));
    },
  };
  for (const [what, prepare] of Object.entries(cases)) {
    test(what, () =>
      withOidc(async ({ browser }, provider) => {
        prepare(provider);
        assertRefused(await browser.get(`${SITE}/login`), 502, "ERR_SQUALL_AUTH_PROVIDER");
      }),
    );
  }

  const later: Record<string, (provider: Provider) => void> = {
    "whose token endpoint fails": (p) => {
      p.replies.set("/token", () => ({ status: 500, json: { error: "server_error" } }));
    },
    "whose token endpoint does not answer with JSON": (p) => {
      p.replies.set("/token", () => ({ text: "<html>" }));
    },
    "whose token endpoint sends no access token": (p) => {
      p.replies.set("/token", () => ({ json: { token_type: "Bearer" } }));
    },
    "whose token endpoint sends a token of another type": (p) => {
      p.replies.set("/token", () => ({ json: { access_token: "x", token_type: "mac" } }));
    },
    "whose token endpoint sends no ID token": (p) => {
      p.token = () => undefined;
    },
    "whose keys are missing": (p) => {
      p.replies.set("/jwks", () => ({ json: { keys: "none" } }));
    },
  };
  for (const [what, prepare] of Object.entries(later)) {
    test(what, () =>
      withOidc(async ({ signIn }, provider) => {
        prepare(provider);
        assertRefused(await signIn(), 502, "ERR_SQUALL_AUTH_PROVIDER");
      }),
    );
  }

  test("that does not answer within 20 seconds", () =>
    withOidc(async ({ signIn, loop }, provider) => {
      provider.replies.set("/token", () => undefined);
      const began = loop.time();
      assertRefused(await signIn(), 502, "ERR_SQUALL_AUTH_PROVIDER");
      assert.equal(Math.round((loop.time() - began) / 1000), 20);
    }));

  test("that cannot be reached", () =>
    withOidc(async ({ browser, network }) => {
      network.setHost("10.0.0.2", "refuse");
      assertRefused(await browser.get(`${SITE}/login`), 502, "ERR_SQUALL_AUTH_PROVIDER");
    }));
});

describe("mistakes of the application", () => {
  test("an issuer without TLS is refused unless a setting allows it", () =>
    withOidc(
      async ({ browser }) => {
        using _line = new ExpectLog(appLog, /^Uncaught exception GET \/login \(/);
        assertRefused(await browser.get(`${SITE}/login`), 500, "ERR_SQUALL_INVALID_ARGUMENT");
      },
      { oidc: { ...oidc, allowHttp: false } },
    ));

  test("a path for the way back needs the setting publicOrigin", () =>
    withOidc(
      async ({ browser }) => {
        using _line = new ExpectLog(appLog, /^Uncaught exception GET \/login \(/);
        assertRefused(await browser.get(`${SITE}/login`), 500, "ERR_SQUALL_INVALID_STATE");
      },
      { publicOrigin: undefined },
    ));

  test("a missing setting is named", () =>
    withOidc(
      async ({ browser }) => {
        using _line = new ExpectLog(appLog, /^Uncaught exception GET \/login \(/);
        assertRefused(await browser.get(`${SITE}/login`), 500, "ERR_SQUALL_INVALID_STATE");
      },
      { oidc: undefined },
    ));

  test("the address for the way back does not come from the Host field", () =>
    withOidc(async ({ signIn }, provider) => {
      await signIn();
      assert.equal(provider.authorizations[0]?.get("redirect_uri"), "http://site.example/login");
    }));

  test("an AuthError says its status, its code and no secret", () => {
    const error = new AuthError("ERR_SQUALL_AUTH_DENIED", "the provider said 100% no", {
      providerError: "no",
    });
    assert.equal(error.statusCode, 403);
    assert.equal(error.code, "ERR_SQUALL_AUTH_DENIED");
    assert.equal(error.getMessage(), "the provider said 100% no");
    assert.equal(error.providerError, "no");
  });
});
