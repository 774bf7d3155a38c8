/**
 * The protocol objects against their plain twin: on frames, well-formed and spoilt, cut anywhere, both see
 * the same messages, and what the twin refuses is refused with the same close code.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SyncInflater } from "#room/protocol/websocket/deflate-codec";
import { RecordedConnection, type Told } from "../../support/websocket.js";
import { TwinDeflate, type TwinEvent, twinEvents, twinFrame } from "../../support/websocket-twin.js";

const MAX = 400;

/** What the visitor was told, in the twin's words. */
function asEvents(told: readonly Told[], codes: readonly number[]): TwinEvent[] {
  const events: TwinEvent[] = [];
  for (const one of told) {
    if (one[0] === "text") events.push(["text", Buffer.from(one[1]).toString("hex")]);
    else if (one[0] === "error") events.push(["violation", codes[0]!]);
    else if (one[0] === "close" && events.at(-1)?.[0] !== "violation") events.push(["close", one[1], one[2]]);
    else if (one[0] === "binary" || one[0] === "ping" || one[0] === "pong") events.push([one[0], one[1]]);
  }
  return events;
}

const payload = fc.oneof(
  fc
    .constantFrom(
      "",
      "Hello",
      "h\u00e9\u2603\u{1f600}",
      "x".repeat(125),
      "x".repeat(126),
      "\u00e9".repeat(80),
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom("ff", "c3", "a9", "e298", "83", "eda080", "f490", "03e8", "03e8ff", "03ee", "0fa0c3a9")
    .map((hex) => Buffer.from(hex, "hex")),
  fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
);

const goodFrame = fc.record({
  opcode: fc.constantFrom(1, 2, 9, 10),
  payload: fc.constantFrom("", "Hello", "h\u00e9\u2603", "x".repeat(120)).map((text) => Buffer.from(text)),
  fin: fc.constant(true),
  rsv: fc.constantFrom(0, 0, 4),
  isMasked: fc.constant(true),
  lengthOctets: fc.constant(undefined),
});

const anyFrame = fc.record({
  opcode: fc.constantFrom(0, 0, 1, 1, 2, 8, 9, 10, 3, 11),
  payload,
  fin: fc.constantFrom(true, true, false),
  rsv: fc.constantFrom(0, 0, 0, 0, 4, 4, 2, 1),
  isMasked: fc.constantFrom(true, true, true, true, true, false),
  lengthOctets: fc.constantFrom(undefined, undefined, undefined, undefined, 2 as const, 8 as const),
});

const input = fc.record({
  frames: fc.oneof(
    fc.array(anyFrame, { maxLength: 8 }),
    fc
      .tuple(fc.array(goodFrame, { maxLength: 6 }), fc.array(anyFrame, { maxLength: 3 }))
      .map(([good, any]) => [...good, ...any]),
  ),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  cut: fc.integer({ min: 0, max: 20 }),
  places: fc.array(fc.nat(1500), { maxLength: 6 }),
});

for (const role of ["server", "client"] as const) {
  for (const isCompressed of [false, true]) {
    test(`a ${role} ${isCompressed ? "with" : "without"} compression sees what a plain reading sees`, () => {
      fc.assert(
        fc.property(input, ({ frames, key, cut, places }) => {
          const deflate = new TwinDeflate(false, 15);
          const bytes = Buffer.concat(
            frames.map(({ opcode, payload: plain, fin, rsv, isMasked, lengthOctets }) => {
              const isPacked = isCompressed && rsv === 4 && fin && (opcode === 1 || opcode === 2);
              return twinFrame(opcode, isPacked ? deflate.deflate(plain) : plain, {
                fin,
                rsv,
                key: isMasked === (role === "server") ? Buffer.from(key) : undefined,
                ...(lengthOctets === undefined || plain.length > 125 ? {} : { lengthOctets }),
              });
            }),
          );
          const sent = bytes.subarray(0, bytes.length - Math.min(bytes.length, cut));
          const expected = twinEvents(sent, role, MAX, isCompressed ? new TwinDeflate(false, 15) : undefined);

          const recorded = new RecordedConnection(role, {
            maxMessageSize: MAX,
            ...(isCompressed ? { inflater: new SyncInflater({ takeover: false, windowBits: 15 }) } : {}),
          });
          const ends = [...new Set([...places.map((at) => Math.min(at, sent.length)), sent.length])].sort(
            (a, b) => a - b,
          );
          let from = 0;
          for (const end of ends) {
            recorded.connection.receive(Buffer.from(sent.subarray(from, end)));
            from = end;
          }
          const codes = recorded.errors.map(({ closeCode }) => closeCode);
          assert.deepEqual(asEvents(recorded.told, codes), expected);
        }),
        { numRuns: 1000 },
      );
    });
  }
}
