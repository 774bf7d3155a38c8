import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, Finish, HTTPError, RequestHandler } from "squall/web";
import { ExchangeAbortedError } from "#room/http/errors";
import { ask, begin, send } from "../support/fake-exchange.js";
import "../support/guard.js";

class Hello extends RequestHandler {
  override get() {
    this.write("Hello, world");
  }
}

/** An application with one handler class for every path. */
function appOf(handler: typeof RequestHandler, options = {}): Application {
  return new Application([["/.*", handler]], options);
}

/** Runs `body`, in which the logger must say something that matches. */
async function expectingLog<T>(logger: string, pattern: RegExp, body: () => T | Promise<T>): Promise<T> {
  using _log = new ExpectLog(logger, pattern);
  return await body();
}

describe("a request's life", () => {
  test("a handler that returns nothing is answered in the same tick, in one call", () => {
    const connection = send(appOf(Hello), "/");
    assert.deepEqual(connection.calls, ["respond"]);
    assert.equal(connection.status, 200);
    assert.equal(connection.body, "Hello, world");
    assert.equal(connection.header("Content-Length"), "12");
    assert.equal(connection.header("Content-Type"), "text/html; charset=UTF-8");
    assert.match(connection.header("Server") ?? "", /^squall\/\d/);
    assert.match(connection.header("Date") ?? "", / GMT$/);
    assert.match(connection.header("Etag") ?? "", /^"[0-9a-f]{40}"$/);
  });

  test("steps run in order: initialize, prepare, verb, onFinish", () => {
    const steps: string[] = [];
    class Steps extends RequestHandler {
      field = steps.push("fields");
      override initialize({ name }: { name?: string }) {
        steps.push(`initialize ${name}`);
      }
      override prepare() {
        steps.push(`prepare ${this.pathArgs}`);
      }
      override get(id: string) {
        steps.push(`get ${id}`);
      }
      override onFinish() {
        steps.push("onFinish");
      }
    }
    send(new Application([["/([0-9]+)", Steps, { name: "n" }]]), "/12");
    assert.deepEqual(steps, ["fields", "initialize n", "prepare 12", "get 12", "onFinish"]);
  });

  test("what initialize() sets survives the fields of subclasses", () => {
    class Kept extends RequestHandler {
      db: string | undefined;
      override initialize({ db }: { db?: string }) {
        this.db = db;
      }
      override get() {
        this.write(this.db ?? "lost");
      }
    }
    assert.equal(send(new Application([["/", Kept, { db: "kept" }]]), "/").body, "kept");
  });

  test("methods and hooks may be async", async () => {
    class Waits extends RequestHandler {
      override async prepare() {
        await Promise.resolve();
        this.write("prepared, ");
      }
      override async get() {
        await Promise.resolve();
        this.write("got");
      }
    }
    assert.equal((await ask(appOf(Waits), "/")).body, "prepared, got");
  });

  test("methods and hooks may be generators", async () => {
    class Yields extends RequestHandler {
      override *prepare(): Generator<unknown, void, unknown> {
        this.write(String(yield Promise.resolve("prepared, ")));
      }
      override *get(): Generator<unknown, void, unknown> {
        const [a, b] = (yield [Promise.resolve(1), Promise.resolve(2)]) as number[];
        this.write(`${a}${b}`);
      }
    }
    assert.equal((await ask(appOf(Yields), "/")).body, "prepared, 12");
  });

  test("a verb is not called when prepare() finished the response", async () => {
    class Stops extends RequestHandler {
      override prepare() {
        this.finish("stopped");
      }
      override get() {
        throw new Error("must not run");
      }
    }
    assert.equal((await ask(appOf(Stops), "/")).body, "stopped");
  });

  test("a request body is there in the method, however it was cut", async () => {
    class Echo extends RequestHandler {
      override post() {
        this.write(this.request.body);
      }
    }
    const connection = await ask(appOf(Echo), "/", { method: "POST", body: ["ab", "c", "def"] });
    assert.equal(connection.body, "abcdef");
  });

  test("path arguments are percent-decoded, plus signs stay, and absent groups are undefined", async () => {
    class Args extends RequestHandler {
      override get(...args: (string | undefined)[]) {
        this.write({ args: args.map((arg) => arg ?? null) });
      }
    }
    const app = new Application([["/([^/]*)(?:/(.*))?", Args]]);
    assert.deepEqual(JSON.parse((await ask(app, "/a+b%20%C3%A9")).body), { args: ["a+b é", null] });
  });

  test("named groups arrive as one object without prototype", async () => {
    class Named extends RequestHandler {
      override get(params: { id: string; rest: string }) {
        assert.equal(Object.getPrototypeOf(params), null);
        this.write(`${params.id}|${params.rest}`);
      }
    }
    assert.equal((await ask(new Application([["/story/:id/:rest*", Named]]), "/story/7/a/b")).body, "7|a/b");
  });

  test("a path group that is not UTF-8 is answered with 400", async () => {
    const connection = await expectingLog("squall.general", /400 GET \/%E9 .*Invalid unicode/, () =>
      ask(new Application([["/(.*)", Hello]]), "/%E9"),
    );
    assert.equal(connection.status, 400);
  });

  test("onFinish() that fails is logged and hurts nobody", async () => {
    class Fails extends Hello {
      override async onFinish() {
        throw new Error("afterwards");
      }
    }
    await expectingLog("squall.application", /onFinish\(\) failed/, async () => {
      assert.equal((await ask(appOf(Fails), "/")).status, 200);
      await new Promise(setImmediate);
    });
  });

  test("Finish ends the request quietly, with its argument as the last chunk", async () => {
    class Ends extends RequestHandler {
      override get() {
        this.write("written ");
        throw new Finish("and finished");
      }
    }
    const connection = await ask(appOf(Ends), "/");
    assert.equal(connection.status, 200);
    assert.equal(connection.body, "written and finished");
  });
});

describe("errors of handlers", () => {
  test("what is thrown becomes 500 and a stack in the log, never more", async () => {
    class Throws extends RequestHandler {
      override get() {
        this.write("discarded");
        throw new Error("secret detail");
      }
    }
    const connection = await expectingLog("squall.application", /Uncaught exception GET \/x .*/, () =>
      ask(appOf(Throws), "/x"),
    );
    assert.equal(connection.status, 500);
    assert.equal(
      connection.body,
      "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>",
    );
  });

  test("a rejection, a generator's error and an error in prepare() are the same", async () => {
    class Rejects extends RequestHandler {
      override async get() {
        await Promise.resolve();
        throw new Error("async");
      }
    }
    class Generates extends RequestHandler {
      override *get(): Generator<unknown, void, unknown> {
        yield Promise.resolve();
        throw new Error("generator");
      }
    }
    class Prepares extends Hello {
      override async prepare() {
        throw new Error("prepare");
      }
    }
    for (const handler of [Rejects, Generates, Prepares]) {
      const connection = await expectingLog("squall.application", /Uncaught exception GET/, () =>
        ask(appOf(handler), "/"),
      );
      assert.equal(connection.status, 500);
    }
  });

  test("HTTPError is logged as a warning only if it has a message, which the client never sees", async () => {
    class Silent extends RequestHandler {
      override get() {
        throw new HTTPError(404);
      }
    }
    class Tells extends RequestHandler {
      override get() {
        throw new HTTPError(403, "no %s for %s", "entry", "you", { reason: "Not Today" });
      }
    }
    assert.equal((await ask(appOf(Silent), "/")).status, 404);
    const connection = await expectingLog("squall.general", /403 GET \/ .*: no entry for you/, () =>
      ask(appOf(Tells), "/"),
    );
    assert.equal(connection.status, 403);
    assert.match(connection.body, /403: Not Today/);
    assert.doesNotMatch(connection.body, /entry/);
  });

  test("case 87: an error page escapes its reason and shows no stack unless serveTraceback is set", async () => {
    class Evil extends RequestHandler {
      override get() {
        this.sendError(400, { reason: `&"'` });
      }
    }
    assert.match((await ask(appOf(Evil), "/")).body, /400: &amp;&quot;&#x27;</);
    class Throws extends RequestHandler {
      override get() {
        throw new Error("shown");
      }
    }
    const traced = await expectingLog("squall.application", /Uncaught/, () =>
      ask(appOf(Throws, { debug: true }), "/"),
    );
    assert.equal(traced.header("Content-Type"), "text/plain");
    assert.match(traced.body, /Error: shown\n\s+at /);
  });

  test("an empty reason is the standard one on an error page", async () => {
    class Empty extends RequestHandler {
      override get() {
        throw new HTTPError(404, { reason: "" });
      }
    }
    const connection = await ask(appOf(Empty), "/");
    assert.equal(connection.startLine?.reason, "Not Found");
  });

  test("an error page keeps default headers of the class and drops what the handler set", async () => {
    class Defaults extends RequestHandler {
      override setDefaultHeaders() {
        this.setHeader("X-Default", "d");
        this.clearHeader("Server");
      }
      override get() {
        this.setHeader("X-Dropped", "1");
        throw new HTTPError(404);
      }
    }
    const connection = await ask(appOf(Defaults), "/");
    assert.equal(connection.header("X-Default"), "d");
    assert.equal(connection.header("Server"), undefined);
    assert.equal(connection.header("X-Dropped"), undefined);
  });

  test("writeError() that throws is logged and the response ends all the same", async () => {
    class Broken extends RequestHandler {
      override get() {
        throw new HTTPError(400);
      }
      override writeError() {
        this.write("half");
        throw new Error("broken page");
      }
    }
    const connection = await expectingLog("squall.application", /Uncaught exception in writeError/, () =>
      ask(appOf(Broken), "/"),
    );
    assert.equal(connection.status, 400);
    assert.equal(connection.body, "half");
  });

  test("an error page that cannot be sent becomes a bare 500", async () => {
    class Impossible extends RequestHandler {
      override get() {
        throw new HTTPError(404);
      }
      override writeError() {
        this.setStatus(204);
        this.finish("no body is allowed here");
      }
    }
    using _page = new ExpectLog(
      "squall.application",
      /Uncaught exception in writeError|could not be finished/,
    );
    const connection = await ask(appOf(Impossible), "/");
    assert.equal(connection.status, 500);
    assert.equal(connection.body, "");
  });

  test("writeError() may be async", async () => {
    class Slow extends RequestHandler {
      override get() {
        throw new HTTPError(400);
      }
      override async writeError(statusCode: number) {
        await Promise.resolve();
        this.write(`custom ${statusCode}`);
      }
    }
    assert.equal((await ask(appOf(Slow), "/")).body, "custom 400");
  });

  test("case 118: an error after the head was sent breaks the response off instead of completing it", async () => {
    class Late extends RequestHandler {
      override async get() {
        this.write("partial");
        await this.flush();
        throw new Error("late");
      }
    }
    using _general = new ExpectLog("squall.general", /Cannot send error response after headers written/);
    const connection = await expectingLog("squall.application", /Uncaught/, () => ask(appOf(Late), "/"));
    assert.deepEqual(connection.calls, ["writeHeaders", "close"]);
    assert.equal(connection.finishes, 0);
  });

  test("a handler that cannot be made is answered with a bare 500", async () => {
    class Unmade extends RequestHandler {
      override initialize() {
        throw new Error("no database");
      }
    }
    const connection = await expectingLog("squall.application", /Unmade could not be made for GET/, () =>
      ask(appOf(Unmade), "/"),
    );
    assert.equal(connection.status, 500);
    assert.equal(connection.body, "");
  });

  test("a log function that fails hurts nobody", async () => {
    const app = appOf(Hello, {
      logFunction() {
        throw new Error("bad log");
      },
    });
    const connection = await expectingLog("squall.application", /the log function failed/, () =>
      ask(app, "/"),
    );
    assert.equal(connection.body, "Hello, world");
  });
});

describe("methods", () => {
  test("a known method without a handler method gets 405 with Allow", async () => {
    const connection = await ask(appOf(Hello), "/", { method: "DELETE" });
    assert.equal(connection.status, 405);
    assert.equal(connection.header("Allow"), "GET");
    assert.equal((await ask(appOf(Hello), "/", { method: "HEAD" })).status, 405);
    assert.equal((await ask(appOf(Hello), "/", { method: "TRACE" })).status, 405);
  });

  test("a method that HTTP does not know gets 501, whatever the handler's properties are called", async () => {
    for (const method of ["BREW", "get", "CONSTRUCTOR", "WRITE", "__PROTO__"]) {
      assert.equal((await ask(appOf(Hello), "/", { method })).status, 501, method);
    }
  });

  test("SUPPORTED_METHODS adds methods", async () => {
    class Dav extends Hello {
      static override readonly SUPPORTED_METHODS: readonly string[] = [
        ...RequestHandler.SUPPORTED_METHODS,
        "PROPFIND",
      ];
      propfind() {
        this.write("found");
      }
    }
    assert.equal((await ask(appOf(Dav), "/", { method: "PROPFIND" })).body, "found");
    assert.equal((await ask(appOf(Dav), "/", { method: "PUT" })).header("Allow"), "GET, PROPFIND");
  });

  test("a route that does not exist is 404 for every method", async () => {
    const app = new Application([["/", Hello]]);
    for (const method of ["GET", "POST", "DELETE"])
      assert.equal((await ask(app, "/nope", { method })).status, 404);
  });

  test("defaultHandlerClass answers what no route takes", async () => {
    class Lost extends RequestHandler {
      override initialize({ word }: { word?: string }) {
        this.setStatus(404);
        this.write(word ?? "");
      }
      override prepare() {
        this.finish();
      }
    }
    const app = new Application([], { defaultHandlerClass: Lost, defaultHandlerArgs: { word: "lost" } });
    const connection = await ask(app, "/nope");
    assert.equal(connection.status, 404);
    assert.equal(connection.body, "lost");
  });
});

describe("handler.signal", () => {
  test("aborts with the reason when the client goes, then calls onConnectionClose()", async () => {
    const seen: unknown[] = [];
    class Waits extends RequestHandler {
      override async get() {
        const { signal } = this;
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      override onConnectionClose() {
        seen.push(this.signal.reason);
      }
      override onFinish() {
        seen.push("finished");
      }
    }
    const { connection, delegate } = begin(appOf(Waits), "/");
    delegate.finish();
    const reason = new ExchangeAbortedError("closed");
    delegate.onExchangeAborted?.(reason);
    await new Promise(setImmediate);
    assert.deepEqual(seen, [reason, "finished"]);
    assert.deepEqual(connection.calls, ["close"]);
  });

  test("a half-closed client still gets what the handler writes", async () => {
    class Goes extends RequestHandler {
      override async get() {
        await Promise.resolve();
        this.write(`still here, ${(this.signal.reason as ExchangeAbortedError).reason}`);
      }
    }
    const { connection, delegate } = begin(appOf(Goes), "/");
    delegate.finish();
    delegate.onExchangeAborted?.(new ExchangeAbortedError("half-closed"));
    await connection.done;
    assert.equal(connection.body, "still here, half-closed");
  });

  test("a handler that gives up when the server stops answers 503, without a log line and without onConnectionClose()", async () => {
    class Stops extends RequestHandler {
      override async get() {
        await Promise.resolve();
        this.signal.throwIfAborted();
      }
      override onConnectionClose() {
        throw new Error("not closed");
      }
    }
    const { connection, delegate } = begin(appOf(Stops), "/", {});
    delegate.finish();
    delegate.onExchangeAborted?.(new ExchangeAbortedError("stopping"));
    await connection.done;
    assert.equal(connection.status, 503);
  });

  test("never aborts after the response", async () => {
    let signal: AbortSignal | undefined;
    class Done extends Hello {
      override get() {
        signal = this.signal;
        super.get();
      }
    }
    const { delegate } = begin(appOf(Done), "/");
    delegate.finish();
    delegate.onExchangeAborted?.(new ExchangeAbortedError("closed"));
    assert.equal(signal?.aborted, false);
  });
});
