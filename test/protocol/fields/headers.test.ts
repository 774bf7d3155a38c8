import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { HTTPHeaders, HTTPInputError } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { normalizeHeaderName } from "#room/protocol/fields/header-names";
import { cpuTime } from "../../support/cpu-time.js";

function lines(headers: HTTPHeaders): [string, string][] {
  return [...headers.getAll()];
}

describe("HTTPHeaders", () => {
  test("get() joins repeated fields with a comma and getList() keeps them apart, in any case of the name", () => {
    const headers = new HTTPHeaders();
    headers.add("set-cookie", "a=b");
    headers.add("SET-COOKIE", "c=d");
    assert.equal(headers.get("Set-Cookie"), "a=b,c=d");
    assert.deepEqual(headers.getList("sEt-cOOkie"), ["a=b", "c=d"]);
    assert.equal(headers.size, 1);
    assert.equal(headers.has("set-COOKIE"), true);
  });

  test("get() gives undefined, or the fallback, for a name that is not there", () => {
    const headers = new HTTPHeaders({ a: "1" });
    assert.equal(headers.get("b"), undefined);
    assert.equal(headers.get("b", "x"), "x");
    assert.deepEqual(headers.getList("b"), []);
    assert.equal(headers.has("b"), false);
  });

  test("set() replaces all lines of a name in the place of the first", () => {
    const headers = HTTPHeaders.parse("A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\nA: 5\r\n");
    headers.set("a", "new");
    assert.deepEqual(headers.toRaw(), ["A", "new", "B", "2", "C", "4"]);
  });

  test("set() drops spaces around a value, which are no part of it", () => {
    const headers = new HTTPHeaders();
    headers.set("X", " \t a b \t");
    assert.equal(headers.get("X"), "a b");
  });

  test("getAll() and toString() list the lines of one name together, names in the order of their first lines", () => {
    const headers = HTTPHeaders.parse("A: 1\r\nB: 2\r\nA: 3\r\n");
    assert.deepEqual(lines(headers), [
      ["A", "1"],
      ["A", "3"],
      ["B", "2"],
    ]);
    assert.equal(headers.toString(), "A: 1\nA: 3\nB: 2\n");
    assert.deepEqual([...headers], ["A", "B"]);
    assert.deepEqual([...headers.values()], ["1,3", "2"]);
    assert.deepEqual(
      [...headers.entries()],
      [
        ["A", "1,3"],
        ["B", "2"],
      ],
    );
  });

  test("delete() and pop() take away all lines of a name and say what was there", () => {
    const headers = HTTPHeaders.parse("A: 1\nB: 2\na: 3\n");
    assert.equal(headers.pop("A"), "1,3");
    assert.equal(headers.pop("A"), undefined);
    assert.equal(headers.pop("A", "none"), "none");
    assert.equal(headers.delete("b"), true);
    assert.equal(headers.delete("b"), false);
    assert.equal(headers.size, 0);
  });

  test("setDefault() keeps what is there; clear() removes everything", () => {
    const headers = new HTTPHeaders();
    assert.equal(headers.setDefault("a", "1"), "1");
    assert.equal(headers.setDefault("A", "2"), "1");
    headers.clear();
    assert.equal(headers.size, 0);
    headers.add("b", "3");
    assert.deepEqual(headers.toRaw(), ["B", "3"]);
  });

  test("the constructor takes an object, pairs or other headers; only the last keeps repeats of one name apart", () => {
    assert.deepEqual(lines(new HTTPHeaders({ a: "1", A: "2", skipped: undefined })), [["A", "2"]]);
    assert.deepEqual(
      lines(
        new HTTPHeaders([
          ["a", "1"],
          ["a", "2"],
        ]),
      ),
      [["A", "2"]],
    );
    assert.deepEqual(lines(new HTTPHeaders({ "Set-Cookie": ["a=b", "c=d"] })), [
      ["Set-Cookie", "a=b"],
      ["Set-Cookie", "c=d"],
    ]);
    const original = HTTPHeaders.parse("A: 1\r\nA: 2\r\n");
    const copy = new HTTPHeaders(original);
    copy.add("A", "3");
    assert.deepEqual(original.getList("A"), ["1", "2"]);
    assert.deepEqual(copy.getList("A"), ["1", "2", "3"]);
  });

  test("update() replaces the names that are given, also with an empty list and with itself", () => {
    const headers = HTTPHeaders.parse("A: 1\r\nA: 2\r\nB: 3\r\nC: 4\r\n");
    headers.update(headers);
    assert.deepEqual(headers.getList("A"), ["1", "2"]);
    headers.update({ a: "x", b: [] });
    assert.deepEqual(lines(headers), [
      ["A", "x"],
      ["C", "4"],
    ]);
  });

  test("case 18: names of Object.prototype are plain data", () => {
    const headers = new HTTPHeaders();
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      assert.equal(headers.has(name), false);
      assert.equal(headers.get(name), undefined);
      headers.add(name, "x");
      assert.equal(headers.get(name), "x");
    }
    assert.equal(headers.size, 4);
    assert.equal(inspect(headers).includes("__proto__"), true);
  });

  test("add() and set() refuse names that are no tokens and values that would end the line", () => {
    const headers = new HTTPHeaders();
    for (const name of ["", "a b", "a:", "a\r\n", "é", "a\0", "(", "☃"]) {
      assert.throws(() => headers.add(name, "x"), HTTPInputError, `add ${name}`);
      assert.throws(() => headers.set(name, "x"), HTTPInputError, `set ${name}`);
    }
    for (const value of ["a\nb", "a\rb", "a\0", "\x7f", "\x1b[0m", "☃", "\u{1f600}", "a\u0100"]) {
      assert.throws(() => headers.add("X", value), HTTPInputError, `add ${value}`);
      assert.throws(() => headers.set("X", value), HTTPInputError, `set ${value}`);
    }
    assert.equal(headers.size, 0);
    headers.add("X", "a\tbÿ\x80");
    assert.equal(headers.get("X"), "a\tbÿ\x80");
  });

  test("what is not text is refused with InvalidArgumentError instead of being turned into text", () => {
    const headers = new HTTPHeaders();
    for (const value of [1, null, undefined, {}, ["a"]]) {
      assert.throws(() => headers.add("X", value as string), InvalidArgumentError);
      assert.throws(() => headers.set("X", value as string), InvalidArgumentError);
      assert.throws(() => headers.set(value as string, "x"), InvalidArgumentError);
    }
  });

  test("errors carry a code, a status and what came", () => {
    assert.throws(() => new HTTPHeaders().add("a b", ""), {
      name: "HTTPInputError",
      code: "ERR_SQUALL_HTTP_INPUT",
      status: 400,
      message: /"a b"/,
    });
  });
});

describe("HTTPHeaders.parse()", () => {
  test("reads lines ended by CRLF or LF and skips empty ones", () => {
    assert.deepEqual(lines(HTTPHeaders.parse("A: 1\r\nB: 2\n\r\n")), [
      ["A", "1"],
      ["B", "2"],
    ]);
    assert.deepEqual(lines(HTTPHeaders.parse("A: 1")), [["A", "1"]]);
    assert.deepEqual(lines(HTTPHeaders.parse("")), []);
  });

  test("case 15: joins a continued line with one space, also one that holds nothing else", () => {
    assert.equal(HTTPHeaders.parse("A: 1\r\n  2\r\n\t3 \r\nB: 4\r\n").get("A"), "1 2 3");
    assert.equal(HTTPHeaders.parse("A:\r\n 1\r\n").get("A"), " 1");
    assert.equal(HTTPHeaders.parse("A: 1\r\n \r\n").get("A"), "1 ");
    assert.equal(HTTPHeaders.parse("A: 1\r\n \t\r\n   \r\n 2\r\n").get("A"), "1   2");
  });

  test("parseLine() continues the field that was added last, wherever set() and delete() have moved it", () => {
    const headers = new HTTPHeaders();
    headers.add("A", "1");
    headers.set("B", "2");
    headers.parseLine(" more");
    assert.deepEqual(lines(headers), [
      ["A", "1 more"],
      ["B", "2"],
    ]);
    headers.delete("A");
    assert.throws(() => headers.parseLine(" more"), HTTPInputError);
  });

  test("case 13, 14, 16, 17: refuses blanks before the colon or the first line, names and values that are none", () => {
    for (const text of [
      "A : 1\r\n",
      "A\t: 1\r\n",
      " A: 1\r\n",
      ": 1\r\n",
      "no colon\r\n",
      "A\xa0: 1\r\n",
      "A: 1\rB: 2\r\n",
      "A: 1\0\r\n",
      "A: 1\r\n\0\r\n",
      "A: 1\r\n \0\r\n",
    ]) {
      assert.throws(() => HTTPHeaders.parse(text), HTTPInputError, inspect(text));
    }
  });

  test("strips spaces and tabs only, so that other blanks cannot hide in a framing field", () => {
    assert.equal(HTTPHeaders.parse("A: \xa0x\x85\r\n").get("A"), "\xa0x\x85");
  });

  test("with unicode: true allows every character but controls", () => {
    assert.equal(HTTPHeaders.parse("A: ☃\r\n", { unicode: true }).get("A"), "☃");
    assert.throws(() => HTTPHeaders.parse("A: a\rb\r\n", { unicode: true }), HTTPInputError);
    assert.throws(() => HTTPHeaders.parse("☃: a\r\n", { unicode: true }), HTTPInputError);
  });

  test("gives back what toString() wrote", () => {
    const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
    const value = fc.stringMatching(
      /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/,
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 40 }), (pairs) => {
        const headers = new HTTPHeaders();
        for (const [n, v] of pairs) headers.add(n, v);
        assert.deepEqual(lines(HTTPHeaders.parse(headers.toString())), lines(headers));
      }),
    );
  });
});

describe("HTTPHeaders.fromRaw()", () => {
  test("borrows the array: reading leaves it alone, the first change copies it", () => {
    const raw = Object.freeze(["host", "a", "x-ONE", "1", "HOST", "b"]);
    const headers = HTTPHeaders.fromRaw(raw);
    assert.equal(headers.get("Host"), "a,b");
    assert.equal(headers.rawGet("host"), "a");
    assert.equal(headers.rawGet("nope"), undefined);
    assert.deepEqual([...headers.keys()], ["Host", "X-One"]);
    headers.set("x-one", "2");
    headers.add("y", "3");
    headers.delete("host");
    assert.deepEqual(headers.toRaw(), ["X-One", "2", "Y", "3"]);
    assert.deepEqual(raw, ["host", "a", "x-ONE", "1", "HOST", "b"]);
  });

  test("toRaw() gives normalised names in the order of the lines, without a copy for headers of our own", () => {
    assert.deepEqual(HTTPHeaders.fromRaw(["b", "1", "a", "2", "B", "3"]).toRaw(), [
      "B",
      "1",
      "A",
      "2",
      "B",
      "3",
    ]);
    const own = new HTTPHeaders();
    own.setTrusted("Server", "x");
    assert.equal(own.toRaw(), own.toRaw());
  });

  test("setTrusted() replaces like set()", () => {
    const headers = HTTPHeaders.fromRaw(["server", "a", "x", "1", "Server", "b"]);
    headers.setTrusted("Server", "c");
    assert.deepEqual(headers.toRaw(), ["Server", "c", "X", "1"]);
  });
});

describe("HTTPHeaders and its plain twin", () => {
  test("agree on every script of operations, on both sides of the index threshold", () => {
    const name = fc.constantFrom("a", "A", "b-c", "B-C", "x1", "x2", "__proto__");
    const operation = fc.record({
      kind: fc.constantFrom("add", "set", "delete", "pop"),
      name,
      value: fc.stringMatching(/^[a-z]{0,2}$/),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 24 }),
        fc.array(operation, { maxLength: 30 }),
        (padding, script) => {
          const headers = new HTTPHeaders();
          const twin: [string, string][] = [];
          for (let i = 0; i < padding; i++) {
            headers.add(`Pad-${i}`, String(i));
            twin.push([`pad-${i}`, String(i)]);
          }
          for (const { kind, name: n, value } of script) {
            const key = n.toLowerCase();
            const first = twin.findIndex(([k]) => k === key);
            if (kind === "add") {
              headers.add(n, value);
              twin.push([key, value]);
            } else if (kind === "set") {
              headers.set(n, value);
              if (first === -1) twin.push([key, value]);
              else
                twin.splice(
                  0,
                  twin.length,
                  ...twin
                    .map((pair, i): [string, string] => (i === first ? [key, value] : pair))
                    .filter(([k], i) => k !== key || i === first),
                );
            } else {
              if (kind === "delete") assert.equal(headers.delete(n), first !== -1);
              else headers.pop(n);
              twin.splice(0, twin.length, ...twin.filter(([k]) => k !== key));
            }
            const values = twin.filter(([k]) => k === key).map(([, v]) => v);
            assert.deepEqual(headers.getList(n), values);
            assert.equal(headers.get(n), values.length === 0 ? undefined : values.join(","));
            assert.equal(headers.rawGet(key), values[0]);
          }
          assert.deepEqual(
            headers.toRaw(),
            twin.flatMap(([k, v]) => [normalizeHeaderName(k), v]),
          );
          assert.equal(headers.size, new Set(twin.map(([k]) => k)).size);
        },
      ),
    );
  });
});

describe("HTTPHeaders under load", () => {
  test("case 20: 3,000 equal lines, 64 KB of one name and 3,000 names stay linear", () => {
    const started = cpuTime();
    const many = HTTPHeaders.parse("a: b\r\n".repeat(3000));
    assert.equal(many.get("A")!.length, 5999);
    assert.equal(many.getList("A").length, 3000);
    const folded = HTTPHeaders.parse("a:b\r\n c\r\n".repeat(7000));
    assert.equal(folded.getList("A").length, 7000);
    const names = new HTTPHeaders();
    for (let i = 0; i < 3000; i++) names.set(`name-${i}`, "x");
    for (let i = 0; i < 3000; i++) assert.equal(names.get(`NAME-${i}`), "x");
    assert.equal(names.size, 3000);
    assert.ok(cpuTime() - started < 1000);
  });
});

describe("normalizeHeaderName()", () => {
  test("capitalises each word between dashes and remembers a bounded number of names", () => {
    assert.equal(normalizeHeaderName("ETag"), "Etag");
    assert.equal(normalizeHeaderName("x-XSS-protection"), "X-Xss-Protection");
    assert.equal(normalizeHeaderName("--a_b--c1d"), "--A_b--C1d");
    for (let i = 0; i < 5000; i++) assert.equal(normalizeHeaderName(`x-${i}y`), `X-${i}y`);
    assert.equal(normalizeHeaderName("content-type"), "Content-Type");
  });
});
