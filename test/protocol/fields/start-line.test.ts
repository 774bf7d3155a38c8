import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { HTTPInputError, parseRequestStartLine, parseResponseStartLine } from "squall/httputil";

test("parseRequestStartLine() gives method, target and version", () => {
  assert.deepEqual(parseRequestStartLine("GET /a?b HTTP/1.1"), {
    method: "GET",
    path: "/a?b",
    version: "HTTP/1.1",
  });
  assert.equal(parseRequestStartLine("GET / HTTP/1.9").version, "HTTP/1.9");
});

test("case 1, 2, 5: a request line with other words, blanks or octets is refused", () => {
  for (const line of [
    "",
    "GET",
    "GET /",
    "GET / HTTP/1.1 x",
    "GET /a b HTTP/1.1",
    "GET  / HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET\t/ HTTP/1.1",
    "G(T / HTTP/1.1",
    "G\0T / HTTP/1.1",
    "GÉT / HTTP/1.1",
    " / HTTP/1.1",
    "GET  HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "GET /\x7f HTTP/1.1",
    "GET /☃ HTTP/1.1",
    "GET / HTTP/1.1\n",
    "GET / HTTP/1.1\r",
  ]) {
    assert.throws(() => parseRequestStartLine(line), { name: "HTTPInputError", status: 400 }, inspect(line));
  }
});

test("case 4: versions that are none are refused with 400, later major versions with 505", () => {
  for (const version of [
    "HTTP/1.01",
    "http/1.1",
    "HTTP/1.1x",
    "HTTP/4294967297.1",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/.1",
    "HTTPS/1.1",
    "HTTP/１.1",
  ]) {
    assert.throws(() => parseRequestStartLine(`GET / ${version}`), { status: 400 }, version);
  }
  for (const version of ["HTTP/2.0", "HTTP/9.9"]) {
    assert.throws(() => parseRequestStartLine(`GET / ${version}`), { status: 505 }, version);
  }
  assert.throws(() => parseRequestStartLine("GET / HTTP/0.9"), { status: 400 });
});

test("parseResponseStartLine() gives version, code and reason, which may be empty", () => {
  assert.deepEqual(parseResponseStartLine("HTTP/1.1 404 Not Found"), {
    version: "HTTP/1.1",
    code: 404,
    reason: "Not Found",
  });
  assert.equal(parseResponseStartLine("HTTP/1.0 200 ").reason, "");
  assert.equal(parseResponseStartLine("HTTP/1.0 200 \té").reason, "\té");
});

test("a status line with another form is refused", () => {
  for (const line of [
    "",
    "HTTP/1.1 200",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 +20 OK",
    "HTTP/1.1 ٢٠٠ OK",
    "HTTP/1.1 200 a\nb",
    "HTTP/1.1 200 a\0",
    "HTTP/1.1 200 ☃",
    "HTTP/1.10 200 OK",
    "ICY 200 OK",
    " HTTP/1.1 200 OK",
    "HTTP/2.0 200 OK",
  ]) {
    assert.throws(() => parseResponseStartLine(line), HTTPInputError, inspect(line));
  }
});

test("a long line is cut off in the message", () => {
  assert.throws(
    () => parseRequestStartLine("x".repeat(100_000)),
    (error: Error) => error.message.length < 300,
  );
});
