/** A server of files, asked for everything but what it is there for. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler, StaticFileHandler } from "squall/web";
import { type Attacked, assertServes, attacked, attackedForReal, get } from "../support/conformance.js";
import { field, type RawResponse } from "../support/raw-client.js";

const SECRET = "SECRET";
let base: string;
let root: string;
let app: Application;

class Home extends RequestHandler {
  override get() {
    this.write("home");
  }
}

before(() => {
  base = mkdtempSync(join(tmpdir(), "squall-conformance-"));
  root = join(base, "static");
  for (const folder of [root, join(root, ".git"), join(root, "sub"), join(base, "static_secret")])
    mkdirSync(folder);
  for (const name of [
    "secret.txt",
    "static_secret/key",
    "static/.env",
    "static/.git/config",
    "static/sub/.hidden",
  ]) {
    writeFileSync(join(base, name), SECRET);
  }
  writeFileSync(join(root, "hello.txt"), "hello, static world");
  writeFileSync(join(root, "sub", "page.html"), "<script>alert(1)</script>");
  writeFileSync(join(root, "a%2eb.txt"), "percent");
  symlinkSync(join(base, "secret.txt"), join(root, "link.txt"));
  symlinkSync(base, join(root, "folder"));
  app = new Application(
    [
      ["/still-there", Home],
      ["/", Home],
    ],
    { staticPath: root },
  );
});

after(() => rmSync(base, { recursive: true, force: true }));

/** Asks for each target; none of them may be answered with a secret, or not at all. */
async function refuses(
  context: Attacked,
  targets: readonly string[],
  statuses: readonly number[],
): Promise<void> {
  using _log = new ExpectLog("squall.general", /403 GET|400 GET/, { required: false });
  const client = await context.connect();
  for (const target of targets) {
    client.send(get(target));
    const response = await client.response();
    assert.ok(statuses.includes(response.status), `${target}: ${response.status}`);
    assert.ok(!response.body.includes(SECRET), target);
  }
  await assertServes(context);
}

describe("paths", () => {
  test("case 79: no spelling of a path leads out of the root; it is decoded once, by router and file layer alike", () =>
    attacked(app, {}, async (context) => {
      await refuses(
        context,
        [
          "/static/../secret.txt",
          "/static/%2e%2e/secret.txt",
          "/static/%2E%2E%2fsecret.txt",
          "/static/..%2fsecret.txt",
          "/static/sub/../../secret.txt",
          "/static/sub/%2e%2e/%2e%2e/secret.txt",
          "/static/..%5csecret.txt",
          "/static/..\\secret.txt",
          "/static/%252e%252e/secret.txt",
          "/static/%252e%252e%252fsecret.txt",
          "/static/..%c0%afsecret.txt",
          "/static/..%ef%bc%8fsecret.txt",
          `/static/${join(base, "secret.txt")}`,
          `/static/${encodeURIComponent(join(base, "secret.txt"))}`,
          "/static//etc/passwd",
          "/static/%2fetc/passwd",
          "/static/C:%5cWindows/win.ini",
          "/static/C:/Windows/win.ini",
          "/static/file.txt::$DATA",
          "/static/....//secret.txt",
          "/static/.../secret.txt",
          "/%2e%2e/secret.txt",
          "//static/../secret.txt",
        ],
        [400, 403, 404],
      );
      const client = await context.connect();
      client.send(get("/static/a%252eb.txt"));
      assert.equal((await client.response()).body.toString(), "percent");
    }));

  test("case 80: NUL, a folder whose name begins alike, and links out of the root give nothing", () =>
    attacked(app, {}, (context) =>
      refuses(
        context,
        [
          "/static/hello.txt%00",
          "/static/hello.txt%00.html",
          "/static/%00",
          "/static_secret/key",
          "/static/../static_secret/key",
          "/static/%2e%2e/static_secret/key",
          "/static/link.txt",
          "/static/folder/secret.txt",
        ],
        [403, 404],
      ),
    ));

  test("case 80: a file that becomes a link between the check and the reading is never read", () =>
    attackedForReal(app, {}, async ({ connect: open }) => {
      const [there, aside, link] = ["swap.txt", "swap.aside", "swap.link"].map((name) =>
        join(root, name),
      ) as [string, string, string];
      writeFileSync(there, "public");
      symlinkSync(join(base, "secret.txt"), link);
      let swapping = true;
      const swaps = (async () => {
        for (let isLink = false; swapping; isLink = !isLink) {
          if (isLink) {
            renameSync(there, link);
            renameSync(aside, there);
          } else {
            renameSync(there, aside);
            renameSync(link, there);
          }
          await turn();
        }
      })();
      using _log = new ExpectLog("squall.general", /403 GET|Could not open/, { required: false });
      const client = await open();
      const seen = new Set<number>();
      for (let round = 0; round < 300; round++) {
        client.send(get("/static/swap.txt"));
        const response = await client.response();
        seen.add(response.status);
        assert.ok(!response.body.includes(SECRET));
      }
      swapping = false;
      await swaps;
      assert.ok(seen.has(200) && seen.has(403), [...seen].join());
    }));

  test("case 81: names with a dot in front are 404", () =>
    attacked(app, {}, (context) =>
      refuses(
        context,
        ["/static/.env", "/static/.git/config", "/static/.git", "/static/sub/.hidden", "/static/%2eenv"],
        [404],
      ),
    ));

  test("case 81: a directory, a FIFO, a device and a socket are 403, and nobody waits for them", {
    skip: process.platform === "win32",
  }, async () => {
    execFileSync("mkfifo", [join(root, "fifo")]);
    const socket = createServer().listen(join(root, "socket"));
    await once(socket, "listening");
    const devices = new Application([
      ["/still-there", Home],
      ["/dev/(.*)", StaticFileHandler, { path: "/dev" }],
      ["/static/(.*)", StaticFileHandler, { path: root }],
    ]);
    await attacked(devices, {}, (context) =>
      refuses(
        context,
        [
          "/static/sub",
          "/static/sub/",
          "/static/",
          "/static/fifo",
          "/static/socket",
          "/dev/zero",
          "/dev/tty",
        ],
        [403],
      ),
    );
    socket.close();
  });
});

describe("representations", () => {
  const ask = async (context: Attacked, fields: string): Promise<RawResponse> => {
    const client = await context.connect();
    client.send(get("/static/hello.txt", fields));
    const response = await client.response();
    client.close();
    return response;
  };

  test("case 82: many, overlapping and malformed ranges are ignored, hopeless ones 416, huge numbers clamped", () =>
    attacked(app, {}, async (context) => {
      for (const [range, status, body] of [
        ["bytes=0-0,0-1,0-2", 200],
        [`bytes=${"0-,".repeat(1000)}0-`, 200],
        ["bytes=1-0", 200],
        ["bytes=a-b", 200],
        ["bytes=-", 200],
        ["bytes=0x0-5", 200],
        ["lines=0-1", 200],
        ["bytes=-0", 416],
        ["bytes=19-", 416],
        ["bytes=99999999999999999999-", 416],
        ["bytes=0-99999999999999999999", 200],
        ["bytes=7-99999999999999999999", 206, "static world"],
        ["bytes=-99999999999999999999", 200],
        ["bytes=-5", 206, "world"],
      ] as const) {
        const response = await ask(context, `Range: ${range}\r\n`);
        assert.equal(response.status, status, range.slice(0, 40));
        if (body !== undefined) assert.equal(response.body.toString(), body);
        if (status === 416) assert.equal(field(response, "Content-Range"), "bytes */19");
      }
    }));

  test("case 82: a file that shrinks while it is sent ends the connection", () => {
    const path = join(root, "shrinks.bin");
    writeFileSync(path, Buffer.alloc(500_000));
    class Shrinks extends StaticFileHandler {
      override flush() {
        truncateSync(path, 100_000);
        return super.flush();
      }
    }
    const shrinking = new Application([
      ["/still-there", Home],
      ["/(.*)", Shrinks, { path: root }],
    ]);
    return attacked(shrinking, {}, async (context) => {
      using _app = new ExpectLog("squall.application", /Uncaught exception/);
      using _general = new ExpectLog("squall.general", /after headers written/);
      const client = await context.connect();
      client.send(get("/shrinks.bin"), get("/still-there"));
      const response = await client.response();
      assert.equal(field(response, "Content-Length"), "500000");
      assert.equal(response.truncated, true);
      assert.equal(await client.rest(), "");
      await assertServes(context);
    });
  });

  test("case 83: If-None-Match decides alone, bad dates are ignored, and nothing is left to sniff", () =>
    attacked(app, {}, async (context) => {
      const plain = await ask(context, "");
      const etag = field(plain, "Etag")!;
      const modified = field(plain, "Last-Modified")!;
      assert.equal(field(plain, "X-Content-Type-Options"), "nosniff");
      for (const [fields, status] of [
        [`If-None-Match: ${etag}\r\n`, 304],
        [`If-None-Match: "x", W/${etag}\r\n`, 304],
        [`If-None-Match: "x"\r\nIf-Modified-Since: ${modified}\r\n`, 200],
        [`If-Modified-Since: ${modified}\r\n`, 304],
        ["If-Modified-Since: yesterday\r\n", 200],
        ["If-Modified-Since: Sat, 99 Foo 2099 99:99:99 GMT\r\n", 200],
        ['If-Match: "x"\r\n', 412],
        [`If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n`, 412],
      ] as const) {
        const response = await ask(context, fields);
        assert.equal(response.status, status, fields);
        if (status === 304) assert.equal(response.body.length, 0);
      }
    }));
});

test("case 84: 1,000 aborted downloads leave no descriptor open", {
  skip: process.platform !== "linux" && "needs /proc",
}, () => {
  writeFileSync(join(root, "large.bin"), Buffer.alloc(4 << 20));
  const openFiles = (): number => readdirSync("/proc/self/fd").length;
  return attackedForReal(app, {}, async (context) => {
    await assertServes(context);
    const port = context.server.port!;
    const countBefore = openFiles();
    const download = async (round: number): Promise<void> => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(get("/static/large.bin"));
      await once(socket, round % 4 === 0 ? "connect" : "readable");
      if (round % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    };
    for (let round = 0; round < 1000; round += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => download(round + i)));
    }
    const end = performance.now() + 5000;
    while ((openFiles() > countBefore || context.server.connections > 0) && performance.now() < end)
      await turn();
    assert.ok(openFiles() <= countBefore, `${openFiles()} are open, ${countBefore} were before`);
    await assertServes(context);
  });
});
