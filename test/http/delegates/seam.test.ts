/** What everybody who answers requests can rely on: the contract of `HTTPConnection`, on a server's connection. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import {
  BaseHTTPConnection,
  ExchangeAbortedError,
  type HTTPConnection,
  HTTPHeaders,
  type HTTPServerRequest,
} from "squall/httputil";
import { RuleRouter } from "squall/routing";
import { ExpectLog, MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import "../../support/guard.js";
import { field, RawClient } from "../../support/raw-client.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const line = (code: number, reason: string) => ({ version: "HTTP/1.1", code, reason });
const OK = line(200, "OK");

describe("informational()", () => {
  const hints = (request: HTTPServerRequest) => {
    const connection = request.connection!;
    const sent = connection.informational(line(103, "Early Hints"), new HTTPHeaders({ Link: "</a.css>" }));
    connection.respond(OK, new HTTPHeaders({ "X-Sent": String(sent) }), "page");
  };

  test("sends 103 before the response", () =>
    withServer(hints, {}, async ({ connect }) => {
      const client = await connect();
      client.send(GET);
      const early = await client.response();
      assert.equal(early.status, 103);
      assert.equal(field(early, "Link"), "</a.css>");
      const response = await client.response();
      assert.equal(response.body.toString(), "page");
      assert.equal(field(response, "X-Sent"), "true");
    }));

  test("sends nothing to an HTTP/1.0 client", () =>
    withServer(hints, {}, async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.0\r\n\r\n");
      const response = await client.response();
      assert.equal(response.status, 200);
      assert.equal(field(response, "X-Sent"), "false");
    }));

  test("refuses codes that are no interim ones, and anything once the response has begun", () => {
    const problems: unknown[] = [];
    return withServer(
      ({ connection }) => {
        const send = (code: number) => {
          try {
            connection!.informational(line(code, ""), new HTTPHeaders());
            problems.push(`${code} was sent`);
          } catch (error) {
            problems.push((error as { name: string }).name);
          }
        };
        send(100);
        send(101);
        send(200);
        void connection!.writeHeaders(OK, new HTTPHeaders(), "a");
        send(103);
        connection!.finish();
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(GET);
        assert.equal((await client.response()).body.toString(), "a");
        assert.deepEqual(problems, [
          "HTTPOutputError",
          "HTTP1OutputError",
          "HTTP1OutputError",
          "HTTPOutputError",
        ]);
      },
    );
  });
});

describe("finish() with trailers", () => {
  const trailing = ({ connection }: HTTPServerRequest) => {
    void connection!.writeHeaders(OK, new HTTPHeaders({ Trailer: "X-Sum" }), "body");
    connection!.finish(new HTTPHeaders({ "X-Sum": "4" }));
  };

  test("sends them behind a chunked body", () =>
    withServer(trailing, {}, async ({ connect }) => {
      const client = await connect();
      client.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      assert.match(await client.rest(), /\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 4\r\n\r\n$/);
    }));

  test("drops them for HTTP/1.0", () =>
    withServer(trailing, {}, async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.0\r\n\r\n");
      assert.match(await client.rest(), /\r\n\r\nbody$/);
    }));

  test("refuses a field that must not be one, and the message can still be ended", () =>
    withServer(
      ({ connection }) => {
        void connection!.writeHeaders(OK, new HTTPHeaders(), "body");
        assert.throws(() => connection!.finish(new HTTPHeaders({ "Content-Length": "4" })), {
          code: "ERR_SQUALL_HTTP_OUTPUT_TRAILER",
        });
        connection!.finish();
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(GET);
        const response = await client.response();
        assert.equal(response.body.toString(), "body");
        assert.equal(response.truncated, false);
      },
    ));
});

describe("upgrade()", () => {
  const WS = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
  const switching = line(101, "Switching Protocols");
  const echo = (code: number, reason: string) => (request: HTTPServerRequest) => {
    const stream = request.connection!.upgrade(line(code, reason), new HTTPHeaders({ Upgrade: "echo" }));
    void stream.readUntil("\n").then((bytes) => {
      stream.send(`got ${bytes}`);
      stream.end();
    });
  };

  test("sends the 101 with its fields and hands on what came behind the request", () =>
    withServer(echo(101, "Switching Protocols"), {}, async ({ connect }) => {
      const client = await connect();
      client.send(`${WS}early\n`);
      assert.equal(
        await client.rest(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\ngot early\n",
      );
    }));

  test("answers CONNECT with 200", () =>
    withServer(echo(200, "Connection Established"), {}, async ({ connect }) => {
      const client = await connect();
      client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nearly\n");
      assert.equal(
        await client.rest(),
        "HTTP/1.1 200 Connection Established\r\nUpgrade: echo\r\n\r\ngot early\n",
      );
    }));

  test("sends nothing for a request that did not ask, and the request can still be answered", () => {
    const codes: unknown[] = [];
    return withServer(
      (request) => {
        for (const code of [101, 200, 500]) {
          try {
            request.connection!.upgrade(line(code, "x"), new HTTPHeaders());
          } catch (error) {
            codes.push((error as { code: string }).code);
          }
        }
        answer(request, "no");
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(GET);
        assert.equal((await client.response()).body.toString(), "no");
        assert.deepEqual(codes, Array(3).fill("ERR_SQUALL_INVALID_STATE"));
      },
    );
  });

  test("is a handler's, which is logged with its status", async () => {
    const logged: number[] = [];
    class Echo extends RequestHandler {
      override get() {
        this.setStatus(101);
        this.setHeader("Upgrade", "echo");
        const stream = this.upgrade();
        stream.end();
      }
    }
    const app = new Application([["/", Echo]], {
      logFunction: (handler) => void logged.push(handler.getStatus()),
    });
    await withServer(app, {}, async ({ connect }) => {
      const client = await connect();
      client.send(WS);
      const head = await client.rest();
      assert.match(head, /^HTTP\/1.1 101 Switching Protocols\r\n(.+\r\n)*Upgrade: echo\r\n\r\n$/);
      assert.doesNotMatch(head, /Content-/);
      assert.deepEqual(logged, [101]);
    });
  });

  test("refuses a second response", () =>
    withServer(
      ({ connection }) => {
        const stream = connection!.upgrade(switching, new HTTPHeaders({ Upgrade: "echo" }));
        assert.throws(() => connection!.writeHeaders(OK, new HTTPHeaders()), {
          code: "ERR_SQUALL_INVALID_STATE",
        });
        stream.end();
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(WS);
        await client.rest();
      },
    ));
});

describe("onAbort()", () => {
  test("calls all in order with the reason, and one that comes late at once", () => {
    const told: string[] = [];
    let kept: HTTPConnection | undefined;
    return withServer(
      ({ connection }) => {
        kept = connection;
        connection!.onAbort(({ reason }) => told.push(`first ${reason}`));
        connection!.onAbort(({ reason }) => told.push(`second ${reason}`));
      },
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 10);
        client.socket.resetAndDestroy();
        await pass(loop, 10);
        assert.deepEqual(told, ["first closed", "second closed"]);
        kept!.onAbort(({ reason }) => told.push(`late ${reason}`));
        assert.deepEqual(told.slice(2), ["late closed"]);
        assert.equal(kept!.closed, true);
      },
    );
  });

  test("logs what one throws and goes on with the next", async () => {
    const told: string[] = [];
    await new ExpectLog("squall.application", /close callback/).run(() =>
      withServer(
        ({ connection }) => {
          connection!.onAbort(() => {
            throw new Error("first");
          });
          connection!.onAbort(() => told.push("second"));
        },
        {},
        async ({ connect, loop }) => {
          const client = await connect();
          client.send(GET);
          await pass(loop, 10);
          client.close();
          await pass(loop, 10);
          assert.deepEqual(told, ["second"]);
        },
      ),
    );
  });

  test("is dropped by the end of the response", () => {
    const told: string[] = [];
    let kept: HTTPConnection | undefined;
    return withServer(
      (request) => {
        kept = request.connection;
        kept!.onAbort(() => told.push("before"));
        answer(request, "done");
      },
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        await client.response();
        kept!.onAbort(() => told.push("after"));
        client.close();
        await pass(loop, 10);
        assert.deepEqual(told, []);
      },
    );
  });
});

describe("bytesSent", () => {
  const sent = async (write: (connection: HTTPConnection) => void, request = GET): Promise<number> => {
    let kept: HTTPConnection | undefined;
    await withServer(
      ({ connection }) => {
        kept = connection;
        write(connection!);
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(request);
        await client.response(request.slice(0, request.indexOf(" ")));
      },
    );
    return kept!.bytesSent;
  };

  test("counts the octets of the body, without head and framing", async () => {
    assert.equal(await sent((connection) => connection.respond(OK, new HTTPHeaders(), "héllo")), 6);
    assert.equal(await sent((connection) => connection.respond(OK, new HTTPHeaders())), 0);
    const chunked = (connection: HTTPConnection): void => {
      void connection.writeHeaders(OK, new HTTPHeaders(), "one");
      void connection.write(Buffer.alloc(70_000));
      connection.finish();
    };
    assert.equal(await sent(chunked), 70_003);
    assert.equal(
      await sent((connection) => connection.respond(OK, new HTTPHeaders(), "x"), GET.replace("GET", "HEAD")),
      0,
    );
  });

  test("is what log functions read of a handler", async () => {
    const logged: number[] = [];
    class Hello extends RequestHandler {
      override get() {
        this.write("hello");
      }
    }
    const app = new Application([["/", Hello]], {
      logFunction: (handler) => void logged.push(handler.bytesSent),
    });
    await withServer(app, {}, async ({ connect }) => {
      const client = await connect();
      client.send(GET, GET);
      await client.response();
      await client.response();
      assert.deepEqual(logged, [5, 5]);
    });
  });
});

describe("handlers", () => {
  test("send early hints and trailers", async () => {
    class Page extends RequestHandler {
      override get() {
        this.sendEarlyHints({ Link: "</a.css>; rel=preload" });
        this.setHeader("Trailer", "X-Sum");
        void this.finish("body", { trailers: { "X-Sum": "4" } });
      }
    }
    await withServer(new Application([["/", Page]]), {}, async ({ connect }) => {
      const client = await connect();
      client.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      const text = await client.rest();
      assert.match(
        text,
        /^HTTP\/1.1 103 Early Hints\r\nLink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 200 OK\r\n/,
      );
      assert.match(text, /\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 4\r\n\r\n$/);
      assert.doesNotMatch(text, /Content-Length/);
    });
  });
});

describe("answers that no handler writes", () => {
  const dated = /\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/;

  async function headOf(
    app: ConstructorParameters<typeof HTTPServer>[0],
    request: string,
    options = {},
  ): Promise<string> {
    let text = "";
    await withServer(app, options, async ({ connect }) => {
      const client = await connect();
      client.send(request);
      client.end();
      text = await client.rest();
    });
    return text;
  }

  class Broken extends RequestHandler {
    constructor(...args: ConstructorParameters<typeof RequestHandler>) {
      super(...args);
      throw new Error("cannot be made");
    }
  }
  class Unfit extends RequestHandler {
    override get(): void {}
    override finish(): never {
      throw new Error("no end");
    }
  }

  test("carry Date and Server: refusals, a router's 404, a bare 500", async () => {
    for (const text of [
      await headOf(new RuleRouter([]), GET),
      await headOf(new RuleRouter([]), "nonsense\r\n\r\n"),
      await headOf((request) => answer(request, ""), "GET / HTTP/1.1\r\n\r\n"),
      await new ExpectLog("squall.application", /could not be made/).run(() =>
        headOf(new Application([["/", Broken]]), GET),
      ),
      await new ExpectLog("squall.application", /Uncaught exception|could not be finished/).run(() =>
        headOf(new Application([["/", Unfit]], { logFunction() {} }), GET),
      ),
    ]) {
      assert.match(text, dated);
      assert.match(text, /\r\nServer: squall\/\d/);
    }
  });

  test("say what `serverHeader` says: the server's option, else the application's setting", async () => {
    const server = (text: string) => /\r\nServer: (.*)\r\n/.exec(text)?.[1];
    const app = new Application([], { serverHeader: "ours" });
    assert.equal(server(await headOf(app, "nonsense\r\n\r\n")), "ours");
    assert.equal(server(await headOf(app, "nonsense\r\n\r\n", { serverHeader: "edge" })), "edge");
    assert.equal(server(await headOf(new RuleRouter([]), GET, { serverHeader: "edge" })), "edge");
    assert.equal(server(await headOf(new RuleRouter([]), GET, { serverHeader: false })), undefined);
    assert.throws(() => new HTTPServer(app, { serverHeader: "a\r\nb" }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
});

describe("BaseHTTPConnection", () => {
  class Recorder extends BaseHTTPConnection {
    override closed = false;
    override bytesSent = 0;
    readonly calls: string[] = [];
    override async writeHeaders(
      _line: unknown,
      _headers: HTTPHeaders,
      chunk?: string | Uint8Array,
    ): Promise<void> {
      this.calls.push(`writeHeaders ${chunk}`);
    }
    override async write(): Promise<void> {}
    override finish(): void {
      this.calls.push("finish");
      this.ended();
    }
    override close(): void {
      this.closed = true;
      this.abort(new ExchangeAbortedError("closed"));
    }
  }

  test("makes a whole response of a head and an end, and knows no interim ones", () => {
    const connection = new Recorder();
    assert.equal(connection.informational(line(103, ""), new HTTPHeaders()), false);
    connection.respond(OK, new HTTPHeaders(), "hi");
    assert.deepEqual(connection.calls, ["writeHeaders hi", "finish"]);
    connection.onAbort(() => connection.calls.push("never"));
    connection.close();
    assert.deepEqual(connection.calls.length, 2);
  });

  test("cannot be given away", () => {
    assert.throws(() => new Recorder().detach(), { code: "ERR_SQUALL_INVALID_STATE" });
    assert.throws(() => new Recorder().upgrade(OK, new HTTPHeaders()), { code: "ERR_SQUALL_INVALID_STATE" });
  });

  test("calls the watchers of an early end once", () => {
    const connection = new Recorder();
    const told: string[] = [];
    connection.onAbort(({ reason }) => told.push(reason));
    connection.close();
    connection.close();
    assert.deepEqual(told, ["closed"]);
  });
});

describe("a server on a loop that is not the current one", () => {
  const START = Date.UTC(2030, 0, 1);

  test("has its deadlines, dates, cookies and signatures by that loop's clock", async () => {
    const network = new MemoryNetwork();
    const loop = new VirtualLoop({ network, wallTime: START, makeCurrent: false, autoAdvance: false });
    const reasons: unknown[] = [];
    class Slow extends RequestHandler {
      override async get() {
        this.setDeadline(1500);
        await new Promise<void>((resolve) => {
          this.signal.addEventListener("abort", () => {
            reasons.push((this.signal.reason as Error).name, loop.time());
            resolve();
          });
        });
        this.setCookie("c", "1", { expiresDays: 1 });
        this.setSignedCookie("s", "1", { expiresDays: 1 });
        this.write("late");
      }
    }
    const app = new Application([["/", Slow]], { cookieSecret: "0123456789abcdef0123456789abcdef" });
    const server = new HTTPServer(app, { ioLoop: loop });
    await server.listen(0, "127.0.0.1");
    const client = await RawClient.connect(loop, server.port!);
    client.send(GET);
    const answered = client.response();
    while (reasons.length === 0) await loop.advance(500);
    await loop.advance(100);
    const response = await answered;
    assert.equal(reasons[0], "TimeoutError");
    assert.ok((reasons[1] as number) >= 1500 && (reasons[1] as number) < 2100);
    assert.match(field(response, "Date")!, /^Tue, 01 Jan 2030 00:00:0/);
    const cookies = response.headers.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);
    assert.match(cookies[0]!, /expires=Wed, 02 Jan 2030 00:00:0/i);
    assert.match(cookies[1]!, new RegExp(`\\|10:${Math.floor(START / 1000 / 10)}\\d\\|`));
    client.close();
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
    loop.close();
  });
});

test("Date goes with the clock over three virtual seconds", () =>
  withServer(new RuleRouter([]), {}, async ({ connect, loop }) => {
    const client = await connect();
    const dates: number[] = [];
    for (let i = 0; i < 7; i++) {
      client.send(GET);
      const date = Date.parse(field(await client.response(), "Date")!);
      // In whole seconds, of the second that it is.
      assert.equal(date, Math.floor(loop.wallTime() / 1000) * 1000);
      dates.push(date);
      await pass(loop, 500);
    }
    assert.equal(new Set(dates).size >= 4, true);
  }));
