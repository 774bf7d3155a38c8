/** What once was wrong in Tornado, by release and advisory: each asked of a whole server. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ExpectLog } from "squall/testing";
import { Application, createSignedValue, HTTPError, RequestHandler, StaticFileHandler } from "squall/web";
import { assertRefused, assertServes, attacked, echo, get } from "../support/conformance.js";
import { cpuTime } from "../support/cpu-time.js";
import { field } from "../support/raw-client.js";

class Home extends RequestHandler {
  override get() {
    this.write("home");
  }
  override post() {
    const names = Object.keys(this.request.files);
    this.write(`posted ${names.length}`);
  }
}

const multipart = (body: string, boundary = "b") =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`;
const part = (disposition: string, more = "") =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\nx\r\n`;

/** How long a request with these fields takes, in milliseconds: the best of three. */
async function timeOf(fields: string, limit: number): Promise<number> {
  class Reads extends RequestHandler {
    override get() {
      void [this.request.cookies, this.request.headers.get("X"), this.request.headers.get("Content-Type")];
      this.request.parseBody();
    }
  }
  let best = Number.POSITIVE_INFINITY;
  await attacked(
    new Application([["/", Reads]]),
    { maxHeaderFields: 100_000, maxHeaderSize: limit },
    async (context) => {
      using _log = new ExpectLog("squall.general", /^400 /, { required: false });
      for (let attempt = 0; attempt < 3; attempt++) {
        const client = await context.connect();
        const began = cpuTime();
        client.send(get("/", fields));
        await client.response();
        best = Math.min(best, cpuTime() - began);
        client.close();
      }
    },
  );
  return best;
}

test("Tornado 2.2.1, CVE-2012-2374: a line break in a header value is refused, not sent", () => {
  class Sets extends RequestHandler {
    override get() {
      this.setHeader("X-Foo", this.request.headers.get("X-Give") === undefined ? "a\r\nX-Bar: b" : "c");
    }
  }
  return attacked(new Application([["/", Sets]]), {}, async ({ connect }) => {
    using _log = new ExpectLog("squall.application", /Uncaught exception/);
    const client = await connect();
    client.send(get("/"), get("/", "X-Give: 1\r\n"));
    const response = await client.response();
    assert.deepEqual([response.status, field(response, "X-Bar")], [500, undefined]);
    assert.equal(field(await client.response(), "X-Foo"), "c");
  });
});

test("Tornado 3.1: a host of 60,000 octets is matched with a host pattern in no time", () => {
  const app = new Application();
  app.addHandlers(".*\\.example\\.com", [["/", Home]]);
  return attacked(app, {}, async ({ connect }) => {
    const client = await connect();
    const began = cpuTime();
    client.send(`GET / HTTP/1.1\r\nHost: ${"a.".repeat(30_000)}x\r\n\r\n`);
    assert.ok([400, 404].includes((await client.response()).status));
    assert.ok(cpuTime() - began < 200);
  });
});

test("Tornado 3.2.1: name and value of a signed cookie cannot be moved into each other", () => {
  const secret = "s".repeat(32);
  class Cookie extends RequestHandler {
    override get() {
      this.write(this.getSignedCookie(this.getArgument("name"))?.toString() ?? "none");
    }
  }
  return attacked(
    new Application([["/", Cookie]], { cookieSecret: secret }),
    {},
    async ({ connect, loop }) => {
      const clock = () => loop.wallTime() / 1000;
      const signed = createSignedValue(secret, "user", "admin", { clock }).toString();
      const client = await connect();
      const ask = async (name: string, value: string): Promise<string> => {
        client.send(get(`/?name=${name}`, `Cookie: ${name}=${value}\r\n`));
        return (await client.response()).body.toString();
      };
      assert.equal(await ask("user", signed), "admin");
      assert.equal(await ask("use", signed), "none");
      assert.equal(await ask("use", signed.replace("4:user", "3:use").replace("8:", "9:r")), "none");
      assert.equal(await ask("user", signed.replace("|4:user|", "|5:user|")), "none");
      assert.equal(await ask("user", `${signed}0`), "none");
    },
  );
});

test("Tornado 4.2.1: a folder static serves nothing of static_secret", async () => {
  const base = mkdtempSync(join(tmpdir(), "squall-history-"));
  mkdirSync(join(base, "static"));
  mkdirSync(join(base, "static_secret"));
  writeFileSync(join(base, "static_secret", "key"), "SECRET");
  try {
    await attacked(
      new Application([["/.*", Home]], { staticPath: join(base, "static") }),
      {},
      async ({ connect }) => {
        using _log = new ExpectLog("squall.general", /403/);
        const client = await connect();
        for (const path of [
          "/static/../static_secret/key",
          "/static/..%2fstatic_secret/key",
          "/static/%2e%2e/static_secret/key",
        ]) {
          client.send(get(path));
          const response = await client.response();
          assert.ok([403, 404].includes(response.status), path);
          assert.ok(!response.body.includes("SECRET"));
        }
      },
    );
  } finally {
    rmSync(base, { recursive: true });
  }
});

test("Tornado 4.4.2: cookies are cut where browsers cut them, at semicolons alone", () => {
  class Cookies extends RequestHandler {
    override get() {
      this.write({ ...this.cookies });
    }
  }
  return attacked(new Application([["/", Cookies]]), {}, async ({ connect }) => {
    const client = await connect();
    client.send(get("/", 'Cookie: a="b;_xsrf=evil"; c=d,_xsrf=e; f=g h; $Path=i; =j\r\n'));
    const cookies = JSON.parse((await client.response()).body.toString()) as Record<string, string>;
    assert.equal(cookies.c, "d,_xsrf=e");
    assert.equal(cookies.f, "g h");
    assert.equal(cookies.a, '"b');
    assert.equal(cookies._xsrf, 'evil"');
  });
});

test("Tornado 5.1: the limit of a compressed body counts what comes out of it", () => {
  const { app, asked } = echo();
  return attacked(app, { decompressRequest: true, maxBodySize: 100_000 }, async (context) => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    assert.ok(bomb.length < 100_000);
    const client = await context.connect();
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`,
      bomb,
    );
    assert.equal((await client.response()).status, 413);
    await client.whenEnded();
    assert.deepEqual(asked, []);
    await assertServes(context);
  });
});

test("Tornado 6.3.2, CVE-2023-28370: the redirect to a default file never leads to another host", async () => {
  const root = mkdtempSync(join(tmpdir(), "squall-history-"));
  mkdirSync(join(root, "evil.example"));
  writeFileSync(join(root, "evil.example", "index.html"), "x");
  const app = new Application([["/(.*)", StaticFileHandler, { path: root, defaultFilename: "index.html" }]]);
  try {
    await attacked(app, {}, async ({ connect }) => {
      using _log = new ExpectLog("squall.general", /403/, { required: false });
      const client = await connect();
      client.send(get("/evil.example"));
      assert.equal(field(await client.response(), "Location"), "/evil.example/");
      for (const path of [
        "//evil.example",
        "//evil.example/%2e%2e",
        "//evil.example/..",
        "///evil.example",
        "/%2fevil.example",
      ]) {
        client.send(get(path));
        const response = await client.response();
        const location = field(response, "Location");
        if (location !== undefined) assert.match(location, /^\/(?![/\\])/, path);
      }
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("Tornado 6.3.3, GHSA-qppv-j76h-2rpx: numbers are digits and nothing else", () => {
  const { app, asked } = echo();
  return attacked(app, {}, async (context) => {
    for (const value of ["+5", "-5", "0x5", "5_0", "1_0", "\xb25", " 5 5"]) {
      const length = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${value}\r\n\r\n12345`;
      const size = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${value}\r\n12345\r\n0\r\n\r\n`;
      await assertRefused(context, asked, length, 400);
      await assertRefused(context, asked, size, 400);
    }
  });
});

test("Tornado 6.4.1, GHSA-753j-mpmx-qq6g: two Transfer-Encoding lines, and octets that Python strips, are refused", () => {
  const { app, asked } = echo();
  return attacked(app, {}, async (context) => {
    for (const fields of [
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: \xa0chunked",
      "Transfer-Encoding: chunked\x85",
      "Content-Length: 5\xa0",
      "Transfer-Encoding\xa0: chunked",
    ]) {
      const input = `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n0\r\n\r\n`;
      await assertRefused(context, asked, input, 400);
    }
  });
});

test("Tornado 6.4.2, CVE-2024-52804: unquoting a cookie of 64 KB of escapes is linear", async () => {
  assert.ok((await timeOf(`Cookie: a="${'\\"'.repeat(32_000)}"\r\n`, 100_000)) < 50);
});

test("Tornado 6.5.0, CVE-2025-47287: a multipart body full of faults is one line in the log", () =>
  attacked(new Application([["/", Home]]), {}, async ({ connect }) => {
    using log = new ExpectLog("squall.general", /./);
    const client = await connect();
    client.send(multipart(`${"--b\r\nX: y\r\n\r\nx\r\n".repeat(90)}--b--\r\n`));
    assert.equal((await client.response()).status, 400);
    assert.equal(log.matched, 1);
  }));

test("Tornado 6.5.3, CVE-2025-67724: a reason phrase neither splits the head nor brings script into the page", () => {
  class Fails extends RequestHandler {
    override get() {
      throw new HTTPError(400, { reason: this.getArgument("reason", { strip: false }) });
    }
  }
  return attacked(new Application([["/", Fails]]), {}, async ({ connect }) => {
    const client = await connect();
    for (const reason of [
      "<script>alert(1)</script>",
      "a\r\nX-Evil: 1",
      "a\r\n\r\n<script>",
      "\u560d\u560aX-Evil: 1",
    ]) {
      client.send(get(`/?reason=${encodeURIComponent(reason)}`));
      const response = await client.response();
      assert.equal(response.status, 400);
      assert.equal(field(response, "X-Evil"), undefined);
      assert.doesNotMatch(response.body.toString(), /<script/);
    }
  });
});

test("Tornado 6.5.3, CVE-2025-67725: 64 KB of lines with one name are joined in 5 ms", async () => {
  const empty = await timeOf("", 200_000);
  assert.ok((await timeOf("X: a\r\n".repeat(11_000), 200_000)) - empty < 50);
  // The joining alone, without what else a request costs.
  let took = Number.POSITIVE_INFINITY;
  class Joins extends RequestHandler {
    override get() {
      const began = cpuTime();
      const { length } = this.request.headers.get("X")!;
      took = Math.min(took, cpuTime() - began);
      assert.ok(length > 60_000);
    }
  }
  await attacked(
    new Application([["/", Joins]]),
    { maxHeaderFields: Infinity, maxHeaderSize: Infinity },
    async ({ connect }) => {
      for (let attempt = 0; attempt < 5; attempt++) {
        const client = await connect();
        client.send(get("/", "X: abcd\r\n".repeat(13_000)));
        assert.equal((await client.response()).status, 200);
      }
    },
  );
  assert.ok(took < 5, `${took} ms`);
});

test("Tornado 6.5.3, CVE-2025-67726: parameters with 15,000 semicolons in quotes are read in one pass", async () => {
  const type = (value: string) => `Content-Type: multipart/form-data; ${value}; boundary=b\r\n`;
  assert.ok((await timeOf(type(`a="${"\\;".repeat(15_000)}"`), 100_000)) < 50);
  assert.ok((await timeOf(type(`a="${";".repeat(30_000)}`), 100_000)) < 50);
});

test("Tornado 6.5.5, CVE-2026-31958: a body of parts is refused at the 101st, and a part's head has a limit", () =>
  attacked(new Application([["/.*", Home]]), {}, async (context) => {
    using _log = new ExpectLog("squall.general", /too many parts|400 POST/);
    const client = await context.connect();
    client.send(multipart(`${part("name=x").repeat(100)}--b--\r\n`));
    assert.equal((await client.response()).status, 200);
    const body = `${part("name=x").repeat(400_000)}--b--\r\n`;
    const began = cpuTime();
    client.send(multipart(body));
    assert.equal((await client.response()).status, 400);
    assert.ok(cpuTime() - began < 1000);
    client.send(multipart(`${part("name=x", `X: ${"a".repeat(20_000)}\r\n`)}--b--\r\n`));
    assert.equal((await client.response()).status, 400);
    await assertServes(context);
  }));

test("Tornado 6.5.5: attributes of cookies and heads of parts are checked like everything else", () => {
  class Cookie extends RequestHandler {
    override get() {
      const value = "x; HttpOnly=no";
      const [domain, path, samesite] = [{ domain: value }, { path: value }, { samesite: value as "Lax" }];
      this.setCookie("a", "b", [domain, path, samesite][Number(this.getArgument("n"))]!);
    }
  }
  return attacked(
    new Application([
      ["/cookie", Cookie],
      ["/.*", Home],
    ]),
    {},
    async ({ connect }) => {
      using _app = new ExpectLog("squall.application", /Uncaught exception/);
      using _general = new ExpectLog("squall.general", /400 POST/);
      const client = await connect();
      for (const n of [0, 1, 2]) {
        client.send(get(`/cookie?n=${n}`));
        const response = await client.response();
        assert.deepEqual([response.status, field(response, "Set-Cookie")], [500, undefined]);
      }
      client.send(multipart(`${part("name=x", "X: a\rb\r\n")}--b--\r\n`));
      assert.equal((await client.response()).status, 400);
      client.send(multipart(`${part('name="x\0y"')}--b--\r\n`));
      assert.equal((await client.response()).status, 400);
    },
  );
});
