/** Each limit: what is just inside passes, what is just over is refused with its code, and 0 and Infinity mean what they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "#room/base/errors";
import {
  DEFAULT_HTTP1_LIMITS,
  type HTTP1LimitsOptions,
  resolveHTTP1Limits,
} from "#room/protocol/http1/limits";
import { octets, serverReceiver, tellRequests, tellResponse } from "../../support/http1.js";
import { inSteps } from "../../support/splits.js";

/** The last thing said, for input given whole and in single bytes: both must agree. */
function lastTold(text: string, options?: HTTP1LimitsOptions): unknown {
  const whole = tellRequests([octets(text)], options).at(-1);
  assert.deepEqual(tellRequests(inSteps(octets(text), 1), options).at(-1), whole);
  return whole;
}

const END = { end: undefined };

function error(code: string, status: number): unknown {
  return { error: `ERR_SQUALL_HTTP_${code}`, status };
}

function requestLine(size: number, fields = "Host: a\r\n\r\n"): string {
  const frame = "GET / HTTP/1.1\r\n";
  return `GET /${"x".repeat(size - frame.length)} HTTP/1.1\r\n${fields}`;
}

test("case 6: maxStartLineSize counts the request line with its line end; more is a 414", () => {
  assert.deepEqual(lastTold(requestLine(8000)), END);
  assert.deepEqual(lastTold(requestLine(8192)), END);
  assert.deepEqual(lastTold(requestLine(8193)), error("TARGET_TOO_LONG", 414));
  assert.deepEqual(lastTold(requestLine(100), { maxStartLineSize: 100 }), END);
  assert.deepEqual(lastTold(requestLine(101), { maxStartLineSize: 100 }), error("TARGET_TOO_LONG", 414));
});

test("case 6: maxStartLineSize leaves blank lines before the request line out", () => {
  assert.deepEqual(lastTold(`\r\n\r\n${requestLine(100)}`, { maxStartLineSize: 100 }), END);
  assert.deepEqual(
    lastTold(`\r\n\r\n${requestLine(101)}`, { maxStartLineSize: 100 }),
    error("TARGET_TOO_LONG", 414),
  );
});

test("case 6: an endless request line is refused before its end", () => {
  assert.deepEqual(lastTold(`GET /${"x".repeat(9000)}`), error("TARGET_TOO_LONG", 414));
  assert.deepEqual(lastTold("x".repeat(9000)), error("METHOD_TOO_LONG", 501));
});

test("case 19: maxHeaderSize counts start line, fields and line ends; more is a 431", () => {
  const base = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
  const sized = (size: number) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(size - base.length)}\r\n\r\n`;
  assert.deepEqual(lastTold(sized(65536)), END);
  assert.deepEqual(lastTold(sized(65537)), error("HEADERS_TOO_LARGE", 431));
  assert.deepEqual(lastTold(sized(200), { maxHeaderSize: 200 }), END);
  assert.deepEqual(lastTold(sized(201), { maxHeaderSize: 200 }), error("HEADERS_TOO_LARGE", 431));
  assert.deepEqual(lastTold(`GET / HTTP/1.1\r\nX: ${"y".repeat(70000)}`), error("HEADERS_TOO_LARGE", 431));
  assert.deepEqual(lastTold(`GET / HTTP/1.1\r\n${"X".repeat(70000)}`), error("HEADERS_TOO_LARGE", 431));
});

test("case 19: maxHeaderFields counts field lines; more is a 431", () => {
  const fields = (count: number) => `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(count - 1)}\r\n`;
  assert.deepEqual(lastTold(fields(100)), END);
  assert.deepEqual(lastTold(fields(101)), error("TOO_MANY_FIELDS", 431));
  assert.deepEqual(lastTold(fields(2), { maxHeaderFields: 2 }), END);
  assert.deepEqual(lastTold(fields(3), { maxHeaderFields: 2 }), error("TOO_MANY_FIELDS", 431));
});

test("case 20: 3000 equal lines are read when the limits are off", () => {
  const options = { maxHeaderFields: Number.POSITIVE_INFINITY, maxHeaderSize: Number.POSITIVE_INFINITY };
  const text = `GET / HTTP/1.1\r\nHost: a\r\n${"X-Same: y\r\n".repeat(3000)}\r\n`;
  const [told] = tellRequests([octets(text)], options);
  assert.ok(told !== undefined && "head" in told);
  assert.equal(told.head.fields.length, 6002);
  assert.equal(told.head.fields.at(-1), "y");
});

test("maxBlankLines bounds the blank lines before a request line", () => {
  const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  assert.deepEqual(lastTold("\r\n".repeat(4) + get), END);
  assert.deepEqual(lastTold("\r\n".repeat(5) + get), error("START_LINE", 400));
  assert.deepEqual(lastTold(`\r\n${get}`, { maxBlankLines: 0 }), error("START_LINE", 400));
  assert.deepEqual(lastTold(`${get}\r\n${get}\r\n${get}`, { maxBlankLines: 1 }), END);
});

const withLength = (body: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (text: string) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${text}`;

test("maxBodySize bounds bodies with Content-Length before a byte of them is taken", () => {
  assert.deepEqual(lastTold(withLength("12345"), { maxBodySize: 5 }), END);
  assert.deepEqual(lastTold(withLength("123456"), { maxBodySize: 5 }), error("BODY_TOO_LARGE", 413));
  assert.deepEqual(
    lastTold("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 104857601\r\n\r\n"),
    error("BODY_TOO_LARGE", 413),
  );
  assert.deepEqual(lastTold(withLength(""), { maxBodySize: 0 }), END);
  assert.deepEqual(lastTold(withLength("1"), { maxBodySize: 0 }), error("BODY_TOO_LARGE", 413));
});

test("maxBodySize bounds the sum of the chunks as their sizes come", () => {
  assert.deepEqual(lastTold(chunked("3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"), { maxBodySize: 5 }), END);
  assert.deepEqual(lastTold(chunked("3\r\n123\r\n3\r\n"), { maxBodySize: 5 }), error("BODY_TOO_LARGE", 413));
  assert.deepEqual(lastTold(chunked("0\r\n\r\n"), { maxBodySize: 0 }), END);
});

test("setMaxBodySize() in onHead changes the limit for that message alone", () => {
  const { receiver, recorder } = serverReceiver({ maxBodySize: 5 });
  let isFirst = true;
  recorder.onCall = (name) => {
    if (name === "head" && isFirst) receiver.setMaxBodySize(10);
    isFirst = false;
  };
  receiver.feed(octets(withLength("1234567890") + withLength("123456")));
  assert.deepEqual(recorder.told.slice(1, 3), [{ body: "1234567890" }, END]);
  assert.deepEqual(recorder.told.at(-1), error("BODY_TOO_LARGE", 413));
  assert.throws(() => receiver.setMaxBodySize(-1), InvalidArgumentError);
});

test("setMaxBodySize() while paused in onHead counts when the receiver goes on", () => {
  const { receiver, recorder } = serverReceiver({ maxBodySize: 5 });
  recorder.onCall = (name) => {
    if (name === "head") receiver.pause();
  };
  receiver.feed(octets(withLength("123456")));
  assert.equal(recorder.told.length, 1);
  receiver.setMaxBodySize(6);
  assert.equal(receiver.maxBodySize, 6);
  receiver.resume();
  assert.deepEqual(recorder.told.slice(1), [{ body: "123456" }, END]);
});

test("case 37: maxChunkExtensionSize counts the extensions of all chunks of a body", () => {
  const options = { maxChunkExtensionSize: 6 };
  assert.deepEqual(lastTold(chunked("1;ab\r\nx\r\n1;ab\r\ny\r\n0\r\n\r\n"), options), END);
  assert.deepEqual(
    lastTold(chunked("1;ab\r\nx\r\n1;abc\r\n"), options),
    error("CHUNK_EXTENSIONS_TOO_LARGE", 413),
  );
  assert.deepEqual(lastTold(chunked(`1;${"x".repeat(20000)}\r\n`)), error("CHUNK_EXTENSIONS_TOO_LARGE", 413));
});

test("case 38: the trailer section has the limits of a header block", () => {
  const trailers = (text: string) => chunked(`0\r\n${text}\r\n`);
  assert.deepEqual(lastTold(trailers("X: y\r\n".repeat(101))), error("TOO_MANY_FIELDS", 431));
  assert.deepEqual(lastTold(trailers(`X: ${"y".repeat(66000)}\r\n`)), error("HEADERS_TOO_LARGE", 431));
});

test("resolveHTTP1Limits() fills in defaults, keeps 0 and Infinity, and refuses the rest", () => {
  assert.deepEqual(resolveHTTP1Limits(), DEFAULT_HTTP1_LIMITS);
  assert.deepEqual(resolveHTTP1Limits({ maxBodySize: undefined }), DEFAULT_HTTP1_LIMITS);
  const limits = resolveHTTP1Limits({ maxBodySize: 0, maxHeaderSize: Number.POSITIVE_INFINITY });
  assert.equal(limits.maxBodySize, 0);
  assert.equal(limits.maxHeaderSize, Number.POSITIVE_INFINITY);
  for (const value of [-1, 1.5, Number.NaN, "5"]) {
    assert.throws(() => resolveHTTP1Limits({ maxHeaderFields: value as number }), InvalidArgumentError);
  }
});

test("maxStartLineSize bounds status lines too", () => {
  const line = (size: number) => `HTTP/1.1 200 ${"x".repeat(size - 15)}\r\nContent-Length: 0\r\n\r\n`;
  assert.deepEqual(tellResponse([octets(line(8192))]).at(-1), END);
  for (const pieces of [[octets(line(8193))], inSteps(octets(line(8193)), 1)]) {
    assert.deepEqual(tellResponse(pieces).at(-1), error("STATUS_LINE", 400));
  }
});
