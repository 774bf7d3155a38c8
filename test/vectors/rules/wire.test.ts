import { gzipSync } from "node:zlib";
import { testRules } from "../rule-examples.js";
import { rules } from "./wire.js";

type Field = readonly [name: string, value: string];
type Short = readonly [status: number, body?: string, headers?: readonly Field[], truncated?: boolean];

/** What Tornado answered. */
function tornado(open: boolean, ...responses: readonly Short[]) {
  return {
    open,
    raw: null,
    responses: responses.map(([status, body = "", headers = [], truncated = false]) => ({
      status,
      reason: "",
      headers,
      body: Buffer.from(body),
      truncated,
      ...(headers.some(([name]) => name === "Transfer-Encoding") ? { chunks: [body.length] } : {}),
    })),
  };
}

const closed = (...responses: readonly Short[]) => tornado(false, ...responses);
const open = (...responses: readonly Short[]) => tornado(true, ...responses);

/** An example: what was sent, and Tornado's answer. */
function given(text: string, result: ReturnType<typeof tornado>, server: Record<string, unknown> = {}) {
  return { args: [[Buffer.from(text, "latin1")]], kwargs: { server }, result };
}

/** A request; the method is GET unless the target has one before it. */
function request(target: string, fields: readonly string[] = [], body = "", version = "HTTP/1.1"): string {
  const line = target.includes(" ") ? target : `GET ${target}`;
  const host = fields.some((field) => field.startsWith("Host:")) ? [] : ["Host: example.com"];
  return `${[`${line} ${version}`, ...host, ...fields].join("\r\n")}\r\n\r\n${body}`;
}

const HELLO: Short = [200, "hello"];
const CLOSE: Field = ["Connection", "close"];
const KEEP: Field = ["Connection", "Keep-Alive"];
const CHUNKED: Field = ["Transfer-Encoding", "chunked"];
const hello = request("/hello");
const post = (fields: readonly string[], body: string, target = "/hello") =>
  request(`POST ${target}`, fields, body);
const chunked = (body: string) => post(["Transfer-Encoding: chunked"], body);
const page = (status: number): Short => [status, `${status}: `];
const packed = (rest = "", target = "POST /hello", coding = "gzip") => {
  const body = gzipSync("a=1").toString("latin1") + rest;
  return request(target, [`Content-Encoding: ${coding}`, `Content-Length: ${body.length}`], body);
};
const unpacking = { decompress_request: true };
const urlencoded = "Content-Type: application/x-www-form-urlencoded";

testRules("wire", rules, {
  "wire/allow": {
    covers: [
      given(request("OPTIONS /hello"), open(page(405))),
      given(request("/error/405"), open(page(405))),
    ],
    leaves: [
      given(request("OPTIONS /hello"), open([405, "405: ", [["Allow", "GET, POST"]]])),
      given(request("/error/403"), open(page(403))),
    ],
  },
  "wire/unknown-method": {
    covers: [given(request("get /hello"), open(page(405))), given(request("FOO /nope"), open(page(405)))],
    leaves: [
      given(request("TRACE /hello"), open(page(405))),
      given(request("G(T /hello"), closed([400])),
      given(request("FOO /hello"), open(page(501))),
    ],
  },
  "wire/method-too-long": {
    covers: [given("A".repeat(200), closed(), { max_header_size: 200 })],
    leaves: [
      given("A".repeat(199), open(), { max_header_size: 200 }),
      given(`GET /${"a".repeat(200)}`, closed(), { max_header_size: 200 }),
    ],
  },
  "wire/target-characters": {
    covers: [
      given(request("/hello#x"), open(page(404))),
      given(request("/hello?\xe9"), open(HELLO)),
      given(request('/"'), open(page(404))),
    ],
    leaves: [given(request("/hello#x"), closed([400])), given(request("/a|b"), open(page(404)))],
  },
  "wire/target-form": {
    covers: [given(request("?x"), open(page(404))), given(request("example.com:80"), open(page(404)))],
    leaves: [given(request("*"), closed([400])), given(request("OPTIONS *"), open())],
  },
  "wire/absolute-form": {
    covers: [
      given(request("http://example.com/hello"), open(page(404))),
      given(request("HTTPS://example.com/hello"), open(page(404))),
    ],
    leaves: [
      given(request("http://example.com/hello"), open(HELLO)),
      given(request("http://u@example.com/hello"), open(page(404))),
    ],
  },
  "wire/cookie-lines": {
    covers: [
      given(
        request("/echo", ["Cookie: a=b", "Cookie: c=d"]),
        open([200, "method=GET\ncookie:a=b,c=d\n", [["Content-Type", "text/plain; charset=UTF-8"]]]),
      ),
    ],
    leaves: [
      given(request("/hello", ["Cookie: a=b", "Cookie: c=d"]), open(HELLO)),
      given(request("/hello", ["Cookie: a=b; c=d"]), open(HELLO)),
    ],
  },
  "wire/minor-version": {
    covers: [
      given(request("/hello", [], "", "HTTP/1.9"), closed(HELLO)),
      given(request("/hello", [], hello, "HTTP/1.2"), closed(HELLO)),
    ],
    leaves: [given(hello, closed(HELLO)), given(request("/hello", [], "", "HTTP/1.9"), open(HELLO))],
  },
  "wire/major-version": {
    covers: [given(request("/hello", [], "", "HTTP/2.0"), closed([400]))],
    leaves: [
      given(request("/hello", [], "", "HTTP/2"), closed([400])),
      given(request("/hello", [], "", "HTTP/2.0"), closed([505])),
    ],
  },
  "wire/blank-lines": {
    covers: [given(`\r\n\r\n${hello}`, closed([400])), given("\r\n\r\n", closed([400]))],
    leaves: [given(`\r\n${hello}`, open(HELLO)), given(`${"\r\n".repeat(5)}${hello}`, closed([400]))],
  },
  "wire/line-feed-alone": {
    covers: [
      given("GET /hello HTTP/1.1\nHost: example.com\n\n", open(HELLO)),
      given("\nGET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n", open(HELLO)),
      given(`${hello}\n`, open(HELLO)),
    ],
    leaves: [
      given("GET /hello HTTP/1.1\nHost: example.com\n\n", closed([400])),
      given("GET /hello\n", open()),
    ],
  },
  "wire/carriage-return-alone": {
    covers: [given("GET /hello HTTP/1.1\rHost: example.com\r\r", open())],
    leaves: [given(request("/hello", ["X: a\rb"]), closed([400])), given("GET /hello HTTP/1.1\r", open())],
  },
  "wire/folded-field": {
    covers: [
      given(request("/hello", ["X: a", " b"]), open(HELLO)),
      given(request("/hello", ["X: a", "\t"]), open(HELLO)),
    ],
    leaves: [
      given(request("/hello", ["X: a", " b"]), closed([400])),
      given(request("/hello", ["X:  a "]), open(HELLO)),
    ],
  },
  "wire/refused-at-once": {
    covers: [
      given("GET /hello HTTP/1.1\r\nHost example.com\r\n", open()),
      given(`${hello}(`, open(HELLO)),
      given("GET /hello\r\n", open()),
      given(request("/hello", ["X Y: 1"]), closed()),
      given(post(["Content-Length: x"], "", "/early"), closed([200, "early"])),
    ],
    leaves: [
      given("GET /hello HTTP/1.1\r\nHost: example.com\r\n", open()),
      given(post(["Content-Length: 5,5"], "hello"), open(HELLO)),
      given(post(["Content-Length: 5,6"], "hello"), closed([400])),
      given("GET /hello HTTP/1.1\r\nHost example.com\r\n\r\n", closed([400])),
    ],
  },
  "wire/head-too-large": {
    covers: [
      given(request("/hello", [`X: ${"a".repeat(200)}`]), closed(), { max_header_size: 200 }),
      given(request(`/${"a".repeat(200)}`), closed(), { max_header_size: 200 }),
    ],
    leaves: [
      given(request("/hello", [`X: ${"a".repeat(100)}`]), open(HELLO), { max_header_size: 200 }),
      given(request("/hello", [`X: ${"a".repeat(200)}`]), closed([431]), { max_header_size: 200 }),
    ],
  },
  "wire/too-many-fields": {
    covers: [given(request("/hello", Array<string>(100).fill("A: 1")), open(HELLO))],
    leaves: [given(request("/hello", Array<string>(99).fill("A: 1")), open(HELLO))],
  },
  "wire/host-grammar": {
    covers: [
      given(request("/hello", ["Host: a:b:c"]), open(HELLO)),
      given(request("/hello", ["Host: a,b"]), closed([400])),
    ],
    leaves: [
      given(request("/hello", ["Host: a b"]), closed([400])),
      given(request("/hello", ["Host: a:80"]), open(HELLO)),
    ],
  },
  "wire/body-too-large": {
    covers: [
      given(post(["Content-Length: 6"], "123456"), closed([400]), { max_body_size: 5 }),
      given(chunked("6\r\n123456\r\n0\r\n\r\n"), closed([400]), { max_body_size: 5 }),
      given(post([`Content-Length: ${"9".repeat(20)}`], ""), closed([400])),
    ],
    leaves: [given(post(["Content-Length: 5"], "12345"), open(HELLO), { max_body_size: 5 })],
  },
  "wire/transfer-coding-unknown": {
    covers: [
      given(post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n"), closed([400])),
      given(request("POST /hello", ["Transfer-Encoding: chunked"], "0\r\n\r\n", "HTTP/1.0"), closed(HELLO)),
    ],
    leaves: [given(post(["Transfer-Encoding: gzip"], "0\r\n\r\n"), closed([400]))],
  },
  "wire/chunk-extensions": {
    covers: [given(chunked('1;a="b c"\r\nx\r\n0\r\n\r\n'), closed([400]))],
    leaves: [
      given(chunked("1;\r\nx\r\n0\r\n\r\n"), closed([400])),
      given(chunked("1;a\r\nx\r\n0\r\n\r\n"), open(HELLO)),
    ],
  },
  "wire/chunk-size": {
    covers: [
      given(chunked(`${"0".repeat(17)}1\r\nx\r\n0\r\n\r\n`), closed()),
      given(chunked("1\nx\n0\n\n"), open()),
    ],
    leaves: [given(chunked("g\r\n"), closed([400])), given(chunked("1"), open())],
  },
  "wire/chunk-data-end": {
    covers: [given(chunked("1\r\nxy\r\n"), closed()), given(chunked("1\r\nx\n0\r\n\r\n"), closed())],
    leaves: [given(chunked("1\r\nxy"), closed([400])), given(chunked("1\r\nx"), open())],
  },
  "wire/trailers": {
    covers: [
      given(chunked("0\r\nX: 1\r\n\r\n"), closed([400])),
      given(chunked("0\r\nX: 1\r\n"), closed([400])),
    ],
    leaves: [
      given(chunked("0\r\nX: 1\r\n\r\n"), open(HELLO)),
      given(chunked("0\r\nX\r\n\r\n"), closed([400])),
    ],
  },
  "wire/gzip-corrupt": {
    covers: [given(post(["Content-Encoding: gzip", "Content-Length: 3"], "a=1"), closed(), unpacking)],
    leaves: [
      given(packed(), open(HELLO), unpacking),
      given(post(["Content-Encoding: gzip", "Content-Length: 3"], "a=1"), open(HELLO)),
    ],
  },
  "wire/gzip-to-its-end": {
    covers: [
      given(packed("x"), open(HELLO), unpacking),
      given(packed("\0"), open(HELLO), unpacking),
      given(packed(gzipSync("b=2").toString("latin1"), "POST /stream"), open([200, "body=a=1\n"]), unpacking),
    ],
    leaves: [given(packed("x"), open(HELLO)), given(packed("x"), closed([400]), unpacking)],
  },
  "wire/gzip-alias": {
    covers: [given(packed("", "POST /stream", "x-gzip"), open([200, "body=%1F%8B\n"]), unpacking)],
    leaves: [given(packed("", "POST /stream", "x-gzip"), open([200, "body=a=1\n"]), unpacking)],
  },
  "wire/forms": {
    covers: [
      given(post([urlencoded, "Content-Encoding: gzip", "Content-Length: 3"], "a=1"), open(page(400))),
      given(post([`${urlencoded}x`, "Content-Encoding: gzip", "Content-Length: 3"], "a=1"), open(page(400))),
      given(
        post(
          ["Content-Type: multipart/form-data; boundary=B", "Content-Length: 20"],
          "preamble\r\n--B\r\n--B--",
        ),
        open(page(400)),
      ),
    ],
    leaves: [
      given(post([urlencoded, "Content-Length: 3"], "a=1"), open(HELLO)),
      given(
        post(["Content-Type: multipart/form-data; boundary=C", "Content-Length: 5"], "--B--"),
        open(page(400)),
      ),
    ],
  },
  "wire/timeout": {
    covers: [
      given("GET /hello HTTP/1.1\r\n", closed(), { idle_connection_timeout: 0.1 }),
      given(post(["Content-Length: 5"], "hel"), closed(), { body_timeout: 0.1 }),
    ],
    leaves: [
      given(hello, closed(HELLO), { idle_connection_timeout: 0.1 }),
      given(post(["Content-Length: 5"], "hel"), open()),
    ],
  },
  "wire/connection-options": {
    covers: [given(request("/hello", ["Connection: close, TE"]), open(HELLO))],
    leaves: [
      given(request("/hello", ["Connection: close"]), closed([200, "hello", [CLOSE]])),
      given(request("/hello", ["Connection: TE"]), open(HELLO)),
    ],
  },
  "wire/announced-close": {
    covers: [
      given(request("/connclose"), open([200, "bye", [CLOSE]])),
      given(request("/connclose", ["Connection: keep-alive"], "", "HTTP/1.0"), open([200, "bye", [KEEP]])),
    ],
    leaves: [given(request("/connclose", ["Connection: close"]), closed([200, "bye", [CLOSE]]))],
  },
  "wire/http10-keep-alive": {
    covers: [
      given(
        request("POST /hello", ["Connection: keep-alive"], "", "HTTP/1.0"),
        closed([200, "hello", [KEEP]]),
      ),
      given(
        request("/chunked", ["Connection: keep-alive"], "", "HTTP/1.0"),
        open([200, "hello world!", [KEEP]]),
      ),
      given(request("/hello", ["Connection: keep-alive"], "", "HTTP/1.0"), closed([200, "hello", [KEEP]]), {
        no_keep_alive: true,
      }),
    ],
    leaves: [
      given(request("/hello", ["Connection: keep-alive"], "", "HTTP/1.0"), open([200, "hello", [KEEP]])),
      given(request("/hello", [], "", "HTTP/1.0"), closed(HELLO)),
    ],
  },
  "wire/expect-case": {
    covers: [given(post(["Expect: 100-Continue", "Content-Length: 1"], "x"), open(HELLO))],
    leaves: [
      given(post(["Expect: 100-continue", "Content-Length: 1"], "x"), open([100], HELLO)),
      given(post(["Expect: other", "Content-Length: 1"], "x"), open(HELLO)),
    ],
  },
  "wire/expect-http10": {
    covers: [
      given(
        request("POST /hello", ["Expect: 100-continue", "Content-Length: 1"], "x", "HTTP/1.0"),
        closed([100], HELLO),
      ),
      given(
        request("POST /hello", ["Expect: 100-continue", "Content-Length: 1"], "", "HTTP/1.0"),
        open([100]),
      ),
    ],
    leaves: [
      given(request("POST /hello", ["Expect: x", "Content-Length: 1"], "x", "HTTP/1.0"), closed(HELLO)),
    ],
  },
  "wire/early-answer": {
    covers: [
      given(post(["Content-Length: 5"], "", "/early"), closed([200, "early"])),
      given(post([], hello, "/early"), closed([200, "early"])),
    ],
    leaves: [
      given(post(["Content-Length: 5"], "", "/early"), open([200, "early"])),
      given(post(["Connection: close"], "", "/early"), closed([200, "early", [CLOSE]])),
    ],
  },
  "wire/error-without-body": {
    covers: [given(request("/error/204"), open())],
    leaves: [given(request("/error/304"), open([304])), given(request("/error/204"), open([204]))],
  },
  "wire/unsendable-answer": {
    covers: [
      given(request("/short"), closed([200, "01234", [["Content-Length", "10"]], true])),
      given(request("/long"), closed()),
      given(request("/status/100"), open([100])),
    ],
    leaves: [given(request("/length"), open([200, "0123456789"])), given(request("/short"), open(page(500)))],
  },
  "wire/error-after-flush": {
    covers: [given(request("/raise_after_flush"), open([200, "partial", [CHUNKED]]))],
    leaves: [given(request("/raise_after_flush"), closed([200, "partial", [CHUNKED], true]))],
  },
});
