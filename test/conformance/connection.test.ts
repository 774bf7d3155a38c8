/** What follows a message: the next one, the end, or trouble in the application. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { IOLoop } from "squall/ioloop";
import { ExpectLog } from "squall/testing";
import { Application, FallbackHandler, RequestHandler } from "squall/web";
import { assertServes, attacked, attackedForReal, echo, get } from "../support/conformance.js";
import { field } from "../support/raw-client.js";
import { answer, pass, respond } from "../support/virtual-server.js";

const OK = { version: "HTTP/1.1", code: 200, reason: "OK" } as const;

/** Answers as soon as the head is there, and ignores the body. */
class Early extends RequestHandler {
  static override readonly streamRequestBody = true;
  override prepare() {
    this.setStatus(401);
    this.finish("early");
  }
  override dataReceived() {
    assert.fail("the response was done");
  }
  override post() {
    assert.fail("the response was done");
  }
  override get() {
    this.write("got");
  }
}

class Home extends RequestHandler {
  override get() {
    this.write("home");
  }
  override post() {
    this.write(`posted ${this.request.body.length}`);
  }
}

const early = new Application([
  ["/early", Early],
  ["/.*", Home],
]);

describe("a handler that does not want the body", () => {
  test("case 29: a short body that nobody read is thrown away, and the next request is served", () =>
    attacked(early, {}, async ({ connect }) => {
      const client = await connect();
      const inner = get("/smuggled");
      client.send(
        `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}${get("/next")}`,
      );
      assert.equal((await client.response()).status, 401);
      assert.equal((await client.response()).body.toString(), "home");
      client.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      assert.equal((await client.response()).status, 401);
      client.send(`5\r\nhello\r\n0\r\n\r\n${get("/next")}`);
      assert.equal((await client.response()).body.toString(), "home");
    }));

  test("case 29: a body beyond drainSize, or one that does not come within drainTimeout, ends the connection", () =>
    attacked(early, { drainSize: 10_000, drainTimeout: 2000 }, async (context) => {
      const { connect, loop } = context;
      const long = await connect();
      long.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
      const response = await long.response();
      assert.equal(field(response, "Connection"), "close");
      await long.whenEnded();
      const chunked = await connect();
      chunked.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      assert.equal((await chunked.response()).status, 401);
      chunked.send(`4000\r\n${"x".repeat(0x4000)}\r\n`);
      await chunked.whenEnded();
      const slow = await connect();
      slow.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
      assert.equal((await slow.response()).status, 401);
      const since = loop.time();
      await slow.whenEnded();
      assert.ok(loop.time() - since >= 2000 && loop.time() - since <= 2600);
      await assertServes(context);
    }));

  test("case 111: an early 401 or 413 is read by a client that sends a large body without looking, over real sockets", () =>
    attackedForReal(early, { maxBodySize: 1_000_000 }, async (context) => {
      for (const [path, length, status] of [
        ["/early", 900_000, 401],
        ["/home", 5_000_000, 413],
      ] as const) {
        const client = await context.connect();
        const body = Buffer.alloc(length);
        client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
        client.send(body.subarray(0, 200_000));
        const response = await client.response();
        assert.equal(response.status, status);
        assert.equal(response.truncated, false);
        assert.equal(field(response, "Connection"), "close");
        await client.whenEnded();
        client.close();
      }
      await assertServes(context);
    }));

  test("case 111: of a body that goes on and on after the answer no more than the drain is taken", () =>
    attacked(early, { drainSize: 10_000, drainTimeout: 2000 }, async ({ connect, loop, server }) => {
      const client = await connect();
      client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
      assert.equal((await client.response()).status, 401);
      for (let i = 0; i < 50; i++) client.send(Buffer.alloc(10_000));
      // Not cut off, which could destroy the answer on its way, but not read either; then its time is over.
      await pass(loop, 1000);
      assert.equal(server.connections, 1);
      await pass(loop, 1600);
      assert.equal(server.connections, 0);
    }));
});

describe("framing of answers", () => {
  test("case 31: a handler that writes a body with 204, 304, 1xx or HEAD does not disturb the next answer", () => {
    class Status extends RequestHandler {
      override get(status: string) {
        this.setStatus(Number(status));
        this.write("body");
      }
      override head() {
        this.write("body");
      }
    }
    const app = new Application([
      ["/status/(.*)", Status],
      ["/.*", Home],
    ]);
    return attacked(app, {}, async ({ connect }) => {
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      const client = await connect();
      for (const status of [204, 304]) {
        client.send(get(`/status/${status}`), get("/next"));
        assert.equal((await client.response()).status, 500);
        assert.equal((await client.response()).body.toString(), "home");
      }
      client.send(get("/status/200").replace("GET", "HEAD"), get("/next"));
      assert.equal((await client.response("HEAD")).status, 200);
      assert.equal((await client.response()).body.toString(), "home");
    });
  });

  test("case 31: after a 101, or a 2xx to CONNECT, that nobody took the stream for, HTTP is over on that connection", () => {
    class Tunnel extends RequestHandler {
      static override readonly SUPPORTED_METHODS = ["GET", "CONNECT"];
      override get(status: string) {
        this.setStatus(Number(status));
      }
      connect() {}
    }
    const asked: string[] = [];
    /** A handler cannot send a 101 by itself; what writes to the connection can. */
    const switching = ({ connection, uri }: HTTPServerRequest) => {
      asked.push(uri);
      void connection!.writeHeaders(
        { version: "HTTP/1.1", code: 101, reason: "Switching Protocols" },
        new HTTPHeaders(),
      );
      connection!.finish();
    };
    const app = new Application(
      [
        ["/status/(.*)", Tunnel],
        ["/raw/101", FallbackHandler, { fallback: switching }],
        ["/.*", Home],
        [".*", Tunnel],
      ],
      { logFunction: (handler) => void asked.push(handler.request.uri) },
    );
    return attacked(app, {}, async (context) => {
      for (const [request, status] of [
        [get("/raw/101", "Connection: upgrade\r\nUpgrade: x\r\n"), 101],
        ["CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 200],
      ] as const) {
        asked.length = 0;
        const client = await context.connect();
        client.send(request, get("/smuggled"));
        await client.until(`HTTP/1.1 ${status} `);
        assert.equal((await client.rest()).split("HTTP/1.1 ").length, 2, request);
        assert.equal(asked.length, 1);
      }
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      const client = await context.connect();
      client.send(get("/status/100"), get("/status/101"), get("/status/103"), get("/next"));
      assert.equal((await client.response()).status, 500);
      assert.equal((await client.response()).status, 500);
      assert.equal((await client.response()).status, 500);
      assert.equal((await client.response()).body.toString(), "home");
    });
  });

  for (const written of ["1234", "123456"]) {
    test(`case 32: ${written.length} octets for a Content-Length of 5 end the connection, with no stray octet, and are logged`, () => {
      class Wrong extends RequestHandler {
        override async get() {
          this.setHeader("Content-Length", 5);
          this.write("12");
          await this.flush();
          this.write(written.slice(2));
        }
      }
      return attacked(
        new Application([
          ["/wrong", Wrong],
          ["/.*", Home],
        ]),
        {},
        async (context) => {
          using _app = new ExpectLog("squall.application", /./);
          using _general = new ExpectLog("squall.general", /./, { required: false });
          const client = await context.connect();
          client.send(get("/wrong"), get("/next"));
          const response = await client.response();
          assert.equal(response.truncated, true);
          assert.ok(written.startsWith(response.body.toString()), response.body.toString());
          assert.equal(await client.rest(), "");
          await assertServes(context);
        },
      );
    });
  }

  test("case 118: a handler that throws after the head ends the connection: no second head, no complete body", () => {
    class Breaks extends RequestHandler {
      override async get() {
        this.write("begun");
        await this.flush();
        throw new Error("on purpose");
      }
    }
    return attacked(
      new Application([
        ["/breaks", Breaks],
        ["/.*", Home],
      ]),
      {},
      async (context) => {
        using _app = new ExpectLog("squall.application", /Uncaught exception/);
        using _general = new ExpectLog("squall.general", /after headers written/);
        const client = await context.connect();
        client.send(get("/breaks"), get("/next"));
        const response = await client.response();
        assert.equal(response.status, 200);
        assert.equal(response.truncated, true);
        assert.equal(await client.rest(), "");
        await assertServes(context);
      },
    );
  });
});

describe("pipelining", () => {
  test("case 41: answers come in order, also when the first is the slowest", () =>
    attacked(
      async (request: HTTPServerRequest) => {
        const loop = IOLoop.current();
        await pass(loop, 1000 - 100 * Number(request.path.slice(1)));
        answer(request, request.path);
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(...[0, 1, 2, 3, 4, 5].map((n) => get(`/${n}`)));
        for (const n of [0, 1, 2, 3, 4, 5]) assert.equal((await client.response()).body.toString(), `/${n}`);
      },
    ));

  test("case 41: while a handler works, no more than maxPipelinedSize is read ahead, and nothing of it is begun", () => {
    let begun = 0;
    let release = (): void => {};
    return attacked(
      async (request: HTTPServerRequest) => {
        begun++;
        if (request.path === "/first") {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        answer(request, request.path);
      },
      { maxPipelinedSize: 10_000 },
      async ({ connect, loop }) => {
        const client = await connect();
        const more = get("/more", `X: ${"x".repeat(500)}\r\n`).repeat(4000);
        client.send(get("/first"));
        client.socket.write(more);
        await pass(loop, 1000);
        assert.equal(begun, 1);
        // The network in memory and the sockets hold some hundred KiB; the rest waits at the client.
        assert.ok(client.socket.writableLength > more.length / 2, `${client.socket.writableLength}`);
        release();
        for (let i = 0; i <= 4000; i++) await client.response();
        assert.equal(begun, 4001);
      },
    );
  });

  test("case 42: garbage behind a whole request: its answer comes first, then 400 and the end", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      for (const garbage of ["garbage\r\n\r\n", "\0\0\0\0", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"]) {
        const client = await context.connect();
        client.send(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi${garbage}`);
        assert.equal((await client.response()).body.toString(), "POST /a hi");
        assert.equal((await client.response()).status, 400);
        assert.equal(await client.rest(), "");
      }
      await assertServes(context);
    });
  });

  test("case 42: garbage behind a request that takes its time waits for that request's answer", () =>
    attacked(
      async (request: HTTPServerRequest) => {
        await pass(IOLoop.current(), 500);
        answer(request, "answer");
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(get("/slow"), "garbage\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "answer");
        assert.equal((await client.response()).status, 400);
        assert.equal(await client.rest(), "");
      },
    ));

  test("case 43: after Connection: close, however it is written, nothing more is looked at", () => {
    const { app, asked } = echo();
    return attacked(app, {}, async (context) => {
      for (const fields of [
        "Connection: close\r\n",
        "Connection: CLOSE\r\n",
        "Connection: foo, Close\r\n",
        "Connection: foo\r\nConnection: close\r\n",
        "Connection: keep-alive, close\r\n",
      ]) {
        asked.length = 0;
        const client = await context.connect();
        client.send(get("/last", fields), get("/more"), "garbage");
        const response = await client.response();
        assert.equal(field(response, "Connection"), "close");
        assert.equal(await client.rest(), "", fields);
        assert.deepEqual(asked, ["GET /last"]);
      }
      await assertServes(context);
    });
  });

  test("case 44: an Upgrade that nobody wants is served as what it is, and so is the request behind it", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect }) => {
      for (const protocol of ["h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "chat", "websocket"]) {
        const client = await connect();
        client.send(get("/a", `Connection: upgrade\r\nUpgrade: ${protocol}\r\n`), get("/b"));
        assert.equal((await client.response()).body.toString(), "GET /a ");
        assert.equal((await client.response()).body.toString(), "GET /b ");
      }
      const old = await connect();
      old.send("GET /a HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");
      assert.equal((await old.response()).body.toString(), "GET /a ");
    });
  });

  test("case 45: 100 (Continue) comes before the body is waited for, in any case of letters, and never to HTTP/1.0", () =>
    attacked(early, {}, async ({ connect }) => {
      const client = await connect();
      for (const value of ["100-continue", "100-Continue", "100-CONTINUE"]) {
        client.send(`POST / HTTP/1.1\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 2\r\n\r\n`);
        assert.equal((await client.response()).status, 100);
        client.send("hi");
        assert.equal((await client.response()).body.toString(), "posted 2");
      }
      const old = await connect();
      old.send("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
      old.send("hi");
      assert.equal((await old.response()).status, 200);
    }));

  test("case 45: an upload of a gigabyte is refused before it is sent", () =>
    attacked(early, {}, async (context) => {
      for (const [path, status] of [
        ["/early", 401],
        ["/", 413],
      ] as const) {
        const client = await context.connect();
        client.send(
          `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n`,
        );
        const response = await client.response();
        assert.equal(response.status, status);
        assert.equal(field(response, "Connection"), "close");
        await client.whenEnded();
      }
      await assertServes(context);
    }));
});

describe("a client that leaves", () => {
  test("case 46: a half-closed client gets its answer, whole and in pieces", () => {
    class Pieces extends RequestHandler {
      override async get() {
        for (let n = 0; n < 5; n++) {
          this.write(`${n}`);
          await this.flush();
          await pass(IOLoop.current(), 100);
        }
      }
    }
    return attacked(new Application([["/", Pieces]]), {}, async ({ connect }) => {
      const client = await connect();
      client.send(get("/"));
      client.end();
      const response = await client.response();
      assert.equal(response.body.toString(), "01234");
      assert.equal(response.truncated, false);
      await client.whenEnded();
    });
  });

  test("case 46, case 120: a reset in any phase crashes nothing, leaves nothing and is no line in the log", () => {
    const left: boolean[] = [];
    class Slow extends RequestHandler {
      override onConnectionClose() {
        if (this.request.method === "GET") left.push(this.signal.aborted);
      }
      override async get() {
        for (let n = 0; n < 200; n++) {
          this.write(Buffer.alloc(100_000));
          await this.flush();
        }
      }
      override async post() {
        await new Promise((resolve) => setImmediate(resolve));
        this.write("done");
      }
    }
    const app = new Application([["/", Slow]]);
    const whole = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    return attackedForReal(app, {}, async (context) => {
      for (let cut = 0; cut <= whole.length; cut += 3) {
        const client = await context.connect();
        client.send(whole.slice(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        client.socket.resetAndDestroy();
      }
      for (let round = 0; round < 20; round++) {
        const client = await context.connect();
        client.send(get("/"));
        await client.until("HTTP/1.1 200");
        client.socket.resetAndDestroy();
      }
      while (left.length < 20) await new Promise((resolve) => setImmediate(resolve));
      for (let round = 0; round < 20; round++) {
        const client = await context.connect();
        client.send(whole, whole, whole);
        client.socket.resetAndDestroy();
      }
      const client = await context.connect();
      client.send(whole);
      assert.equal((await client.response()).body.toString(), "done");
      assert.deepEqual(
        left,
        new Array(20).fill(true),
        "each handler hears of it once, with its signal aborted",
      );
      client.close();
      const lines = context.log.filter((record) => record.levelName !== "INFO");
      assert.deepEqual(
        lines.map((record) => record.getMessage()),
        [],
      );
      assert.ok(context.log.every((record) => record.error === undefined));
    });
  });
});

test("case 120: a plain function that writes to a client that has gone is no error", () => {
  let rejected = 0;
  return attackedForReal(
    async (request: HTTPServerRequest) => {
      const { connection } = request;
      if (request.path === "/still-there") return answer(request, "");
      const piece = Buffer.alloc(100_000);
      await connection!.writeHeaders(OK, new HTTPHeaders({ "Content-Length": String(2 ** 30) }));
      try {
        for (;;) await connection!.write(piece);
      } catch (error) {
        rejected++;
        throw error;
      }
    },
    {},
    async (context) => {
      for (let round = 0; round < 20; round++) {
        const client = await context.connect();
        client.send(get("/large"));
        await client.until("HTTP/1.1 200");
        if (round % 2 === 0) client.socket.resetAndDestroy();
        else client.close();
      }
      while (rejected < 20) await new Promise((resolve) => setImmediate(resolve));
      await assertServes(context);
      assert.deepEqual(
        context.log.map((record) => record.getMessage()),
        [],
      );
    },
  );
});

describe("an application in trouble", () => {
  class Trouble extends RequestHandler {
    override prepare() {
      if (this.request.path === "/prepare") throw new Error("prepare");
      if (this.request.path === "/prepare-async") return Promise.reject(new Error("prepare"));
      return undefined;
    }
    override get(): void | Promise<void> {
      switch (this.request.path) {
        case "/throw":
          throw new Error("throw");
        case "/reject":
          return Promise.reject(new Error("reject"));
        case "/undefined":
          return Promise.reject(undefined);
        case "/odd":
          throw null;
        case "/timer":
          IOLoop.current().callLater(1, () => {
            throw new Error("timer");
          });
          return undefined;
        case "/write-error":
          return Promise.reject(new Error("page"));
        default:
          this.write("fine");
          return undefined;
      }
    }
    override writeError(status: number, options: Parameters<RequestHandler["writeError"]>[1]): unknown {
      if (this.request.path === "/write-error") throw new Error("writeError");
      return super.writeError(status, options);
    }
    override onFinish() {
      if (this.request.path === "/on-finish") throw new Error("onFinish");
    }
    override onConnectionClose() {
      throw new Error("onConnectionClose");
    }
  }
  const app = new Application([["/.*", Trouble]]);

  for (const [path, status] of Object.entries({
    "/throw": 500,
    "/reject": 500,
    "/undefined": 500,
    "/odd": 500,
    "/prepare": 500,
    "/prepare-async": 500,
    "/timer": 200,
    "/write-error": 500,
    "/on-finish": 200,
  })) {
    test(`case 115: trouble of the kind ${path} is ${status} for this request and nothing for the next`, () =>
      attacked(app, {}, async ({ connect, loop }) => {
        using _app = new ExpectLog("squall.application", /./);
        const client = await connect();
        client.send(get(path));
        assert.equal((await client.response()).status, status);
        await pass(loop, 10);
        client.send(get("/fine"));
        assert.equal((await client.response()).body.toString(), "fine");
      }));
  }

  test("case 115: an error in onConnectionClose() and in dataReceived() hurts no other connection", () => {
    class Streams extends Trouble {
      static override readonly streamRequestBody = true;
      override dataReceived(chunk: Buffer) {
        if (chunk.includes("bad")) throw new Error("dataReceived");
      }
      override post() {
        this.write("posted");
      }
    }
    return attacked(
      new Application([
        ["/stream", Streams],
        ["/.*", Home],
      ]),
      {},
      async (context) => {
        const { connect, loop } = context;
        using log = new ExpectLog("squall.application", /./);
        const leaves = await connect();
        leaves.send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
        await pass(loop, 10);
        leaves.close();
        await pass(loop, 10);
        assert.equal(log.matched, 1);
        const bad = await connect();
        bad.send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nbad");
        assert.equal((await bad.response()).status, 500);
        assert.equal(log.matched, 2);
        await assertServes(context);
      },
    );
  });

  test("case 115: a plain function that throws late, or after its head, ends its own connection alone", () =>
    attacked(
      async (request: HTTPServerRequest) => {
        if (request.path === "/still-there") return respond(request, 200, "OK", "");
        if (request.path === "/head") {
          void request.connection!.writeHeaders(OK, new HTTPHeaders({ "Content-Length": "5" }), "12");
        }
        await pass((request.connection as HTTP1Connection).stream!.ioLoop, 5);
        throw new Error("on purpose");
      },
      {},
      async (context) => {
        for (const path of ["/late", "/head"]) {
          using _app = new ExpectLog("squall.application", /Uncaught exception/);
          const client = await context.connect();
          client.send(get(path));
          await client.whenEnded();
          await assertServes(context);
        }
      },
    ));
});
