import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { genLog } from "squall/log";
import { VirtualLoop } from "squall/testing";
import { Application, type ApplicationOptions, StaticFileHandler } from "squall/web";
import { forgetContents, keepContent, keptContent, MAX_KEPT_SIZE } from "#room/web/static/content-cache";
import type { OpenFile } from "#room/web/static/open-file";
import { ask, type FakeRequest } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const file = (size: number, stamp = "a", changed = 0): OpenFile => ({
  handle: undefined,
  content: undefined,
  path: "/f",
  size,
  modified: changed,
  changed,
  stamp,
});

describe("contents that are kept", () => {
  test("count while the file looks the same", () => {
    forgetContents();
    keepContent("k", file(3), Buffer.from("abc"), 10_000);
    assert.equal(keptContent("k", "a")?.toString(), "abc");
    assert.equal(keptContent("other", "a"), undefined);
    assert.equal(keptContent("k", "b"), undefined);
    // It is gone: a file does not become what it was.
    assert.equal(keptContent("k", "a"), undefined);
  });

  test("are copies, whole and small", () => {
    forgetContents();
    const piece = Buffer.from("abc");
    keepContent("k", file(3), piece, 10_000);
    piece.fill(0);
    assert.equal(keptContent("k", "a")?.toString(), "abc");
    keepContent("part", file(4), Buffer.from("abc"), 10_000);
    keepContent("large", file(MAX_KEPT_SIZE + 1), Buffer.alloc(MAX_KEPT_SIZE + 1), 10_000);
    assert.deepEqual([keptContent("part", "a"), keptContent("large", "a")], [undefined, undefined]);
  });

  test("are not those of a file that was changed a moment ago", () => {
    forgetContents();
    for (const now of [10_000, 11_999, 12_000, 5_000])
      keepContent("k", file(3, "a", 10_000), Buffer.from("abc"), now);
    assert.equal(keptContent("k", "a"), undefined);
    keepContent("k", file(3, "a", 10_000), Buffer.from("abc"), 12_001);
    assert.equal(keptContent("k", "a")?.length, 3);
  });

  test("take 16 MiB, and what was asked for last stays", () => {
    forgetContents();
    const size = 64 * 1024;
    for (let n = 0; n <= 256; n++) {
      keepContent(`k${n}`, file(size), Buffer.alloc(size), 10_000);
      keptContent("k0", "a");
    }
    assert.equal(keptContent("k1", "a"), undefined);
    for (const key of ["k0", "k2", "k256"]) assert.equal(keptContent(key, "a")?.length, size);
    forgetContents();
    assert.equal(keptContent("k0", "a"), undefined);
  });
});

describe("a small file that is served again", () => {
  /** Serves files of a folder an hour after they were written. */
  function later(
    body: (
      root: string,
      get: (path: string, request?: FakeRequest) => Promise<[status: number | undefined, body: string]>,
    ) => Promise<void>,
    settings: ApplicationOptions = {},
    options: object = {},
  ): Promise<void> {
    StaticFileHandler.reset();
    const folder = mkdtempSync(join(tmpdir(), "squall-kept-"));
    const root = join(folder, "root");
    mkdirSync(join(root, "sub"), { recursive: true });
    writeFileSync(join(root, "a.txt"), "first");
    // Deno tells whole milliseconds, in one of which a test might write twice.
    const before = Date.now() / 1000 - 60;
    utimesSync(join(root, "a.txt"), before, before);
    writeFileSync(join(root, "sub", "b.txt"), "below");
    writeFileSync(join(folder, "secret.txt"), "secret");
    const app = new Application([["/(.*)", StaticFileHandler, { path: root, ...options }]], settings);
    const { level } = genLog;
    genLog.setLevel("critical");
    return VirtualLoop.run(
      async () => {
        try {
          await body(root, async (path, request) => {
            const connection = await ask(app, path, request);
            return [connection.status, connection.body];
          });
        } finally {
          genLog.setLevel(level);
          rmSync(folder, { recursive: true });
        }
      },
      { wallTime: Date.now() + 3_600_000 },
    );
  }

  test("is the same, in whole, in parts, and by its tag", () =>
    later(async (_root, get) => {
      for (let n = 0; n < 3; n++) {
        assert.deepEqual(await get("/a.txt"), [200, "first"]);
        assert.deepEqual(await get("/a.txt", { headers: { Range: "bytes=1-2" } }), [206, "ir"]);
        assert.deepEqual(await get("/a.txt", { method: "HEAD" }), [200, ""]);
      }
    }));

  test("comes from memory: it is not opened again", () =>
    later(async (root, get) => {
      assert.deepEqual(await get("/a.txt"), [200, "first"]);
      const path = join(root, "a.txt");
      const { openFile } = await import("#room/web/static/open-file");
      const again = await openFile(root, path, false, `-${root}\0${path}`);
      assert.ok(typeof again === "object");
      assert.deepEqual([again.handle, again.content?.toString()], [undefined, "first"]);
    }));

  test("is the new one when it was written, replaced, hidden behind a link, or taken away", () =>
    later(async (root, get) => {
      const path = join(root, "a.txt");
      assert.deepEqual(await get("/a.txt"), [200, "first"]);
      writeFileSync(path, "other");
      assert.deepEqual(await get("/a.txt"), [200, "other"]);
      writeFileSync(join(root, "new"), "third");
      renameSync(join(root, "new"), path);
      assert.deepEqual(await get("/a.txt"), [200, "third"]);
      rmSync(path);
      symlinkSync(join(root, "..", "secret.txt"), path);
      assert.equal((await get("/a.txt"))[0], 403);
      rmSync(path);
      assert.equal((await get("/a.txt"))[0], 404);
    }));

  test("is refused when it may no longer be read", { skip: process.getuid?.() === 0 && "runs as root" }, () =>
    later(async (root, get) => {
      assert.deepEqual(await get("/a.txt"), [200, "first"]);
      chmodSync(join(root, "a.txt"), 0);
      assert.equal((await get("/a.txt"))[0], 403);
    }),
  );

  test("goes by its root: a link out of one root is none of another's", () =>
    later(async (root, get) => {
      symlinkSync(join(root, "..", "secret.txt"), join(root, "link.txt"));
      const following = new Application([["/(.*)", StaticFileHandler, { path: root, followSymlinks: true }]]);
      for (let n = 0; n < 2; n++) {
        assert.equal((await ask(following, "/link.txt")).body, "secret");
        assert.equal((await get("/link.txt"))[0], 403);
      }
    }));

  test("is read anew with staticHashCache false", () =>
    later(
      async (root, get) => {
        assert.deepEqual(await get("/a.txt"), [200, "first"]);
        const path = join(root, "a.txt");
        const { openFile } = await import("#room/web/static/open-file");
        const again = await openFile(root, path, false, `-${root}\0${path}`);
        assert.ok(typeof again === "object");
        assert.ok(again.handle !== undefined);
        await again.handle.close();
      },
      { staticHashCache: false },
    ));
});
