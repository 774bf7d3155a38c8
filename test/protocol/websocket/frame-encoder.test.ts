/**
 * Frames to bytes: the examples of RFC 6455 §5.7, the edges of the length forms, and how many writes they
 * cost.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  encodeFrame,
  type FrameOutput,
  frameHeadSize,
  frameHeadText,
  sendFrame,
  writeFrameHead,
} from "#room/protocol/websocket/frame-encoder";
import { BINARY, FIN, PING, TEXT, type WebSocketRole } from "#room/protocol/websocket/opcodes";
import { twinFrames } from "../../support/websocket-twin.js";

/** What was written, and how. */
class Writes implements FrameOutput {
  readonly writes: Buffer[] = [];
  readonly kinds: string[] = [];
  depth = 0;
  corked = 0;

  send(data: string | Uint8Array, encoding?: "latin1" | "utf8"): boolean {
    this.writes.push(typeof data === "string" ? Buffer.from(data, encoding) : Buffer.from(data));
    this.kinds.push(typeof data === "string" ? `${encoding}` : "bytes");
    if (this.depth > 0) this.corked++;
    return this.writes.length % 2 === 1;
  }

  cork(): void {
    this.depth++;
  }

  uncork(): void {
    this.depth--;
  }
}

function sent(role: WebSocketRole, first: number, payload: string | Uint8Array): Writes {
  const writes = new Writes();
  sendFrame(writes, role, first, payload, () => 0x37fa213d);
  return writes;
}

describe("a frame", () => {
  test("looks as in the examples of RFC 6455 §5.7", () => {
    assert.equal(encodeFrame(FIN | TEXT, "Hello").toString("hex"), "810548656c6c6f");
    assert.equal(encodeFrame(FIN | TEXT, "Hello", 0x37fa213d).toString("hex"), "818537fa213d7f9f4d5158");
    assert.equal(encodeFrame(TEXT, "Hel").toString("hex"), "010348656c");
    assert.equal(encodeFrame(FIN | PING, "Hello").toString("hex"), "890548656c6c6f");
    assert.equal(encodeFrame(FIN | BINARY, Buffer.alloc(256)).toString("hex", 0, 4), "827e0100");
    assert.equal(
      encodeFrame(FIN | BINARY, Buffer.alloc(65_536)).toString("hex", 0, 10),
      "827f0000000000010000",
    );
  });

  test("has a length in its shortest form", () => {
    const head = Buffer.alloc(14);
    for (const [length, hex] of [
      [0, "8200"],
      [125, "827d"],
      [126, "827e007e"],
      [0xffff, "827effff"],
      [0x10000, "827f0000000000010000"],
      [0x1_0000_0001, "827f0000000100000001"],
      [Number.MAX_SAFE_INTEGER, "827f001fffffffffffff"],
    ] as const) {
      assert.equal(head.toString("hex", 0, writeFrameHead(head, FIN | BINARY, length, undefined)), hex);
      assert.equal(Buffer.from(frameHeadText(FIN | BINARY, length), "latin1").toString("hex"), hex);
      assert.equal(frameHeadSize(length, false), hex.length / 2);
      assert.equal(writeFrameHead(head, FIN | BINARY, length, -1), frameHeadSize(length, true));
    }
  });

  test("of a large payload is read back by a plain reading", () => {
    for (const payload of ["é".repeat(40_000), Buffer.alloc(70_000, 7)]) {
      for (const key of [undefined, 0x37fa213d]) {
        const { frames, rest } = twinFrames(encodeFrame(FIN | BINARY, payload, key));
        assert.equal(rest.length, 0);
        assert.ok(frames[0]!.payload.equals(Buffer.from(payload as string)));
      }
    }
  });

  test("is read back by a plain reading, for every payload and key", () => {
    const payloads = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "\u00e9", "\u2603", "\u{1f600}", "\0"), maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom("x".repeat(126), "é".repeat(400)),
    );
    fc.assert(
      fc.property(payloads, fc.option(fc.integer(), { nil: undefined }), (payload, key) => {
        const { frames, rest } = twinFrames(encodeFrame(FIN | BINARY, payload, key));
        assert.equal(rest.length, 0);
        assert.equal(frames.length, 1);
        assert.ok(frames[0]!.payload.equals(Buffer.from(payload as string)));
        assert.equal(frames[0]!.isMasked, key !== undefined);
      }),
    );
  });
});

describe("sendFrame()", () => {
  test("sends a server's short ASCII text as one string", () => {
    const writes = sent("server", FIN | TEXT, "Hello");
    assert.deepEqual(writes.kinds, ["latin1"]);
    assert.equal(writes.writes[0]!.toString("hex"), "810548656c6c6f");
  });

  test("sends every small frame in one write, and a large one behind its head", () => {
    for (const [payload, kinds] of [
      ["é", ["bytes"]],
      ["a".repeat(16_000), ["latin1"]],
      [Buffer.alloc(16_000), ["bytes"]],
      ["a".repeat(16_001), ["latin1", "latin1"]],
      [`é${"a".repeat(16_001)}`, ["latin1", "utf8"]],
      [Buffer.alloc(16_001), ["latin1", "bytes"]],
    ] as const) {
      const writes = sent("server", FIN | TEXT, payload);
      assert.deepEqual(writes.kinds, kinds);
      assert.equal(writes.depth, 0);
      assert.equal(writes.corked, kinds.length === 2 ? 2 : 0);
      const { frames } = twinFrames(Buffer.concat(writes.writes));
      assert.deepEqual(frames[0]!.payload, Buffer.from(payload as string));
    }
  });

  test("masks what a client sends, in a copy", () => {
    const payload = Buffer.from("Hello");
    const writes = sent("client", FIN | TEXT, payload);
    assert.equal(writes.writes[0]!.toString("hex"), "818537fa213d7f9f4d5158");
    assert.equal(payload.toString(), "Hello");
    const long = sent("client", FIN | BINARY, Buffer.alloc(100_000, 9));
    assert.equal(long.writes.length, 1);
    assert.deepEqual(twinFrames(long.writes[0]!).frames[0]!.payload, Buffer.alloc(100_000, 9));
  });

  test("sends a lone surrogate as U+FFFD, which is valid UTF-8", () => {
    const { frames } = twinFrames(sent("server", FIN | TEXT, "a\ud800b").writes[0]!);
    assert.equal(frames[0]!.payload.toString("hex"), "61efbfbd62");
  });

  test("answers what the last write answered", () => {
    const writes = new Writes();
    assert.equal(sendFrame(writes, "server", FIN | TEXT, "a"), true);
    assert.equal(sendFrame(writes, "server", FIN | TEXT, "a"), false);
    assert.equal(sendFrame(writes, "server", FIN | BINARY, Buffer.alloc(20_000)), false);
  });
});
