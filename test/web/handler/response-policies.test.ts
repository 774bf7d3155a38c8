import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Application, type ApplicationOptions, RequestHandler } from "squall/web";
import { ask } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

class Page extends RequestHandler {
  override get() {
    if (this.request.path === "/own") this.setHeader("X-Frame-Options", "DENY");
  }
  override put() {}
}

const app = (settings: ApplicationOptions): Application => new Application([["/.*", Page]], settings);
const asked = (settings: ApplicationOptions, headers = {}, uri = "/", method = "GET") =>
  ask(app(settings), uri, { method, headers: { Host: "h", ...headers } });

describe("securityHeaders", () => {
  test("sends the usual fields with every response, error pages included; a handler may change them", async () => {
    for (const method of ["GET", "POST"]) {
      const connection = await asked({ securityHeaders: true }, {}, "/", method);
      assert.equal(connection.header("X-Content-Type-Options"), "nosniff");
      assert.equal(connection.header("X-Frame-Options"), "SAMEORIGIN");
      assert.match(connection.header("Content-Security-Policy") ?? "", /object-src 'none'/);
      assert.equal(connection.header("Referrer-Policy"), "strict-origin-when-cross-origin");
      assert.equal(connection.header("Cross-Origin-Opener-Policy"), "same-origin");
      assert.equal(connection.header("Strict-Transport-Security"), undefined);
    }
    assert.equal((await asked({ securityHeaders: true }, {}, "/own")).header("X-Frame-Options"), "DENY");
  });

  test("each can be changed or switched off by name", async () => {
    const connection = await asked({
      securityHeaders: {
        frameOptions: false,
        contentSecurityPolicy: "default-src 'self'",
        permissionsPolicy: "camera=()",
      },
    });
    assert.equal(connection.header("X-Frame-Options"), undefined);
    assert.equal(connection.header("Content-Security-Policy"), "default-src 'self'");
    assert.equal(connection.header("Permissions-Policy"), "camera=()");
    assert.equal(connection.header("X-Content-Type-Options"), "nosniff");
  });

  test("are off by default, and a misspelt or unsendable one is refused at start", async () => {
    for (const settings of [{}, { securityHeaders: false }]) {
      assert.equal((await asked(settings)).header("X-Content-Type-Options"), undefined);
    }
    for (const wrong of [
      { frameoptions: "DENY" },
      { frameOptions: "a\r\nb" },
      { frameOptions: 1 },
      { frameOptions: "" },
    ]) {
      assert.throws(() => app({ securityHeaders: wrong as object }), refused);
    }
  });
});

describe("cors", () => {
  const origins = ["https://a.example", "https://b.example:8443"];
  const preflight = { Origin: "https://a.example", "Access-Control-Request-Method": "PUT" };

  test("lets the origins that are named read responses, error pages included, and tells caches", async () => {
    for (const method of ["GET", "POST"]) {
      const connection = await asked({ cors: { origins } }, { Origin: "https://a.example" }, "/", method);
      assert.equal(connection.header("Access-Control-Allow-Origin"), "https://a.example");
      assert.equal(connection.header("Vary"), "Origin");
    }
    for (const Origin of ["https://evil.example", "https://a.example.evil", "http://a.example", "null"]) {
      const connection = await asked({ cors: { origins } }, { Origin });
      assert.equal(connection.header("Access-Control-Allow-Origin"), undefined);
      assert.equal(connection.header("Vary"), "Origin");
    }
  });

  test("answers a preflight with what the handler can do, before the handler", async () => {
    const cors = { origins, credentials: true, maxAge: 600, exposeHeaders: ["X-Total"] };
    const connection = await asked(
      { cors },
      { ...preflight, "Access-Control-Request-Headers": "content-type, x-own" },
      "/",
      "OPTIONS",
    );
    assert.equal(connection.status, 204);
    assert.equal(connection.header("Access-Control-Allow-Methods"), "GET, PUT");
    assert.equal(connection.header("Access-Control-Allow-Headers"), "content-type, x-own");
    assert.equal(connection.header("Access-Control-Allow-Credentials"), "true");
    assert.equal(connection.header("Access-Control-Max-Age"), "600");
    assert.equal((await asked({ cors }, preflight)).header("Access-Control-Expose-Headers"), "X-Total");
  });

  test("gives no permission to other origins, and leaves other OPTIONS requests to the handler", async () => {
    const denied = await asked(
      { cors: { origins } },
      { ...preflight, Origin: "https://evil.example" },
      "/",
      "OPTIONS",
    );
    assert.equal(denied.status, 204);
    assert.equal(denied.header("Access-Control-Allow-Methods"), undefined);
    assert.equal((await asked({ cors: { origins } }, {}, "/", "OPTIONS")).status, 405);
    assert.equal((await asked({}, preflight, "/", "OPTIONS")).status, 405);
  });

  test("takes every origin, or asks a function", async () => {
    const all = await asked({ cors: { origins: "*" } });
    assert.equal(all.header("Access-Control-Allow-Origin"), "*");
    assert.equal(all.header("Vary"), undefined);
    const chosen = { origins: (origin: string) => origin.endsWith(".example") };
    assert.equal(
      (await asked({ cors: chosen }, { Origin: "https://x.example" })).header("Access-Control-Allow-Origin"),
      "https://x.example",
    );
    assert.equal(
      (await asked({ cors: chosen }, { Origin: "https://x.test" })).header("Access-Control-Allow-Origin"),
      undefined,
    );
  });

  test("refuses at start what browsers would refuse, and what is no origin", () => {
    for (const wrong of [
      { origins: "*", credentials: true },
      { origins: ["example.com"] },
      { origins: ["https://a.example/"] },
      { origins: "https://a.example" },
      { origins, max_age: 5 },
      { origins, maxAge: -1 },
      {},
      true,
    ]) {
      assert.throws(() => app({ cors: wrong as never }), refused, JSON.stringify(wrong));
    }
  });
});
