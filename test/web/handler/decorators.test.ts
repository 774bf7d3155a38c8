import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runOnExecutor } from "squall/concurrent";
import { coroutine } from "squall/gen";
import { ExpectLog, genTest } from "squall/testing";
import {
  Application,
  addslash,
  asynchronous,
  authenticated,
  RedirectHandler,
  RequestHandler,
  removeslash,
  streamRequestBody,
} from "squall/web";
import { ask, begin } from "../../support/fake-exchange.js";
import "../../support/guard.js";

describe("addslash and removeslash", () => {
  class Add extends RequestHandler {
    @addslash
    override get() {
      this.write("slash");
    }
    @addslash
    override post() {
      this.write("slash");
    }
  }
  class Remove extends RequestHandler {
    @removeslash
    override get() {
      this.write("bare");
    }
    @removeslash
    override post() {
      this.write("bare");
    }
  }
  const app = (handler: typeof RequestHandler) => new Application([["/.*", handler]]);

  test("send GET to the other spelling for good, with its query", async () => {
    const added = await ask(app(Add), "/foo?a=b");
    assert.equal(added.status, 301);
    assert.equal(added.header("Location"), "/foo/?a=b");
    const removed = await ask(app(Remove), "/foo//?a=b");
    assert.equal(removed.status, 301);
    assert.equal(removed.header("Location"), "/foo?a=b");
  });

  test("let the right spelling through, / among them", async () => {
    assert.equal((await ask(app(Add), "/foo/")).body, "slash");
    assert.equal((await ask(app(Add), "/")).body, "slash");
    assert.equal((await ask(app(Remove), "/foo")).body, "bare");
    assert.equal((await ask(app(Remove), "/")).body, "bare");
  });

  test("answer other methods with 404", async () => {
    assert.equal((await ask(app(Add), "/foo", { method: "POST" })).status, 404);
    assert.equal((await ask(app(Remove), "/foo/", { method: "POST" })).status, 404);
    assert.equal((await ask(app(Add), "/foo/", { method: "POST" })).body, "slash");
  });

  test("case 85: never make a location with two slashes in front", async () => {
    for (const path of ["//evil.com", "///evil.com", "/\\evil.com"]) {
      assert.match((await ask(app(Add), path)).header("Location") ?? "", /^\/[^/\\]/, path);
      assert.match((await ask(app(Remove), `${path}/`)).header("Location") ?? "", /^\/[^/\\]/, path);
    }
  });
});

describe("authenticated", () => {
  class Private extends RequestHandler {
    override getCurrentUser() {
      return this.getCookie("user");
    }
    @authenticated
    override get() {
      this.write(`hello ${String(this.currentUser)}`);
    }
    @authenticated
    override async post() {
      this.write("posted");
    }
  }
  const app = (loginUrl: string) => new Application([["/.*", Private]], { loginUrl });

  test("lets users in and asks for them once", async () => {
    let asked = 0;
    class Counts extends Private {
      override getCurrentUser() {
        asked++;
        return super.getCurrentUser();
      }
    }
    const connection = await ask(new Application([["/", Counts]]), "/", { headers: { Cookie: "user=bob" } });
    assert.equal(connection.body, "hello bob");
    assert.equal(asked, 1);
  });

  test("sends others to the login page with the way back", async () => {
    assert.equal((await ask(app("/login"), "/a?b=c")).header("Location"), "/login?next=%2Fa%3Fb%3Dc");
    assert.equal(
      (await ask(app("https://login.example.net/in"), "/a?b=c")).header("Location"),
      "https://login.example.net/in?next=http%3A%2F%2Fexample.com%2Fa%3Fb%3Dc",
    );
    assert.equal((await ask(app("/login?x=1"), "/a")).header("Location"), "/login?x=1");
  });

  test("answers other methods with 403", async () => {
    assert.equal((await ask(app("/login"), "/", { method: "POST" })).status, 403);
  });

  test("needs the loginUrl setting", async () => {
    using _log = new ExpectLog("squall.application", /Uncaught/);
    assert.equal((await ask(new Application([["/", Private]]), "/")).status, 500);
  });

  test("currentUser can be assigned in prepare(), null among others", async () => {
    class Assigns extends RequestHandler {
      override async prepare() {
        this.currentUser = null;
      }
      override getCurrentUser(): unknown {
        throw new Error("not asked");
      }
      override get() {
        this.write(String(this.currentUser));
      }
    }
    assert.equal((await ask(new Application([["/", Assigns]]), "/")).body, "null");
  });
});

describe("asynchronous", () => {
  test("keeps the response open until finish()", async () => {
    let later: (() => void) | undefined;
    class Later extends RequestHandler {
      @asynchronous
      override get() {
        later = () => void this.finish("later");
      }
    }
    const { connection, delegate } = begin(new Application([["/", Later]]), "/");
    delegate.finish();
    assert.deepEqual(connection.calls, []);
    later?.();
    assert.equal(connection.body, "later");
  });
});

describe("streamRequestBody", () => {
  class Counts extends RequestHandler {
    size = 0;
    override dataReceived(chunk: Buffer): unknown {
      this.size += chunk.length;
      return undefined;
    }
    override put() {
      this.write(`${this.size} bytes, ${this.request.body.length} kept`);
    }
  }
  @streamRequestBody
  class Decorated extends Counts {}
  class Static extends Counts {
    static override readonly streamRequestBody = true;
  }
  const Wrapped = streamRequestBody(class extends Counts {});

  test("hands the body on as it comes, as decorator, static property or wrapper", async () => {
    for (const handler of [Decorated, Static, Wrapped]) {
      const connection = await ask(new Application([["/", handler]]), "/", {
        method: "PUT",
        body: ["ab", "c"],
      });
      assert.equal(connection.body, "3 bytes, 0 kept");
    }
    assert.equal(Counts.streamRequestBody, false);
  });

  test("prepare() runs before the body, which waits for it; pieces wait for their promises", async () => {
    const order: string[] = [];
    class Waits extends Static {
      override async prepare() {
        await Promise.resolve();
        order.push("prepared");
      }
      override async dataReceived(chunk: Buffer) {
        await Promise.resolve();
        order.push(String(chunk));
      }
      override *put(): Generator<unknown, void, unknown> {
        yield undefined;
        order.push("put");
      }
    }
    const { connection, delegate, ready } = begin(new Application([["/", Waits]]), "/", { method: "PUT" });
    assert.ok(ready instanceof Promise);
    await ready;
    await delegate.dataReceived(Buffer.from("one"));
    await delegate.dataReceived(Buffer.from("two"));
    delegate.finish();
    await connection.done;
    assert.deepEqual(order, ["prepared", "one", "two", "put"]);
  });

  test("an answer in prepare() is sent before the body, which is ignored", async () => {
    class Early extends Static {
      override prepare() {
        this.finish("early");
      }
      override dataReceived(): unknown {
        throw new Error("not called");
      }
    }
    const { connection, delegate, ready } = begin(new Application([["/", Early]]), "/", { method: "PUT" });
    assert.equal(ready, undefined);
    assert.equal(connection.body, "early");
    delegate.dataReceived(Buffer.from("x"));
    delegate.finish();
    assert.equal(connection.finishes, 1);
  });

  test("an error in dataReceived() is answered at once, and the rest is ignored", async () => {
    class Fails extends Static {
      override async dataReceived() {
        throw new Error("disk full");
      }
    }
    const { connection, delegate } = begin(new Application([["/", Fails]]), "/", { method: "PUT" });
    using _log = new ExpectLog("squall.application", /Uncaught exception PUT/);
    await delegate.dataReceived(Buffer.from("x"));
    assert.equal(connection.status, 500);
    delegate.dataReceived(Buffer.from("y"));
    delegate.finish();
    assert.equal(connection.finishes, 1);
  });

  test("a client that stops in the middle aborts the signal, and no method runs", async () => {
    const seen: string[] = [];
    class Stops extends Static {
      override onConnectionClose() {
        seen.push(`closed ${this.signal.aborted}`);
      }
      override put() {
        seen.push("put");
      }
    }
    const { delegate } = begin(new Application([["/", Stops]]), "/", { method: "PUT" });
    delegate.dataReceived(Buffer.from("x"));
    delegate.onConnectionClose();
    assert.deepEqual(seen, ["closed true"]);
  });

  test("a class without dataReceived() of its own runs its verb first, and a body that it does not read is dropped", async () => {
    class Leaves extends RequestHandler {
      static override readonly streamRequestBody = true;
      override put() {}
    }
    const connection = await ask(new Application([["/", Leaves]]), "/", { method: "PUT", body: "x" });
    assert.equal(connection.status, 200);
  });
});

describe("RedirectHandler", () => {
  const to = async (url: string, pattern: string, uri: string, permanent?: boolean) =>
    await ask(new Application([[pattern, RedirectHandler, { url, permanent }]]), uri);

  test("redirects for good, with the groups of the route and the query", async () => {
    const connection = await to("/new/{0}?x=1#f", "/old/(.*)", "/old/a/b?q=%C3%A9");
    assert.equal(connection.status, 301);
    assert.equal(connection.header("Location"), "/new/a/b?x=1&q=%C3%A9#f");
    assert.equal((await to("/new/{name}", "/old/:name", "/old/x", false)).status, 302);
    const marks = await to("/new/{0}", "/old/(.*)", "/old/a!b*(c)/%21%2521@:'&");
    assert.equal(marks.header("Location"), "/new/a!b*(c)/!%2521%40%3A%27%26");
    assert.equal((await to("/{}/{}/{{0}}", "/(.)(.)", "/ab")).header("Location"), "/a/b/{0}");
  });

  test("case 85: what is filled in is encoded and cannot lead to another site", async () => {
    assert.equal((await to("/{0}", "/old/(.*)", "/old//evil.com")).header("Location"), "/evil.com");
    assert.equal((await to("/{0}", "/old/(.*)", "/old/%5Cevil.com")).header("Location"), "/%5Cevil.com");
    assert.equal(
      (await to("/new/{0}", "/old/(.*)", "/old/a%0d%0aX:y%3Fz")).header("Location"),
      "/new/a%0D%0AX%3Ay%3Fz",
    );
  });

  test("a placeholder without a value is an error, told in the log", async () => {
    using _log = new ExpectLog("squall.application", /Uncaught/);
    assert.equal((await to("/{2}", "/(.)", "/a")).status, 500);
  });
});

describe("decorators that are called as experimentalDecorators call them", () => {
  test("are refused where the class is made, so that none of them does nothing", () => {
    class Page extends RequestHandler {
      override get() {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Page.prototype, "get");
    for (const decorator of [
      addslash,
      removeslash,
      authenticated,
      asynchronous,
      coroutine,
      genTest,
      runOnExecutor,
    ]) {
      assert.throws(
        () => (decorator as (...args: unknown[]) => unknown)(Page.prototype, "get", descriptor),
        { code: "ERR_SQUALL_INVALID_ARGUMENT", message: /experimentalDecorators.*= \w+\(function/s },
        decorator.name,
      );
    }
    for (const make of [genTest({ timeout: 5 }), runOnExecutor({ task: "x" })]) {
      assert.throws(() => (make as (...args: unknown[]) => unknown)(Page.prototype, "get", descriptor), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
        message: /experimentalDecorators/,
      });
    }
  });
});
