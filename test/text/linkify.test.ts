import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { linkify, xhtmlEscape } from "squall/escape";

describe("linkify()", () => {
  it("links URLs and leaves trailing punctuation and outer parentheses out", () => {
    assert.equal(
      linkify("(see http://a.com/b_(c), www.d.com.)"),
      '(see <a href="http://a.com/b_(c)">http://a.com/b_(c)</a>, <a href="http://www.d.com">www.d.com</a>.)',
    );
  });

  it("case 92: links only the permitted schemes: http and https unless told otherwise", () => {
    for (const text of ["javascript://alert(1)", "data:/x", "JavaScript://x", "vbscript:/x", "HTTP://x"]) {
      assert.equal(linkify(text), xhtmlEscape(text));
    }
    assert.equal(linkify("ftp://x", { permittedProtocols: ["ftp"] }), '<a href="ftp://x">ftp://x</a>');
  });

  it("case 92: escapes everything that it is given", () => {
    const pieces = [
      "http://",
      "www.",
      "<b>",
      '"',
      "'",
      "&",
      "a",
      "(",
      ")",
      ".",
      " ",
      "/",
      "https:/",
      "x-y",
      "é",
      "😀",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces)), fc.boolean(), (parts, shorten) => {
        const text = parts.join("");
        const html = linkify(text, { shorten });
        const bare = html.replace(/<a href="[^"<>]*"(?: title="[^"<>]*")?>([^<>"]*)<\/a>/g, "$1");
        if (!shorten) assert.equal(bare, xhtmlEscape(text));
        assert.doesNotMatch(bare, /[<>"']/);
      }),
      { numRuns: 500 },
    );
  });

  it("case 92: takes time in proportion to the text, also for a megabyte of what a pattern would choke on", () => {
    const parts = [
      "(",
      "((((",
      "http://",
      "http://(",
      "www.",
      "www.(",
      "a-",
      "a",
      ":/",
      "-:/",
      "&amp;",
      "http://a.((",
      "!",
      "x:/x",
      "www.!",
    ];
    for (const part of parts) {
      const text = part.repeat(1_000_000 / part.length);
      for (const sample of [text, `http://${text}`, `www.a(${text}`]) {
        const started = performance.now();
        linkify(sample);
        assert.ok(
          performance.now() - started < 5000,
          `${sample.slice(0, 20)}: ${performance.now() - started} ms`,
        );
      }
    }
  });

  it("shortens long texts, with the URL as title, and cuts through no reference and no character", () => {
    assert.equal(
      linkify("http://example.com/aaaaaaa😀bbbbbbbbbbbbbbbb", { shorten: true }),
      '<a href="http://example.com/aaaaaaa😀bbbbbbbbbbbbbbbb" title="http://example.com/aaaaaaa😀bbbbbbbbbbbbbbbb">http://example.com/aaaaaaa😀...</a>',
    );
  });

  it("asks extraParams for the attributes of each link, or takes them as they are", () => {
    assert.equal(
      linkify("www.a.b", { extraParams: ' rel="nofollow" ' }),
      '<a href="http://www.a.b" rel="nofollow">www.a.b</a>',
    );
    assert.equal(
      linkify("http://a http://b", { extraParams: (href) => `id="${href.at(-1)}"` }),
      '<a href="http://a" id="a">http://a</a> <a href="http://b" id="b">http://b</a>',
    );
  });
});
