/**
 * What a server's receiver refuses. Each sample is fed whole, byte by byte, at every split, and with a further
 * request behind it, which must never be seen: one refusal, with its code and status, and then nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTP1_ERROR_STATUS, type HTTP1ErrorCode } from "#room/protocol/http1/errors";
import { octets, tellRequests } from "../../support/http1.js";
import { cuttings } from "../../support/splits.js";

type Refusals = readonly (readonly [code: HTTP1ErrorCode, ...texts: string[]])[];

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
const host = (value: string) => `GET / HTTP/1.1\r\nHost:${value}\r\n\r\n`;
const target = (value: string) => `GET ${value} HTTP/1.1\r\nHost: a\r\n\r\n`;
const version = (value: string) => `GET / ${value}\r\nHost: a\r\n\r\n`;
const length = (value: string) => get(`Content-Length:${value}`);
const coding = (value: string) => get(`Transfer-Encoding:${value}`);
const chunks = (text: string) => `${get("Transfer-Encoding: chunked")}${text}\r\n`;
const size = (value: string) => chunks(`${value}\r\nhello\r\n0\r\n`);

const REFUSED: Readonly<Record<string, Refusals>> = {
  "case 1: receiver: refuses more or fewer than three words in a request line": [
    [
      "ERR_SQUALL_HTTP_VERSION",
      target("/a b"),
      target("/a HTTP/1.1"),
      version("HTTP/1.1 "),
      version(" HTTP/1.1"),
    ],
    ["ERR_SQUALL_HTTP_TARGET", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["ERR_SQUALL_HTTP_START_LINE", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET\r\nHost: a\r\n\r\n"],
    ["ERR_SQUALL_HTTP_METHOD", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"],
  ],
  "case 2: receiver: refuses a method that is no token": [
    [
      "ERR_SQUALL_HTTP_METHOD",
      "G(T / HTTP/1.1\r\n\r\n",
      "GE:T / HTTP/1.1\r\n\r\n",
      "G\x00T / HTTP/1.1\r\n\r\n",
      "G\xe9T /\r\n",
    ],
    [
      "ERR_SQUALL_HTTP_START_LINE",
      "\x00GET / HTTP/1.1\r\n\r\n",
      "(GET / HTTP/1.1\r\n\r\n",
      "\xe9 / HTTP/1.1\r\n\r\n",
    ],
  ],
  "case 4: receiver: refuses malformed versions": [
    [
      "ERR_SQUALL_HTTP_VERSION",
      ...[
        "HTTP/1.01",
        "http/1.1",
        "HTTP/1.1x",
        "HTTP/4294967297.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/11",
        "HTTP/01.1",
      ].map(version),
      ...["HTTP/1,1", "HTTP/1.-1", "HTTP/0.9", "HTTPS/1.1", "XTTP/1.1", "H", "1.1"].map(version),
    ],
  ],
  "case 4: receiver: refuses major version 2 and up": [
    ["ERR_SQUALL_HTTP_VERSION_NOT_SUPPORTED", version("HTTP/2.0"), version("HTTP/3.0"), version("HTTP/9.9")],
  ],
  "case 5: receiver: refuses HTTP/0.9, HTTP/2 and TLS": [
    ["ERR_SQUALL_HTTP_START_LINE", "GET /\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET /\n"],
    ["ERR_SQUALL_HTTP_VERSION_NOT_SUPPORTED", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ],
  "case 7: receiver: refuses octets that cannot stand in a target": [
    [
      "ERR_SQUALL_HTTP_TARGET",
      ...["\x00", "\x01", "\x1f", "\x7f", "\t", "\xc3\xa9", '"', "<", ">", "#", "\x80"].flatMap((octet) => [
        target(`/${octet}`),
        target(`/a?b=${octet}c`),
        target(octet),
      ]),
    ],
  ],
  "case 8: receiver: refuses absolute targets without host, with user, or of another scheme": [
    [
      "ERR_SQUALL_HTTP_TARGET",
      ...[
        "http:///",
        "http://",
        "http://?q",
        "http://:80/",
        "http://user@a/",
        "http://u:p@a/",
        "http://a:b/",
        "http://a:80:80/",
      ].map(target),
      ...[
        "http:/a",
        "http:a",
        "ftp://a/",
        "a",
        "a/b",
        "?q",
        "http://[::1/",
        "http://a\\b/",
        "http://%zz/",
      ].map(target),
    ],
  ],
  "case 9: receiver: refuses * and authority targets with the wrong method": [
    ["ERR_SQUALL_HTTP_TARGET", target("*"), target("a:80"), "OPTIONS a:80 HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      "ERR_SQUALL_HTTP_TARGET",
      ...["/", "*", "a", "a:", ":80", "u@a:80", "http://a/", "a:80/", "[::1]"].map(
        (value) => `CONNECT ${value} HTTP/1.1\r\nHost: a\r\n\r\n`,
      ),
    ],
  ],
  "case 10: receiver: refuses Host that is missing or doubled": [
    [
      "ERR_SQUALL_HTTP_HOST",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.2\r\nX: y\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\n\r\n",
      get("Host: a"),
      get("hOsT: b"),
      "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 11: receiver: refuses malformed Host": [
    [
      "ERR_SQUALL_HTTP_HOST",
      ...[
        "a b",
        "a/b",
        "u@a",
        "a?b",
        "a#b",
        'a"b',
        "a\\b",
        "a%zz",
        "a%4",
        "[::1",
        "[]",
        "a:b",
        "a:80:80",
        "a:-1",
        ":80",
      ].map(host),
      ...["a\tb", "a:12x", "caf\xe9", "[::1]a", "a[", "::1", "<a>", "a,b c", "a\x80"].map(host),
    ],
  ],
  "case 13: receiver: refuses whitespace before the colon": [
    [
      "ERR_SQUALL_HTTP_FIELD_NAME",
      get("X-A : b"),
      get("Content-Length\t: 5"),
      get("Transfer-Encoding : chunked"),
    ],
  ],
  "case 14: receiver: refuses whitespace before the first field line": [
    [
      "ERR_SQUALL_HTTP_FOLDED_FIELD",
      "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
      "GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 15: receiver: refuses folded lines": [
    [
      "ERR_SQUALL_HTTP_FOLDED_FIELD",
      get("X: a\r\n b"),
      get("Transfer-Encoding:\r\n chunked"),
      get("X: a\r\n\t"),
      get("X: a\r\n "),
    ],
  ],
  "case 16: receiver: refuses field names that are no token": [
    [
      "ERR_SQUALL_HTTP_FIELD_NAME",
      ...[
        ": a",
        "X(: a",
        "no colon",
        "X\x00: a",
        "Content-Length\xa0: 5",
        "Transfer-Encoding\x85: chunked",
        "\x7f: a",
        "X;: a",
        "X",
      ].map(get),
    ],
  ],
  "case 17: receiver: refuses control characters in values": [
    [
      "ERR_SQUALL_HTTP_FIELD_VALUE",
      ...["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f"].map((octet) => get(`X: a${octet}b`)),
    ],
  ],
  "case 17: receiver: refuses CR and LF alone": [
    [
      "ERR_SQUALL_HTTP_LINE_END",
      get("X: a\rb"),
      get("X: a\nY: b"),
      get("X: a\r\r\nY: b"),
      "GET / HTTP/1.1\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\rHost: a\r\r",
      "GET / HTTP/1.1\r\nHost: a\r\n\rX",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "GET / HTTP/1.1\r\nHost: a\n\n",
      "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  ],
  "case 22: receiver: refuses Content-Length that is not digits": [
    [
      "ERR_SQUALL_HTTP_CONTENT_LENGTH",
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
        " ",
        ",",
        "5,",
        ",5",
        "5 5",
        "five",
        "-0",
        "\xa05",
        "5\xa0",
        "\xb2",
      ].map(length),
    ],
    ["ERR_SQUALL_HTTP_FIELD_VALUE", length("\x0b5"), length("5\x0c")],
  ],
  "case 23: receiver: refuses Content-Length values that differ": [
    [
      "ERR_SQUALL_HTTP_CONTENT_LENGTH",
      length("5\r\nContent-Length: 6"),
      length("5, 6"),
      length("5\r\ncontent-length: 05"),
      length("5\r\nContent-Length:"),
    ],
  ],
  "case 24: receiver: refuses Content-Length beyond what can be counted": [
    [
      "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
      ...["9007199254740993", "18446744073709551621", "1".repeat(400)].map(length),
    ],
    ["ERR_SQUALL_HTTP_BODY_TOO_LARGE", length("9007199254740991")],
  ],
  "case 25: receiver: refuses Content-Length and Transfer-Encoding together": [
    [
      "ERR_SQUALL_HTTP_AMBIGUOUS_LENGTH",
      get("Content-Length: 5\r\nTransfer-Encoding: chunked"),
      get("Transfer-Encoding: chunked\r\nContent-Length: 5"),
      get("Transfer-Encoding: identity\r\nContent-Length: 0"),
    ],
  ],
  "case 26: receiver: refuses Transfer-Encoding that does not end with chunked": [
    [
      "ERR_SQUALL_HTTP_TRANSFER_ENCODING",
      ...[
        "identity",
        "xchunked",
        '"chunked"',
        "",
        ",",
        "gzip",
        "chunked, gzip",
        "chunked,",
        ",chunked",
        "chunked;a=b",
        "chu nked",
        "\xa0chunked",
      ].map(coding),
    ],
    ["ERR_SQUALL_HTTP_FIELD_VALUE", coding("\x0bchunked")],
  ],
  "case 27: receiver: refuses codings before chunked": [
    [
      "ERR_SQUALL_HTTP_TRANSFER_CODING_UNKNOWN",
      coding("chunked, chunked"),
      coding("cow, chunked"),
      coding("gzip,chunked"),
    ],
  ],
  "case 27: receiver: refuses Transfer-Encoding twice, or on HTTP/1.0": [
    [
      "ERR_SQUALL_HTTP_TRANSFER_ENCODING",
      coding("chunked\r\nTransfer-Encoding: chunked"),
      coding("\r\ntransfer-encoding: chunked"),
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ],
  "case 34: receiver: refuses chunk sizes that are not hexadecimal digits": [
    [
      "ERR_SQUALL_HTTP_CHUNK_SIZE",
      ...[
        "0x5",
        "+5",
        "-5",
        "5_0",
        " 5",
        "5x",
        "5.0",
        "5,5",
        "",
        "\xa05",
        "5\x00",
        "g",
        '"5"',
        "\t5",
        ";a",
      ].map(size),
    ],
    ["ERR_SQUALL_HTTP_CHUNK_EXTENSION", size("5 "), size("5\t"), size("5 5")],
  ],
  "case 35: receiver: refuses chunk sizes beyond what can be counted": [
    [
      "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
      size("20000000000006"),
      size("7fffffffffffffff"),
      size("ffffffffffffffff"),
    ],
    [
      "ERR_SQUALL_HTTP_CHUNK_SIZE",
      size("10000000000000005"),
      size("F".repeat(20)),
      size("F".repeat(400)),
      size("0".repeat(400)),
    ],
  ],
  "case 36: receiver: refuses chunk lines that do not end with CRLF": [
    [
      "ERR_SQUALL_HTTP_CHUNK_DATA",
      ...[
        "5\r\nhello0\r\n",
        "5\r\nhello\n0\r\n",
        "5\r\nhello\r0\r\n",
        "5\r\nhelloXX0\r\n",
        "4\r\nhello\r\n0\r\n",
      ].map(chunks),
    ],
    [
      "ERR_SQUALL_HTTP_CHUNK_SIZE",
      chunks("5\nhello\r\n0\r\n"),
      chunks("5\rXhello\r\n0\r\n"),
      chunks("5\r\rhello\r\n0\r\n"),
      chunks("5\r\nhello\r\n\r\n0\r\n"),
    ],
    ["ERR_SQUALL_HTTP_CHUNK_DATA", chunks("6\r\nhello\r\n0\r\n")],
  ],
  "case 37: receiver: refuses malformed chunk extensions": [
    [
      "ERR_SQUALL_HTTP_CHUNK_EXTENSION",
      ...[
        "5;",
        "5;;a",
        "5;=b",
        "5;a=",
        "5;a=b=c",
        '5;a="b',
        '5;a="b"c',
        "5;a b",
        "5;a\n",
        '5;a="\x00"',
        "5;a=(",
        "5;a ",
        "5;\xe9",
      ].map(size),
    ],
    ["ERR_SQUALL_HTTP_CHUNK_EXTENSION", size('5;a="b\r'), size("5;a=\r")],
    ["ERR_SQUALL_HTTP_CHUNK_SIZE", size("5;a\rb"), size('5;a="b"\rc')],
  ],
  "case 38: receiver: refuses malformed trailers": [
    ["ERR_SQUALL_HTTP_FIELD_NAME", chunks("0\r\nX : a\r\n"), chunks("0\r\n: a\r\n"), chunks("0\r\nnone\r\n")],
    ["ERR_SQUALL_HTTP_FOLDED_FIELD", chunks("0\r\n X: a\r\n"), chunks("0\r\nX: a\r\n b\r\n")],
    ["ERR_SQUALL_HTTP_LINE_END", chunks("0\r\nX: a\n"), chunks("0\r\n\rX"), chunks("0\r\n\n")],
    ["ERR_SQUALL_HTTP_FIELD_VALUE", chunks("0\r\nX: \x00\r\n")],
  ],
};

for (const [promise, refusals] of Object.entries(REFUSED)) {
  test(promise, () => {
    for (const [code, ...texts] of refusals) {
      for (const text of texts) {
        const behind = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";
        for (const { how, pieces } of [
          ...cuttings(octets(text)),
          { how: "with more behind", pieces: [octets(text + behind)] },
        ]) {
          const message = `${JSON.stringify(text.slice(0, 120))} ${how}`;
          const told = tellRequests(pieces);
          assert.deepEqual(told.at(-1), { error: code, status: HTTP1_ERROR_STATUS[code] }, message);
          assert.equal(told.filter((one) => "error" in one || "end" in one).length, 1, message);
          assert.ok(told.filter((one) => "head" in one).length <= 1, message);
        }
      }
    }
  });
}

test("case 17: receiver: each octet at each place of a value is accepted or refused as the grammar says", () => {
  for (const between of ["a", "!", "\x80", "\xff"]) {
    for (let octet = 0; octet < 256; octet++) {
      for (let at = 1; at < 17; at++) {
        const value = `a${between.repeat(at - 1)}${String.fromCharCode(octet)}${between.repeat(17 - at)}z`;
        const [told] = tellRequests([octets(get(`X: ${value}`))]);
        const isLegal = octet === 9 || (octet >= 0x20 && octet !== 0x7f);
        const isTold = told !== undefined && "head" in told && told.head.fields[3] === value;
        assert.equal(isTold, isLegal, `octet ${octet} at ${at} among ${JSON.stringify(between)}`);
      }
    }
  }
});
