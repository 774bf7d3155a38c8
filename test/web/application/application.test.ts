import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { HTTPHeaders, type HTTPServerConnectionDelegate, HTTPServerRequest } from "squall/httputil";
import { accessLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import { Application, ErrorHandler, FallbackHandler, HTTPError, RequestHandler, url } from "squall/web";
import { ExchangeAbortedError } from "#room/http/errors";
import { ask, begin, FakeConnection } from "../../support/fake-exchange.js";
import "../../support/guard.js";

/** A handler that writes its word. */
class Word extends RequestHandler {
  #word = "";
  override initialize({ word }: { word?: string }) {
    this.#word = word ?? "?";
  }
  override get() {
    this.write(this.#word);
  }
}

const at = async (app: Application, uri: string, host: string, headers = {}) =>
  (await ask(app, uri, { headers: { Host: host, ...headers } })).body;

describe("Application routes", () => {
  test("lists of rules may be nested, and one that has no answer is passed over", async () => {
    const app = new Application([
      [
        "/n/.*",
        [
          ["/n/1", Word, { word: "one" }],
          ["/n/([0-9]+)", Word, { word: "many" }],
        ],
      ],
      ["/n/x", Word, { word: "outer" }],
      url("/late", Word, { word: "late" }),
    ]);
    assert.equal(await at(app, "/n/1", "h"), "one");
    assert.equal(await at(app, "/n/22", "h"), "many");
    assert.equal(await at(app, "/n/x", "h"), "outer");
    assert.equal(await at(app, "/late", "h"), "late");
  });

  test("addHandlers() adds routes for a host, before those of the constructor", async () => {
    const app = new Application([
      ["/", Word, { word: "wild" }],
      ["/only", Word, { word: "only" }],
    ]);
    app.addHandlers("www\\.example\\.com", [["/", Word, { word: "www" }]]);
    app.addHandlers(/.*\.example\.com/, [
      ["/", Word, { word: "sub" }],
      ["/sub", Word, { word: "sub only" }],
    ]);
    assert.equal(await at(app, "/", "WWW.Example.COM:80"), "www");
    assert.equal(await at(app, "/", "api.example.com"), "sub");
    assert.equal(await at(app, "/sub", "www.example.com"), "sub only");
    assert.equal(await at(app, "/", "other"), "wild");
    assert.equal(await at(app, "/only", "www.example.com"), "only");
  });

  test("defaultHost lends its routes to unknown hosts, unless a proxy told where the client is", async () => {
    const app = new Application([], { defaultHost: "www.example.com" });
    app.addHandlers("www\\.example\\.com", [["/", Word, { word: "www" }]]);
    assert.equal(await at(app, "/", "localhost"), "www");
    assert.match(await at(app, "/", "localhost", { "X-Real-Ip": "1.2.3.4" }), /404/);
  });

  test("findHandler() gives what no route takes to defaultHandlerClass, as a request would be", async () => {
    const settings = { defaultHandlerClass: Word, defaultHandlerArgs: { word: "default" } };
    const app = new Application([["/", Word, { word: "route" }]], settings);
    for (const [uri, word] of [
      ["/", "route"],
      ["/nope", "default"],
    ] as const) {
      const connection = new FakeConnection();
      const headers = new HTTPHeaders({ Host: "example.com" });
      const request = new HTTPServerRequest({ method: "GET", uri, version: "HTTP/1.1", headers, connection });
      const delegate = app.findHandler(request);
      await delegate.headersReceived({ method: "GET", path: uri, version: "HTTP/1.1" }, headers);
      delegate.finish();
      await connection.done;
      assert.equal(connection.body, word);
    }
  });

  test("reverseUrl() finds names in all routers, and throws for one that is nowhere", () => {
    const app = new Application([url("/story/:id", Word, null, "story")]);
    app.addHandlers("h", [["/host/([^/]*)", Word, null, "host"]]);
    assert.equal(app.reverseUrl("story", 5), "/story/5");
    assert.equal(app.reverseUrl("host", "ü"), "/host/%C3%BC");
    assert.throws(() => app.reverseUrl("nobody"), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  test("a route with a handler that is not there yet says what may be wrong", () => {
    assert.throws(() => new Application([["/", undefined as never]]), {
      message: /do two modules import each other/,
    });
  });

  test("an application may be the target of another's rule", async () => {
    const inner = new Application([["/inner/.*", Word, { word: "inner" }]]);
    assert.equal(await at(new Application([["/inner/.*", inner]]), "/inner/x", "h"), "inner");
  });

  test("a handler of one application may not live longer in another: each has its own settings", async () => {
    class Reads extends RequestHandler {
      override get() {
        this.write(String(this.settings.own));
      }
    }
    assert.equal(await at(new Application([["/", Reads]], { own: 1 }), "/", "h"), "1");
    assert.equal(await at(new Application([["/", Reads]], { own: 2 }), "/", "h"), "2");
  });
});

describe("settings", () => {
  test("debug sets four others, each only if it is not set", () => {
    const { settings } = new Application([], { debug: true, autoreload: false });
    assert.equal(settings.autoreload, false);
    assert.equal(settings.compiledTemplateCache, false);
    assert.equal(settings.staticHashCache, false);
    assert.equal(settings.serveTraceback, true);
  });

  test("requireSetting() names the feature that needs it", async () => {
    class Needs extends RequestHandler {
      override get() {
        assert.throws(() => this.requireSetting("x", "this page"), {
          message: /'x' setting.*to use this page/,
        });
      }
    }
    assert.equal((await ask(new Application([["/", Needs]]), "/")).status, 200);
  });

  test("handlerTimeout aborts the signal of a handler that takes too long", async () => {
    class Slow extends RequestHandler {
      override async get() {
        await new Promise((_resolve, reject) =>
          this.signal.addEventListener("abort", () => reject(this.signal.reason)),
        );
      }
    }
    const connection = await ask(new Application([["/", Slow]], { handlerTimeout: 1 }), "/");
    assert.equal(connection.status, 503);
  });

  test("setDeadline() replaces it, and Infinity takes it off", async () => {
    class Quick extends RequestHandler {
      override async get() {
        this.setDeadline(5);
        this.setDeadline(Number.POSITIVE_INFINITY);
        await new Promise((resolve) => setImmediate(resolve));
        this.write(String(this.signal.aborted));
      }
    }
    assert.equal((await ask(new Application([["/", Quick]], { handlerTimeout: 0 }), "/")).body, "false");
  });
});

describe("the access log", () => {
  afterEach(() => accessLog.setLevel("critical"));

  test("gets one line per request: status, method, target, address, time; its level follows the status", async () => {
    const app = new Application([
      ["/", Word],
      ["/gone", ErrorHandler, { statusCode: 503 }],
    ]);
    for (const [uri, level, pattern] of [
      ["/?a=b", "info", /^200 GET \/\?a=b \(.*\) \d+\.\d\dms$/],
      ["/nope", "warning", /^404 GET \/nope /],
      ["/gone", "error", /^503 GET \/gone /],
    ] as const) {
      accessLog.setLevel("debug");
      const log = new ExpectLog("squall.access", pattern, { level });
      await ask(app, uri);
      log[Symbol.dispose]();
      assert.equal(log.matched, 1);
    }
  });

  test("case 112: control characters of a request are shown as escapes", async () => {
    accessLog.setLevel("debug");
    using _log = new ExpectLog("squall.access", /^404 GET \/\\x1b\[31m/, { level: "warning" });
    await ask(new Application([]), "/\x1b[31m");
  });

  test("a long target is cut in its line, which says how long it was", async () => {
    accessLog.setLevel("debug");
    const line = /^404 GET \/a{255}… \(8001 characters\) \(/;
    using log = new ExpectLog("squall.access", line, { level: "warning" });
    await ask(new Application([]), `/${"a".repeat(8000)}`);
    assert.equal(log.matched, 1);
  });

  test("logFunction gets the handler instead", async () => {
    const seen: unknown[] = [];
    const app = new Application([["/", Word]], {
      logFunction: (handler) => seen.push([handler.getStatus(), handler.request.uri]),
    });
    await ask(app, "/");
    assert.deepEqual(seen, [[200, "/"]]);
  });
});

describe("ErrorHandler and FallbackHandler", () => {
  test("ErrorHandler answers every method with its status", async () => {
    const app = new Application([["/", ErrorHandler, { statusCode: 410 }]]);
    for (const method of ["GET", "POST"]) assert.equal((await ask(app, "/", { method })).status, 410);
  });

  test("FallbackHandler passes the request on to a function or an application, once", async () => {
    const finished: string[] = [];
    class Notes extends FallbackHandler {
      override onFinish() {
        finished.push("finished");
      }
    }
    const app = new Application([
      [
        "/function",
        Notes,
        {
          fallback: (request: RequestHandler["request"]) => {
            request.connection?.writeHeaders(
              { version: "HTTP/1.1", code: 200, reason: "OK" },
              new HTTPHeaders(),
              request.body,
            );
            request.connection?.finish();
          },
        },
      ],
      ["/.*", FallbackHandler, { fallback: new Application([["/app", Word, { word: "inner" }]]) }],
    ]);
    const connection = await ask(app, "/function", { method: "POST", body: "echo" });
    assert.equal(connection.body, "echo");
    assert.equal(connection.finishes, 1);
    assert.deepEqual(finished, ["finished"]);
    assert.equal((await ask(app, "/app")).body, "inner");
  });
});

describe("FallbackHandler", () => {
  test("hands the body on as it comes, with back-pressure, and tells its end", async () => {
    const told: string[] = [];
    let go: () => void = () => {};
    const inner: HTTPServerConnectionDelegate = {
      startRequest: (_server, connection) => ({
        headersReceived: () => void told.push("head"),
        dataReceived(chunk) {
          told.push(String(chunk));
          return new Promise((resolve) => {
            go = resolve;
          });
        },
        finish() {
          connection.respond(
            { version: "HTTP/1.1", code: 200, reason: "OK" },
            new HTTPHeaders(),
            Buffer.from("done"),
          );
        },
        onConnectionClose: () => void told.push("closed"),
        onExchangeAborted: ({ reason }) => void told.push(reason),
      }),
    };
    class Notes extends FallbackHandler {
      override onFinish() {
        told.push("finished");
      }
    }
    const app = new Application([["/.*", Notes, { fallback: inner }]], { xsrfCookies: true });
    const whole = begin(app, "/", { method: "POST" });
    const pending = whole.delegate.dataReceived(Buffer.from("one"));
    assert.ok(pending instanceof Promise);
    go();
    await pending;
    whole.delegate.finish();
    assert.equal(whole.connection.body, "done");
    assert.deepEqual(told.splice(0), ["head", "one", "finished"]);
    const broken = begin(app, "/", { method: "POST" });
    broken.delegate.onConnectionClose();
    assert.deepEqual(told.splice(0), ["head", "closed", "finished"]);
    const left = begin(app, "/");
    left.delegate.finish();
    left.delegate.onExchangeAborted?.(new ExchangeAbortedError("closed"));
    assert.deepEqual(told, ["head", "finished", "closed"]);
  });

  test("a subclass may answer in its prepare() and hand nothing on", async () => {
    class Guarded extends FallbackHandler {
      override prepare() {
        if (!this.request.headers.has("X-Key")) throw new HTTPError(403);
        return super.prepare();
      }
    }
    const app = new Application([
      ["/.*", Guarded, { fallback: new Application([["/", Word, { word: "inner" }]]) }],
    ]);
    assert.equal((await ask(app, "/")).status, 403);
    assert.equal((await ask(app, "/", { headers: { Host: "h", "X-Key": "k" } })).body, "inner");
  });
});

describe("Application.listen()", () => {
  test("resolves with a server that knows its port and answers", async () => {
    const server = await new Application([["/", Word, { word: "there" }]]).listen(0, {
      address: "127.0.0.1",
    });
    try {
      const response = await fetch(`http://127.0.0.1:${server.port}/`);
      assert.equal(await response.text(), "there");
      assert.equal(response.headers.get("content-length"), "5");
    } finally {
      await server.stop();
      await server.closeAllConnections();
    }
  });

  test("rejects with the system's error for a port that is taken", async () => {
    const app = new Application([]);
    const server = await app.listen(0, "127.0.0.1");
    await assert.rejects(app.listen(server.port!, "127.0.0.1"), { code: "EADDRINUSE" });
    await server.stop();
  });
});
