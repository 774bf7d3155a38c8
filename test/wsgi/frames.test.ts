/** Frames are read the same however they were cut on their way, and nothing else is taken for one. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeFrame,
  FrameReader,
  FrameType,
  type FrameVisitor,
  frameHeader,
  MAX_PAYLOAD,
} from "#room/interop/wsgi/frames";

type Told = readonly [type: number | "data" | "broken", text: string];

/** What a reader says when it is fed these pieces; pieces of data are joined. */
function read(pieces: readonly Buffer[]): Told[] {
  const told: Told[] = [];
  const visitor: FrameVisitor = {
    onFrame: (type, payload) => void told.push([type, payload.toString("latin1")]),
    onPiece(piece) {
      assert.ok(piece.length > 0);
      const last = told.at(-1);
      const text = piece.toString("latin1");
      if (last?.[0] === "data") told[told.length - 1] = ["data", last[1] + text];
      else told.push(["data", text]);
    },
    onBroken: (reason) => void told.push(["broken", reason]),
  };
  const reader = new FrameReader(visitor);
  for (const piece of pieces) reader.feed(piece);
  return told;
}

const exchange = Buffer.concat([
  encodeFrame(FrameType.HEAD, "200 OK"),
  encodeFrame(FrameType.DATA, "hello"),
  encodeFrame(FrameType.ERRORS, "caf\u00e9"),
  encodeFrame(FrameType.DATA, ""),
  frameHeader(FrameType.DATA, 3),
  Buffer.from("abc"),
  encodeFrame(FrameType.END),
]);
const expected: Told[] = [
  [FrameType.HEAD, "200 OK"],
  ["data", "hello"],
  [FrameType.ERRORS, "caf\u00c3\u00a9"],
  ["data", "abc"],
  [FrameType.END, ""],
];

test("frames are the same whole, byte by byte, and cut at every place", () => {
  assert.deepEqual(read([exchange]), expected);
  assert.deepEqual(read([...exchange].map((byte) => Buffer.of(byte))), expected);
  for (let at = 1; at < exchange.length; at++) {
    assert.deepEqual(read([exchange.subarray(0, at), exchange.subarray(at)]), expected, `cut at ${at}`);
  }
});

test("any frames come out as they were put in, however they are cut", () => {
  const frame = fc.tuple(fc.constantFrom(1, 3, 4, 6, 7, 8, 9), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(([type, payload]) => encodeFrame(type as 1, payload)));
      const pieces: Buffer[] = [];
      let at = 0;
      for (const size of cuts) {
        pieces.push(bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
      }
      pieces.push(bytes.subarray(at));
      assert.deepEqual(
        read(pieces),
        frames.map(([type, payload]) => [type, Buffer.from(payload).toString("latin1")]),
      );
    }),
  );
});

test("an unknown type, or a payload above the limit, is the end, and nothing behind it is read", () => {
  for (const type of [0, 10, 255]) {
    const bad = Buffer.concat([Buffer.of(type, 0, 0, 0, 0), encodeFrame(FrameType.END)]);
    assert.deepEqual(read([bad, encodeFrame(FrameType.END)]), [["broken", `a frame of the type ${type}`]]);
  }
  const long = frameHeader(FrameType.HEAD, MAX_PAYLOAD + 1);
  assert.equal(read([long, encodeFrame(FrameType.END)])[0]?.[0], "broken");
  assert.deepEqual(read([frameHeader(FrameType.DATA, 4_294_967_295), Buffer.from("ab")]), [["data", "ab"]]);
});
