import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import {
  ArgReplacer,
  Configurable,
  type ConfigurableClass,
  errnoFromException,
  execIn,
  importObject,
  ObjectDict,
  raiseExcInfo,
  reUnescape,
  timedeltaToSeconds,
} from "squall/util";

const argumentError = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

describe("ObjectDict", () => {
  it("has its items as properties, and throws for those that are not there", () => {
    const dict = new ObjectDict({ a: 1 });
    dict.b = 2;
    assert.deepEqual([dict.a, dict.b, dict.get("c", 3)], [1, 2, 3]);
    assert.throws(() => dict.c, { code: "ERR_SQUALL_MISSING_ITEM", item: "c" });
    assert.throws(() => dict.get("c"), { code: "ERR_SQUALL_MISSING_ITEM" });
    assert.throws(() => dict.constructor, { code: "ERR_SQUALL_MISSING_ITEM" });
    assert.equal(dict.delete("b"), true);
    assert.equal(dict.delete("b"), false);
    assert.equal("b" in dict, false);
  });

  it("is an ordinary object for spread, JSON, keys, inspection and await", async () => {
    const dict = new ObjectDict([["x", 1]]);
    assert.deepEqual({ ...dict }, { x: 1 });
    assert.equal(JSON.stringify(dict), '{"x":1}');
    assert.equal(await dict, dict);
    assert.equal(typeof `${dict}`, "string");
  });

  it("takes any name for an item: __proto__ pollutes nothing, get() stays a method", () => {
    const dict = new ObjectDict(JSON.parse('{"__proto__": {"polluted": 1}, "get": 2}'));
    dict.set("__proto__", { polluted: 3 });
    assert.equal(dict.get("get"), 2);
    assert.deepEqual(dict.get("__proto__"), { polluted: 3 });
    assert.ok(dict instanceof ObjectDict);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});

describe("importObject()", () => {
  it("imports a module, or a name in it", async () => {
    const path = await import("node:path");
    assert.equal(await importObject("node:path"), path);
    assert.equal(await importObject("node:path:posix.join"), path.posix.join);
    assert.equal(await importObject("squall/util:importObject"), importObject);
    assert.equal(await importObject("path"), path);
    assert.equal(
      (
        (await importObject(
          "./package.json".replace("package.json", "dist/util.js:reUnescape"),
        )) as () => void
      ).name,
      "reUnescape",
    );
  });

  it("rejects what is not there", async () => {
    await assert.rejects(importObject("node:path:noSuchName"), argumentError);
    await assert.rejects(importObject("no-such-module:name"), { code: "ERR_MODULE_NOT_FOUND" });
    await assert.rejects(importObject("./no-such-file.js"), { code: "ERR_MODULE_NOT_FOUND" });
  });
});

describe("Configurable", () => {
  class Base extends Configurable {
    args: unknown[] = [];
    static override configurableBase(): ConfigurableClass {
      return Base;
    }
    static override configurableDefault(): ConfigurableClass {
      return First;
    }
    override initialize(...args: unknown[]): void {
      this.args = args;
    }
  }
  class First extends Base {}
  class Second extends Base {}

  function restoring(action: () => void): void {
    const saved = Base.saveConfiguration();
    try {
      action();
    } finally {
      Base.restoreConfiguration(saved);
    }
  }

  it("create() on the base makes the default until another class is configured, and null goes back", () => {
    restoring(() => {
      assert.ok(Base.create() instanceof First);
      Base.configure(Second);
      assert.ok(Base.create() instanceof Second);
      assert.equal(Base.configuredClass(), Second);
      Base.configure(null);
      assert.ok(Base.create() instanceof First);
    });
  });

  it("create() on a subclass ignores the configuration", () => {
    restoring(() => {
      Base.configure(Second, { limit: 1 });
      const first = First.create(5);
      assert.ok(first instanceof First);
      assert.deepEqual(first.args, [5]);
    });
  });

  it("configured options are what create() starts from; the caller's come over them", () => {
    restoring(() => {
      Base.configure(First, { limit: 1, name: "a" });
      assert.deepEqual(Base.create("x", { limit: 2 }).args, ["x", { limit: 2, name: "a" }]);
      assert.deepEqual(Base.create("x").args, ["x", { limit: 1, name: "a" }]);
    });
    assert.deepEqual(Base.create("x").args, ["x"]);
  });

  it("configure() refuses what is no subclass of the base", () => {
    assert.throws(() => Base.configure(Configurable as unknown as ConfigurableClass), argumentError);
    assert.throws(() => Base.configure({} as unknown as ConfigurableClass), argumentError);
  });

  it("configure() by name imports the class, and rejects one of another family", async () => {
    await assert.rejects(Base.configure("squall/util:ArgReplacer"), argumentError);
  });
});

describe("ArgReplacer", () => {
  it("finds parameters behind defaults, comments and patterns", () => {
    const position = (func: (...args: never[]) => unknown) => new ArgReplacer(func, "wanted").argPos;
    assert.equal(
      position((_a: unknown, wanted: unknown) => wanted),
      1,
    );
    assert.equal(
      position((_a = ",wanted", _b = { c: [1, 2] }, wanted = 1) => wanted),
      2,
    );
    assert.equal(
      position(({ a }: { a: number }, [b]: number[], /* , */ wanted: number) => [a, b, wanted]),
      2,
    );
    assert.equal(
      position((...wanted: unknown[]) => wanted),
      undefined,
    );
    assert.equal(
      position(async (wanted: unknown) => wanted),
      0,
    );
    assert.equal(
      position(function (this: unknown, a: unknown, wanted: unknown) {
        return [this, a, wanted];
      }),
      1,
    );
  });

  it("replaces by position if the argument was given so, by name otherwise, and leaves the originals alone", () => {
    const replacer = new ArgReplacer((_x: unknown, callback: unknown) => callback, "callback");
    const args = [1, 2];
    assert.deepEqual(replacer.replace("new", args), [2, [1, "new"], {}]);
    assert.deepEqual(replacer.replace("new", [1], { callback: 3 }), [3, [1], { callback: "new" }]);
    assert.deepEqual(args, [1, 2]);
    assert.equal(replacer.getOldValue([1], {}, "none"), "none");
    assert.equal(replacer.getOldValue([1], { toString: 1 }), undefined);
  });
});

describe("small things of util", () => {
  it("reUnescape() undoes escapes and refuses those of letters and digits", () => {
    assert.equal(reUnescape("\\.\\*\\\n\\😀a"), ".*\n😀a");
    for (const pattern of ["\\d", "\\0", "a\\b"]) assert.throws(() => reUnescape(pattern), argumentError);
  });

  it("timedeltaToSeconds() adds the parts up, or takes milliseconds", () => {
    assert.equal(timedeltaToSeconds({ days: 1, hours: 1, microseconds: 1 }), 90_000.000001);
    assert.equal(timedeltaToSeconds(1500), 1.5);
  });

  it("errnoFromException() gives the system's number, positive", async () => {
    const { readFile } = await import("node:fs/promises");
    await assert.rejects(
      readFile("/no/such/file"),
      (error) => errnoFromException(error) === constants.errno.ENOENT,
    );
    assert.equal(errnoFromException(new Error("no number")), undefined);
    assert.equal(errnoFromException(null), undefined);
  });

  it("raiseExcInfo() throws the same error again, also out of a triple", () => {
    const error = new Error("again");
    assert.throws(
      () => raiseExcInfo(error),
      (thrown) => thrown === error,
    );
    assert.throws(
      () => raiseExcInfo([Error, error, ""]),
      (thrown) => thrown === error,
    );
  });

  it("execIn() runs code in a namespace and leaves what it declares there", () => {
    const globals: Record<string, unknown> = { a: 1 };
    assert.equal(execIn("var b = a + 1; function f() { return b; } f()", globals), 2);
    assert.equal(globals.b, 2);
    const locals: Record<string, unknown> = { a: 10 };
    execIn("var c = a + b + Math.max(1, 2)", globals, locals);
    assert.deepEqual(locals, { a: 10, c: 14 });
    assert.equal("c" in globals, false);
  });
});
