import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { ExpectLog } from "squall/testing";
import { Application, GZipContentEncoding, OutputTransform, RequestHandler } from "squall/web";
import { ask, type FakeConnection } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const TEXT = "All work and no play makes Jack a dull boy. ".repeat(100);

class Page extends RequestHandler {
  override async get() {
    const size = Number(this.getArgument("size", String(TEXT.length)));
    this.setHeader("Content-Type", this.getArgument("type", "text/html; charset=UTF-8"));
    const vary = this.getArgument("vary", null);
    if (vary !== null) this.setHeader("Vary", vary);
    const coding = this.getArgument("coding", null);
    if (coding !== null) this.setHeader("Content-Encoding", coding);
    this.setStatus(Number(this.getArgument("status", "200")));
    if (this.getArgument("control", null) !== null) this.setHeader("Cache-Control", "no-transform");
    this.write("x".repeat(size));
    if (this.getArgument("flush", null) === null) return;
    await this.flush();
    this.write("second");
    await this.flush();
    this.write("third");
  }
  override head() {
    return this.get();
  }
}

const app = new Application([["/", Page]], { compressResponse: true });
const asked = (query: string, accepted = "gzip", method = "GET"): Promise<FakeConnection> =>
  ask(app, `/?${query}`, { method, headers: { Host: "h", "Accept-Encoding": accepted } });
const bytesOf = (connection: FakeConnection): Buffer =>
  Buffer.concat(connection.chunks.map((chunk) => Buffer.from(chunk as Uint8Array)));

describe("compressResponse", () => {
  test("sends gzip with the length of what is sent, a weak tag and Vary", async () => {
    for (const size of [1024, 5000, 100_000]) {
      const connection = await asked(`size=${size}`);
      assert.equal(connection.header("Content-Encoding"), "gzip");
      assert.equal(connection.header("Vary"), "Accept-Encoding");
      assert.match(connection.header("Etag") ?? "", /^W\/"/);
      assert.equal(connection.header("Content-Length"), String(bytesOf(connection).length));
      assert.equal(gunzipSync(bytesOf(connection)).toString(), "x".repeat(size));
    }
  });

  test("is also called gzip, as Tornado once did; the newer name wins", async () => {
    const coding = async (settings: Record<string, boolean>): Promise<string | undefined> => {
      const application = new Application([["/", Page]], settings);
      return (await ask(application, "/", { headers: { "Accept-Encoding": "gzip" } })).header(
        "Content-Encoding",
      );
    };
    assert.equal(await coding({ gzip: true }), "gzip");
    assert.equal(await coding({ gzip: true, compressResponse: false }), undefined);
    assert.throws(() => new Application([], { gzip: "yes" as never }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });

  test("sends brotli to a client that prefers it, and gzip to one that likes both", async () => {
    for (const [accepted, coding] of [
      ["br", "br"],
      ["gzip;q=0.5, br", "br"],
      ["gzip;q=0, br;q=0.1", "br"],
      ["gzip, deflate, br", "gzip"],
      ["br;q=0.5, gzip", "gzip"],
      ["x-gzip", "gzip"],
      ["GZip", "gzip"],
      ["gzip;q=0", undefined],
      ["identity", undefined],
      ["deflate", undefined],
      ["", undefined],
    ] as const) {
      const connection = await asked("size=5000", accepted);
      assert.equal(connection.header("Content-Encoding"), coding, accepted);
      const bytes = bytesOf(connection);
      const plain =
        coding === "br" ? brotliDecompressSync(bytes) : coding === "gzip" ? gunzipSync(bytes) : bytes;
      assert.equal(plain.length, 5000);
    }
  });

  test("each flush makes readable what was written before", async () => {
    for (const accepted of ["gzip", "br"]) {
      const connection = await asked("size=10&flush=1", accepted);
      assert.equal(connection.header("Content-Length"), undefined);
      assert.equal(connection.chunks.length, 3);
      const unpack = accepted === "gzip" ? gunzipSync : brotliDecompressSync;
      assert.equal(unpack(bytesOf(connection)).toString(), "xxxxxxxxxxsecondthird");
      if (accepted === "gzip") {
        const first = gunzipSync(connection.chunks[0] as Buffer, { finishFlush: 2 });
        assert.equal(first.toString(), "xxxxxxxxxx");
      }
    }
  });

  test("case 68: not for what is tiny, a range, coded already, of another type or not to be transformed", async () => {
    for (const query of [
      "size=1023",
      "size=5000&status=206",
      "size=5000&coding=br",
      "size=5000&type=image/png",
      "size=5000&control=1",
    ]) {
      const connection = await asked(query);
      assert.notEqual(connection.header("Content-Encoding"), "gzip", query);
      assert.equal(connection.header("Vary"), "Accept-Encoding", query);
    }
  });

  test("adds to Vary what is not there yet", async () => {
    assert.equal((await asked("vary=Cookie")).header("Vary"), "Cookie, Accept-Encoding");
    assert.equal((await asked("vary=accept-encoding")).header("Vary"), "accept-encoding");
    assert.equal((await asked("vary=*")).header("Vary"), "*");
  });

  test("answers HEAD with the fields of GET and no body", async () => {
    const [head, body] = [await asked("", "gzip", "HEAD"), await asked("")];
    for (const name of ["Content-Length", "Content-Encoding", "Etag"])
      assert.equal(head.header(name), body.header(name));
    assert.equal(bytesOf(head).length, 0);
  });

  test("a client that has the page already gets 304 by the tag of the compressed one", async () => {
    const Etag = (await asked("")).header("Etag")!;
    const again = await ask(app, "/", {
      headers: { Host: "h", "Accept-Encoding": "gzip", "If-None-Match": Etag },
    });
    assert.equal(again.status, 304);
  });

  test("a subclass decides about types and sizes", async () => {
    class Own extends GZipContentEncoding {
      static override readonly MIN_LENGTH = 1;
      static override isCompressible(type: string) {
        return type === "image/bmp";
      }
    }
    const own = new Application([["/", Page]], { transforms: [Own] });
    const headers = { Host: "h", "Accept-Encoding": "gzip" };
    const coding = async (query: string) =>
      (await ask(own, `/?${query}`, { headers })).header("Content-Encoding");
    assert.equal(await coding("size=10&type=image/bmp"), "gzip");
    assert.equal(await coding("size=5000&type=text/plain"), undefined);
  });
});

describe("a transform that waits", () => {
  /** Waits a turn of the loop before it marks a piece; the first piece waits longest. */
  class Slow extends OutputTransform {
    override async transformFirstChunk(
      ...[status, headers, chunk]: Parameters<OutputTransform["transformFirstChunk"]>
    ): Promise<Awaited<ReturnType<OutputTransform["transformFirstChunk"]>>> {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      headers.delete("Content-Length");
      return [status, headers, Buffer.from(`[${chunk}]`)];
    }
    override async transformChunk(chunk: Buffer) {
      await new Promise((resolve) => setImmediate(resolve));
      return Buffer.from(`<${chunk}>`);
    }
  }

  test("keeps the order of what is written meanwhile, and the end comes last", async () => {
    const ends: string[] = [];
    class Writes extends RequestHandler {
      override get() {
        for (const piece of ["one", "two", "three"]) {
          this.write(piece);
          this.flush();
        }
        this.write("four");
      }
      override onFinish() {
        ends.push("finished");
      }
    }
    const connection = await ask(new Application([["/", Writes]], { transforms: [Slow] }), "/");
    assert.equal(connection.body, "[one]<two><three><four>");
    assert.deepEqual(connection.calls, ["writeHeaders", "write", "write", "write", "finish"]);
    assert.deepEqual(ends, ["finished"]);
  });

  test("refuses what is written after the end while the last piece is being made", async () => {
    let thrown: unknown;
    class Late extends RequestHandler {
      override get() {
        this.finish("done");
        try {
          this.write("late");
        } catch (error) {
          thrown = error;
        }
      }
    }
    assert.equal((await ask(new Application([["/", Late]], { transforms: [Slow] }), "/")).body, "[done]");
    assert.match(String(thrown), /Cannot write\(\) after finish\(\)/);
  });

  class Broken extends OutputTransform {
    override async transformFirstChunk(): Promise<never> {
      throw new Error("no room");
    }
  }

  test("that fails becomes a 500 in its place, and one line in the log", async () => {
    for (const flush of [true, false]) {
      class Fails extends RequestHandler {
        override async get() {
          this.write("text");
          if (flush) await this.flush();
        }
      }
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      const connection = await ask(new Application([["/", Fails]], { transforms: [Broken] }), "/");
      assert.equal(connection.status, 500);
      assert.match(connection.body, /500: Internal Server Error/);
    }
  });

  test("hears once that the response is over, whatever its end", async () => {
    const ends: string[] = [];
    class Hears extends OutputTransform {
      override onEnd() {
        ends.push(this.request.path);
      }
    }
    class Any extends RequestHandler {
      override get() {
        if (this.request.path === "/error") this.sendError(404);
      }
    }
    const hearing = new Application([["/.*", Any]], { transforms: [Hears] });
    for (const path of ["/", "/error"]) await ask(hearing, path);
    assert.deepEqual(ends, ["/", "/error"]);
  });
});
