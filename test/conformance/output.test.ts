/** What an application is kept from sending, even when a client tells it what to send. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, addslash, HTTPError, isLocalUrl, RequestHandler, removeslash } from "squall/web";
import { assertServes, attacked, get } from "../support/conformance.js";
import { field } from "../support/raw-client.js";

class Home extends RequestHandler {
  override get() {
    this.write("home");
  }
}

describe("redirects", () => {
  test("case 85: a target from the request is followed only if it stays on this site", () => {
    class Next extends RequestHandler {
      override get() {
        const next = this.getArgument("next");
        this.redirect(isLocalUrl(next) ? next : "/");
      }
    }
    return attacked(new Application([["/go", Next]]), {}, async ({ connect }) => {
      const client = await connect();
      for (const [next, location] of [
        ["/home?a=b", "/home?a=b"],
        ["//evil", "/"],
        ["/\\evil", "/"],
        ["\\\\evil", "/"],
        ["https:evil", "/"],
        ["https://evil", "/"],
        ["javascript:alert(1)", "/"],
        ["\t//evil", "/"],
        ["/\t/evil", "/"],
        ["/\r\nSet-Cookie: a=b", "/"],
        ["", "/"],
      ] as const) {
        client.send(get(`/go?next=${encodeURIComponent(next)}`));
        const response = await client.response();
        assert.equal(field(response, "Location"), location, JSON.stringify(next));
        assert.equal(field(response, "Set-Cookie"), undefined);
      }
    });
  });

  test("case 85: adding and removing a slash never makes the name of another host", () => {
    class Adds extends RequestHandler {
      override get: () => void = addslash(function (this: RequestHandler) {
        this.write("x");
      });
    }
    class Removes extends RequestHandler {
      override get: () => void = removeslash(function (this: RequestHandler) {
        this.write("x");
      });
    }
    const app = new Application([
      [".*remove.*", Removes],
      [".*", Adds],
    ]);
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      for (const path of [
        "//evil.example",
        "///evil.example/remove//",
        "/\\evil.example",
        "//evil.example/%2e%2e",
      ]) {
        client.send(get(path));
        const response = await client.response();
        const location = field(response, "Location");
        if (location !== undefined) assert.match(location, /^\/(?![/\\])/, path);
        else assert.notEqual(response.status, 301, path);
      }
    });
  });
});

describe("headers", () => {
  const BAD = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\0b", "a\u0100b", "a\u560a\u560dX-Evil: 1"];
  const setters: Readonly<Record<string, (handler: RequestHandler, value: string) => void>> = {
    "setHeader()": (handler, value) => handler.setHeader("X-Value", value),
    "addHeader()": (handler, value) => handler.addHeader("X-Value", value),
    "the name of setHeader()": (handler, value) => handler.setHeader(value, "x"),
    "setCookie()": (handler, value) => handler.setCookie("name", value),
    "the name of setCookie()": (handler, value) => handler.setCookie(value, "x"),
    "the domain of setCookie()": (handler, value) => handler.setCookie("name", "x", { domain: value }),
    "the path of setCookie()": (handler, value) => handler.setCookie("name", "x", { path: value }),
  };
  for (const [what, set] of Object.entries(setters)) {
    test(`case 86: ${what} refuses what would split a head, and nothing of it is sent`, () => {
      class Sets extends RequestHandler {
        override get() {
          set(this, BAD[Number(this.getArgument("n"))]!);
        }
      }
      return attacked(
        new Application([
          ["/set", Sets],
          ["/.*", Home],
        ]),
        {},
        async (context) => {
          using log = new ExpectLog("squall.application", /Uncaught exception/);
          const client = await context.connect();
          for (const n of BAD.keys()) {
            client.send(get(`/set?n=${n}`));
            const response = await client.response();
            assert.equal(response.status, 500, JSON.stringify(BAD[n]));
            assert.ok(response.headers.every(([name]) => !/evil/i.test(name)));
            assert.equal(field(response, "Set-Cookie"), undefined);
          }
          assert.equal(log.matched, BAD.length);
          await assertServes(context);
        },
      );
    });
  }

  test("case 86: a reason phrase and a Location that would split a head never do", () => {
    class Reason extends RequestHandler {
      override get() {
        const bad = BAD[Number(this.getArgument("n"))]!;
        if (this.request.path === "/redirect") this.redirect(`/${bad}`);
        else if (this.request.path === "/reason") this.setStatus(200, bad);
        else throw new HTTPError(400, { reason: bad });
      }
    }
    return attacked(
      new Application([
        ["/(?:redirect|reason|error)", Reason],
        ["/.*", Home],
      ]),
      {},
      async (context) => {
        using _log = new ExpectLog("squall.application", /Uncaught exception/, { required: false });
        const client = await context.connect();
        for (const path of ["/redirect", "/reason", "/error"]) {
          for (const n of BAD.keys()) {
            client.send(get(`${path}?n=${n}`));
            const response = await client.response();
            assert.ok(
              response.headers.every(([name]) => !/evil/i.test(name)),
              `${path} ${n}`,
            );
            assert.ok([200, 302, 400, 500].includes(response.status));
          }
        }
        await assertServes(context);
      },
    );
  });
});

describe("cookies", () => {
  const secret = "s".repeat(32);
  class Cookies extends RequestHandler {
    override get() {
      this.write({ cookies: this.cookies, signed: this.getSignedCookie("a")?.toString() ?? null });
    }
    override post() {
      this.setSignedCookie("a", "value");
      this.setCookie("__Host-b", "c", { secure: true, httponly: true, samesite: "Lax" });
    }
  }
  const app = new Application([["/", Cookies]], { cookieSecret: secret });

  test("case 70, case 71: bad pieces of a Cookie field hurt no good ones, and what is set says what was asked for", () =>
    attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      client.send(get("/", 'Cookie: good=1; =x; ; novalue; "q"=2; sp ace=3; also=4; e="5"\r\n'));
      const { cookies } = JSON.parse((await client.response()).body.toString()) as {
        cookies: Record<string, string>;
      };
      assert.deepEqual([cookies.good, cookies.also, cookies.e], ["1", "4", "5"]);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
      const response = await client.response();
      const set = response.headers.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);
      assert.equal(set.length, 2);
      assert.equal(set[1], "__Host-b=c; HttpOnly; Path=/; SameSite=Lax; Secure");
    }));

  test("case 72: a signed cookie that was changed, cut, made for another name or blown up is none, and no error", () =>
    attacked(app, { maxHeaderSize: Infinity }, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
      const signed = /^a="?([^";]*)/.exec(field(await client.response(), "Set-Cookie")!)![1]!;
      const read = async (value: string): Promise<unknown> => {
        client.send(get("/", `Cookie: a="${value}"\r\n`));
        const response = await client.response();
        assert.equal(response.status, 200);
        return (JSON.parse(response.body.toString()) as { signed: unknown }).signed;
      };
      assert.equal(await read(signed), "value");
      using _log = new ExpectLog("squall.general", /^Invalid cookie signature .{0,100}$/);
      for (const bad of [
        signed.slice(0, -1),
        signed.replace("1:a", "1:b"),
        signed.replace("|8:", "|7:"),
        `${signed}=`,
        signed.replace("dmFsdWU=", "dmFsdWU"),
        signed.toUpperCase(),
        "",
        "2|",
        "2|1:0|99999999:0|",
        "a|b|c",
        "x".repeat(1_000_000),
        `2|1:0|${"9".repeat(1_000_000)}`,
      ]) {
        assert.equal(await read(bad), null, bad.slice(0, 80));
      }
    }));
});

describe("error pages", () => {
  class Fails extends RequestHandler {
    override get(what: string) {
      if (what === "error") throw new Error("<script>secret detail</script>");
      if (what === "reason") throw new HTTPError(403, { reason: '<script>alert("x")</script>' });
      throw new HTTPError(404, "log only: %s", "<script>secret detail</script>");
    }
  }

  test("case 87: an error page escapes the reason, and shows neither message nor stack", () =>
    attacked(new Application([["/fails/(.*)", Fails]]), {}, async ({ connect }) => {
      using _app = new ExpectLog("squall.application", /Uncaught exception/);
      using _general = new ExpectLog("squall.general", /log only/);
      const client = await connect();
      for (const what of ["error", "reason", "other"]) {
        client.send(get(`/fails/${what}`));
        const response = await client.response();
        assert.doesNotMatch(response.body.toString(), /<script>|secret|\bat .*:\d+/, what);
      }
      client.send(get("/<script>".replace(/[<>]/g, (c) => encodeURIComponent(c))));
      assert.doesNotMatch((await client.response()).body.toString(), /script/);
    }));

  test("case 87: the stack is shown, as plain text, only with serveTraceback; the Server field can be left out", () =>
    attacked(
      new Application([["/fails/(.*)", Fails]], { serveTraceback: true, serverHeader: false }),
      {},
      async ({ connect }) => {
        using _app = new ExpectLog("squall.application", /Uncaught exception/);
        const client = await connect();
        client.send(get("/fails/error"));
        const response = await client.response();
        assert.equal(field(response, "Content-Type"), "text/plain");
        assert.match(response.body.toString(), /secret detail/);
        assert.equal(field(response, "Server"), undefined);
      },
    ));
});
