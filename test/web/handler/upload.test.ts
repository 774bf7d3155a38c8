import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { genLog } from "squall/log";
import { Application, RequestHandler } from "squall/web";
import { ask, begin, type FakeConnection, type FakeRequest } from "../../support/fake-exchange.js";
import { pass, withServer } from "../../support/virtual-server.js";
import "../../support/guard.js";

/** Feeds a request as a connection does, each piece when the one before was taken; waits for the response. */
async function upload(
  app: Application,
  uri: string,
  { body = [], ...request }: FakeRequest & { readonly body?: readonly string[] },
): Promise<FakeConnection> {
  const { connection, delegate, ready } = begin(app, uri, { method: "POST", ...request });
  await ready;
  for (const piece of body) await delegate.dataReceived(Buffer.from(piece));
  delegate.finish();
  await connection.done;
  return connection;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("readBody()", () => {
  class Reads extends RequestHandler {
    static override readonly streamRequestBody = true;
    override async post() {
      for await (const piece of this.readBody()) this.write(`[${piece}]`);
    }
  }
  const app = new Application([["/", Reads]]);

  test("gives the body piece by piece to the verb, which begins when the head is there", async () => {
    const connection = await upload(app, "/", { body: ["one", "two", "three"] });
    assert.equal(connection.body, "[one][two][three]");
    assert.equal((await upload(app, "/", {})).body, "");
  });

  test("holds the next piece back until the one before was taken", async () => {
    let go: () => void = () => {};
    class Slow extends Reads {
      override async post() {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        await super.post();
      }
    }
    const { connection, delegate } = begin(new Application([["/", Slow]]), "/", { method: "POST" });
    let taken = false;
    const first = delegate.dataReceived(Buffer.from("one"));
    assert.ok(first instanceof Promise);
    first.then(() => {
      taken = true;
    });
    await turn();
    assert.equal(taken, false);
    go();
    await first;
    delegate.finish();
    await connection.done;
    assert.equal(connection.body, "[one]");
  });

  test("ends the handler with 499 when the client leaves, and frees the connection when the handler leaves", async () => {
    const told: unknown[] = [];
    class Tells extends Reads {
      override async post() {
        if (this.request.path === "/early") return;
        try {
          await super.post();
        } catch (error) {
          told.push(error === this.signal.reason);
          throw error;
        }
      }
      override onFinish() {
        told.push(this.getStatus());
      }
    }
    const telling = new Application([["/.*", Tells]]);
    const gone = begin(telling, "/", { method: "POST" });
    await gone.delegate.dataReceived(Buffer.from("one"));
    gone.delegate.onConnectionClose();
    await turn();
    assert.deepEqual(told, [true, 499]);
    const early = begin(telling, "/early", { method: "POST" });
    await early.connection.done;
    assert.equal(early.delegate.dataReceived(Buffer.from("one")), undefined);
    early.delegate.finish();
  });

  test("a piece that waits for a handler which ends without reading holds nothing up", async () => {
    class Leaves extends Reads {
      override async post() {
        await turn();
      }
    }
    const { delegate, connection } = begin(new Application([["/", Leaves]]), "/", { method: "POST" });
    await delegate.dataReceived(Buffer.from("one"));
    await connection.done;
    delegate.finish();
    assert.equal(connection.status, 200);
  });

  test("is refused in a class whose body is collected", async () => {
    class Collects extends RequestHandler {
      override post() {
        assert.throws(() => this.readBody(), { code: "ERR_SQUALL_INVALID_STATE" });
      }
    }
    assert.equal((await ask(new Application([["/", Collects]]), "/", { method: "POST" })).status, 200);
  });
});

describe("readParts()", () => {
  const part = (name: string, body: string, filename?: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? "" : `; filename="${filename}"\r\nContent-Type: text/x`}\r\n\r\n${body}\r\n`;
  const headers = { Host: "h", "Content-Type": "multipart/form-data; boundary=b" };
  const octets = (text: string): string[] => [...text];

  class Uploads extends RequestHandler {
    static override readonly streamRequestBody = true;
    static folder = "";
    override async post() {
      for await (const each of this.readParts({ maxPartSize: 100 })) {
        if (each.name === "skip") continue;
        if (each.filename === undefined) this.write(`${each.name}=${await each.text(10)};`);
        else {
          const { path, size } = await each.spool(
            each.name === "keep" ? pathToFileURL(Uploads.folder) : Uploads.folder,
          );
          this.write(
            `${each.name}:${each.baseName}:${each.contentType}:${size}:${readFileSync(path, "utf8")};`,
          );
          if (each.name === "keep") await rename(path, join(Uploads.folder, "kept"));
        }
      }
    }
  }
  const app = new Application([["/", Uploads]]);

  async function inFolder(body: (left: () => string[]) => Promise<void>): Promise<void> {
    Uploads.folder = await mkdtemp(join(tmpdir(), "squall-test-"));
    try {
      await body(() => readdirSync(Uploads.folder));
    } finally {
      await rm(Uploads.folder, { recursive: true });
    }
  }

  async function settled(left: () => string[], count: number): Promise<void> {
    // Each look goes through the queue of file operations, in which the removal is.
    for (let i = 0; i < 1000 && left().length !== count; i++) await stat(Uploads.folder);
    assert.equal(left().length, count);
  }

  test("gives fields and files as they arrive, skips what is not read, and removes files that were not kept", async () => {
    const body = `${part("a", "1")}${part("skip", "x".repeat(90), "big")}${part("f", "text", "../up.txt")}${part("keep", "k", "k")}--b--`;
    await inFolder(async (left) => {
      const connection = await upload(app, "/", { headers, body: octets(body) });
      assert.equal(connection.body, "a=1;f:up.txt:text/x:4:text;keep:k:text/x:1:k;");
      await settled(left, 1);
      assert.ok(existsSync(join(Uploads.folder, "kept")));
    });
  });

  test("case 78: an upload beyond a limit is 413, a malformed one 400, and no file of either is left", async () => {
    const { level } = genLog;
    genLog.setLevel("critical");
    try {
      await inFolder(async (left) => {
        for (const [body, status] of [
          [`${part("f", "ok", "f")}${part("g", "x".repeat(101), "g")}--b--`, 413],
          [`${part("f", "ok", "f")}${part("a", "x".repeat(11))}--b--`, 413],
          [`${part("f", "ok", "f")}--b\r\nno head\r\n\r\n`, 400],
          [part("f", "never ends", "f"), 400],
        ] as const) {
          const connection = await upload(app, "/", { headers, body: octets(body) });
          assert.equal(connection.status, status);
          await settled(left, 0);
        }
        const plain = { Host: "h", "Content-Type": "text/plain" };
        assert.equal((await upload(app, "/", { headers: plain, body: ["x"] })).status, 415);
      });
    } finally {
      genLog.setLevel(level);
    }
  });

  test("an upload that breaks off leaves no file behind", async () => {
    await inFolder(async (left) => {
      const { delegate, connection } = begin(app, "/", { method: "POST", headers });
      for (const octet of octets(part("f", "half a file", "f").slice(0, -5)))
        await delegate.dataReceived(Buffer.from(octet));
      await settled(left, 1);
      delegate.onConnectionClose();
      await connection.done;
      await settled(left, 0);
    });
  });

  test("a part that was read is not read again", async () => {
    class Twice extends RequestHandler {
      static override readonly streamRequestBody = true;
      override async post() {
        for await (const each of this.readParts()) {
          await each.text();
          await assert.rejects(each.text(), { code: "ERR_SQUALL_INVALID_STATE" });
        }
      }
    }
    const twice = new Application([["/", Twice]]);
    const body = `${part("a", "1")}--b--`;
    assert.equal((await upload(twice, "/", { headers, body: [body] })).status, 200);
  });
});

test("a slow reader slows its client down instead of filling memory", async () => {
  let read = 0;
  class Slow extends RequestHandler {
    static override readonly streamRequestBody = true;
    override async put() {
      for await (const piece of this.readBody()) {
        read += piece.length;
        await pass(this.request.ioLoop, 1000);
      }
      this.write(String(read));
    }
  }
  await withServer(new Application([["/", Slow]]), { maxBodySize: 10_000_000 }, async ({ connect, loop }) => {
    const client = await connect();
    const size = 4_000_000;
    client.send(`PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size, "x"));
    await pass(loop, 2500);
    assert.ok(read < 1_000_000, `${read} bytes were taken in three seconds`);
    assert.equal(String((await client.response()).body), String(size));
  });
});
