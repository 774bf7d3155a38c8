/** The client's side of the receiver: each sample fed whole, byte by byte and at every split. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidStateError } from "#room/base/errors";
import type { HTTP1ErrorCode } from "#room/protocol/http1/errors";
import type { HTTP1ResponseHead } from "#room/protocol/http1/visitor";
import { cpuTime } from "../../support/cpu-time.js";
import { clientReceiver, octets, tellResponse } from "../../support/http1.js";
import { cuttings, inSteps } from "../../support/splits.js";

interface Sample {
  readonly promise: string;
  readonly text: string;
  readonly method?: string;
  readonly head: Partial<HTTP1ResponseHead>;
  readonly body?: string;
  /** The response is whole only with the FIN. */
  readonly isUntilClose?: boolean;
}

const SAMPLES: readonly Sample[] = [
  {
    promise: "receiver: a response with Content-Length ends there",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    head: {
      code: 200,
      reason: "OK",
      version: "HTTP/1.1",
      framing: "length",
      contentLength: 2,
      keepAlive: true,
    },
    body: "ok",
  },
  {
    promise: "receiver: equal Content-Length values of a response are one field",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\ncontent-length: 2, 2\r\n\r\nok",
    head: { framing: "length", contentLength: 2, fields: ["Content-Length", "2", "X", "y"] },
    body: "ok",
  },
  {
    promise: "receiver: a chunked response is decoded",
    text: "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    head: { code: 404, framing: "chunked", contentLength: -1 },
    body: "ok",
  },
  {
    promise: "receiver: a response without length lasts until the connection ends",
    text: "HTTP/1.1 200 OK\r\n\r\nuntil close",
    head: { framing: "close", keepAlive: false },
    body: "until close",
    isUntilClose: true,
  },
  {
    promise: "receiver: a response that lasts until close may be empty",
    text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
    head: { framing: "close", keepAlive: false, version: "HTTP/1.0" },
    isUntilClose: true,
  },
  {
    promise: "receiver: a reason may be empty, hold spaces and obs-text, and even its space may be missing",
    text: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    head: { code: 200, reason: "" },
  },
  {
    promise: "receiver: a reason is everything behind the code",
    text: "HTTP/1.1 299  so \xe9 it is\r\nContent-Length: 0\r\n\r\n",
    head: { code: 299, reason: " so \xe9 it is" },
  },
  {
    promise: "case 31: receiver: a response to HEAD has no body, whatever its fields say",
    method: "HEAD",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    head: { framing: "none", contentLength: -1, keepAlive: true },
  },
  {
    promise: "case 31: receiver: a 304 has no body, whatever its fields say",
    text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    head: { framing: "none" },
  },
  {
    promise: "case 31: receiver: a 204 has no body",
    text: "HTTP/1.1 204 No Content\r\n\r\n",
    head: { framing: "none", keepAlive: true },
  },
  {
    promise: "receiver: HTTP/1.0 stays open only when asked for",
    text: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
    head: { keepAlive: true, version: "HTTP/1.0" },
  },
  {
    promise: "receiver: HTTP/1.0 ends the connection by default",
    text: "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    head: { keepAlive: false },
  },
];

for (const { promise, text, method, head, body, isUntilClose } of SAMPLES) {
  test(promise, () => {
    for (const { how, pieces } of cuttings(octets(text))) {
      const told = tellResponse(pieces, method, isUntilClose);
      const [first] = told;
      assert.ok(first !== undefined && "head" in first, how);
      for (const [name, value] of Object.entries(head)) {
        assert.deepEqual(first.head[name as keyof HTTP1ResponseHead], value, `${name}, ${how}`);
      }
      const rest = body === undefined ? [{ end: undefined }] : [{ body }, { end: undefined }];
      assert.deepEqual(told.slice(1), rest, how);
    }
  });
}

test("receiver: interim responses are told before the final one", () => {
  const text =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  for (const { how, pieces } of cuttings(octets(text))) {
    const told = tellResponse(pieces);
    const codes = told.flatMap((one) => ("head" in one ? [one.head.code] : []));
    assert.deepEqual(codes, [100, 103, 200], how);
    assert.equal(told.filter((one) => "end" in one).length, 3, how);
    assert.deepEqual(told.slice(-2), [{ body: "x" }, { end: undefined }], how);
  }
});

test("case 98: receiver: interim responses without end are refused", () => {
  const { receiver, recorder } = clientReceiver({ maxInformational: 3 });
  receiver.expectResponse("GET");
  receiver.feed(octets("HTTP/1.1 100 Continue\r\n\r\n".repeat(4)));
  assert.deepEqual(recorder.told.at(-1), { error: "ERR_SQUALL_HTTP_TOO_MANY_INFORMATIONAL", status: 400 });
  assert.equal(recorder.told.filter((one) => "end" in one).length, 3);
});

test("receiver: the limit of interim responses counts anew for each request", () => {
  const { receiver, recorder } = clientReceiver({ maxInformational: 1 });
  for (let i = 0; i < 3; i++) {
    receiver.expectResponse("GET");
    receiver.feed(octets("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n"));
  }
  assert.equal(recorder.told.filter((one) => "end" in one).length, 6);
});

for (const [method, text] of [
  ["GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
  ["CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
  ["CONNECT", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
] as const) {
  test(`receiver: what follows ${text.slice(0, 12)} to ${method} is kept for detach()`, () => {
    for (const { how, pieces } of cuttings(octets(`${text}\x81\x00rest`))) {
      const { receiver, recorder } = clientReceiver();
      receiver.expectResponse(method);
      for (const piece of pieces) receiver.feed(piece);
      assert.equal(recorder.told.length, 2, how);
      assert.ok("head" in recorder.told[0]! && recorder.told[0].head.upgrade, how);
      assert.equal(receiver.bufferedBytes, 6, how);
      assert.equal(receiver.detach().toString("latin1"), "\x81\x00rest", how);
      assert.equal(receiver.detach().length, 0, how);
    }
  });
}

const head = (fields: string) => `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`;

const REFUSED: readonly (readonly [code: HTTP1ErrorCode, ...texts: string[]])[] = [
  [
    "ERR_SQUALL_HTTP_STATUS_LINE",
    ...[
      "HTTP/1.1 20 OK",
      "HTTP/1.1 2000 OK",
      "HTTP/1.1  200 OK",
      "HTTP/1.1\t200 OK",
      "HTTP/1.1 0x1 OK",
      "HTTP/1.1 099 OK",
    ].map((line) => `${line}\r\n\r\n`),
    "SSH-2.0-OpenSSH\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 a\x00b\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
  ],
  [
    "ERR_SQUALL_HTTP_VERSION",
    "HTTP/1.x 200 OK\r\n\r\n",
    "Http/1.1 200 OK\r\n\r\n",
    "HTTP/0.9 200 OK\r\n\r\n",
  ],
  ["ERR_SQUALL_HTTP_VERSION_NOT_SUPPORTED", "HTTP/2.0 200 OK\r\n\r\n"],
  ["ERR_SQUALL_HTTP_AMBIGUOUS_LENGTH", head("Content-Length: 5\r\nTransfer-Encoding: chunked")],
  [
    "ERR_SQUALL_HTTP_CONTENT_LENGTH",
    head("Content-Length: 5\r\nContent-Length: 6"),
    head("Content-Length: -1"),
  ],
  ["ERR_SQUALL_HTTP_TRANSFER_CODING_UNKNOWN", head("Transfer-Encoding: gzip, chunked")],
  [
    "ERR_SQUALL_HTTP_TRANSFER_ENCODING",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    head("Transfer-Encoding: gzip"),
  ],
  [
    "ERR_SQUALL_HTTP_FOLDED_FIELD",
    head(" X: a"),
    `${head("Transfer-Encoding: chunked")}0\r\nX: a\r\n b\r\n\r\n`,
  ],
  ["ERR_SQUALL_HTTP_FIELD_NAME", head("X: a\r\n\xa0b")],
  ["ERR_SQUALL_HTTP_LINE_END", head("X: a\rb"), head("X: a\nY: b"), "HTTP/1.1 200 OK\n\n"],
  ["ERR_SQUALL_HTTP_CHUNK_SIZE", `${head("Transfer-Encoding: chunked")}zz\r\n`],
  [
    "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
    head("Content-Length: 104857601"),
    `${head("Transfer-Encoding: chunked")}6400001\r\n`,
  ],
  [
    "ERR_SQUALL_HTTP_FORBIDDEN_BODY",
    "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\nx",
  ],
];

test("case 15: receiver: a folded field of a response is read with one space for each fold", () => {
  for (const [fields, expected] of [
    ["X: a\r\n b", ["X", "a b"]],
    ["X: a \t\r\n\t  b\r\n c \r\nY: d", ["X", "a b c", "Y", "d"]],
    ["X:\r\n a\r\n \r\n", ["X", "a"]],
    ["X: a\r\n \r\n\t\r\n b", ["X", "a   b"]],
    ["X:\r\n \r\n", ["X", ""]],
    ["Content-Length:\r\n 0", ["Content-Length", "0"]],
  ] as const) {
    const text = `HTTP/1.1 200 OK\r\n${fields}\r\n${fields.endsWith("\r\n") ? "" : "\r\n"}`;
    for (const { how, pieces } of cuttings(octets(text))) {
      const [first] = tellResponse(pieces);
      assert.ok(first !== undefined && "head" in first, `${JSON.stringify(text)} ${how}`);
      assert.deepEqual(first.head.fields, expected, `${JSON.stringify(text)} ${how}`);
    }
  }
});

test("case 15: receiver: a fold cannot change what a framing field says", () => {
  const told = tellResponse([octets(head("Content-Length: 1\r\n 0"))]);
  assert.deepEqual(told, [{ error: "ERR_SQUALL_HTTP_CONTENT_LENGTH", status: 400 }]);
});

test("folding a response of blanks costs time linear in its length", () => {
  const blanks = " ".repeat(60_000);
  const began = cpuTime();
  tellResponse([octets(head(`X: a\r\n b${blanks}c`))]);
  assert.ok(cpuTime() - began < 1000);
});

test("case 96: receiver: refuses responses that are malformed, ambiguous or over a limit", () => {
  for (const [code, ...texts] of REFUSED) {
    for (const text of texts) {
      for (const { how, pieces } of cuttings(octets(text))) {
        const told = tellResponse(pieces);
        const last = told.at(-1);
        assert.ok(last !== undefined && "error" in last, `${JSON.stringify(text)} ${how}`);
        assert.equal(last.error, code, `${JSON.stringify(text)} ${how}`);
        assert.equal(told.filter((one) => "end" in one).length, 0, `${JSON.stringify(text)} ${how}`);
      }
    }
  }
});

test("case 96: receiver: a head of a gigabyte is refused when the limit is reached", () => {
  const { receiver, recorder } = clientReceiver();
  receiver.expectResponse("GET");
  receiver.feed(octets("HTTP/1.1 200 OK\r\nX: "));
  const kilobyte = Buffer.alloc(1024, 0x61);
  let fed = 0;
  while (recorder.told.length === 0 && fed < 100) {
    receiver.feed(kilobyte);
    fed++;
  }
  assert.equal(fed, 64);
  assert.deepEqual(recorder.told, [{ error: "ERR_SQUALL_HTTP_HEADERS_TOO_LARGE", status: 431 }]);
  assert.equal(receiver.bufferedBytes, 0);
});

test("case 97: receiver: bytes that no request asked for are refused", () => {
  const { receiver, recorder } = clientReceiver();
  receiver.feed(octets("HTTP/1.1 200 OK\r\n\r\n"));
  assert.deepEqual(recorder.told, [{ error: "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", status: 400 }]);
});

test("case 97: receiver: bytes behind a response never answer the next request, even one made at once", () => {
  const { receiver, recorder } = clientReceiver();
  receiver.expectResponse("GET");
  recorder.onCall = (name) => {
    if (name === "end") receiver.expectResponse("GET");
  };
  receiver.feed(octets("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 evil\r\n\r\n"));
  assert.deepEqual(recorder.told.slice(1), [
    { end: undefined },
    { error: "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", status: 400 },
  ]);
});

test("case 97: receiver: bytes on an idle client are an error at once, and so is everything behind them", () => {
  const { receiver, recorder } = clientReceiver();
  receiver.expectResponse("GET");
  receiver.feed(octets("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  assert.equal(receiver.expectsNothing, true);
  receiver.feed(octets("H"));
  assert.deepEqual(recorder.told.at(-1), { error: "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", status: 400 });
  assert.equal(receiver.bufferedBytes, 0);
  assert.throws(() => receiver.expectResponse("GET"), InvalidStateError);
  receiver.feed(octets("TTP/1.1 200 evil\r\n\r\n"));
  assert.equal(recorder.told.length, 3);
});

test("case 97: receiver: bytes that come while it is paused between two exchanges never answer the next request", () => {
  const { receiver, recorder } = clientReceiver();
  receiver.expectResponse("GET");
  recorder.onCall = (name) => {
    if (name === "end") receiver.pause();
  };
  receiver.feed(octets("HTTP/1.1 204 No\r\n\r\n"));
  assert.equal(receiver.expectsNothing, true);
  receiver.feed(octets("HTTP/1.1 200 "));
  assert.equal(receiver.expectsNothing, false);
  receiver.feed(octets("evil\r\n\r\n"));
  receiver.expectResponse("GET");
  assert.equal(recorder.told.length, 2);
  receiver.resume();
  assert.deepEqual(recorder.told.slice(2), [{ error: "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", status: 400 }]);
});

test("one receiver reads the responses of a whole connection, interim ones included", () => {
  const { receiver, recorder } = clientReceiver();
  assert.equal(receiver.expectsNothing, true);
  for (const [method, response] of [
    ["GET", "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"],
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"],
    [
      "POST",
      "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
    ],
  ] as const) {
    receiver.expectResponse(method);
    assert.equal(receiver.expectsNothing, false);
    for (const piece of inSteps(octets(response), 7)) receiver.feed(piece);
    assert.equal(receiver.expectsNothing, true, response);
  }
  assert.equal(recorder.told.filter((one) => "error" in one).length, 0);
  assert.equal(recorder.told.filter((one) => "head" in one).length, 5);
  receiver.feedEnd();
  assert.equal(recorder.told.filter((one) => "error" in one).length, 0);
  assert.throws(() => receiver.expectResponse("GET"), InvalidStateError);
});

test("expectResponse() refuses a second request while the first is not answered", () => {
  const { receiver } = clientReceiver();
  receiver.expectResponse("GET");
  assert.throws(() => receiver.expectResponse("GET"), InvalidStateError);
  receiver.feed(octets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"));
  assert.throws(() => receiver.expectResponse("GET"), InvalidStateError);
  receiver.feed(octets("k"));
  receiver.expectResponse("GET");
});

test("case 30: feedEnd() inside a response is an error, never an end", () => {
  const texts = [
    "",
    "HTT",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
  ];
  for (const text of texts) {
    const told = tellResponse([octets(text)], "GET", true);
    assert.deepEqual(told.at(-1), { error: "ERR_SQUALL_HTTP_INCOMPLETE", status: 400 }, text);
  }
});

test("receiver: a response that lasts until close is limited like any other", () => {
  const told = tellResponse([octets("HTTP/1.1 200 OK\r\n\r\n1234"), octets("5")], "GET", true, {
    maxBodySize: 4,
  });
  assert.deepEqual(told.slice(1), [
    { body: "1234" },
    { error: "ERR_SQUALL_HTTP_BODY_TOO_LARGE", status: 413 },
  ]);
});
