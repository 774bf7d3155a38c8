/** Applications on the server, in virtual time and a network in memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accessLog } from "squall/log";
import { Matcher } from "squall/routing";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { HTTP1Connection } from "#room/http/connection/http1-connection";
import { field } from "../support/raw-client.js";
import { pass, type VirtualServer, withServer } from "../support/virtual-server.js";
import "../support/guard.js";

accessLog.setLevel("critical");

const serving = (app: Application, body: (context: VirtualServer) => Promise<void>, options = {}) =>
  withServer(app, options, body);

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: example.com\r\n${more}\r\n`;

describe("an application on a server", () => {
  test("answers pipelined requests in order, also when the first one waits", async () => {
    class Waits extends RequestHandler {
      override async get(ms: string) {
        await new Promise((resolve) => setImmediate(resolve));
        this.write(ms);
      }
    }
    class Quick extends RequestHandler {
      override get() {
        this.write("quick");
      }
    }
    const app = new Application([
      ["/wait/(.*)", Waits],
      ["/quick", Quick],
    ]);
    await serving(app, async ({ connect }) => {
      const client = await connect();
      client.send(get("/wait/a"), get("/quick"), get("/wait/b"), get("/quick"));
      const bodies: string[] = [];
      for (let i = 0; i < 4; i++) bodies.push(String((await client.response()).body));
      assert.deepEqual(bodies, ["a", "quick", "b", "quick"]);
    });
  });

  test("a body that is flushed in pieces is chunked, and complete", async () => {
    class Pieces extends RequestHandler {
      override async get() {
        for (const piece of ["one", "two", "three"]) {
          this.write(piece);
          await this.flush();
        }
      }
    }
    await serving(new Application([["/", Pieces]]), async ({ connect }) => {
      const client = await connect();
      client.send(get("/"));
      const response = await client.response();
      assert.equal(String(response.body), "onetwothree");
      assert.deepEqual(response.chunks, [3, 3, 5]);
    });
  });

  test("HEAD and 304 carry no body on the wire, and the next request is not disturbed", async () => {
    class Body extends RequestHandler {
      override get() {
        this.write("body");
      }
      override head() {
        this.write("body");
      }
    }
    await serving(new Application([["/", Body]]), async ({ connect }) => {
      const client = await connect();
      client.send(get("/"));
      const first = await client.response();
      client.send(
        get("/", `If-None-Match: ${field(first, "Etag")}\r\n`),
        "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        get("/"),
      );
      assert.equal((await client.response()).status, 304);
      assert.equal(field(await client.response("HEAD"), "Content-Length"), "4");
      assert.equal(String((await client.response()).body), "body");
    });
  });

  test("an error after the head was sent cuts the connection, so that nobody takes the rest for the whole", async () => {
    class Breaks extends RequestHandler {
      override async get() {
        this.write("partial");
        await this.flush();
        throw new Error("late");
      }
    }
    await serving(new Application([["/", Breaks]]), async ({ connect }) => {
      using _app = new ExpectLog("squall.application", /Uncaught exception/);
      using _general = new ExpectLog("squall.general", /after headers written/);
      const client = await connect();
      client.send(get("/"));
      await client.whenEnded();
      assert.doesNotMatch(String(client.received), /\r\n0\r\n/);
    });
  });

  test("flush() waits while the client does not read, and goes on when it does", async () => {
    let written = 0;
    const piece = Buffer.alloc(64 * 1024, "x");
    class Floods extends RequestHandler {
      override async get() {
        for (; written < 100; written++) {
          this.write(piece);
          await this.flush();
        }
      }
    }
    await serving(new Application([["/", Floods]]), async ({ connect, loop }) => {
      const client = await connect();
      client.socket.pause();
      client.send(get("/"));
      await pass(loop, 1000);
      assert.ok(written < 50, `${written} pieces are out although nobody reads`);
      client.socket.resume();
      assert.equal((await client.response()).body.length, 100 * piece.length);
    });
  });

  test("the signal tells a waiting handler that its client is gone", async () => {
    const reasons: unknown[] = [];
    class Polls extends RequestHandler {
      override async get() {
        await new Promise((_resolve, reject) =>
          this.signal.addEventListener("abort", () => reject(this.signal.reason)),
        );
      }
      override onConnectionClose() {
        reasons.push((this.signal.reason as { reason?: string }).reason);
      }
      override onFinish() {
        reasons.push("finished");
      }
    }
    const logFunction = (handler: { getStatus(): number }) => reasons.push(handler.getStatus());
    await serving(new Application([["/", Polls]], { logFunction }), async ({ connect, loop }) => {
      const client = await connect();
      client.send(get("/"));
      await pass(loop, 100);
      client.close();
      await pass(loop, 100);
      assert.deepEqual(reasons, ["half-closed", 499, "finished"]);
    });
  });

  test("an upload that breaks off ends its handler: onFinish() runs once, and the log says 499", async () => {
    const told: unknown[] = [];
    class Uploads extends RequestHandler {
      static override readonly streamRequestBody = true;
      override async dataReceived(chunk: Buffer) {
        await new Promise((resolve) => setImmediate(resolve));
        told.push(chunk.length);
      }
      override put() {
        told.push("never");
      }
      override onConnectionClose() {
        told.push("closed");
      }
      override onFinish() {
        told.push("finished");
      }
    }
    const logFunction = (handler: { getStatus(): number }) => told.push(handler.getStatus());
    await serving(new Application([["/", Uploads]], { logFunction }), async ({ connect, loop }) => {
      for (const sent of ["", "12345"]) {
        told.length = 0;
        const client = await connect();
        client.send(`PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n${sent}`);
        await pass(loop, 100);
        client.close();
        await pass(loop, 100);
        assert.deepEqual(told, [...(sent === "" ? [] : [5]), "closed", 499, "finished"]);
      }
    });
  });

  test("a handler that ends after its client has gone is logged as 499", async () => {
    const statuses: number[] = [];
    class Late extends RequestHandler {
      override async get() {
        await pass(this.request.ioLoop, 1000);
        this.write("too late");
      }
    }
    const logFunction = (handler: { getStatus(): number }) => statuses.push(handler.getStatus());
    await serving(new Application([["/", Late]], { logFunction }), async ({ connect, loop }) => {
      const client = await connect();
      client.send(get("/"));
      await pass(loop, 100);
      client.socket.resetAndDestroy();
      await pass(loop, 2000);
      assert.deepEqual(statuses, [499]);
    });
  });

  test("a client that ends its side and goes on reading gets the late answer; the log says what was sent, with a mark", async () => {
    class Late extends RequestHandler {
      override async get(): Promise<void> {
        await pass(this.request.ioLoop, 1000);
        this.write("late");
        if (this.getQueryArgument("pieces", "") !== "") await this.flush();
      }
    }
    const line = /^200 GET .* \(127\.0\.0\.1\) 100\d\.\d\dms half-closed$/;
    await serving(new Application([["/", Late]]), async ({ connect, loop }) => {
      for (const target of ["/", "/?pieces=1"]) {
        using _ = new ExpectLog("squall.access", line, { level: "info" });
        const client = await connect();
        client.send(get(target));
        client.end();
        await pass(loop, 2000);
        assert.equal((await client.response()).body.toString(), "late");
      }
    });
  });

  test("a client that ends its side is logged as 499 if its handler gives up", async () => {
    const statuses: number[] = [];
    class Polls extends RequestHandler {
      override async get() {
        await new Promise((_resolve, reject) =>
          this.signal.addEventListener("abort", () => reject(this.signal.reason)),
        );
      }
    }
    const logFunction = (handler: { getStatus(): number }) => statuses.push(handler.getStatus());
    await serving(new Application([["/", Polls]], { logFunction }), async ({ connect, loop }) => {
      const client = await connect();
      client.send(get("/"));
      client.end();
      await pass(loop, 100);
      assert.deepEqual(statuses, [499]);
    });
  });

  test("the end of a POST body does not abort the signal", async () => {
    class Posts extends RequestHandler {
      override async post() {
        const { signal } = this;
        await new Promise((resolve) => setImmediate(resolve));
        this.write(`${signal.aborted} ${this.getArgument("a")}`);
      }
    }
    await serving(new Application([["/", Posts]]), async ({ connect }) => {
      const client = await connect();
      client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
      );
      assert.equal(String((await client.response()).body), "false b");
    });
  });

  test("a streaming handler may raise the limit of its body in prepare()", async () => {
    class Uploads extends RequestHandler {
      static override readonly streamRequestBody = true;
      size = 0;
      override prepare() {
        if (this.request.path !== "/large") return;
        const { connection } = this.request;
        assert.ok(connection instanceof HTTP1Connection);
        connection.setMaxBodySize(1000);
      }
      override dataReceived(chunk: Buffer): void {
        this.size += chunk.length;
      }
      override put() {
        this.write(String(this.size));
      }
    }
    const put = (path: string) =>
      `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n${"x".repeat(500)}`;
    await serving(
      new Application([["/.*", Uploads]]),
      async ({ connect }) => {
        const large = await connect();
        large.send(put("/large"));
        assert.equal(String((await large.response()).body), "500");
        using _log = new ExpectLog("squall.general", /./, { required: false });
        const small = await connect();
        small.send(put("/small"));
        assert.equal((await small.response()).status, 413);
      },
      { maxBodySize: 100 },
    );
  });

  test("handlerTimeout answers 503 for a handler that gives up with its signal", async () => {
    class Slow extends RequestHandler {
      override async get() {
        await new Promise((_resolve, reject) =>
          this.signal.addEventListener("abort", () => reject(this.signal.reason)),
        );
      }
    }
    await serving(new Application([["/", Slow]], { handlerTimeout: 5000 }), async ({ connect, loop }) => {
      const client = await connect();
      const began = loop.time();
      client.send(get("/"));
      assert.equal((await client.response()).status, 503);
      assert.ok(loop.time() - began >= 5000);
    });
  });

  test("case 32: a body that does not fit its Content-Length is never sent as if it did", async () => {
    class Lies extends RequestHandler {
      override get(length: string, body: string) {
        this.setHeader("Content-Length", length);
        this.write(body);
      }
    }
    await serving(new Application([["/([0-9]+)/(.*)", Lies]]), async ({ connect }) => {
      const long = await connect();
      {
        using _log = new ExpectLog("squall.application", /Uncaught exception/);
        long.send(get("/3/12345"));
        assert.equal((await long.response()).status, 500);
      }
      const short = await connect();
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      short.send(get("/10/12345"));
      assert.equal((await short.response()).status, 500);
    });
  });

  test("case 115: whatever throws, the process goes on and other connections are not touched", async () => {
    const boom = (): never => {
      throw new Error("boom");
    };
    class Fine extends RequestHandler {
      override get() {
        this.write("fine");
      }
    }
    class Throws extends RequestHandler {
      override initialize({ at }: { at?: string }) {
        if (at === "initialize") boom();
        if (at === "setDefaultHeaders") this.setDefaultHeaders = boom;
        for (const hook of [
          "prepare",
          "onFinish",
          "computeEtag",
          "decodeArgument",
          "logException",
          "writeError",
          "onConnectionClose",
        ]) {
          if (at === hook) (this as unknown as Record<string, unknown>)[hook] = boom;
        }
      }
      override get(_path: string) {
        boom();
      }
    }
    class Bad extends Matcher {
      override match(): never {
        return boom();
      }
    }
    const hooks = [
      "initialize",
      "prepare",
      "onFinish",
      "computeEtag",
      "decodeArgument",
      "logException",
      "writeError",
      "setDefaultHeaders",
    ];
    const app = new Application([
      ["/fine", Fine],
      ...hooks.map((at) => [`/(${at})`, Throws, { at }] as const),
      [new Bad(), Fine],
    ]);
    await serving(app, async ({ connect }) => {
      const other = await connect();
      using _app = new ExpectLog("squall.application", /./);
      using _general = new ExpectLog("squall.general", /./, { required: false });
      for (const at of [...hooks, "matcher"]) {
        const client = await connect();
        client.send(get(`/${at}`));
        assert.equal((await client.response()).status, 500, at);
        client.close();
        other.send(get("/fine"));
        assert.equal(String((await other.response()).body), "fine");
      }
    });
  });

  test("Date is the loop's time of day", async () => {
    class Now extends RequestHandler {
      override get() {}
    }
    await serving(new Application([["/", Now]]), async ({ connect, loop }) => {
      const client = await connect();
      client.send(get("/"));
      assert.equal(field(await client.response(), "Date"), new Date(loop.wallTime()).toUTCString());
      await pass(loop, 3_600_000);
      const later = await connect();
      later.send(get("/"));
      assert.equal(field(await later.response(), "Date"), new Date(loop.wallTime()).toUTCString());
    });
  });
});
