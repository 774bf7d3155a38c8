import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { HTTPHeaders } from "squall/httputil";
import { ExpectLog } from "squall/testing";
import {
  Application,
  type HandlerResult,
  type HeaderValue,
  isAbsolute,
  isLocalUrl,
  OutputTransform,
  RequestHandler,
} from "squall/web";
import { ask, begin, type FakeConnection, type FakeRequest } from "../support/fake-exchange.js";
import "../support/guard.js";

const SECRET = "a secret of at least thirty-two bytes";

/** Runs `body` as the get() of a handler. */
function answer(
  body: (handler: RequestHandler) => unknown,
  request: FakeRequest = {},
  uri = "/",
): Promise<FakeConnection> {
  class Answers extends RequestHandler {
    override get(): HandlerResult {
      return body(this) as HandlerResult;
    }
    override head(): HandlerResult {
      return body(this) as HandlerResult;
    }
    override post(): HandlerResult {
      return body(this) as HandlerResult;
    }
  }
  return ask(new Application([["/.*", Answers, null, "name"]], { cookieSecret: SECRET }), uri, request);
}

/** The error that `body` throws in a handler; nothing else must happen. */
async function errorOf(body: (handler: RequestHandler) => unknown): Promise<Error & { code?: string }> {
  let thrown: unknown;
  const connection = await answer((handler) => {
    try {
      body(handler);
    } catch (error) {
      thrown = error;
    }
  });
  assert.equal(connection.status, 200);
  assert.ok(thrown instanceof Error, "nothing was thrown");
  return thrown;
}

describe("write()", () => {
  test("takes text, bytes and objects, in any mixture", async () => {
    const connection = await answer((handler) => {
      handler.write("ü");
      handler.write(Buffer.from([0xff]));
      handler.write({ a: "</script>" });
    });
    assert.deepEqual(
      Buffer.concat(connection.chunks.map((chunk) => Buffer.from(chunk as Uint8Array))),
      Buffer.concat([Buffer.from("ü"), Buffer.from([0xff]), Buffer.from('{"a":"<\\/script>"}')]),
    );
    assert.equal(connection.header("Content-Type"), "application/json; charset=UTF-8");
    assert.equal(connection.header("Content-Length"), "21");
  });

  test("refuses arrays with the reason, and everything else", async () => {
    assert.match(
      (await errorOf((handler) => handler.write([1] as never))).message,
      /an array.*wrap it in an object/,
    );
    assert.match(
      (await errorOf((handler) => handler.write(Promise.resolve("x") as never))).message,
      /await it/,
    );
    for (const wrong of [5, true, null, undefined, 5n, Symbol("s"), () => 1]) {
      assert.equal(
        (await errorOf((handler) => handler.write(wrong as never))).code,
        "ERR_SQUALL_INVALID_ARGUMENT",
      );
    }
  });

  test("throws after finish(), as finish() does", async () => {
    let codes: unknown[] = [];
    const code = (act: () => unknown) => {
      try {
        act();
        return "nothing";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const connection = await answer((handler) => {
      handler.finish("once");
      codes = [code(() => handler.write("x")), code(() => handler.finish())];
    });
    assert.deepEqual(codes, ["ERR_SQUALL_INVALID_STATE", "ERR_SQUALL_INVALID_STATE"]);
    assert.equal(connection.body, "once");
  });
});

describe("flush() and finish()", () => {
  test("pieces that are flushed go out in order, without a length and without a tag", async () => {
    const connection = await answer(async (handler) => {
      handler.write("one");
      await handler.flush();
      handler.write("two");
      await handler.flush();
      handler.write("three");
    });
    assert.deepEqual(connection.calls, ["writeHeaders", "write", "write", "finish"]);
    assert.deepEqual(connection.chunks, ["one", "two", "three"]);
    assert.equal(connection.header("Content-Length"), undefined);
    assert.equal(connection.header("Etag"), undefined);
  });

  test("HEAD has the headers of the whole body and no body", async () => {
    const connection = await answer((handler) => handler.write("body"), { method: "HEAD" });
    assert.equal(connection.header("Content-Length"), "4");
    assert.match(connection.header("Etag") ?? "", /^"/);
    assert.deepEqual(connection.chunks, []);
    const flushed = await answer(
      async (handler) => {
        handler.write("body");
        await handler.flush();
        handler.write("more");
      },
      { method: "HEAD" },
    );
    assert.deepEqual(flushed.chunks, []);
  });

  test("a status without a body drops the headers that describe one", async () => {
    const connection = await answer((handler) => {
      handler.setStatus(204);
      handler.setHeader("Content-Language", "en");
    });
    assert.equal(connection.status, 204);
    for (const name of ["Content-Type", "Content-Length", "Content-Language", "Etag"]) {
      assert.equal(connection.header(name), undefined, name);
    }
  });

  test("case 31: a body with 204, 205 or 304 is an error of the handler, never sent", async () => {
    for (const status of [204, 205, 304]) {
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      const connection = await answer((handler) => {
        handler.setStatus(status);
        handler.write("body");
      });
      assert.equal(connection.status, 500, `${status}`);
      assert.doesNotMatch(connection.body, /^body/);
    }
  });
});

describe("Etag", () => {
  test("the same body has the same tag, and a client that has it gets 304", async () => {
    const first = await answer((handler) => handler.write("body"));
    const etag = first.header("Etag") as string;
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const second = await answer((handler) => handler.write("body"), {
        headers: { "If-None-Match": value },
      });
      assert.equal(second.status, 304, value);
      assert.equal(second.body, "");
      assert.equal(second.header("Etag"), etag);
      assert.equal(second.header("Content-Type"), undefined);
    }
    const other = await answer((handler) => handler.write("other"), { headers: { "If-None-Match": etag } });
    assert.equal(other.status, 200);
  });

  test("one that is set is kept; POST and other statuses have none", async () => {
    assert.equal((await answer((handler) => handler.setHeader("Etag", '"mine"'))).header("Etag"), '"mine"');
    assert.equal(
      (await answer((handler) => handler.write("x"), { method: "POST" })).header("Etag"),
      undefined,
    );
    assert.equal((await answer((handler) => handler.setStatus(202))).header("Etag"), undefined);
  });

  test("a body of text and one of the same bytes have the same tag", async () => {
    const text = await answer((handler) => handler.write("ab"));
    const bytes = await answer((handler) => handler.write(Buffer.from("ab")));
    const pieces = await answer((handler) => {
      handler.write("a");
      handler.write(Buffer.from("b"));
    });
    assert.equal(text.header("Etag"), bytes.header("Etag"));
    assert.equal(text.header("Etag"), pieces.header("Etag"));
  });

  test("many different small bodies never share a tag", async () => {
    const { etagOf } = await import("#room/web/handler/etag");
    const tags = new Map<string, string>();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 500; i++) {
        const tag = etagOf(`body ${i}`);
        assert.equal(tag, `"${createHash("sha1").update(`body ${i}`).digest("hex")}"`);
        assert.equal(tags.get(tag) ?? `body ${i}`, `body ${i}`);
        tags.set(tag, `body ${i}`);
      }
    }
    assert.equal(tags.size, 500);
  });
});

describe("headers and status", () => {
  test("setHeader() replaces, addHeader() adds, clearHeader() takes away", async () => {
    const connection = await answer((handler) => {
      handler.setHeader("x-one", 1);
      handler.setHeader("X-ONE", 2n);
      handler.addHeader("X-Many", "a");
      handler.addHeader("x-many", Buffer.from("b"));
      handler.setHeader("X-Date", new Date(0));
      handler.setHeader("X-Gone", "x");
      handler.clearHeader("x-gone");
      handler.clearHeader("X-Never");
    });
    assert.equal(connection.header("X-One"), "2");
    assert.deepEqual(connection.headers.getList("X-Many"), ["a", "b"]);
    assert.equal(connection.header("X-Date"), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert.equal(connection.header("X-Gone"), undefined);
  });

  test("case 86: nothing that would split a head is accepted, anywhere", async () => {
    const bad = ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "\x7f", "a\u2603", "a\x1bb"];
    for (const value of bad) {
      for (const act of [
        (handler: RequestHandler) => handler.setHeader("X-Test", value),
        (handler: RequestHandler) => handler.addHeader("X-Test", value),
        (handler: RequestHandler) => handler.setHeader(`X-${value}`, "x"),
        (handler: RequestHandler) => handler.setCookie("a", value.replace("\x7f", "\n")),
        (handler: RequestHandler) => handler.setCookie(`a${value}`, "x"),
        (handler: RequestHandler) => handler.setCookie("a", "b", { domain: value }),
        (handler: RequestHandler) => handler.setCookie("a", "b", { samesite: value as never }),
      ]) {
        assert.match(
          (await errorOf(act)).code ?? "",
          /ERR_SQUALL_(HTTP_OUTPUT|INVALID_ARGUMENT)/,
          JSON.stringify(value),
        );
      }
    }
    for (const value of ["a\r\nX: y", "a\0b"]) {
      assert.equal((await errorOf((handler) => handler.redirect(value))).code, "ERR_SQUALL_HTTP_OUTPUT");
      const connection = await answer((handler) => handler.setStatus(200, value));
      assert.equal(connection.startLine?.reason, "Unknown");
    }
  });

  test("a value of another type, and a name that is no token, are refused", async () => {
    for (const value of [1.5, null, undefined, {}, true, new Date(Number.NaN)]) {
      await errorOf((handler) => handler.setHeader("X", value as HeaderValue));
    }
    for (const name of ["", "X Bad", "X:", "ü"]) await errorOf((handler) => handler.setHeader(name, "x"));
  });

  test("setStatus() knows the phrases, takes others, and refuses what is no status", async () => {
    const phrase = async (code: number, reason?: string) =>
      (await answer((handler) => handler.setStatus(code, reason))).startLine?.reason;
    assert.equal(await phrase(404), "Not Found");
    assert.equal(await phrase(799), "Unknown");
    assert.equal(await phrase(400, "Because"), "Because");
    assert.equal(await phrase(400, "<b>"), "Unknown");
    for (const wrong of [99, 1000, 200.5, Number.NaN]) await errorOf((handler) => handler.setStatus(wrong));
  });

  test("the Server field can be changed or left out", async () => {
    class Empty extends RequestHandler {
      override get() {}
    }
    const of = async (serverHeader: string | false) =>
      (await ask(new Application([["/", Empty]], { serverHeader }), "/")).header("Server");
    assert.equal(await of("own"), "own");
    assert.equal(await of(false), undefined);
  });
});

describe("redirect()", () => {
  test("sends 302, 301 or any 3xx, with a Location that is ASCII", async () => {
    const to = async (url: string | Uint8Array, options = {}) =>
      answer((handler) => handler.redirect(url, options));
    assert.equal((await to("/a b/ü?q=%20")).header("Location"), "/a%20b/%C3%BC?q=%20");
    assert.equal((await to(Buffer.from("/\xe9", "latin1"))).header("Location"), "/%E9");
    assert.equal((await to("/a")).status, 302);
    assert.equal((await to("/a", { permanent: true })).status, 301);
    assert.equal((await to("/a", { status: 307, permanent: true })).status, 307);
    await errorOf((handler) => handler.redirect("/", { status: 200 }));
    await errorOf((handler) => handler.redirect("/", { status: 400 }));
  });

  test("throws once the head is out", async () => {
    let code: string | undefined;
    await answer(async (handler) => {
      await handler.flush();
      try {
        handler.redirect("/");
      } catch (error) {
        code = (error as { code: string }).code;
      }
    });
    assert.equal(code, "ERR_SQUALL_INVALID_STATE");
  });

  test("case 85: isLocalUrl() accepts paths of this site and nothing that browsers make another site of", () => {
    for (const local of ["/", "/a", "/a//b?x=//y#z", "/%2f/x"]) assert.ok(isLocalUrl(local), local);
    for (const other of [
      "",
      "a",
      "//evil",
      "/\\evil",
      "\\\\evil",
      "https:evil",
      "https://evil",
      "\t//evil",
      "/\t/evil",
      "/a\\b",
      "/a\r\nb",
      " /a",
      "/\n/evil",
    ]) {
      assert.ok(!isLocalUrl(other), JSON.stringify(other));
    }
  });
});

describe("cookies", () => {
  test("are sent with the headers, the last of a name only, and with error pages", async () => {
    const connection = await answer((handler) => {
      handler.setCookie("a", "1", { secure: true });
      handler.setCookie("b", "2", { path: null });
      handler.setCookie("a", "3", { httponly: true, samesite: "Lax", maxAge: 60 });
      handler.sendError(403);
    });
    assert.deepEqual(connection.headers.getList("Set-Cookie"), [
      "b=2",
      "a=3; HttpOnly; Max-Age=60; Path=/; SameSite=Lax",
    ]);
    assert.equal(connection.status, 403);
  });

  test("cookies of the request are read by name, without prototype", async () => {
    const connection = await answer(
      (handler) =>
        handler.write(
          [handler.getCookie("a"), handler.getCookie("toString"), handler.getCookie("x", "d")].join(),
        ),
      { headers: { Cookie: 'a="b c"; __proto__=p' } },
    );
    assert.equal(connection.body, "b c,,d");
  });

  test("clearCookie() and clearAllCookies() end them a year ago", async () => {
    const connection = await answer((handler) => handler.clearAllCookies({ path: "/x" }), {
      headers: { Cookie: "a=1; b=2" },
    });
    const lines = connection.headers.getList("Set-Cookie");
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /^[ab]=""; expires=.* GMT; Path=\/x$/);
    await errorOf((handler) => handler.clearCookie("a", { expires: 5 } as never));
  });

  test("clearAllCookies() passes over names that no server can have set", async () => {
    const connection = await answer((handler) => handler.clearAllCookies(), {
      headers: { Cookie: "path=1; a=2; ü=3" },
    });
    assert.equal(connection.status, 200);
    assert.equal(connection.headers.getList("Set-Cookie").length, 1);
  });

  test("expiresDays counts from now, expires beats it", async () => {
    const connection = await answer((handler) => {
      handler.setCookie("a", "b", { expiresDays: 1, expires: 1234567890.9 });
    });
    assert.deepEqual(connection.headers.getList("Set-Cookie"), [
      "a=b; expires=Fri, 13 Feb 2009 23:31:30 GMT; Path=/",
    ]);
  });

  test("signed cookies come back as they were set, and not under another name", async () => {
    const set = await answer((handler) => handler.setSignedCookie("user", "ü"));
    const [line] = set.headers.getList("Set-Cookie");
    const value = /^user="?([^";]+)/.exec(line as string)?.[1] as string;
    const read = await answer(
      (handler) =>
        handler.write(
          [
            handler.getSignedCookie("user"),
            handler.getSignedCookie("other"),
            handler.getSignedCookieKeyVersion("user"),
          ].join(),
        ),
      { headers: { Cookie: `user=${value}; other=${value}` } },
    );
    assert.equal(read.body, "ü,,0");
  });
});

describe("cookieSecret and keyVersion", () => {
  test("the keyVersion setting picks the secret of new cookies; older ones are still read", async () => {
    class Signs extends RequestHandler {
      override get() {
        this.write(this.createSignedValue("n", "v"));
      }
      override post() {
        this.write(this.getSignedCookie("n", { value: this.request.body.toString() }) ?? "none");
      }
    }
    const keys = { 1: `one ${SECRET}`, 2: `two ${SECRET}` };
    const old = new Application([["/", Signs]], { cookieSecret: keys, keyVersion: 1 });
    const now = new Application([["/", Signs]], { cookieSecret: keys, keyVersion: 2 });
    const rotated = new Application([["/", Signs]], { cookieSecret: { 2: keys[2] }, keyVersion: 2 });
    const value = (await ask(old, "/")).body;
    assert.match(value, /^2\|1:1\|/);
    assert.match((await ask(now, "/")).body, /^2\|1:2\|/);
    assert.equal((await ask(now, "/", { method: "POST", body: value })).body, "v");
    assert.equal((await ask(rotated, "/", { method: "POST", body: value })).body, "none");
  });
});

describe("case 73: the cookieSecret setting", () => {
  test("a short secret is warned of at start", () => {
    for (const cookieSecret of ["short", Buffer.alloc(31), { 1: SECRET, 2: "short" }]) {
      using _log = new ExpectLog("squall.general", /less than 32 bytes/);
      new Application([], { cookieSecret, keyVersion: 1 });
    }
    new Application([], { cookieSecret: SECRET });
  });

  test("a map of secrets without a key version of its own is refused at start", () => {
    for (const keyVersion of [undefined, 3]) {
      assert.throws(() => new Application([], { cookieSecret: { 1: SECRET }, keyVersion }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });
});

describe("transforms", () => {
  class Shout extends OutputTransform {
    override transformFirstChunk(status: number, headers: HTTPHeaders, chunk: Buffer, finishing: boolean) {
      headers.set("X-Shout", finishing ? "whole" : "pieces");
      return [status, headers, this.transformChunk(chunk)] as const;
    }
    override transformChunk(chunk: Buffer) {
      return Buffer.from(chunk.toString().toUpperCase());
    }
  }

  test("change each piece of a response", async () => {
    class Writes extends RequestHandler {
      override async get() {
        this.write("one ");
        if (this.getArgument("flush", null) !== null) await this.flush();
        this.write("two");
      }
    }
    const app = new Application([["/", Writes]], { transforms: [Shout] });
    const whole = await ask(app, "/");
    assert.equal(whole.body, "ONE TWO");
    assert.equal(whole.header("X-Shout"), "whole");
    const pieces = await ask(app, "/?flush=1");
    assert.equal(pieces.body, "ONE TWO");
    assert.equal(pieces.header("X-Shout"), "pieces");
    const late = new Application([["/", Writes]]);
    late.addTransform(Shout);
    assert.equal((await ask(late, "/")).body, "ONE TWO");
  });
});

describe("detach()", () => {
  test("gives the stream away and ends the handler's part", async () => {
    class Detaches extends RequestHandler {
      override get() {
        (this.request.connection as unknown as { stream: string }).stream = String(this.detach());
      }
    }
    const { connection, delegate } = begin(new Application([["/", Detaches]]), "/");
    Object.assign(connection, { detach: () => "the stream" });
    delegate.finish();
    assert.deepEqual(connection.calls, []);
    assert.equal((connection as unknown as { stream: string }).stream, "the stream");
  });

  test("throws for a connection that cannot", async () => {
    assert.equal((await errorOf((handler) => handler.detach())).code, "ERR_SQUALL_INVALID_STATE");
  });
});

test("isAbsolute() is true for rooted paths and http URLs", () => {
  for (const path of ["/", "/a", "//x", "http://x", "https:x"]) assert.ok(isAbsolute(path), path);
  for (const path of ["", "a", "ftp://x", "HTTP://x", "httpx"]) assert.ok(!isAbsolute(path), path);
});
