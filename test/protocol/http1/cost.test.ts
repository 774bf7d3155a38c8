/**
 * What hostile input may cost. Time is compared with itself, the best of several turns at 2n
 * against the best at n, so that a busy machine does not matter; memory is counted in buffers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveHTTP1Limits } from "#room/protocol/http1/limits";
import { HTTP1Receiver } from "#room/protocol/http1/receiver";
import type { HTTP1RequestHead, MessageVisitor } from "#room/protocol/http1/visitor";
import { octets, serverReceiver } from "../../support/http1.js";
import { inSteps } from "../../support/splits.js";

const UNLIMITED = {
  maxHeaderSize: Number.POSITIVE_INFINITY,
  maxStartLineSize: Number.POSITIVE_INFINITY,
  maxHeaderFields: Number.POSITIVE_INFINITY,
  maxChunkExtensionSize: Number.POSITIVE_INFINITY,
};

function feedAll(pieces: readonly Buffer[]): void {
  const { receiver, recorder } = serverReceiver(UNLIMITED);
  for (const piece of pieces) receiver.feed(piece);
  assert.ok(recorder.told.every((one) => !("error" in one)));
}

function time(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** Fails when twice the input takes more than 2.5 times as long: the best of many turns against the best. */
function assertLinear(what: string, make: (n: number) => readonly Buffer[], n: number): void {
  const once = make(n);
  const twice = make(2 * n);
  let bestOnce = Number.POSITIVE_INFINITY;
  let bestTwice = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 60 && (turn < 4 || bestTwice > 2.5 * bestOnce); turn++) {
    bestOnce = Math.min(
      bestOnce,
      time(() => feedAll(once)),
    );
    bestTwice = Math.min(
      bestTwice,
      time(() => feedAll(twice)),
    );
  }
  const ratio = bestTwice / bestOnce;
  assert.ok(ratio <= 2.5, `${what}: twice the input took ${ratio.toFixed(2)} times as long`);
}

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const HOSTILE: Readonly<Record<string, (n: number) => string>> = {
  "a long target": (n) => `GET /${"a".repeat(n)}`,
  "a long value": (n) => `${HEAD}X: ${"a".repeat(n)}`,
  "a value of spaces": (n) => `${HEAD}X: a${" \t".repeat(n / 2)}`,
  "many values that end with spaces": (n) =>
    `${HEAD}${`X: a${" ".repeat(50)}b${" ".repeat(50)}\r\n`.repeat(n / 100)}`,
  "many equal fields": (n) => `${HEAD}${"X: y\r\n".repeat(n / 6)}\r\n`,
  "many Connection options": (n) => `${HEAD}Connection: ${"a,".repeat(n / 2)}\r\n\r\n`,
  "many Content-Length values": (n) => `${HEAD}Content-Length: ${"0,".repeat(n / 2)}0\r\n\r\n`,
  "chunks of one octet": (n) => `${CHUNKED}${"1\r\na\r\n".repeat(n / 6)}`,
  "chunk extensions": (n) => `${CHUNKED}1;${"a=b;".repeat(n / 4)}c\r\n`,
  trailers: (n) => `${CHUNKED}0\r\n${"X: y\r\n".repeat(n / 6)}`,
};

for (const [what, text] of Object.entries(HOSTILE)) {
  test(`case 20: receiver: ${what}: time is linear, whole and one byte at a time`, () => {
    assertLinear(what, (n) => [octets(text(n))], 32_000);
    assertLinear(`${what}, dripping`, (n) => inSteps(octets(text(n)), 1), 8_000);
  });
}

test("case 40: ten megabytes in chunks of one octet come in few pieces that hold no more than they show", () => {
  const size = 10 * 1024 * 1024;
  const read = Buffer.from("1\r\nx\r\n".repeat(10_922));
  const perRead = 10_922;
  let pieces = 0;
  let bytes = 0;
  let held = 0;
  const visitor: MessageVisitor<HTTP1RequestHead> = {
    onHead() {},
    onBody(chunk) {
      pieces++;
      bytes += chunk.length;
      // Small buffers share a pool and do not own their memory.
      held += chunk.length < Buffer.poolSize >>> 1 ? chunk.length : chunk.buffer.byteLength;
    },
    onEnd() {},
    onError(error) {
      throw error;
    },
  };
  const receiver = new HTTP1Receiver("server", resolveHTTP1Limits(), visitor);
  receiver.feed(octets(CHUNKED));
  const start = process.hrtime.bigint();
  while (bytes < size) receiver.feed(read);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const reads = Math.ceil(size / perRead);
  assert.ok(pieces <= 2 * reads, `${pieces} pieces for ${reads} reads`);
  assert.ok(held < 3 * bytes, `${held} bytes held for ${bytes}`);
  assert.ok(seconds < 5, `${seconds} s`);
});

test("a large chunk is handed out without copying", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.feed(octets(`${CHUNKED}4000\r\n`));
  const data = Buffer.alloc(0x4000, 0x61);
  receiver.feed(data);
  assert.equal(recorder.pieces.length, 1);
  assert.equal(recorder.pieces[0]!.buffer, data.buffer);
});

test("a paused receiver between messages keeps no input alive", () => {
  const { receiver, recorder } = serverReceiver();
  recorder.onCall = (name) => {
    if (name === "end") receiver.pause();
  };
  receiver.feed(octets("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  assert.equal(receiver.paused, true);
  assert.equal(receiver.bufferedBytes, 0);
  assert.equal(receiver.betweenMessages, true);
});

test("single bytes that come while the receiver is paused are gathered, not kept as objects", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.pause();
  const body = Buffer.alloc(200_000, 0x61);
  const pieces = inSteps(
    octets(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body.toString("latin1")}`),
    1,
  );
  for (const piece of pieces) receiver.feed(piece);
  assert.equal(receiver.bufferedBytes, pieces.length);
  receiver.resume();
  assert.deepEqual(recorder.told.slice(1), [{ body: body.toString("latin1") }, { end: undefined }]);
  assert.ok(recorder.pieces.length < 100, `${recorder.pieces.length} pieces`);
});
