/** What a peer can make us keep: the message and no more, whatever the fragments look like. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WebSocketConnection } from "#room/protocol/websocket/connection";
import { canCollect, heldMemory } from "../../support/held-memory.js";
import { twinFrame } from "../../support/websocket-twin.js";

const KEY = Buffer.alloc(4);

/** A server that counts what it gets. */
function counting(maxMessageSize = 10_485_760) {
  const seen = { messages: [] as (string | Buffer)[], pings: 0, closed: 0 };
  const connection = new WebSocketConnection(
    "server",
    {
      onMessage: (data) => void seen.messages.push(data),
      onPing: () => void seen.pings++,
      onPong() {},
      onError: (error) => assert.fail(error),
      onClose: () => void seen.closed++,
    },
    { send: () => true, finish() {} },
    { maxMessageSize },
  );
  return { seen, connection };
}

const MIB = 1024 * 1024;

describe("memory", () => {
  test("case 62: a million empty fragments cost nothing and are one message", canCollect, () => {
    const { seen, connection } = counting();
    connection.receive(twinFrame(1, "a", { fin: false, key: KEY }));
    const chunk = () => Buffer.from(Buffer.alloc(6 * 2000, Buffer.of(0x00, 0x80, 0, 0, 0, 0)));
    const before = heldMemory();
    for (let i = 0; i < 500; i++) connection.receive(chunk());
    assert.ok(heldMemory() - before < MIB, "empty fragments must not be kept");
    connection.receive(twinFrame(0, "b", { key: KEY }));
    assert.deepEqual(seen.messages, ["ab"]);
  });

  test("case 62: 4 MiB in fragments of 64 octets are held in little more than 4 MiB", canCollect, () => {
    const { seen, connection } = counting();
    const fragments = (first: number, count: number) =>
      Buffer.concat(
        Array.from({ length: count }, (_, i) =>
          twinFrame(i === 0 ? first : 0, Buffer.alloc(64, "x"), { fin: false, key: KEY }),
        ),
      );
    const before = heldMemory();
    connection.receive(fragments(1, 1024));
    for (let i = 1; i < 64; i++) connection.receive(fragments(0, 1024));
    const held = heldMemory() - before;
    assert.ok(held < 5 * MIB, `${held} bytes are held for 4 MiB`);
    connection.receive(twinFrame(0, "", { key: KEY }));
    assert.equal(seen.messages.length, 1);
    assert.equal(seen.messages[0]!.length, 4 * MIB);
  });

  test("a frame that announces much and brings little holds what it has brought", canCollect, () => {
    const connections = Array.from({ length: 40 }, () => counting());
    const frame = twinFrame(2, Buffer.alloc(MIB, "x"), { key: KEY });
    const chunks = connections.map(() => Buffer.from(frame.subarray(0, 10_000)));
    const before = heldMemory();
    for (const [i, { connection }] of connections.entries()) connection.receive(chunks[i]!, true);
    const held = heldMemory() - before;
    assert.ok(held < 40 * 20_000, `${held} bytes are held for 400,000`);
    for (const { connection, seen } of connections) {
      connection.receive(Buffer.from(frame.subarray(10_000, 600_000)), true);
      connection.receive(Buffer.from(frame.subarray(600_000)));
      assert.ok(Buffer.alloc(MIB, "x").equals(seen.messages[0] as Buffer));
    }
  });

  test(
    "a message of which a quarter comes at once is held in its own size, however the rest is cut",
    canCollect,
    () => {
      const { seen, connection } = counting();
      const payload = Buffer.from(Array.from({ length: MIB }, (_, i) => (i * 7) & 0xff));
      const frame = twinFrame(2, payload, { key: KEY });
      const before = heldMemory();
      connection.receive(Buffer.from(frame.subarray(0, 300_000)), true);
      for (let at = 300_000; at < frame.length - 10; at += 60_000) {
        connection.receive(
          Buffer.from(frame.subarray(at, Math.min(at + 60_000, frame.length - 10))),
          at % 2 === 0,
        );
      }
      const held = heldMemory() - before;
      assert.ok(held < 1.2 * MIB, `${held} bytes are held for a message of ${MIB}`);
      connection.receive(Buffer.from(frame.subarray(frame.length - 10)));
      assert.equal(seen.messages.length, 1);
      assert.ok(payload.equals(seen.messages[0] as Buffer));
    },
  );

  test("case 62: fragments of one octet, one in each chunk, cost a few octets each", canCollect, () => {
    const { seen, connection } = counting();
    connection.receive(twinFrame(2, "", { fin: false, key: KEY }));
    const before = heldMemory();
    for (let i = 0; i < 100_000; i++) connection.receive(Buffer.of(0x00, 0x81, 0, 0, 0, 0, i));
    assert.ok(heldMemory() - before < MIB, "one-octet fragments must be joined");
    connection.receive(twinFrame(0, "", { key: KEY }));
    assert.equal(seen.messages[0]!.length, 100_000);
  });

  test("fragments that come with a lot of pings do not keep the chunks they came in", canCollect, () => {
    const { seen, connection } = counting();
    const pings = Buffer.concat(
      Array.from({ length: 480 }, () => twinFrame(9, Buffer.alloc(125), { key: KEY })),
    );
    connection.receive(twinFrame(2, "", { fin: false, key: KEY }));
    const before = heldMemory();
    for (let i = 0; i < 100; i++) {
      connection.receive(Buffer.concat([pings, twinFrame(0, Buffer.alloc(1100), { fin: false, key: KEY })]));
    }
    const held = heldMemory() - before;
    assert.ok(held < 1.5 * MIB, `${held} bytes are held for 110,000; the chunks have 6 MB`);
    assert.equal(seen.pings, 48_000);
  });

  test("a small message of bytes that is kept does not keep a large chunk", canCollect, () => {
    const { seen, connection } = counting();
    const before = heldMemory();
    for (let i = 0; i < 100; i++) {
      connection.receive(
        Buffer.concat([
          twinFrame(2, Buffer.alloc(100, 7), { key: KEY }),
          twinFrame(9, "", { key: KEY }),
          Buffer.alloc(60_000 * 6, Buffer.of(0x8a, 0x80, 0, 0, 0, 0)),
        ]),
      );
    }
    const held = heldMemory() - before;
    assert.ok(held < 2 * MIB, `${held} bytes are held for 10,000; the chunks have 36 MB`);
    assert.ok(seen.messages.every((message) => message.length === 100));
  });

  test("a frame that announces ten megabytes and sends nothing costs nothing", canCollect, () => {
    const { connection } = counting();
    const before = heldMemory();
    connection.receive(Buffer.from("82ff0000000000a0000000000000ff", "hex"));
    assert.ok(heldMemory() - before < MIB);
  });
});
