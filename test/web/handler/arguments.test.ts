import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, MissingArgumentError, RequestHandler } from "squall/web";
import { ask, type FakeRequest } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

/** What `read` gives in a handler, as JSON. */
async function read(
  uri: string,
  request: FakeRequest,
  body: (handler: RequestHandler) => unknown,
): Promise<unknown> {
  class Reads extends RequestHandler {
    override get() {
      this.write({ value: body(this) ?? null });
    }
    override post() {
      this.get();
    }
  }
  return JSON.parse((await ask(new Application([["/.*", Reads]]), uri, request)).body).value;
}

describe("arguments", () => {
  test("the last value wins, the body's come after the query's, blank values are kept", async () => {
    const post = { method: "POST", headers: FORM, body: "a=3&b=" };
    assert.equal(await read("/?a=1&a=2", post, (handler) => handler.getArgument("a")), "3");
    assert.deepEqual(await read("/?a=1&a=2", post, (handler) => handler.getArguments("a")), ["1", "2", "3"]);
    assert.deepEqual(await read("/?a=1&a=2", post, (handler) => handler.getQueryArguments("a")), ["1", "2"]);
    assert.deepEqual(await read("/?a=1&a=2", post, (handler) => handler.getBodyArguments("a")), ["3"]);
    assert.equal(await read("/?a=1", post, (handler) => handler.getBodyArgument("b")), "");
    assert.deepEqual(await read("/", {}, (handler) => handler.getArguments("none")), []);
  });

  test("a default is a text, null, or an option; null is not the same as none", async () => {
    assert.equal(await read("/", {}, (handler) => handler.getArgument("a", "d")), "d");
    assert.equal(await read("/", {}, (handler) => handler.getArgument("a", null)), null);
    assert.equal(await read("/", {}, (handler) => handler.getArgument("a", { default: 5 })), 5);
    assert.equal(await read("/?a=x", {}, (handler) => handler.getQueryArgument("a", { default: 5 })), "x");
  });

  test("a missing argument is 400 and names itself in the log alone", async () => {
    class Needs extends RequestHandler {
      override get() {
        assert.throws(
          () => this.getArgument("a"),
          (error) => error instanceof MissingArgumentError && error.argName === "a",
        );
        this.getArgument("<who>");
      }
    }
    using _log = new ExpectLog("squall.general", /400 GET .*: Missing argument <who>/);
    const connection = await ask(new Application([["/", Needs]]), "/");
    assert.equal(connection.status, 400);
    assert.doesNotMatch(connection.body, /who/);
  });

  test("control characters become spaces and the ends are trimmed, unless told not to", async () => {
    const uri = "/?a=%20%00x%1Fy%09%0A%20";
    assert.equal(await read(uri, {}, (handler) => handler.getArgument("a")), "x y");
    assert.equal(await read(uri, {}, (handler) => handler.getArgument("a", { strip: false })), "  x y\t\n ");
  });

  test("what is not UTF-8 is 400", async () => {
    class Reads extends RequestHandler {
      override get() {
        this.getArgument("a");
      }
    }
    using _log = new ExpectLog("squall.general", /Invalid unicode in a/);
    assert.equal((await ask(new Application([["/", Reads]]), "/?a=%E9")).status, 400);
  });

  test("long and short values, ASCII or not, are the same text that was sent", async () => {
    for (const text of [
      "a",
      "x".repeat(32),
      "x".repeat(33),
      "ü",
      `${"x".repeat(31)}ü`,
      "\ufeffa",
      "\u{1f600}",
    ]) {
      const uri = `/?a=${encodeURIComponent(text)}`;
      assert.equal(await read(uri, {}, (handler) => handler.getArgument("a", { strip: false })), text);
    }
  });

  test("case 18: names of Object.prototype are plain data", async () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      assert.deepEqual(await read("/", {}, (handler) => handler.getArguments(name)), [], name);
      assert.equal(await read(`/?${name}=x`, {}, (handler) => handler.getArgument(name)), "x", name);
    }
  });

  test("a form that is malformed is 400 before prepare()", async () => {
    let prepared = false;
    class Form extends RequestHandler {
      override prepare() {
        prepared = true;
      }
      override post() {}
    }
    using _log = new ExpectLog("squall.general", /400 POST/);
    const headers = { "Content-Type": "multipart/form-data" };
    const connection = await ask(new Application([["/", Form]]), "/", {
      method: "POST",
      headers,
      body: "--x",
    });
    assert.equal(connection.status, 400);
    assert.equal(prepared, false);
  });

  test("request.json() gives the body, or 400", async () => {
    assert.deepEqual(
      await read("/", { method: "POST", body: '{"a":[1]}' }, (handler) => handler.request.json()),
      { a: [1] },
    );
    class Json extends RequestHandler {
      override post() {
        this.write({ got: this.request.json() });
      }
    }
    for (const body of ["{", "", Buffer.from([0xff])]) {
      using _log = new ExpectLog("squall.general", /400 POST/);
      assert.equal((await ask(new Application([["/", Json]]), "/", { method: "POST", body })).status, 400);
    }
  });

  test("decodeArgument() can be overridden and gets the names", async () => {
    const names: unknown[] = [];
    class Latin extends RequestHandler {
      override decodeArgument(value: Buffer, name?: string) {
        names.push(name);
        return value.toString("latin1");
      }
      override get({ id }: { id: string }) {
        this.write(id + this.getArgument("a"));
      }
    }
    assert.equal((await ask(new Application([["/:id", Latin]]), "/%E9?a=%E8")).body, "éè");
    assert.deepEqual(names, ["id", "a"]);
  });
});
