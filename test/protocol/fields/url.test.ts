import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUsernamePassword, qsToQsl, responses, splitHostAndPort, urlConcat } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { reasonPhrase } from "#room/protocol/fields/status";
import { cpuTime } from "../../support/cpu-time.js";

test("urlConcat() takes octets, and percent-encodes them as they are", () => {
  assert.equal(urlConcat("/p", { a: new Uint8Array([0xff, 0x20, 0x41]) }), "/p?a=%FF+A");
  assert.equal(urlConcat("/p", [[Buffer.from("é"), Buffer.from("b")]]), "/p?%C3%A9=b");
  assert.equal(urlConcat("/p", { a: [Buffer.from("1"), "2"] }), "/p?a=1&a=2");
});

test("urlConcat() adds to the query and keeps the fragment at the end", () => {
  assert.equal(
    urlConcat("http://a/p?x=1#f?g", { y: "2 3", z: ["é", "b"], skipped: undefined }),
    "http://a/p?x=1&y=2+3&z=%C3%A9&z=b#f?g",
  );
  assert.equal(
    urlConcat("/p", [
      ["a", 1],
      ["a", true],
    ]),
    "/p?a=1&a=true",
  );
  assert.equal(urlConcat("", new Map([["a", "b"]])), "?a=b");
});

test("urlConcat() gives the URL back when there are no arguments, and refuses what is none", () => {
  assert.equal(urlConcat("http://a/?x=y z#"), "http://a/?x=y z#");
  assert.equal(urlConcat("http://a/?", null), "http://a/?");
  assert.equal(urlConcat("http://a/", {}), "http://a/");
  for (const args of ["a=b", 5, true])
    assert.throws(() => urlConcat("/", args as never), InvalidArgumentError);
});

test("urlConcat() lets no argument out of its place", () => {
  assert.equal(urlConcat("/p", { "a&b": "c#d?e=f\r\n" }), "/p?a%26b=c%23d%3Fe%3Df%0D%0A");
});

test("splitHostAndPort() splits at the last colon if digits follow, and keeps brackets", () => {
  assert.deepEqual(splitHostAndPort("example.com:80"), ["example.com", 80]);
  assert.deepEqual(splitHostAndPort("[::1]:443"), ["[::1]", 443]);
  assert.deepEqual(splitHostAndPort("[::1]"), ["[::1]", undefined]);
  for (const netloc of ["", "a", "a:", "a:b", "a:8x", "a:+1", ":80"])
    assert.deepEqual(splitHostAndPort(netloc), [netloc, undefined]);
});

test("splitHostAndPort() takes linear time for 64 KB of colons or digits", () => {
  const started = cpuTime();
  splitHostAndPort(":".repeat(65_536));
  splitHostAndPort(`${"1:".repeat(32_768)}x`);
  splitHostAndPort(`a:${"1".repeat(65_536)}x`);
  assert.ok(cpuTime() - started < 500);
});

test("qsToQsl() flattens lists in their order", () => {
  assert.deepEqual(qsToQsl<string | Buffer>({ b: ["1", "2"], a: [], c: [Buffer.from("x")] }), [
    ["b", "1"],
    ["b", "2"],
    ["c", Buffer.from("x")],
  ]);
});

test("encodeUsernamePassword() normalises text to NFC and takes bytes as they are", () => {
  assert.deepEqual(
    encodeUsernamePassword("e\u0301", Buffer.from([0xff])),
    Buffer.from([0xc3, 0xa9, 0x3a, 0xff]),
  );
});

test("responses has the registered phrases and cannot be changed", () => {
  assert.equal(responses[200], "OK");
  assert.equal(responses[413], "Content Too Large");
  assert.equal(reasonPhrase(299), "Unknown");
  assert.equal(Object.isFrozen(responses), true);
  for (const [code, phrase] of Object.entries(responses))
    assert.match(`${code} ${phrase}`, /^[1-5]\d\d [A-Z][A-Za-z '-]+$/);
});
