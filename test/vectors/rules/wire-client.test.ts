/** The rules of `wire-client`: what each covers, and near misses. */
import type { VectorClientResult } from "../families/wire-client.js";
import { type RuleExamples, type ShortCase, testRules } from "../rule-examples.js";
import { rules } from "./wire-client.js";
import "../../support/guard.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const timeout = { error: { type: "HTTPTimeoutError", code: 599 } };

function example(
  request: object,
  answer = OK,
  result: object = { response: {} },
  sent = "GET / HTTP/1.1\r\n\r\n",
): ShortCase {
  const requests: VectorClientResult["requests"] = [["ORIGIN", Buffer.from(sent, "latin1")]];
  return {
    args: [{ url: "http://ORIGIN/", ...request }, [Buffer.from(answer, "latin1")]],
    result: { ...result, requests },
  };
}

const answer = (line: string, fields = "", body = ""): string => `${line}\r\n${fields}\r\n${body}`;

const EXAMPLES: Readonly<Record<string, RuleExamples>> = {
  "target-is-encoded": {
    covers: [
      example({}, OK, {}, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
      example({}, OK, {}, "GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n"),
    ],
    leaves: [example({}, OK, {}, "GET /a%20b?c=(d) HTTP/1.1\r\n\r\n"), example({}, OK, {}, "")],
  },
  "control-in-url": {
    covers: [example({ url: "http://h/a\tb" }), example({ url: "http://h/a\nb" })],
    leaves: [example({ url: "http://h/a b" }), example({ url: "http://h/%09" })],
  },
  "empty-body": {
    covers: [example({ method: "POST", allow_nonstandard_methods: true })],
    leaves: [
      example({ method: "POST", body: "" }),
      example({ method: "GET" }),
      example({ method: "PUT", body_producer: ["a"] }),
      example({ method: "POST" }, OK, { error: { type: "ValueError" } }),
    ],
  },
  "too-long-is-not-begun": {
    covers: [example({ body_producer: ["abcd"], headers: { "Content-Length": "3" } })],
    leaves: [
      example({ body_producer: ["abc"], headers: { "Content-Length": "3" } }),
      example({ body_producer: ["abcd"] }),
    ],
  },
  "accept-encoding-is-kept": {
    covers: [example({ headers: { "accept-encoding": "br" } })],
    leaves: [example({ headers: { "Accept-Encoding": "gzip" } }), example({})],
  },
  "line-feed-alone": {
    covers: [example({}, "HTTP/1.1 200 OK\nContent-Length: 2\n\nok")],
    leaves: [example({}), example({}, answer("HTTP/1.1 200 OK", "", "a\nb"))],
  },
  "reason-may-be-missing": {
    covers: [example({}, answer("HTTP/1.1 200"))],
    leaves: [example({}, answer("HTTP/1.1 200 ")), example({}, answer("HTTP/1.1 20"))],
  },
  "version-at-once": {
    covers: [example({}, answer("HTTP/2.0 200 OK"), timeout), example({}, answer("ICY 200 OK"), timeout)],
    leaves: [
      example({}, answer("HTTP/1.1  200 OK"), timeout),
      example({}, answer("HTTP/2.0 200 OK")),
      example({}, "", timeout),
    ],
  },
  "status-at-once": {
    covers: [
      example({}, answer("HTTP/1.1 20 OK"), timeout),
      example({}, answer("HTTP/1.1  200 OK"), timeout),
    ],
    leaves: [example({}, answer("HTTP/1.1 200"), timeout), example({}, answer("HTTP/2.0 20"), timeout)],
  },
  "field-at-once": {
    covers: [example({}, answer("HTTP/1.1 200 OK", "X-A\r\n"), timeout)],
    leaves: [
      example({}, answer("HTTP/1.1 200 OK", "X-A:\r\n"), timeout),
      example({}, answer("HTTP/1.1 200 OK", "X: a\r\n b\r\n"), timeout),
      example({}, answer("HTTP/1.1 200 OK", "X-A\r\n")),
    ],
  },
  "status-below-100": {
    covers: [example({}, answer("HTTP/1.1 000 Zero")), example({}, answer("HTTP/1.1 099 X"))],
    leaves: [example({}, answer("HTTP/1.1 100 X")), example({}, answer("HTTP/1.1 600 X"))],
  },
  trailers: {
    covers: [example({}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: 1\r\n\r\n")],
    leaves: [example({}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")],
  },
  "length-of-an-interim-response": {
    covers: [example({}, `HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n${OK}`)],
    leaves: [
      example({}, `HTTP/1.1 100 Continue\r\n\r\n${OK}`),
      example({}, answer("HTTP/1.1 200 OK", "Content-Length: 0\r\n")),
    ],
  },
  "deflate-is-unpacked": {
    covers: [example({}, answer("HTTP/1.1 200 OK", "Content-Encoding: deflate\r\n"))],
    leaves: [example({}, answer("HTTP/1.1 200 OK", "Content-Encoding: gzip\r\n"))],
  },
  "redirect-is-refused": {
    covers: [example({}, OK, { error: { type: "never" } })],
    leaves: [example({}, OK, timeout)],
  },
};

testRules(
  "wire-client",
  rules,
  Object.fromEntries(Object.entries(EXAMPLES).map(([name, examples]) => [`wire-client/${name}`, examples])),
);
