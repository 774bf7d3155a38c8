import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler, StaticFileHandler } from "squall/web";
import { ask, type FakeRequest } from "../../support/fake-exchange.js";
import { canHideProc, withoutProc } from "../../support/without-proc.js";
import "../../support/guard.js";

const HELLO = "Hello, static world!\n";
const TIME = new Date("2020-09-13T12:26:40Z");
let base: string;
let root: string;
let app: Application;

before(() => {
  base = mkdtempSync(join(tmpdir(), "squall-static-"));
  root = join(base, "static");
  mkdirSync(join(root, "sub"), { recursive: true });
  mkdirSync(join(root, ".git"));
  mkdirSync(join(base, "static_secret"));
  const files: Record<string, string | Buffer> = {
    "hello.txt": HELLO,
    "empty.txt": "",
    "page.html": "<p>",
    "archive.tar.gz": "x",
    "sp ace.txt": "space",
    ".env": "SECRET",
    ".git/config": "SECRET",
    "sub/index.html": "index",
    "favicon.ico": "icon",
    "robots.txt": "robots",
    "big.bin": Buffer.alloc(200_000, "0123456789"),
    "../static_secret/key": "SECRET",
    "../outside.txt": "SECRET",
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, name), content);
    utimesSync(join(root, name), TIME, TIME);
  }
  symlinkSync(join(base, "outside.txt"), join(root, "link-out.txt"));
  symlinkSync(base, join(root, "dir-out"));
  symlinkSync(join(root, "hello.txt"), join(root, "link-in.txt"));
  symlinkSync(join(root, "loop"), join(root, "loop"));
  app = new Application([], { staticPath: root });
});

describe("the tag of a large file", () => {
  test("is made without reading it: a range of 2 GiB answers at once, and a change changes the tag", async () => {
    const path = join(root, "huge.bin");
    writeFileSync(path, "begin");
    truncateSync(path, 2 ** 31);
    try {
      const range = () => ask(app, "/static/huge.bin", { headers: { Host: "h", Range: "bytes=0-4" } });
      const first = await range();
      assert.equal(first.status, 206);
      assert.equal(first.body, "begin");
      // A hash of the content would be 128 hexadecimal digits.
      assert.match(first.header("Etag") ?? "", /^"[0-9.-]+"$/);
      assert.equal((await range()).header("Etag"), first.header("Etag"));
      const Etag = first.header("Etag")!;
      const again = { headers: { Host: "h", "If-None-Match": Etag } };
      assert.equal((await ask(app, "/static/huge.bin", { method: "HEAD", ...again })).status, 304);
      utimesSync(path, TIME, TIME);
      assert.notEqual((await range()).header("Etag"), Etag);
      assert.equal((await ask(app, "/static/huge.bin", { method: "HEAD", ...again })).status, 200);
    } finally {
      rmSync(path);
    }
  });
});

describe("paths and roots", () => {
  test("a name that ends in a slash is that of a directory: a file is 404", async () => {
    assert.equal((await ask(app, "/static/hello.txt/")).status, 404);
  });

  test("the root directory may be a file: URL, also with a space in its name", async () => {
    const spaced = join(base, "a folder");
    mkdirSync(spaced, { recursive: true });
    writeFileSync(join(spaced, "x y.txt"), "spaced");
    for (const staticPath of [pathToFileURL(spaced), pathToFileURL(`${spaced}/`)]) {
      const site = new Application([["/:path", StaticFileHandler, { path: staticPath }]], { staticPath });
      assert.equal((await ask(site, "/static/x%20y.txt")).body, "spaced");
      assert.equal((await ask(site, "/x%20y.txt")).body, "spaced");
    }
  });

  test("staticUrl() encodes the path, so that the URL leads to the file", async () => {
    class Links extends RequestHandler {
      override get() {
        this.write(this.staticUrl("sp ace.txt"));
      }
    }
    const site = new Application([["/", Links]], { staticPath: root });
    const { body } = await ask(site, "/");
    assert.match(body, /^\/static\/sp%20ace\.txt\?v=[0-9a-f]{128}$/);
    assert.equal((await ask(site, body)).body, "space");
  });

  test("the group may have a name, or be a template's parameter", async () => {
    const site = new Application([
      ["/two/(?<path>.*)", StaticFileHandler, { path: root }],
      ["/four/:file*", StaticFileHandler, { path: root }],
    ]);
    for (const uri of ["/two/sub/index.html", "/four/sub/index.html"]) {
      for (const method of ["GET", "HEAD"]) assert.equal((await ask(site, uri, { method })).status, 200);
    }
  });
});

after(() => rmSync(base, { recursive: true, force: true }));

const get = (path: string, request: FakeRequest = {}) => ask(app, path, request);
const hashOf = (text: string) => createHash("sha512").update(text).digest("hex");

/** Asks for something that is refused with a log line. */
async function refused(path: string, application = app): Promise<number | undefined> {
  using _log = new ExpectLog("squall.general", /403 GET/, { required: false });
  const connection = await ask(application, path);
  assert.doesNotMatch(connection.body, /SECRET/);
  return connection.status;
}

describe("StaticFileHandler", () => {
  test("serves a file with its headers", async () => {
    const connection = await get("/static/hello.txt");
    assert.equal(connection.status, 200);
    assert.equal(connection.body, HELLO);
    assert.equal(connection.header("Content-Type"), "text/plain");
    assert.equal(connection.header("Content-Length"), "21");
    assert.equal(connection.header("Last-Modified"), "Sun, 13 Sep 2020 12:26:40 GMT");
    assert.equal(connection.header("Etag"), `"${hashOf(HELLO)}"`);
    assert.equal(connection.header("Accept-Ranges"), "bytes");
    assert.equal(connection.header("X-Content-Type-Options"), "nosniff");
    assert.equal(connection.header("Cache-Control"), undefined);
  });

  test("maps /favicon.ico and /robots.txt", async () => {
    assert.equal((await get("/favicon.ico")).body, "icon");
    assert.equal((await get("/robots.txt")).body, "robots");
  });

  test("HEAD gives the same headers without reading a body", async () => {
    const head = await get("/static/big.bin", { method: "HEAD" });
    assert.equal(head.header("Content-Length"), "200000");
    assert.equal(head.body, "");
    assert.equal(head.header("Etag"), (await get("/static/big.bin")).header("Etag"));
  });

  test("an empty file is an empty 200, with and without a range", async () => {
    const connection = await get("/static/empty.txt");
    assert.equal(connection.status, 200);
    assert.equal(connection.header("Content-Length"), "0");
    assert.equal((await get("/static/empty.txt", { headers: { Range: "bytes=0-" } })).status, 416);
  });

  test("a large file goes out in pieces of at most 64 KiB, and its length is told first", async () => {
    const connection = await get("/static/big.bin");
    assert.equal(connection.header("Content-Length"), "200000");
    assert.deepEqual(
      connection.chunks.map((chunk) => chunk.length),
      [65_536, 65_536, 65_536, 3392],
    );
    assert.equal(connection.body.length, 200_000);
    assert.equal(connection.calls[0], "writeHeaders");
  });

  test("a versioned URL may be cached for ten years", async () => {
    const connection = await get("/static/hello.txt?v=anything");
    assert.equal(connection.header("Cache-Control"), "max-age=315360000");
    assert.match(connection.header("Expires") ?? "", /GMT$/);
  });

  test("names that need percent-coding are decoded once", async () => {
    assert.equal((await get("/static/sp%20ace.txt")).body, "space");
    assert.equal((await get("/static/sp%2520ace.txt")).status, 404);
  });

  test("content types come from the name; compressed files are what they are", async () => {
    assert.equal((await get("/static/archive.tar.gz")).header("Content-Type"), "application/gzip");
    assert.equal((await get("/static/page.html")).header("Content-Type"), "text/html");
  });

  test("a changed file gets a new tag", async () => {
    const path = join(root, "changing.txt");
    writeFileSync(path, "one");
    assert.equal((await get("/static/changing.txt")).header("Etag"), `"${hashOf("one")}"`);
    writeFileSync(path, "other");
    assert.equal((await get("/static/changing.txt")).header("Etag"), `"${hashOf("other")}"`);
  });

  test("many requests for a file that is not known yet read it once for its tag", async () => {
    StaticFileHandler.reset();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => get("/static/big.bin", { method: "HEAD" })),
    );
    assert.equal(new Set(answers.map((answer) => answer.header("Etag"))).size, 1);
  });

  test("a directory is 403, or its default file, after a redirect to the path with a slash", async () => {
    assert.equal(await refused("/static/sub"), 403);
    const withDefault = new Application([
      ["/dir/(.*)", StaticFileHandler, { path: root, defaultFilename: "index.html" }],
    ]);
    assert.equal((await ask(withDefault, "/dir/sub/")).body, "index");
    const redirect = await ask(withDefault, "/dir/sub?q=1");
    assert.equal(redirect.status, 301);
    assert.equal(redirect.header("Location"), "/dir/sub/?q=1");
    const anywhere = new Application([
      ["/(.*)", StaticFileHandler, { path: root, defaultFilename: "index.html" }],
    ]);
    assert.equal(await refused("//sub", anywhere), 403);
  });
});

describe("case 79: paths stay in the root", () => {
  test("no spelling of the parent leads out", async () => {
    for (const path of [
      "/static/../outside.txt",
      "/static/%2e%2e/outside.txt",
      "/static/..%2foutside.txt",
      "/static/sub/../../outside.txt",
      "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
      "/static//etc/passwd",
      "/static/%2fetc%2fpasswd",
      "/static/..%5coutside.txt",
      "/static/..\\outside.txt",
      "/static/%252e%252e/outside.txt",
      "/static/c:/windows/win.ini",
      `/static/${"../".repeat(50)}etc/passwd`,
    ]) {
      assert.ok([403, 404].includes((await refused(path)) ?? 0), path);
    }
  });

  test("case 80: NUL is 404, a folder whose name begins alike is not reachable", async () => {
    assert.equal((await get("/static/hello.txt%00.html")).status, 404);
    assert.equal(await refused("/static/../static_secret/key"), 403);
  });

  test("case 80: links out of the root are 403, links inside are followed, loops are 404, with /proc and without", async () => {
    assert.equal(await refused("/static/link-out.txt"), 403);
    assert.equal(await refused("/static/dir-out/outside.txt"), 403);
    assert.equal((await get("/static/link-in.txt")).body, HELLO);
    assert.equal((await get("/static/loop")).status, 404);
    await withoutProc(async (asked) => {
      assert.equal(await refused("/static/link-out.txt"), 403);
      assert.equal(await refused("/static/dir-out/outside.txt"), 403);
      assert.equal((await get("/static/link-in.txt")).body, HELLO);
      if (canHideProc) assert.ok(asked() >= 3);
    });
    const lenient = new Application([["/(.*)", StaticFileHandler, { path: root, followSymlinks: true }]]);
    assert.equal((await ask(lenient, "/link-out.txt")).body, "SECRET");
  });

  test("case 81: dotfiles are 404 unless they are asked for", async () => {
    assert.equal((await get("/static/.env")).status, 404);
    assert.equal((await get("/static/.git/config")).status, 404);
    assert.equal((await get("/static/sub/../.env")).status, 404);
    const open = new Application([["/(.*)", StaticFileHandler, { path: root, dotfiles: true }]]);
    assert.equal((await ask(open, "/.env")).body, "SECRET");
  });

  test("case 81: a FIFO is 403 and nobody waits for its writer", {
    skip: process.platform === "win32",
  }, async () => {
    execFileSync("mkfifo", [join(root, "fifo")]);
    assert.equal(await refused("/static/fifo"), 403);
  });

  test("a name that is too long, and a file as a folder, are 404", async () => {
    assert.equal((await get(`/static/${"x".repeat(5000)}`)).status, 404);
    assert.equal((await get("/static/hello.txt/x")).status, 404);
  });
});

describe("case 82: ranges", () => {
  const ranges: [range: string, status: number, body: string, contentRange: string | undefined][] = [
    ["bytes=0-4", 206, "Hello", "bytes 0-4/21"],
    ["bytes=7-", 206, "static world!\n", "bytes 7-20/21"],
    ["bytes=-6", 206, "orld!\n", "bytes 15-20/21"],
    ["bytes=-100", 200, HELLO, undefined],
    ["bytes=0-", 200, HELLO, undefined],
    ["bytes=0-99999999999999999999", 200, HELLO, undefined],
    ["bytes=20-99", 206, "\n", "bytes 20-20/21"],
    ["bytes=21-", 416, "", "bytes */21"],
    ["bytes=-0", 416, "", "bytes */21"],
    ["bytes=5-2", 200, HELLO, undefined],
    ["bytes=0-1,3-4", 200, HELLO, undefined],
    [`bytes=${"0-,".repeat(1000)}`, 200, HELLO, undefined],
    ["lines=0-1", 200, HELLO, undefined],
    ["bytes=a-b", 200, HELLO, undefined],
  ];
  for (const [range, status, body, contentRange] of ranges) {
    test(`Range: ${range.slice(0, 40)} gives ${status}`, async () => {
      const connection = await get("/static/hello.txt", { headers: { Range: range } });
      assert.equal(connection.status, status);
      assert.equal(connection.body, body);
      assert.equal(connection.header("Content-Range"), contentRange);
      assert.equal(connection.header("Content-Length"), String(body.length));
    });
  }

  test("HEAD ignores Range; If-Range with another tag does too", async () => {
    assert.equal(
      (await get("/static/hello.txt", { method: "HEAD", headers: { Range: "bytes=0-4" } })).status,
      200,
    );
    const etag = `"${hashOf(HELLO)}"`;
    const same = { headers: { Range: "bytes=0-4", "If-Range": etag } };
    const other = { headers: { Range: "bytes=0-4", "If-Range": '"other"' } };
    assert.equal((await get("/static/hello.txt", same)).status, 206);
    assert.equal((await get("/static/hello.txt", other)).status, 200);
  });

  test("a file that shrinks while it is sent ends the connection instead of lying about its length", async () => {
    const path = join(root, "shrinks.bin");
    writeFileSync(path, Buffer.alloc(200_000));
    class Shrinks extends StaticFileHandler {
      override flush() {
        truncateSync(path, 70_000);
        return super.flush();
      }
    }
    using _app = new ExpectLog("squall.application", /Uncaught exception/);
    using _general = new ExpectLog("squall.general", /after headers written/);
    const connection = await ask(new Application([["/(.*)", Shrinks, { path: root }]]), "/shrinks.bin");
    assert.ok(connection.closed);
    assert.equal(connection.finishes, 0);
  });
});

describe("case 83: conditions", () => {
  const etag = `"${hashOf(HELLO)}"`;
  const since = (date: string) => ({ "If-Modified-Since": date });
  const cases: [name: string, headers: Record<string, string>, status: number][] = [
    ["the current tag", { "If-None-Match": etag }, 304],
    ["the current tag as a weak one in a list", { "If-None-Match": `"x", W/${etag}` }, 304],
    ["any tag", { "If-None-Match": "*" }, 304],
    [
      "another tag beside a matching time: the tag decides",
      { "If-None-Match": '"x"', ...since(TIME.toUTCString()) },
      200,
    ],
    ["the very time", since(TIME.toUTCString()), 304],
    ["an earlier time", since("Sun, 13 Sep 2020 12:26:39 GMT"), 200],
    ["a date that is none", since("yesterday"), 200],
    ["If-Match with another tag", { "If-Match": '"x"' }, 412],
    [
      "If-Unmodified-Since before the change",
      { "If-Unmodified-Since": "Sun, 13 Sep 2020 12:26:39 GMT" },
      412,
    ],
  ];
  for (const [name, headers, status] of cases) {
    test(`${name}: ${status}`, async () => {
      const connection = await get("/static/hello.txt", { headers });
      assert.equal(connection.status, status);
      if (status === 304) {
        assert.equal(connection.body, "");
        assert.equal(connection.header("Content-Length"), undefined);
        assert.equal(connection.header("Etag"), etag);
      }
    });
  }
});

describe("case 84: open files", { skip: process.platform !== "linux" }, () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;

  /** Closing happens in Node's thread pool; gives it time, but not for ever. */
  async function untilClosed(before: number): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (openFiles() > before && performance.now() < deadline) await new Promise(setImmediate);
    assert.ok(openFiles() <= before, `${openFiles()} open, ${before} before`);
  }

  test("are closed when clients go away in the middle of a download", async () => {
    const path = join(root, "huge.bin");
    writeFileSync(path, Buffer.alloc(4 << 20));
    const server = await new Application([["/(.*)", StaticFileHandler, { path: root }]]).listen(
      0,
      "127.0.0.1",
    );
    try {
      await once(connect(server.port!, "127.0.0.1").end(), "close");
      const before = openFiles();
      for (let round = 0; round < 50; round++) {
        const socket = connect(server.port!, "127.0.0.1");
        socket.write("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
        await once(socket, "data");
        socket.destroy();
      }
      await untilClosed(before);
    } finally {
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
    }
  });

  test("are closed after 304, 416, HEAD and errors", async () => {
    const before = openFiles();
    for (const request of [
      { headers: { "If-None-Match": "*" } },
      { headers: { Range: "bytes=99-" } },
      { method: "HEAD" },
      { headers: { "If-Match": '"x"' } },
    ]) {
      await get("/static/hello.txt", request);
    }
    await untilClosed(before);
  });
});

describe("staticUrl()", () => {
  class Urls extends RequestHandler {
    override get() {
      this.write(
        [
          this.staticUrl("hello.txt"),
          this.staticUrl("hello.txt", { includeVersion: false }),
          this.staticUrl("hello.txt", { includeHost: true, includeVersion: false }),
        ].join("\n"),
      );
    }
  }

  test("adds the hash of the content, and the host if asked to", async () => {
    const connection = await ask(
      new Application([["/", Urls]], { staticPath: root, staticUrlPrefix: "/s/" }),
      "/",
    );
    assert.deepEqual(connection.body.split("\n"), [
      `/s/hello.txt?v=${hashOf(HELLO)}`,
      "/s/hello.txt",
      "http://example.com/s/hello.txt",
    ]);
  });

  test("the version of a URL is kept for all handlers until reset(), or not at all without staticHashCache", async () => {
    const path = join(root, "kept.txt");
    class Kept extends RequestHandler {
      override get() {
        this.write(this.staticUrl("kept.txt"));
      }
    }
    const version = async (settings = {}) =>
      (await ask(new Application([["/", Kept]], { staticPath: root, ...settings }), "/")).body.split("v=")[1];
    writeFileSync(path, "one");
    assert.equal(await version(), hashOf("one"));
    writeFileSync(path, "two");
    assert.equal(await version(), hashOf("one"));
    assert.equal(await version({ staticHashCache: false }), hashOf("two"));
    writeFileSync(path, "three");
    StaticFileHandler.reset();
    assert.equal(await version(), hashOf("three"));
  });

  test("staticHandlerArgs go to the handler's initialize()", async () => {
    const app = new Application([], { staticPath: root, staticHandlerArgs: { dotfiles: true } });
    assert.equal((await ask(app, "/static/.env")).body, "SECRET");
  });

  test("a missing file has no version, and one line of the log says so, with the whole path", async () => {
    class Missing extends RequestHandler {
      override get() {
        this.write(this.staticUrl("missing.js"));
      }
    }
    using _log = new ExpectLog(
      "squall.general",
      /^Could not open static file 'missing.js': ENOENT.*\/missing.js'$/,
    );
    assert.equal(
      (await ask(new Application([["/", Missing]], { staticPath: root }), "/")).body,
      "/static/missing.js",
    );
  });

  test("needs the staticPath setting", async () => {
    using _log = new ExpectLog("squall.application", /Uncaught exception/);
    assert.equal((await ask(new Application([["/", Urls]]), "/")).status, 500);
  });

  test("a class of one's own serves and names its own content", async () => {
    class Own extends StaticFileHandler {
      static override getContentVersion() {
        return "v1";
      }
      static override getContent() {
        return Buffer.from("own content");
      }
      override async validateAbsolutePath(_root: string, absolutePath: string) {
        return absolutePath;
      }
      override getContentSize() {
        return 11;
      }
      override getModifiedTime() {
        return undefined;
      }
    }
    const own = new Application([["/url", Urls]], { staticPath: "/nowhere", staticHandlerClass: Own });
    const connection = await ask(own, "/static/anything.txt");
    assert.equal(connection.body, "own content");
    assert.equal(connection.header("Etag"), '"v1"');
    assert.equal((await ask(own, "/url")).body.split("\n")[0], "/static/hello.txt?v=v1");
  });
});
