/**
 * Requests that no server may guess at. Each is sent with a further request right behind it: exactly one refusal comes
 * back, readable to its end, the connection closes, the application sees neither, and the next client is served.
 */
import { test } from "node:test";
import { assertRefused, attacked, attackedForReal, echo } from "../support/conformance.js";

const head = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
const post = (fields: string, body = "") => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
const host = (value: string) => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
const target = (value: string) => `GET ${value} HTTP/1.1\r\nHost: a\r\n\r\n`;
const version = (value: string) => `GET / ${value}\r\nHost: a\r\n\r\n`;
const method = (value: string) => `${value} / HTTP/1.1\r\nHost: a\r\n\r\n`;
const length = (value: string) => post(`Content-Length: ${value}`, "12345");
const coding = (value: string) => post(`Transfer-Encoding: ${value}`, "5\r\nhello\r\n0\r\n\r\n");
const chunks = (text: string) => post("Transfer-Encoding: chunked", `${text}\r\n`);
const size = (value: string) => chunks(`${value}\r\nhello\r\n0\r\n`);
const trailer = (text: string) => post("Transfer-Encoding: chunked", `0\r\n${text}\r\n\r\n`);

type Refusals = readonly (readonly [status: number, ...inputs: string[]])[];

const REFUSED: Readonly<Record<string, Refusals>> = {
  "case 1: a request line of other than three words is refused with 400": [
    [
      400,
      ...["/a b", "/a HTTP/1.1", " /a", "/a ", "/a\tb"].map(target),
      "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 2: a method that is no token is refused with 400": [
    [400, ...["", "G\0T", "G(T", "GE:T", "G\xc3\xa9T", "G\x7fT", "G\x01T", "[GET]"].map(method)],
  ],
  "case 4: a version that is none is refused with 400, a later major version with 505": [
    [
      400,
      ...["HTTP/1.01", "http/1.1", "HTTP/1.1x", "HTTP/4294967297.1", "HTTP/1", "HTTP/+1.1", "XTTP/1.1"].map(
        version,
      ),
    ],
    [505, ...["HTTP/2.0", "HTTP/3.0", "HTTP/9.9"].map(version)],
  ],
  "case 5: HTTP/0.9 and other protocols get 400 or 505 and the end": [
    [400, "GET /\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH-2.0-OpenSSH_9.6\r\n"],
    [505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ],
  "case 7: octets that cannot stand in a target are refused with 400": [
    [
      400,
      ...["\0", "\x01", "\x1b", "\x7f", "\t", "\xc3\xa9", '"', "<", ">", "#"].flatMap((octet) => [
        target(`/a${octet}b`),
        target(`/?a=${octet}b`),
      ]),
    ],
  ],
  "case 8: an absolute target without host, with a user or of another scheme is refused with 400": [
    [
      400,
      ...["http:///", "http://", "http://:80/", "http://u@a/", "http://u:p@a/", "ftp://a/", "http:/a"].map(
        target,
      ),
    ],
  ],
  "case 9: * and an authority with the wrong method are refused with 400": [
    [
      400,
      target("*"),
      target("a:80"),
      "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 10: no Host, or two of them, is refused with 400": [
    [
      400,
      "GET / HTTP/1.1\r\n\r\n",
      head("Host: a"),
      head("host: b"),
      "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 11: a Host that is none is refused with 400": [
    [400, ...["a b", "a/b", "u@a", "a?b", "a#b", 'a"b', "a\\b", "a%zz", "[::1", "a:b", "a:-1"].map(host)],
  ],
  "case 13: white space before the colon is refused with 400 for every field": [
    [400, ...["X-A : b", "Content-Length : 5", "Transfer-Encoding\t: chunked", "Host : b"].map(head)],
  ],
  "case 14: white space before the first field is refused with 400": [
    [400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\tContent-Length: 5\r\nHost: a\r\n\r\n"],
  ],
  "case 15: a folded line is refused with 400, and never changes the framing": [
    [
      400,
      ...["X: a\r\n b", "X: a\r\n\tb", "Transfer-Encoding:\r\n chunked", "Content-Length: 5\r\n 5"].map(head),
    ],
  ],
  "case 16: a name that is no token is refused with 400, never stripped": [
    [
      400,
      ...[
        ": a",
        "X(: a",
        "no colon",
        "X\0: a",
        "Content-Length\xa0: 5",
        "Transfer-Encoding\x85: chunked",
      ].map(head),
    ],
  ],
  "case 17: control characters in a value, and CR or LF alone, are refused with 400": [
    [
      400,
      ...["X: a\0b", "X: a\rb", "X: a\nY: b", "X: a\x0bb", "X: a\r\r\nY: b", "X: \x7f"].map(head),
      "GET / HTTP/1.1\r\nHost: a\r\n\rX",
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
    ],
  ],
  "case 22: a Content-Length that is not digits is refused with 400": [
    [
      400,
      ...[
        "+5",
        "-5",
        "0x5",
        "5_0",
        '"5"',
        "5;a",
        "5.0",
        "1e1",
        "",
        "\x0b5",
        "\xa05",
        "\xef\xbc\x95",
        "5,",
      ].map(length),
    ],
  ],
  "case 23: lengths that differ are refused with 400": [
    [
      400,
      ...["5\r\nContent-Length: 6", "5, 6", "5\r\ncontent-length: 05", "5\r\nContent-Length:"].map(length),
    ],
  ],
  "case 24: a length beyond what can be counted is refused with 413, never wrapped or rounded": [
    [413, ...["4294967301", "9007199254740993", "18446744073709551621", "9".repeat(400)].map(length)],
  ],
  "case 25: a length beside Transfer-Encoding is refused with 400": [
    [
      400,
      ...[
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\ncontent-length: 0",
      ].map((fields) => post(fields, "0\r\n\r\n")),
    ],
  ],
  "case 26: a Transfer-Encoding that does not end with chunked is refused with 400": [
    [
      400,
      ...[
        "identity",
        "xchunked",
        '"chunked"',
        "\x0bchunked",
        "",
        ",",
        "gzip",
        "chunked, gzip",
        "\xa0chunked",
      ].map(coding),
    ],
  ],
  "case 27: codings before chunked are refused with 501; parameters, a second line, and HTTP/1.0 with 400": [
    [501, ...["chunked, chunked", "cow, chunked", "gzip,chunked"].map(coding)],
    [
      400,
      ...["chunked;a=b", "chunked\r\nTransfer-Encoding: chunked"].map(coding),
      "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ],
  "case 34: a chunk size that is not hexadecimal digits is refused with 400": [
    [
      400,
      ...["0x5", "+5", "-5", "5_0", " 5", "5 ", "5x", "5.0", "5,5", "", "\xa05", "\xef\xbc\x95"].map(size),
    ],
  ],
  "case 35: a chunk size beyond the limit is refused with 413, one beyond what can be counted with 400": [
    [413, ...["20000000000006", "7fffffffffffffff"].map(size)],
    [400, ...["10000000000000005", "F".repeat(20), "F".repeat(400)].map(size)],
  ],
  "case 36: chunk data and size lines that do not end with CRLF are refused with 400": [
    [
      400,
      ...[
        "5\r\nhelloX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rXhello\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
      ].map(chunks),
    ],
  ],
  "case 37: a malformed chunk extension, or a bare CR in one, is refused with 400": [
    [400, ...["5;", "5;=a", "5;a=", '5;a="b', "5;a=\0", "5;a\rb", "5;a\nb", "5 a", "5;a=b c"].map(size)],
  ],
  "case 38: a malformed trailer is refused with 400": [
    [400, ...["X : a", " X: a", "no colon", "X: a\rb", "X: a\0", "X: a\n b"].map(trailer)],
  ],
};

for (const [promise, refusals] of Object.entries(REFUSED)) {
  test(promise, () => {
    const { app, asked } = echo();
    return attacked(app, {}, async (context) => {
      for (const [status, ...inputs] of refusals) {
        for (const input of inputs) await assertRefused(context, asked, input, status);
      }
    });
  });
}

test("each of these refusals is read by its client over real sockets, too", () => {
  const { app, asked } = echo();
  return attackedForReal(app, {}, async (context) => {
    for (const [status, ...inputs] of Object.values(REFUSED).flat()) {
      for (const input of inputs) await assertRefused(context, asked, input, status);
    }
  });
});
