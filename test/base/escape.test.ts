import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  jsonDecode,
  jsonEncode,
  recursiveUnicode,
  squeeze,
  toUnicode,
  urlEscape,
  urlUnescape,
  utf8,
  xhtmlEscape,
  xhtmlUnescape,
} from "squall/escape";

const decodeError = { name: "DecodeError", code: "ERR_SQUALL_DECODE" };
const argumentError = { name: "InvalidArgumentError", code: "ERR_SQUALL_INVALID_ARGUMENT" };

describe("xhtmlEscape()", () => {
  it("leaves nothing that could open a tag, a reference or end an attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("&", "<", ">", '"', "'", "a", ";", "é") }), (text) => {
        const escaped = xhtmlEscape(text);
        assert.doesNotMatch(escaped, /[<>"']|&(?!amp;|lt;|gt;|quot;|#x27;)/);
        assert.equal(xhtmlUnescape(escaped), text);
      }),
    );
  });

  it("takes UTF-8 bytes, and refuses other bytes and other types", () => {
    assert.equal(xhtmlEscape(Buffer.from("<é>")), "&lt;é&gt;");
    assert.throws(() => xhtmlEscape(Buffer.of(0xff)), decodeError);
    assert.throws(() => xhtmlEscape(5 as unknown as string), argumentError);
  });
});

describe("xhtmlUnescape()", () => {
  it("decodes named, decimal and hexadecimal references, and leaves unknown ones alone", () => {
    assert.equal(xhtmlUnescape("&lt;&eacute;&#233;&#xE9;&notin;&notit;&unknown;&"), "<ééé∉¬it;&unknown;&");
  });

  it("takes time in proportion to the text, whatever the text is", () => {
    for (const part of ["&", "&#", "&#x", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "&#1"]) {
      const text = part.repeat(200_000);
      const started = performance.now();
      xhtmlUnescape(text);
      assert.ok(performance.now() - started < 2000, part);
    }
  });
});

describe("jsonEncode()", () => {
  it("gives JSON that cannot end or comment out the script element around it", () => {
    const value = { "</script>": "<!-- \u2028\u2029 </SCRIPT>" };
    const json = jsonEncode(value);
    assert.doesNotMatch(json, /<\/|<!--|[\u2028\u2029]/);
    assert.deepEqual(jsonDecode(json), value);
  });

  it("refuses what has no JSON", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [undefined, () => 0, Symbol("s"), Buffer.from("x"), 1n, cycle]) {
      assert.throws(() => jsonEncode(value), argumentError);
    }
  });
});

describe("jsonDecode()", () => {
  it("takes text or UTF-8 bytes", () => {
    assert.deepEqual(jsonDecode('{"a": [1, "é"]}'), { a: [1, "é"] });
    assert.deepEqual(jsonDecode(Buffer.from('"é"')), "é");
  });

  it("throws a DecodeError with the parser's error as its cause", () => {
    assert.throws(
      () => jsonDecode("{"),
      (error: Error) => error.name === "DecodeError" && error.cause instanceof SyntaxError,
    );
  });

  it("makes no prototype out of a key", () => {
    const value = jsonDecode('{"__proto__": {"polluted": true}}');
    assert.equal((value as { polluted?: unknown }).polluted, undefined);
  });
});

describe("utf8() and toUnicode()", () => {
  it("are each other's inverse, and keep a byte order mark", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.equal(toUnicode(utf8(text)), text);
      }),
    );
    assert.equal(toUnicode(Buffer.from("\ufeffa")), "\ufeffa");
  });

  it("hand back what needs no work: bytes, text, null and undefined", () => {
    const bytes = Buffer.from("a");
    assert.equal(utf8(bytes), bytes);
    assert.equal(toUnicode("a"), "a");
    assert.deepEqual(
      [utf8(null), utf8(undefined), toUnicode(null), toUnicode(undefined)],
      [null, undefined, null, undefined],
    );
  });

  it("refuse everything else", () => {
    for (const value of [1, true, {}, []]) {
      assert.throws(() => utf8(value as unknown as string), argumentError);
      assert.throws(() => toUnicode(value as unknown as string), argumentError);
    }
    assert.throws(() => toUnicode(Buffer.of(0xc0, 0x80)), decodeError);
  });
});

describe("recursiveUnicode()", () => {
  it("walks arrays, plain objects and maps, and leaves other objects alone", () => {
    const date = new Date(0);
    const b = Buffer.from;
    assert.deepEqual(recursiveUnicode([b("a"), { k: b("v"), date }, new Map([[b("m"), [b("n")]]])]), [
      "a",
      { k: "v", date },
      new Map([["m", ["n"]]]),
    ]);
  });

  it("keeps a key named __proto__ a key", () => {
    const hostile = new Map([["__proto__", { polluted: Buffer.from("yes") }]]);
    const result = recursiveUnicode(Object.fromEntries(hostile)) as { polluted?: unknown };
    assert.equal(result.polluted, undefined);
    assert.deepEqual(Object.keys(result), ["__proto__"]);
  });
});

describe("squeeze()", () => {
  it("makes one space of each run of controls and spaces, and trims", () => {
    assert.equal(squeeze(" \t a \r\n\0 b\u00a0"), "a b");
    assert.equal(squeeze("\ufeffa\ufeff"), "\ufeffa\ufeff");
  });

  it("takes time in proportion to the text", () => {
    const started = performance.now();
    squeeze(`a${"\u3000".repeat(300_000)}b`);
    assert.ok(performance.now() - started < 2000);
  });
});

describe("urlEscape() and urlUnescape()", () => {
  it("are each other's inverse, in queries and in paths", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.boolean(), (text, plus) => {
        const escaped = urlEscape(text, { plus });
        assert.match(escaped, plus ? /^[\w.~%+-]*$/ : /^[\w.~%/-]*$/);
        assert.equal(urlUnescape(escaped, { plus }), text);
      }),
    );
  });

  it("keep any bytes with encoding null", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(new Uint8Array(urlUnescape(urlEscape(bytes), { encoding: null })), bytes);
      }),
    );
  });

  it("decode by other encodings, and refuse one that is not known", () => {
    assert.equal(urlUnescape("%e9", { encoding: "latin1" }), "é");
    assert.equal(urlUnescape("%8e%b5", { encoding: "euc-jp" }), "\uff75");
    assert.throws(() => urlUnescape("a", { encoding: "no such" }), argumentError);
  });

  it("refuse half a surrogate pair instead of losing it", () => {
    assert.throws(() => urlEscape("\ud800"), argumentError);
  });
});
