/**
 * The receiver against its plain twin: on input made of the grammar's own pieces, well-formed and spoilt, cut
 * anywhere, both see the same messages and refuse the same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { octets, serverReceiver } from "../../support/http1.js";
import { readRequests, type TwinMessage } from "../../support/http1-twin/requests.js";

const METHODS = ["GET", "POST", "OPTIONS", "CONNECT", "x!", "G(T"];
const TARGETS = ["/", "/a?b", "*", "a:80", "http://b/c", "http://u@b/", "http:///", "/\xe9", "/#", "/%00"];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/1.1 ", "http/1.1"];
const FIELDS = [
  "X-A: b",
  "X-A:\t b \t",
  "X-Empty:",
  "x-a : b",
  "X-\xe9: b",
  "X-B: \x00",
  "X-C: \xe9",
  "Connection: close",
  "Connection: keep-alive, x",
  "Content-Length: 5",
  "content-length: 5, 5",
  "Content-Length: 6",
  "Content-Length: +5",
  "Transfer-Encoding: chunked",
  "transfer-encoding: Chunked",
  "Transfer-Encoding: gzip",
  "Host: b",
  "Expect: 100-continue",
  " folded",
];
const BODIES = [
  "",
  "hello",
  "hello!",
  "5\r\nhello\r\n0\r\n\r\n",
  '5;a=b\r\nhello\r\n3 ;c="d\\""\r\nabc\r\n0\r\nX-T: 1\r\nHost: x\r\n\r\n',
  "5\r\nhello\r\n0\r\n",
  "5\r\nhello0\r\n\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "F\r\nhello\r\n",
];

const request = fc
  .tuple(
    fc.constantFrom("", "", "", "\r\n", "\n"),
    fc.constantFrom(...METHODS),
    fc.constantFrom(...TARGETS),
    fc.constantFrom(...VERSIONS),
    fc.constantFrom("Host: a", "Host: a", "Host: a", "Host: a b", "Host:", "X: no host"),
    fc.array(fc.constantFrom(...FIELDS), { maxLength: 3 }),
    fc.constantFrom(...BODIES),
  )
  .map(
    ([blank, method, target, version, host, fields, body]) =>
      `${blank}${method} ${target} ${version}\r\n${[host, ...fields].join("\r\n")}\r\n\r\n${body}`,
  );

/** Well-formed requests, so that long runs of pipelined messages come up too. */
const goodRequest = fc
  .tuple(
    fc.constantFrom("GET", "POST"),
    fc.array(fc.constantFrom("X-A: b", "X-A:\t b \t", "X-Empty:", "Connection: keep-alive, x"), {
      maxLength: 3,
    }),
    fc.constantFrom(
      "\r\n",
      "Content-Length: 5\r\n\r\nhello",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n0a;x\r\n0123456789\r\n0\r\nX-T: y\r\n\r\n",
    ),
  )
  .map(
    ([method, fields, rest]) => `${method} / HTTP/1.1\r\n${["Host: a", ...fields].join("\r\n")}\r\n${rest}`,
  );

const OCTETS = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "\x00",
  "\x7f",
  "\x80",
  "\xff",
  "0",
  "5",
  "a",
  '"',
  "\\",
  "=",
];

/** A text with a few octets put in, taken out or changed. */
function spoilt(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...OCTETS));
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([original, changes]) => {
    let changed = original;
    for (const [where, removed, added] of changes) {
      const at = where % (changed.length + 1);
      changed =
        changed.slice(0, at) + (removed === 2 ? "" : added) + changed.slice(at + Math.min(removed, 1));
    }
    return changed;
  });
}

const input = fc.oneof(
  fc.array(request, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
  fc.array(goodRequest, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("")),
  spoilt(fc.array(goodRequest, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""))),
);

/** Whole messages as the receiver tells them, fed in pieces of the given sizes and paused at the given calls. */
function receive(
  text: string,
  sizes: readonly number[],
  pauses: ReadonlySet<number>,
): { messages: TwinMessage[]; refused: boolean } {
  const { receiver, recorder } = serverReceiver();
  recorder.onCall = () => {
    if (pauses.has(recorder.calls)) receiver.pause();
  };
  const bytes = octets(text);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]!;
    receiver.feed(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    if (i % 2 === 1) receiver.resume();
  }
  while (receiver.paused) receiver.resume();
  const messages: TwinMessage[] = [];
  let body = "";
  let refused = false;
  for (const [i, one] of recorder.told.entries()) {
    if ("body" in one) body = one.body;
    else if ("error" in one) refused = true;
    else if ("end" in one) {
      const opening = recorder.told.slice(0, i).findLast((earlier) => "head" in earlier);
      assert.ok(opening !== undefined && "head" in opening);
      const { method, path: target, fields, keepAlive } = opening.head;
      messages.push({ method, target, fields, keepAlive, body, trailers: one.end });
      body = "";
    } else body = "";
  }
  return { messages, refused };
}

test("receiver: agrees with the plain twin on any input, however it is cut and wherever it pauses", () => {
  fc.assert(
    fc.property(
      input,
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
      (text, sizes, pauses) => {
        const twin = readRequests(text);
        const told = receive(text, sizes, new Set(pauses));
        assert.deepEqual(told.messages, twin.messages);
        assert.equal(told.refused, twin.refused);
      },
    ),
    { numRuns: 4000 },
  );
});

test("receiver: any octets at all lead to calls in order and never to a throw", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }),
      fc.boolean(),
      (pieces, isAfterHead) => {
        const { receiver, recorder } = serverReceiver();
        if (isAfterHead)
          receiver.feed(octets("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for (const piece of pieces) receiver.feed(Buffer.from(piece));
        receiver.feedEnd();
        const told = recorder.told.map((one) => Object.keys(one)[0]).join(" ");
        assert.match(told, /^(?:head (?:body )?end ?)*(?:head (?:body )?)?(?:error)?$/);
      },
    ),
    { numRuns: 2000 },
  );
});
