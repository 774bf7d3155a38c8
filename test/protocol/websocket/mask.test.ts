/** Masking against an XOR octet by octet. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { websocketMask } from "squall/util";
import { maskInPlace } from "#room/protocol/websocket/mask";
import { randomMaskKey } from "#room/protocol/websocket/mask-key";
import { twinMask } from "../../support/websocket-twin.js";

const octets = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300, max: 0x7f }),
  fc.uint8Array({ minLength: 1000, maxLength: 1500 }),
);
const keys = fc.uint8Array({ minLength: 4, maxLength: 4 });

describe("maskInPlace()", () => {
  test("agrees with an XOR octet by octet for every length, alignment, range and offset", () => {
    fc.assert(
      fc.property(octets, keys, fc.nat(7), fc.nat(9), fc.nat(5), (data, key, shift, offset, behind) => {
        const memory = Buffer.alloc(shift + data.length + behind, 0xaa);
        memory.set(data, shift);
        const turned = Uint8Array.of(...[0, 1, 2, 3].map((i) => key[(i + offset) % 4]!));
        const expected = twinMask(data, turned);
        const number = Buffer.from(key).readInt32BE();
        const isAscii = maskInPlace(memory, shift, shift + data.length, number, offset);
        assert.deepEqual(memory.subarray(shift, shift + data.length), expected);
        assert.equal(
          isAscii,
          expected.every((octet) => octet < 0x80),
        );
        assert.ok(memory.subarray(0, shift).every((octet) => octet === 0xaa));
        assert.ok(memory.subarray(shift + data.length).every((octet) => octet === 0xaa));
      }),
    );
  });

  test("says that text is ASCII, and that other text is not, wherever the octet above 0x7f stands", () => {
    for (const size of [1, 5, 200]) {
      for (let at = 0; at < size; at++) {
        const data = Buffer.alloc(size, "a");
        data[at] = 0x80;
        maskInPlace(data, 0, size, 0x0badcafe, 0);
        assert.equal(maskInPlace(data, 0, size, 0x0badcafe, 0), false);
      }
      assert.equal(maskInPlace(Buffer.alloc(size, "a"), 0, size, 0, 0), true);
    }
  });
});

describe("websocketMask()", () => {
  test("gives a masked copy and leaves its input as it is", () => {
    fc.assert(
      fc.property(octets, keys, (data, key) => {
        const before = Buffer.from(data);
        assert.deepEqual(websocketMask(key, data), twinMask(data, key));
        assert.deepEqual(Buffer.from(data), before);
      }),
    );
  });

  test("wants a mask of four bytes", () => {
    for (const size of [0, 3, 5]) {
      assert.throws(() => websocketMask(new Uint8Array(size), Buffer.of(1)), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });
});

test("case 64: randomMaskKey() gives 32 bits of which no two runs are alike", () => {
  const keysMade = new Set(Array.from({ length: 1000 }, randomMaskKey));
  assert.ok(keysMade.size > 990);
  const all = [...keysMade];
  for (let bit = 0; bit < 32; bit++) {
    const set = all.filter((key) => ((key >>> bit) & 1) === 1).length;
    assert.ok(set > 350 && set < 650, `bit ${bit} is set in ${set} of ${all.length}`);
  }
});
