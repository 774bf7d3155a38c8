import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { genLog } from "squall/log";
import { Application, RequestHandler } from "squall/web";
import { decodeXsrfToken } from "#room/web/handler/xsrf";
import { ask, type FakeConnection, type FakeRequest } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const SECRET = "a secret of at least thirty-two bytes";

class Form extends RequestHandler {
  override getCurrentUser() {
    return this.getCookie("user");
  }
  override get() {
    this.write(this.xsrfToken);
  }
  override post() {
    this.write("changed");
  }
  override put = this.post;
  override delete = this.post;
  override patch = this.post;
  override options() {
    this.write("nothing changed");
  }
}

const app = (settings = {}): Application =>
  new Application([["/", Form]], { xsrfCookies: true, cookieSecret: SECRET, ...settings });

/** Asks without a line in the log for each refusal. */
async function quietly(application: Application, uri: string, request: FakeRequest): Promise<FakeConnection> {
  const { level } = genLog;
  genLog.setLevel("critical");
  try {
    return await ask(application, uri, request);
  } finally {
    genLog.setLevel(level);
  }
}

const setCookie = (connection: FakeConnection): string => connection.header("Set-Cookie") ?? "";
const cookieOf = (connection: FakeConnection): string => setCookie(connection).split(";", 1)[0]!;
const tokenOf = (text: string): string | undefined => decodeXsrfToken(text, 0)?.token.toString("hex");

describe("xsrfToken", () => {
  test("sets the cookie for a client that has none, and shows the same token under another mask afterwards", async () => {
    const first = await ask(app(), "/");
    assert.match(setCookie(first), /^_xsrf=2\|[0-9a-f]{8}\|[0-9a-f]{32}\|[0-9]+; Path=\/$/);
    const second = await ask(app(), "/", { headers: { Cookie: cookieOf(first) } });
    assert.equal(setCookie(second), "");
    assert.notEqual(second.body, first.body);
    assert.equal(tokenOf(second.body), tokenOf(first.body));
  });

  test("is the same text for the whole of a response", async () => {
    class Twice extends RequestHandler {
      override get() {
        assert.equal(this.xsrfToken, this.xsrfToken);
        assert.ok(this.xsrfFormHtml().includes(`name="_xsrf" value="${this.xsrfToken}"`));
      }
    }
    assert.equal((await ask(new Application([["/", Twice]]), "/")).status, 200);
  });

  test("has a cookie for 30 days for users who are signed in, and the attributes of the setting", async () => {
    const user = await ask(app(), "/", { headers: { Cookie: "user=ann" } });
    assert.match(setCookie(user), /expires=/);
    const options = {
      xsrfCookieKwargs: { secure: true, httponly: true, expiresDays: null },
      xsrfCookieName: "__Host-x",
    };
    assert.match(setCookie(await ask(app(options), "/")), /^__Host-x=.*; HttpOnly; Path=\/; Secure$/);
  });

  test("has the format that xsrfCookieVersion says", async () => {
    assert.match((await ask(app({ xsrfCookieVersion: 1 }), "/")).body, /^[0-9a-f]{32}$/);
    assert.throws(() => app({ xsrfCookieVersion: 3 }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});

describe("the xsrfCookies setting", () => {
  const token = "2|01020304|0103010705070503090b090f0d0f0d0b|1500000000";
  const Cookie = `_xsrf=${token}`;
  const form = { "Content-Type": "application/x-www-form-urlencoded" };

  test("lets a request pass whose argument or header field repeats the token of the cookie", async () => {
    for (const request of [
      { headers: { Cookie, ...form }, body: `_xsrf=${encodeURIComponent(token)}` },
      { headers: { Cookie, "X-Xsrftoken": token } },
      { headers: { Cookie, "X-CSRFToken": "000102030405060708090a0b0c0d0e0f" } },
    ]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        assert.equal((await ask(app(), "/", { ...request, method })).status, 200, method);
      }
    }
    assert.equal((await ask(app(), `/?_xsrf=${token}`, { method: "POST", headers: { Cookie } })).status, 200);
  });

  test("case 88: without cookie, without token, with another, malformed or endless one the answer is 403", async () => {
    const other = "2|01020304|ffffffffffffffffffffffffffffffff|1500000000";
    const long = "a".repeat(1_000_000);
    for (const headers of [
      {},
      { Cookie },
      { "X-Xsrftoken": token },
      { Cookie, "X-Xsrftoken": other },
      { Cookie, "X-Xsrftoken": "2|x" },
      { Cookie, "X-Xsrftoken": "3|01020304|00|1" },
      { Cookie, "X-Xsrftoken": "2|01020304||5" },
      { Cookie: "_xsrf=2|01020304||5", "X-Xsrftoken": "2|01020304||5" },
      { Cookie: "_xsrf=", "X-Xsrftoken": "" },
      { Cookie: `_xsrf=${long}`, "X-Xsrftoken": long },
      { Cookie, "X-Xsrftoken": token.slice(0, -20) },
    ]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const { status, body } = await quietly(app(), "/", { method, headers });
        assert.equal(status, 403);
        assert.doesNotMatch(body, /changed/);
      }
    }
  });

  test("case 89: the token is masked per response, no field excuses a request, and safe methods need none", async () => {
    const headers = { Cookie, "X-Requested-With": "XMLHttpRequest", "Content-Type": "application/json" };
    assert.equal((await quietly(app(), "/", { method: "POST", headers })).status, 403);
    const shown = await Promise.all([1, 2, 3].map(() => ask(app(), "/", { headers: { Cookie } })));
    assert.equal(new Set(shown.map(({ body }) => body)).size, 3);
    for (const method of ["GET", "OPTIONS"]) assert.equal((await ask(app(), "/", { method })).status, 200);
  });

  test("a wrong path is 404 for POST, not 403", async () => {
    assert.equal((await ask(app(), "/nothing", { method: "POST" })).status, 404);
  });

  test("checkXsrfCookie() may be overridden for requests that no browser sends", async () => {
    class Hook extends Form {
      override checkXsrfCookie(): void {}
    }
    const hooks = new Application([["/", Hook]], { xsrfCookies: true });
    assert.equal((await ask(hooks, "/", { method: "POST" })).status, 200);
  });

  test("is off by default", async () => {
    const open = new Application([["/", Form]]);
    assert.equal((await ask(open, "/", { method: "POST" })).status, 200);
  });
});
