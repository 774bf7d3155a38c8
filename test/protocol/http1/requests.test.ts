/** What a server's receiver accepts: each sample fed whole, byte by byte and at every split, with bytes behind it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HTTP1RequestHead } from "#room/protocol/http1/visitor";
import { octets, type Told, tellRequests } from "../../support/http1.js";
import { cuttings, inSteps } from "../../support/splits.js";

const NEXT = "GET /next HTTP/1.1\r\nHost: n\r\n\r\n";

interface Sample {
  readonly promise: string;
  readonly text: string;
  readonly head?: Partial<HTTP1RequestHead>;
  readonly body?: string;
  readonly trailers?: readonly string[];
}

const SAMPLES: readonly Sample[] = [
  {
    promise: "receiver: a plain GET has no body and keeps the connection",
    text: "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    head: {
      method: "GET",
      path: "/",
      version: "HTTP/1.1",
      fields: ["Host", "example.com"],
      host: "example.com",
      framing: "none",
      contentLength: -1,
      keepAlive: true,
      expectContinue: false,
      upgrade: false,
    },
  },
  {
    promise: "receiver: names keep their spelling and order, values lose the space around them",
    text: "GET /a?b=c HTTP/1.1\r\nhOST:x\r\nX-A: \t 1 2\t \r\nX-Empty:\r\nX-Blank: \t\r\nx-a:2\r\n\r\n",
    head: {
      path: "/a?b=c",
      host: "x",
      fields: ["hOST", "x", "X-A", "1 2", "X-Empty", "", "X-Blank", "", "x-a", "2"],
    },
  },
  {
    promise: "receiver: octets above 7F in a value are latin1, and colons belong to it",
    text: "GET / HTTP/1.1\r\nHost: a\r\nX: caf\xe9 \xa0: b\r\n\r\n",
    head: { fields: ["Host", "a", "X", "caf\xe9 \xa0: b"] },
  },
  {
    promise: "case 2: receiver: method names are case-sensitive and unknown ones are passed on",
    text: "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { method: "get" },
  },
  {
    promise: "case 3: receiver: any token is a method",
    text: "M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { method: "M-SEARCH!" },
  },
  {
    promise: "case 4: receiver: HTTP/1.2 is served as 1.1",
    text: "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    head: { version: "HTTP/1.1", keepAlive: true },
  },
  {
    promise: "case 5: receiver: blank lines before a request line are skipped",
    text: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { method: "GET", path: "/" },
  },
  {
    promise:
      "case 7: receiver: what browsers leave raw in a query is kept, and percent-encoded octets stay data",
    text: "GET /%00%0d%0a?a[]=|{}^`\\ HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { path: "/%00%0d%0a?a[]=|{}^`\\" },
  },
  {
    promise: "case 8: receiver: an absolute target is served and its authority wins over Host",
    text: "GET http://Real.example:81/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
    head: { path: "http://Real.example:81/p?q", host: "Real.example:81" },
  },
  {
    promise: "case 8: receiver: an absolute target may end with its authority",
    text: "GET HTTPS://a?q HTTP/1.1\r\nHost: other\r\n\r\n",
    head: { host: "a" },
  },
  {
    promise: "case 9: receiver: OPTIONS * is served",
    text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { method: "OPTIONS", path: "*" },
  },
  {
    promise: "case 9: receiver: CONNECT takes an authority, which is whom it is for",
    text: "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    head: { method: "CONNECT", path: "b:443", host: "b:443" },
  },
  {
    promise: "case 10: receiver: HTTP/1.0 needs no Host",
    text: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    head: { version: "HTTP/1.0", host: undefined, keepAlive: true },
  },
  {
    promise: "case 11: receiver: an empty Host, an IP literal and an open port are well-formed",
    text: "GET / HTTP/1.1\r\nHost: [::1]:\r\n\r\n",
    head: { host: "[::1]:" },
  },
  {
    promise: "case 18: receiver: __proto__ is a field name like any other",
    text: "GET / HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nconstructor: y\r\n\r\n",
    head: { fields: ["Host", "a", "__proto__", "x", "constructor", "y"] },
  },
  {
    promise: "case 23: receiver: equal Content-Length values count as one, and are one field",
    text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\nX: y\r\ncontent-length:5\r\n\r\nhello",
    head: { framing: "length", contentLength: 5, fields: ["Host", "a", "Content-Length", "5", "X", "y"] },
    body: "hello",
  },
  {
    promise: "case 24: receiver: 010 is ten",
    text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n0123456789",
    head: { contentLength: 10 },
    body: "0123456789",
  },
  {
    promise: "case 28: receiver: a body on GET is read as body",
    text: `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`,
    head: { framing: "length" },
    body: NEXT,
  },
  {
    promise: "receiver: a Content-Length of 0 is a body that ends at once",
    text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    head: { framing: "length", contentLength: 0 },
  },
  {
    promise: "case 33: receiver: underscores make other fields",
    text: "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n",
    head: { framing: "none" },
  },
  {
    promise: "receiver: chunked bodies are decoded, sizes in either case",
    text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
    head: { framing: "chunked", contentLength: -1 },
    body: "hello0123456789abcdefghijklmnopqrstuvwxyz",
  },
  {
    promise: "case 35: receiver: leading zeros of a chunk size are fine",
    text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00005\r\nhello\r\n000\r\n\r\n",
    body: "hello",
  },
  {
    promise:
      "case 37: receiver: chunk extensions are ignored, quoted strings and space between their parts included",
    text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b \t; c = "x;\\"\\\\y\xe9\t";d\r\nhello\r\n0 ;z="";y\r\n\r\n',
    body: "hello",
  },
  {
    promise: "case 38: receiver: trailers are told apart from the fields, and the forbidden ones dropped",
    text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\nhost: evil\r\nAuthorization: x\r\nTransfer-Encoding: chunked\r\nCookie: a=b\r\nx-u:2\r\n\r\n",
    head: { fields: ["Host", "a", "Transfer-Encoding", "chunked"] },
    body: "hi",
    trailers: ["X-T", "1", "x-u", "2"],
  },
  {
    promise: "receiver: a chunked body may be empty",
    text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    head: { framing: "chunked" },
  },
  {
    promise: "case 44: receiver: Upgrade with its Connection option is told",
    text: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, UPGRADE\r\n\r\n",
    head: { upgrade: true, keepAlive: true },
  },
  {
    promise: "case 44: receiver: Upgrade alone asks for nothing",
    text: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
    head: { upgrade: false },
  },
  {
    promise: "case 44: receiver: Upgrade is ignored on HTTP/1.0",
    text: "GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\n\r\n",
    head: { upgrade: false, keepAlive: true },
  },
  {
    promise: "case 45: receiver: Expect is told whatever its case",
    text: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi",
    head: { expectContinue: true },
    body: "hi",
  },
  {
    promise: "case 45: receiver: Expect is ignored on HTTP/1.0",
    text: "POST / HTTP/1.0\r\nExpect: 100-continue\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    head: { expectContinue: false },
    body: "hi",
  },
];

/** What the receiver should say for one sample. */
function expected(sample: Sample, head: HTTP1RequestHead): Told<HTTP1RequestHead>[] {
  const told: Told<HTTP1RequestHead>[] = [{ head }];
  if (sample.body !== undefined) told.push({ body: sample.body });
  told.push({ end: sample.trailers });
  return told;
}

const [nextHead] = tellRequests([octets(NEXT)]);

for (const sample of SAMPLES) {
  test(sample.promise, () => {
    const [first] = tellRequests([octets(sample.text)]);
    assert.ok(first !== undefined && "head" in first, `got ${JSON.stringify(first)}`);
    for (const [name, value] of Object.entries(sample.head ?? {})) {
      assert.deepEqual(first.head[name as keyof HTTP1RequestHead], value, name);
    }
    const own = expected(sample, first.head);
    for (const { how, pieces } of cuttings(octets(sample.text))) {
      assert.deepEqual(tellRequests(pieces), own, how);
    }
    const followed = [...own, nextHead, { end: undefined }];
    for (const { how, pieces } of cuttings(octets(sample.text + NEXT))) {
      assert.deepEqual(tellRequests(pieces), followed, `${how}, with a request behind`);
    }
  });
}

const CONNECTIONS: readonly (readonly [version: string, lines: string, keepAlive: boolean])[] = [
  ["HTTP/1.1", "", true],
  ["HTTP/1.1", "Connection: close\r\n", false],
  ["HTTP/1.1", "Connection: CLOSE\r\n", false],
  ["HTTP/1.1", "Connection: te , Close\r\n", false],
  ["HTTP/1.1", "Connection: te\r\nCONNECTION: close\r\n", false],
  ["HTTP/1.1", "Connection: close\r\nConnection: keep-alive\r\n", false],
  ["HTTP/1.1", "Connection: keep-alive, close\r\n", false],
  ["HTTP/1.1", "Connection: closed\r\n", true],
  ["HTTP/1.1", "Proxy-Connection: close\r\n", true],
  ["HTTP/1.0", "", false],
  ["HTTP/1.0", "Connection: Keep-Alive\r\n", true],
  ["HTTP/1.0", "Connection: x,keep-alive\r\n", true],
  ["HTTP/1.0", "Connection: x\r\nConnection: keep-alive\r\n", true],
  ["HTTP/1.0", "Connection: keep-alive, close\r\n", false],
];

test("case 43: receiver: nothing behind a message that ends the connection is processed", () => {
  for (const [version, lines, keepAlive] of CONNECTIONS) {
    const text = `GET / ${version}\r\nHost: a\r\n${lines}\r\n`;
    for (const { how, pieces } of cuttings(octets(text + NEXT))) {
      const told = tellRequests(pieces);
      assert.ok("head" in told[0]! && told[0].head.keepAlive === keepAlive, `${version} ${lines} ${how}`);
      assert.equal(told.length, keepAlive ? 4 : 2, `${version} ${lines} ${how}`);
    }
  }
});

test("case 42: receiver: garbage behind a whole request is refused after that request was told", () => {
  for (const { how, pieces } of cuttings(octets(`${NEXT}\x16\x03\x01`))) {
    const told = tellRequests(pieces);
    assert.deepEqual(told.slice(0, 2), [nextHead, { end: undefined }], how);
    assert.deepEqual(told.slice(2), [{ error: "ERR_SQUALL_HTTP_START_LINE", status: 400 }], how);
  }
});

test("case 41: receiver: many pipelined requests in one chunk are told in order", () => {
  const count = 50;
  let text = "";
  for (let i = 0; i < count; i++)
    text += `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n${10 + i}`;
  const told = tellRequests([octets(text)]);
  assert.equal(told.length, 3 * count);
  for (let i = 0; i < count; i++) {
    const head = told[3 * i]!;
    assert.ok("head" in head && head.head.path === `/${i}`);
    assert.deepEqual(told[3 * i + 1], { body: String(10 + i) });
  }
});

test("receiver: usual methods and their look-alikes are told as sent", () => {
  const usual = ["GET", "PUT", "POST", "HEAD", "PATCH", "DELETE", "OPTIONS"];
  for (const method of [...usual, "GOT", "PUS", "HEAT", "POSE", "WATCH", "DELUTE", "OPTIONZ", "TRACE", "x"]) {
    const [told] = tellRequests([octets(`\r\n${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)]);
    assert.ok(told !== undefined && "head" in told);
    assert.equal(told.head.method, method);
  }
});

test("case 37: receiver: every shape of chunk extension that the grammar allows is ignored", () => {
  const shapes = [
    "ab",
    "ab=cd",
    'ab="cd"',
    "a \t=b",
    "a =b",
    "a= \tb",
    "a ;b",
    "a\t;b",
    'a="" ;b',
    "a=b ; c",
    "a=b\t;c=d",
    'a="\\""',
    'a="x";b',
  ];
  for (const shape of shapes) {
    for (const before of ["5;", "5 ;", "5\t; ", "5 \t ;\t"]) {
      const text = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${before}${shape}\r\nhello\r\n0\r\n\r\n`;
      for (const { how, pieces } of cuttings(octets(text))) {
        assert.deepEqual(
          tellRequests(pieces).slice(1),
          [{ body: "hello" }, { end: undefined }],
          `${before}${shape} ${how}`,
        );
      }
    }
  }
});

test("receiver: small and large chunks in one read come in their order", () => {
  const sizes = [1, 5000, 3, 2, 1023, 1024, 20_000, 1, 900, 900, 900, 70_000, 16_000, 1000, 7];
  let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  let body = "";
  for (const [i, size] of sizes.entries()) {
    const data = String.fromCharCode(0x61 + i).repeat(size);
    text += `${size.toString(16)}\r\n${data}\r\n`;
    body += data;
  }
  text += `${"3ff\r\n".concat("z".repeat(1023), "\r\n").repeat(40)}0\r\n\r\n`;
  body += "z".repeat(1023 * 40);
  for (const step of [text.length, 65_536, 1000, 17]) {
    assert.deepEqual(
      tellRequests(inSteps(octets(text), step)).slice(1),
      [{ body }, { end: undefined }],
      `${step}`,
    );
  }
});
