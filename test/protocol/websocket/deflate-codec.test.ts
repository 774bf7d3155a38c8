/** permessage-deflate on this thread: the examples of RFC 7692 §7.2.3, windows, limits, and corrupt data. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { SyncDeflater, SyncInflater } from "#room/protocol/websocket/deflate-codec";
import type { InflatedOutput } from "#room/protocol/websocket/message-codec";
import { RecordedConnection } from "../../support/websocket.js";
import { TwinDeflate } from "../../support/websocket-twin.js";

const TAIL = Buffer.from("0000ffff", "hex");

/** Takes what comes out, up to a limit. */
class Collector implements InflatedOutput {
  readonly pieces: Buffer[] = [];
  error: unknown;
  room: number;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.room = limit;
  }

  onInflated(bytes: Buffer): boolean {
    this.pieces.push(bytes);
    this.room -= bytes.length;
    return this.room >= 0;
  }

  onReady(): void {
    assert.fail("the work is done at once");
  }

  onInflateError(error: unknown): void {
    this.error = error;
  }
}

function inflate(inflater: SyncInflater, ...pieces: readonly string[]): string {
  const output = new Collector();
  for (const [i, hex] of pieces.entries()) {
    assert.equal(inflater.inflate(Buffer.from(hex, "hex"), i === pieces.length - 1, output), true);
  }
  assert.equal(output.error, undefined);
  return Buffer.concat(output.pieces).toString();
}

const full = { takeover: true, windowBits: 15 };

describe("SyncInflater", () => {
  test("reads the examples of RFC 7692 §7.2.3", () => {
    const inflater = new SyncInflater(full);
    // §7.2.3.1, whole and in two fragments.
    assert.equal(inflate(inflater, "f248cdc9c90700"), "Hello");
    assert.equal(inflate(new SyncInflater(full), "f248cd", "c9c90700"), "Hello");
    // §7.2.3.2: the second message refers to the first.
    assert.equal(inflate(inflater, "f200110000"), "Hello");
    // §7.2.3.3: a block without compression.
    assert.equal(inflate(new SyncInflater(full), "000500faff48656c6c6f00"), "Hello");
    // §7.2.3.4: a block that says it is the last.
    assert.equal(inflate(new SyncInflater(full), "f348cdc9c9070000"), "Hello");
    // §7.2.3.5: two blocks.
    assert.equal(inflate(new SyncInflater(full), "f24805000000ffffcac9c90700"), "Hello");
    // §7.2.3.6: an empty message.
    assert.equal(inflate(new SyncInflater(full), "00"), "");
  });

  test("forgets its window after each message without context takeover", () => {
    const inflater = new SyncInflater({ takeover: false, windowBits: 15 });
    assert.equal(inflate(inflater, "f248cdc9c90700"), "Hello");
    const output = new Collector();
    inflater.inflate(Buffer.from("f200110000", "hex"), true, output);
    assert.match(String(output.error), /too far back/);
  });

  test("goes on after a message whose last block says so", () => {
    const inflater = new SyncInflater(full);
    for (let i = 0; i < 1100; i++) assert.equal(inflate(inflater, "f348cdc9c9070000"), "Hello");
    assert.equal(inflate(inflater, "f248cdc9c90700"), "Hello");
  });

  test("case 66: makes one byte more than there is room for, of a bomb of a thousand to one", () => {
    const bomb = deflateRawSync(Buffer.alloc(20_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
    const output = new Collector(1_000_000);
    new SyncInflater(full).inflate(bomb, true, output);
    assert.equal(output.room, -1);
    for (const piece of output.pieces) assert.ok(piece.length <= 65_536);
  });

  test("case 67: corrupt data are an error, and a message that is exactly at the limit is not", () => {
    for (const hex of ["ff", "07", "f248cd", "000500faf048656c6c6f00"]) {
      const output = new Collector();
      new SyncInflater(full).inflate(Buffer.from(hex, "hex"), true, output);
      const isCut = hex === "f248cd";
      assert.equal(output.error === undefined, isCut, hex);
    }
    const output = new Collector(5);
    new SyncInflater(full).inflate(Buffer.from("f248cdc9c90700", "hex"), true, output);
    assert.equal(output.room, 0);
    assert.equal(output.error, undefined);
  });

  test("does not spend its time on ends inside the data", () => {
    const output = new Collector();
    new SyncInflater(full).inflate(Buffer.alloc(100_000, Buffer.of(3, 0)), true, output);
    assert.match(String(output.error), /too many ends/);
  });

  test("case 69: makes nothing after close(), which may come twice", () => {
    const inflater = new SyncInflater(full);
    inflate(inflater, "f248cdc9c90700");
    inflater.close();
    inflater.close();
    const output = new Collector();
    inflater.inflate(Buffer.from("f248cdc9c90700", "hex"), true, output);
    assert.deepEqual([output.pieces, output.error], [[], undefined]);
  });
});

describe("SyncDeflater", () => {
  test("writes the examples of RFC 7692 §7.2.3", () => {
    const deflater = new SyncDeflater(full);
    assert.equal(deflater.deflate("Hello").toString("hex"), "f248cdc9c90700");
    assert.equal(deflater.deflate(Buffer.from("Hello")).toString("hex"), "f200110000");
    assert.equal(deflater.deflate("").toString("hex"), "00");
    assert.equal(new SyncDeflater(full).deflate("").toString("hex"), "00");
    const alone = new SyncDeflater({ takeover: false, windowBits: 15 });
    for (let i = 0; i < 3; i++) assert.equal(alone.deflate("Hello").toString("hex"), "f248cdc9c90700");
  });

  test("is read back by Node's own zlib, with every window and effort", () => {
    const messages = fc.array(
      fc.oneof(
        fc.string({ maxLength: 2000 }).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 40_000 }).map((octets) => Buffer.from(octets)),
        fc.nat(100_000).map((size) => Buffer.alloc(size, "squall ")),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(
        messages,
        fc.boolean(),
        fc.integer({ min: 8, max: 15 }),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (list, takeover, windowBits, compressionLevel, memLevel) => {
          const deflater = new SyncDeflater({ takeover, windowBits }, { compressionLevel, memLevel });
          const inflater = new SyncInflater({ takeover, windowBits });
          const twin = new TwinDeflate(takeover, windowBits);
          for (const message of list) {
            const bytes = deflater.deflate(message);
            assert.deepEqual(twin.inflate(bytes), message);
            const output = new Collector();
            inflater.inflate(Buffer.from(bytes), true, output);
            assert.deepEqual(Buffer.concat(output.pieces), message);
          }
          deflater.close();
          inflater.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("case 52: refers back no further than 256 bytes when 8 bits were agreed, which zlib itself has not", () => {
    const text = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(3);
    for (let gap = 100; gap < 700; gap += 7) {
      const message = Buffer.from(text + "-".repeat(gap) + text + "é".repeat(gap) + text);
      const bytes = new SyncDeflater({ takeover: true, windowBits: 8 }).deflate(message);
      const inflated = inflateRawSync(Buffer.concat([bytes, TAIL]), {
        windowBits: 8,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      assert.deepEqual(inflated, message);
    }
  });
});

describe("a connection with compression", () => {
  const pair = () =>
    new RecordedConnection("client", {
      inflater: new SyncInflater(full),
      deflater: new SyncDeflater(full),
      maxMessageSize: 1000,
    });

  test("reads the frames of RFC 7692 §7.2.3.1, also in fragments with a ping between", () => {
    const client = pair();
    client.receive("c1 07 f248cdc9c90700");
    client.receive("41 03 f248cd 89 00 80 04 c9c90700");
    assert.deepEqual(
      client.told.filter(([kind]) => kind !== "ping"),
      [
        ["text", "Hello"],
        ["text", "Hello"],
      ],
    );
    client.receive("81 05 48656c6c6f");
    assert.deepEqual(client.told.at(-1), ["text", "Hello"]);
  });

  test("sends compressed messages unless it is told not to, and never compresses control frames", () => {
    const server = new RecordedConnection("server", { deflater: new SyncDeflater(full) });
    server.connection.text("Hello");
    server.connection.text("Hello", false);
    server.connection.binary(Buffer.from("Hello"));
    server.connection.ping("Hello");
    assert.equal(
      server.takeHex(),
      "c107f248cdc9c90700 810548656c6c6f c205f200110000 890548656c6c6f".replaceAll(" ", ""),
    );
  });

  test("case 67: takes an empty compressed message, and fails with 1007 on corrupt data", () => {
    const client = pair();
    client.receive("c1 01 00");
    assert.deepEqual(client.told, [["text", ""]]);
    client.receive("c2 02 ffff");
    assert.equal(client.errors[0]!.code, "ERR_SQUALL_WEBSOCKET_DEFLATE");
    assert.equal(client.errors[0]!.closeCode, 1007);
    assert.match(String(client.errors[0]!.cause), /cannot be unpacked/);
  });

  test("case 66: fails with 1009 at the limit, whose check comes while inflating", () => {
    const client = pair();
    const bomb = new TwinDeflate(false, 15).deflate(Buffer.alloc(20_000_000));
    assert.ok(bomb.length > 1000 + 1000 / 8 + 1024);
    client.receive(`42 7e 03e8 ${bomb.toString("hex", 0, 1000)}`);
    assert.equal(client.errors[0]!.code, "ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG");
    assert.equal(client.errors[0]!.closeCode, 1009);
  });

  test("case 69: closes both contexts with the connection, once TCP or the handshake ends", () => {
    for (const end of [
      (server: RecordedConnection) => server.connection.transportEnded(),
      (server: RecordedConnection) => server.receive("88 80 00000000"),
      (server: RecordedConnection) => server.receive("83"),
    ]) {
      const closed: string[] = [];
      const server = new RecordedConnection("server", {
        inflater: { inflate: () => true, close: () => void closed.push("inflater") },
        deflater: { deflate: () => Buffer.alloc(1), close: () => void closed.push("deflater") },
      });
      end(server);
      assert.deepEqual([...new Set(closed)].sort(), ["deflater", "inflater"]);
    }
  });

  test("counts each message by itself", () => {
    const client = pair();
    const bytes = new TwinDeflate(false, 15).deflate(Buffer.alloc(900, "x"));
    const frame = `c1 ${bytes.length.toString(16).padStart(2, "0")} ${bytes.toString("hex")}`;
    for (let i = 0; i < 3; i++) client.receive(frame);
    assert.equal(client.told.length, 3);
    assert.deepEqual(client.errors, []);
  });

  test("case 59: fails with 1007 at the octet of inflated text that is not UTF-8", () => {
    const client = pair();
    const bytes = new TwinDeflate(false, 15).deflate(Buffer.from("c328", "hex"));
    client.receive(`41 ${bytes.length.toString(16).padStart(2, "0")} ${bytes.toString("hex")}`);
    assert.equal(client.errors[0]?.closeCode, 1007, "before the message ends");
  });
});
