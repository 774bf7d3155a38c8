/** Heads that are kept as their difference to another come back as they were. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { packHead } from "#room/http/packed-head";

const line = (path = "/") => ({ method: "GET", path, version: "HTTP/1.1" });
const browser = (key: string, agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0") => [
  "Host",
  "example.com",
  "User-Agent",
  agent,
  "Sec-Websocket-Key",
  key,
  "Accept-Language",
  "en-GB,en-US;q=0.9,en;q=0.8",
];

describe("packHead()", () => {
  test("gives back what it was given, for the first head and for those like it", () => {
    for (const [key, path] of [
      ["one", "/"],
      ["two", "/"],
      ["two", "/other?path"],
      ["", "/"],
    ] as const) {
      const packed = packHead(line(path), browser(key));
      assert.deepEqual(packed.startLine, line(path));
      assert.deepEqual(packed.fields, browser(key));
      assert.deepEqual(packed.fields, browser(key), "and again");
    }
  });

  test("a head that differs in much, in a name or in the number of fields is kept by itself", () => {
    packHead(line(), browser("one"));
    for (const fields of [
      ["Host", "elsewhere", "User-Agent", "x".repeat(200), "Sec-Websocket-Key", "k", "Accept-Language", "-"],
      ["Host", "example.com", "User-Agent", "curl", "Sec-Websocket-Key", "k", "X-Other", "-"],
      ["Host", "example.com"],
      [],
    ]) {
      assert.deepEqual(packHead(line(), fields).fields, fields);
    }
  });

  test("any mixture of heads comes back as it was", () => {
    const value = fc.constantFrom("", "a", "\xff:\x01", "x".repeat(50), "y".repeat(50));
    const fields = fc
      .array(fc.tuple(fc.constantFrom("A", "B", "C"), value), { maxLength: 6 })
      .map((pairs) => pairs.flat());
    fc.assert(
      fc.property(fc.array(fc.tuple(fields, fc.constantFrom("/", "/a")), { maxLength: 60 }), (heads) => {
        const packed = heads.map(([list, path]) => packHead(line(path), list));
        for (const [i, [list, path]] of heads.entries()) {
          assert.deepEqual(packed[i]!.fields, list);
          assert.deepEqual(packed[i]!.startLine, line(path));
        }
      }),
    );
  });
});
