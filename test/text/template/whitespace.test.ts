import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DictLoader, filterWhitespace, Template, type WhitespaceMode } from "squall/template";

describe("filterWhitespace()", () => {
  test("keeps all, keeps line feeds, or makes one line", () => {
    const text = " a \t b \r\n\n  c\n";
    assert.deepEqual(
      (["all", "single", "oneline"] as const).map((mode) => filterWhitespace(mode, text)),
      [text, " a b\nc\n", " a b c "],
    );
  });
  test("refuses another mode, also for an empty text", () => {
    assert.throws(() => filterWhitespace("none" as WhitespaceMode, ""), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
  test("gives what Tornado's two patterns give", () => {
    // Python's \s: the byte order mark is no space there, the information separators and NEL are.
    const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*";
    const feeds = new RegExp(`${space}\\n${space}`, "g");
    const twin = (text: string): string => text.replace(/[\t ]+/g, " ").replace(feeds, "\n");
    const piece = fc.constantFrom(" ", "\t", "\n", "\r", "\v", "\u00a0", "\u2028", "\u001c", "\ufeff", "a");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        assert.equal(filterWhitespace("single", text), twin(text));
      }),
    );
  });
  test("takes linear time for half a megabyte of spaces without a line feed", () => {
    const run = "\v".repeat(500_000);
    assert.equal(filterWhitespace("single", `${run}x`), `${run}x`);
  });
});

describe("the white space of a template", () => {
  const source = " a  b {{ '  c  ' }}  d ";
  test("is single for .html and .js, and all for other names", () => {
    const of = (name: string): string => new Template(source, { name }).generate();
    assert.deepEqual([of("x.html"), of("x.js")], [" a b   c   d ", " a b   c   d "]);
    assert.equal(of("x.txt"), " a  b   c    d ");
  });
  test("is what the option, the older option or the loader says", () => {
    assert.equal(new Template(source, { whitespace: "oneline" }).generate(), " a b   c   d ");
    assert.equal(new Template(source, { compressWhitespace: true }).generate(), " a b   c   d ");
    assert.equal(
      new Template(source, { name: "x.html", compressWhitespace: false }).generate(),
      " a  b   c    d ",
    );
    assert.equal(new DictLoader({ x: "a  b" }, { whitespace: "single" }).load("x").generate(), "a b");
    assert.throws(() => new DictLoader({}, { whitespace: "x" as WhitespaceMode }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
  test("changes with a tag for the rest of the file, and not for what it includes", () => {
    const loader = new DictLoader({
      "a.txt": "a  b{% whitespace single %}c  d{% include b.txt %}",
      "b.txt": "e  f",
    });
    assert.equal(loader.load("a.txt").generate(), "a  bc de  f");
  });
  test("is left alone in a piece of text that holds <pre>", () => {
    const page = "<pre>a  b</pre>  {{ 1 }}  c  d";
    assert.equal(new Template(page, { whitespace: "single" }).generate(), "<pre>a  b</pre>  1 c d");
  });
});
