import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSetCookie, parseCookie } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { isCookieName, parseRequestCookies } from "#room/protocol/fields/cookie";
import { cpuTime } from "../../support/cpu-time.js";

const cookiesOf = (field: string) => ({ ...parseCookie(field) });

test("case 70: parseCookie() cuts at semicolons even inside quotes, and at the first equals sign", () => {
  assert.deepEqual(cookiesOf('a="b;c=d"; e=f=g'), { a: '"b', c: 'd"', e: "f=g" });
  assert.deepEqual(cookiesOf(";; a = b ;c=d;"), { a: "b", c: "d" });
});

test("case 70: one bad piece does not spoil the good ones, and a piece without = has the empty name", () => {
  assert.deepEqual(cookiesOf("x; a=b; =; é=1"), { "": "x", a: "b", é: "1" });
  assert.deepEqual(
    { ...parseRequestCookies("x; a=b; =; é=1; a b=2; c:d=3; a[0]=4") },
    { a: "b", "c:d": "3" },
  );
});

test("case 70: of two cookies with one name the later wins, as in Tornado", () => {
  assert.deepEqual(cookiesOf("a=1; a=2"), { a: "2" });
});

test("unescapes quoted values including octal escapes, skips unparsable ones, and lets later duplicates win", () => {
  assert.deepEqual(cookiesOf('a="\\"x\\" \\\\ \\073\\351"; b="\\8\\400"; c="open'), {
    a: '"x" \\ ;é',
    b: "8400",
    c: '"open',
  });
  assert.deepEqual({ ...parseRequestCookies("bad name=1; a=1; nameless; a=2; b@c=3") }, { a: "2" });
});

test("names of Object.prototype are plain data, and the result has no prototype", () => {
  const cookies = parseCookie("__proto__=a; constructor=b");
  assert.equal(Object.getPrototypeOf(cookies), null);
  assert.deepEqual(Object.entries(cookies), [
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
});

test("spaces and tabs are trimmed, other blanks are data", () => {
  assert.deepEqual(cookiesOf("\t a \t=\tb ; \xa0c=\x1cd"), { a: "b", "\xa0c": "\x1cd" });
});

test("case 20, 70: 64 KB of escapes, semicolons or quotes take linear time", () => {
  const started = cpuTime();
  assert.equal(parseCookie(`a="${'\\"'.repeat(32_768)}"`).a!.length, 32_768);
  parseCookie(`a="${"\\0".repeat(32_768)}"`);
  parseCookie(`a="${"\\".repeat(65_536)}`);
  parseCookie(";".repeat(65_536));
  parseCookie(" ".repeat(65_536));
  parseCookie("=".repeat(65_536));
  assert.ok(cpuTime() - started < 1000);
});

test("formatSetCookie() writes the attributes that are given", () => {
  assert.equal(formatSetCookie("a", "b"), "a=b");
  assert.equal(
    formatSetCookie("a", "b", {
      domain: "example.com",
      path: "/x",
      expires: 1_234_567_890_900,
      maxAge: 0,
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
      partitioned: true,
    }),
    "a=b; Domain=example.com; expires=Fri, 13 Feb 2009 23:31:30 GMT; HttpOnly; Max-Age=0; Partitioned; Path=/x; SameSite=Lax; Secure",
  );
  assert.equal(
    formatSetCookie("a", "", { httpOnly: false, expires: new Date(0) }),
    'a=""; expires=Thu, 01 Jan 1970 00:00:00 GMT',
  );
});

test("what formatSetCookie() writes, parseCookie() reads back", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\x21-\xff]{0,20}$/), (value) => {
      const field = formatSetCookie("name", value);
      assert.equal(parseCookie(field).name, value);
      assert.match(field, /^[\x20-\x7e]*$/);
    }),
  );
});

test("case 71, 86: formatSetCookie() refuses names, values and attributes that could begin something else", () => {
  for (const name of ["", "a b", "a;b", "a=b", "a\n", "é", "a,b", "a@b", "secure", "Path", "__proto__\0"]) {
    assert.throws(() => formatSetCookie(name, "x"), InvalidArgumentError, name);
  }
  for (const value of ["a b", "a\r\nb", "a\0", "\t", "☃"]) {
    assert.throws(() => formatSetCookie("a", value), InvalidArgumentError, value);
  }
  for (const attributes of [
    { domain: "a;b" },
    { domain: "a\r\nb" },
    { domain: "a b" },
    { domain: "☃" },
    { domain: "a,b" },
    { path: "/;secure" },
    { path: "/\r\n" },
    { path: "/\0" },
    { path: "/☃" },
    { sameSite: "Lax; x" as "Lax" },
    { sameSite: "no" as "Lax" },
    { sameSite: "" as "Lax" },
    { maxAge: 1.5 },
    { maxAge: Infinity },
    { maxAge: "5; x" as unknown as number },
    { expires: Number.NaN },
    { expires: "now" as unknown as number },
  ]) {
    assert.throws(
      () => formatSetCookie("a", "b", attributes),
      InvalidArgumentError,
      JSON.stringify(attributes),
    );
  }
});

test("case 71: the promises of __Secure-, __Host- and Partitioned are kept", () => {
  const host = { secure: true, path: "/" } as const;
  assert.equal(formatSetCookie("__Host-a", "b", host), "__Host-a=b; Path=/; Secure");
  assert.equal(formatSetCookie("__Secure-a", "b", { secure: true }), "__Secure-a=b; Secure");
  assert.throws(() => formatSetCookie("__Secure-a", "b"), InvalidArgumentError);
  assert.throws(() => formatSetCookie("__SECURE-a", "b"), InvalidArgumentError);
  for (const attributes of [
    {},
    { secure: true },
    { path: "/" },
    { ...host, path: "/x" },
    { ...host, domain: "d" },
  ]) {
    assert.throws(
      () => formatSetCookie("__Host-a", "b", attributes),
      InvalidArgumentError,
      JSON.stringify(attributes),
    );
  }
  assert.throws(() => formatSetCookie("a", "b", { partitioned: true }), InvalidArgumentError);
});

test("isCookieName() allows tokens, and colons beside them", () => {
  for (const name of ["a", "a:b", "a.b-c_d", ":"]) assert.equal(isCookieName(name), true, name);
  for (const name of ["", "a b", "a=", "a;", "é"]) assert.equal(isCookieName(name), false, name);
});
