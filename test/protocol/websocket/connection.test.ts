/**
 * A connection without sockets: messages, control frames, the closing handshake, back-pressure, and what ends
 * it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { InflatedOutput, MessageInflater } from "#room/protocol/websocket/message-codec";
import { cuttings, inSteps } from "../../support/splits.js";
import { RecordedConnection } from "../../support/websocket.js";
import { twinFrame, twinFrames } from "../../support/websocket-twin.js";

const KEY = Buffer.from("37fa213d", "hex");
/** A frame of a client. */
const masked = (
  opcode: number,
  payload: string | Uint8Array,
  options: { fin?: boolean; rsv?: number } = {},
) => twinFrame(opcode, payload, { ...options, key: KEY });
const closed = { code: "ERR_SQUALL_WEBSOCKET_CLOSED" };

describe("messages", () => {
  test("come from the frames of RFC 6455 §5.7", () => {
    const client = new RecordedConnection("client");
    client.receive("81 05 48656c6c6f");
    client.receive("01 03 48656c  80 02 6c6f");
    client.receive(`82 7e0100 ${"07".repeat(256)}`);
    client.receive(`82 7f0000000000010000 ${"07".repeat(65_536)}`);
    const server = new RecordedConnection("server");
    server.receive("81 85 37fa213d 7f9f4d5158");
    assert.deepEqual(server.told, [["text", "Hello"]]);
    assert.deepEqual(client.told, [
      ["text", "Hello"],
      ["text", "Hello"],
      ["binary", "07".repeat(256)],
      ["binary", "07".repeat(65_536)],
    ]);
  });

  test("are the same however the bytes are cut", () => {
    const bytes = Buffer.concat([
      masked(1, "Hello"),
      masked(1, "h\u00e9", { fin: false }),
      masked(9, "ping"),
      masked(0, "", { fin: false }),
      masked(0, Buffer.of(0xe2, 0x98), { fin: false }),
      masked(0, Buffer.of(0x83)),
      masked(2, Buffer.alloc(130, 7)),
      masked(10, "pong"),
      masked(2, ""),
    ]);
    const expected = new RecordedConnection("server");
    expected.connection.receive(Buffer.from(bytes));
    assert.deepEqual(expected.told, [
      ["text", "Hello"],
      ["ping", Buffer.from("ping").toString("hex")],
      ["text", "h\u00e9\u2603"],
      ["binary", "07".repeat(130)],
      ["pong", Buffer.from("pong").toString("hex")],
      ["binary", ""],
    ]);
    for (const { how, pieces } of cuttings(bytes)) {
      const server = new RecordedConnection("server");
      for (const piece of pieces) server.connection.receive(piece);
      assert.deepEqual(server.told, expected.told, how);
      assert.equal(server.takeHex(), "8a0470696e67", how);
    }
    const bytesOf = ({ told, kept }: RecordedConnection): [string[], string[]] => [
      told.flatMap(([what, data]) => (what === "text" ? [] : [data as string])),
      kept.map((data) => data.toString("hex")),
    ];
    for (const { how, pieces } of cuttings(bytes)) {
      const server = new RecordedConnection("server");
      for (const piece of pieces) server.lend(piece);
      assert.deepEqual(server.told, expected.told, `lent, ${how}`);
      const [told, kept] = bytesOf(server);
      assert.deepEqual(kept, told, `lent and overwritten, ${how}`);
      // Paused by each call: what is left of a chunk that was lent is kept.
      const paused = new RecordedConnection("server");
      paused.onCall = () => paused.connection.pause();
      for (const piece of pieces) paused.lend(piece);
      while (paused.connection.paused) paused.connection.resume();
      assert.deepEqual(paused.told, expected.told, `lent while paused, ${how}`);
      assert.deepEqual(bytesOf(paused)[1], told, `lent while paused, ${how}`);
    }
  });

  test("may have characters cut by fragments", () => {
    const server = new RecordedConnection("server");
    const snowman = Buffer.from("\u2603");
    server.connection.receive(masked(1, snowman.subarray(0, 1), { fin: false }));
    server.connection.receive(masked(0, snowman.subarray(1, 2), { fin: false }));
    server.connection.receive(masked(0, snowman.subarray(2)));
    assert.deepEqual(server.told, [["text", "\u2603"]]);
  });

  test("leave as frames, masked by a client", () => {
    const server = new RecordedConnection("server");
    assert.equal(server.connection.text("Hello"), true);
    server.connection.binary(Buffer.from("Hello"));
    assert.equal(server.takeHex(), "810548656c6c6f820548656c6c6f");
    const client = new RecordedConnection("client");
    client.connection.text("Hello");
    assert.equal(client.takeHex(), "818537fa213d7f9f4d5158");
    server.hasRoom = false;
    assert.equal(server.connection.text("x"), false);
  });

  test("that were framed or compressed elsewhere leave as they are", () => {
    const server = new RecordedConnection("server");
    server.connection.frame(Buffer.from("810548656c6c6f", "hex"));
    server.connection.compressed(Buffer.from("f248cdc9c90700", "hex"), false);
    server.connection.compressed(Buffer.from("00", "hex"), true);
    assert.equal(server.takeHex(), "810548656c6c6fc107f248cdc9c90700c20100");
    server.connection.close();
    assert.throws(() => server.connection.frame(Buffer.alloc(2)), closed);
    assert.throws(() => server.connection.compressed(Buffer.alloc(2), true), closed);
  });
});

describe("violations", () => {
  const CASES: readonly (readonly [title: string, hex: string, code: string, closeCode: number])[] = [
    ["case 55: a client's frame without mask", "81 05", "MASK", 1002],
    ["case 56: the first reserved bit", "c1", "RESERVED_BITS", 1002],
    ["case 56: the second reserved bit", "a1", "RESERVED_BITS", 1002],
    ["case 56: the third reserved bit", "91", "RESERVED_BITS", 1002],
    ["case 56: a reserved bit on a control frame", "c9", "RESERVED_BITS", 1002],
    ["case 56: a reserved opcode of data", "83", "OPCODE", 1002],
    ["case 56: a reserved opcode of control", "8b", "OPCODE", 1002],
    ["case 56: a fragmented ping", "09", "CONTROL_FRAME", 1002],
    ["case 56: a ping of 126 octets", "89 fe", "CONTROL_FRAME", 1002],
    ["case 56: a close frame of 126 octets", "88 fe", "CONTROL_FRAME", 1002],
    ["case 57: a continuation of nothing", "80 80 00000000", "FRAGMENTATION", 1002],
    ["case 57: a message inside another", "01 80 00000000 81 80 00000000", "FRAGMENTATION", 1002],
    ["case 58: 125 in two octets", "81 fe 007d", "LENGTH", 1002],
    ["case 58: 65535 in eight octets", "81 ff 000000000000ffff", "LENGTH", 1002],
    ["case 58: a length with the highest bit set", "81 ff 8000000000000000", "MESSAGE_TOO_BIG", 1009],
    ["case 58: a length of 2^53", "81 ff 0020000000000000", "MESSAGE_TOO_BIG", 1009],
    ["case 58: a length over the limit, at the head", "82 fe 03e9 00000000", "MESSAGE_TOO_BIG", 1009],
    [
      "case 58: fragments that are together over the limit",
      `02 fe 03e8 00000000 ${"00".repeat(1000)} 80 81 00000000`,
      "MESSAGE_TOO_BIG",
      1009,
    ],
    ["case 59: text that is not UTF-8", "81 81 00000000 ff", "UTF8", 1007],
    ["case 59: text that ends inside a character", "81 81 00000000 c3", "UTF8", 1007],
    ["case 59: a bad octet in a fragment, before the message ends", "01 81 00000000 ff", "UTF8", 1007],
    ["case 59: a bad octet in a frame that has not ended", "81 85 00000000 f490", "UTF8", 1007],
    [
      "case 59: ASCII in the middle of a character that fragments cut",
      "01 81 00000000 c3 00 81 00000000 41",
      "UTF8",
      1007,
    ],
    [
      "case 59: a character that a fragment cuts and the next does not finish",
      "01 81 00000000 c3 80 81 00000000 41",
      "UTF8",
      1007,
    ],
    ["case 59: a reason that is not UTF-8", "88 83 00000000 03e8ff", "UTF8", 1007],
    ["case 60: a close frame of one octet", "88 81 00000000 61", "CLOSE_FRAME", 1002],
    ["case 60: a close code that must not be sent", "88 82 00000000 03ee", "CLOSE_FRAME", 1002],
  ];

  for (const [title, hex, name, closeCode] of CASES) {
    test(`${title} fails the connection with ${closeCode}, once, for every cut of the input`, () => {
      const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
      const ways = bytes.length < 100 ? [...cuttings(bytes)] : [{ how: "octets", pieces: inSteps(bytes, 1) }];
      for (const { how, pieces } of ways) {
        const server = new RecordedConnection("server", { maxMessageSize: 1000 });
        for (const piece of pieces) server.lend(piece);
        assert.deepEqual(
          server.told,
          [
            ["finish", "ours"],
            ["error", `ERR_SQUALL_WEBSOCKET_${name}`],
            ["close", 1006, ""],
          ],
          how,
        );
        const { frames, rest } = twinFrames(server.takeSent());
        assert.equal(frames.length, 1);
        assert.equal(frames[0]!.opcode, 8);
        assert.equal(frames[0]!.payload.readUInt16BE(), closeCode);
        assert.equal(rest.length, 0);
        // Nothing that follows is looked at, and nothing more is sent.
        server.connection.receive(Buffer.concat([masked(9, ""), masked(1, "x"), masked(8, "")]));
        server.connection.drained();
        server.connection.transportEnded();
        assert.equal(server.told.length, 3);
        assert.equal(server.takeHex(), "");
        assert.throws(() => server.connection.text("x"), closed);
      }
    });
  }

  test("case 55: a server's frame with a mask fails the client, which ends TCP itself", () => {
    const client = new RecordedConnection("client");
    client.connection.receive(masked(1, "Hello"));
    assert.deepEqual(client.told, [
      ["finish", "ours"],
      ["error", "ERR_SQUALL_WEBSOCKET_MASK"],
      ["close", 1006, ""],
    ]);
  });

  test("are found before payload is kept: 2^53 - 1 octets cost nothing", () => {
    const server = new RecordedConnection("server");
    server.receive("82 ff 001fffffffffffff 00000000");
    assert.equal(server.errors[0]!.code, "ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG");
  });

  test("after our close frame send no second one", () => {
    const server = new RecordedConnection("server");
    server.connection.close(1001);
    server.takeSent();
    server.receive("83");
    assert.equal(server.takeHex(), "");
    assert.deepEqual(server.told.at(0), ["finish", "ours"]);
  });

  test("say what was wrong, and carry the close code", () => {
    const server = new RecordedConnection("server");
    server.receive("81 05");
    const [error] = server.errors;
    assert.equal(error!.name, "WebSocketProtocolError");
    assert.match(error!.message, /without mask/);
    assert.deepEqual([error!.closeCode, error!.closeReason], [1002, "wrong masking"]);
  });
});

describe("control frames", () => {
  test("between the fragments of a message are answered at once", () => {
    const server = new RecordedConnection("server");
    server.connection.receive(masked(1, "a", { fin: false }));
    server.connection.receive(masked(9, "1"));
    assert.equal(server.takeHex(), "8a0131");
    server.connection.receive(masked(10, "2"));
    server.connection.receive(masked(0, "b"));
    assert.deepEqual(server.told, [
      ["ping", "31"],
      ["pong", "32"],
      ["text", "ab"],
    ]);
  });

  test("are sent with at most 125 bytes", () => {
    const server = new RecordedConnection("server");
    server.connection.ping();
    server.connection.ping("é");
    server.connection.pong(Buffer.alloc(125));
    assert.equal(server.takeHex(), `8900 8902c3a9 8a7d${"00".repeat(125)}`.replaceAll(" ", ""));
    assert.throws(() => server.connection.ping("é".repeat(63)), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    server.connection.close();
    assert.throws(() => server.connection.ping(), closed);
    assert.throws(() => server.connection.pong(), closed);
  });

  test("case 61: a flood of pings without room is answered by one pong, the newest, when there is room", () => {
    const server = new RecordedConnection("server");
    server.hasRoom = false;
    server.connection.receive(masked(9, "first"));
    for (let i = 0; i < 10_000; i++) server.connection.receive(masked(9, `n${i}`));
    assert.equal(server.writes, 1);
    assert.equal(server.takeSent().toString("latin1"), "\x8a\x05first");
    server.hasRoom = true;
    server.connection.drained();
    assert.equal(server.takeSent().toString("latin1"), "\x8a\x05n9999");
    server.connection.drained();
    assert.equal(server.takeHex(), "");
    server.connection.receive(masked(9, "now"));
    assert.equal(server.takeSent().toString("latin1"), "\x8a\x03now");
  });
});

describe("the closing handshake", () => {
  test("begun by the peer is answered with its code, and the server ends TCP", () => {
    for (const [payload, answer, code, reason] of [
      ["", "8800", 1005, ""],
      ["03e8", "880203e8", 1000, ""],
      ["0fa0627965", "88020fa0", 4000, "bye"],
    ] as const) {
      const server = new RecordedConnection("server");
      server.connection.receive(masked(8, Buffer.from(payload, "hex")));
      assert.equal(server.takeHex(), answer);
      assert.deepEqual(server.told, [
        ["finish", "ours"],
        ["close", code, reason],
      ]);
      assert.equal(server.connection.state, "closed");
    }
  });

  test("leaves the end of TCP to the server where we are the client", () => {
    const client = new RecordedConnection("client");
    client.receive("88 02 03e8");
    assert.deepEqual(client.told, [
      ["finish", "peers"],
      ["close", 1000, ""],
    ]);
    client.connection.transportEnded();
    assert.equal(client.told.length, 2);
    assert.equal(client.connection.state, "ended");
  });

  test("begun by us waits for the peer's close frame, and drops the messages before it", () => {
    const server = new RecordedConnection("server");
    server.connection.receive(masked(1, "cut", { fin: false }));
    assert.equal(server.connection.close(1001, "going"), true);
    assert.equal(server.takeHex(), "880703e9676f696e67");
    assert.equal(server.connection.state, "closing");
    server.connection.receive(masked(0, " off"));
    server.connection.receive(masked(2, Buffer.alloc(1000)));
    server.connection.receive(masked(9, "?"));
    assert.equal(server.takeHex(), "8a013f");
    server.connection.receive(masked(8, Buffer.from("03e9", "hex")));
    assert.equal(server.takeHex(), "");
    assert.deepEqual(server.told, [
      ["ping", "3f"],
      ["finish", "ours"],
      ["close", 1001, ""],
    ]);
  });

  test("case 63: happens once, and sending after it is an error", () => {
    const server = new RecordedConnection("server");
    assert.equal(server.connection.close(), true);
    assert.equal(server.connection.close(1000), false);
    assert.equal(server.takeHex(), "8800");
    assert.throws(() => server.connection.text("x"), closed);
    assert.throws(() => server.connection.binary(Buffer.alloc(1)), closed);
    server.receive("88 80 00000000");
    assert.equal(server.connection.close(), false);
    assert.equal(server.takeHex(), "");
  });

  test("goes on while the owner has paused, and while the inflater is at work", () => {
    const server = new RecordedConnection("server");
    server.connection.pause();
    server.connection.receive(masked(1, "unread"));
    server.connection.close();
    server.connection.receive(masked(8, ""));
    assert.deepEqual(server.told, [
      ["finish", "ours"],
      ["close", 1005, ""],
    ]);
  });

  test("may be begun inside the call for a message, in the middle of a chunk", () => {
    const server = new RecordedConnection("server");
    server.onCall = ([kind]) => void (kind === "text" && server.connection.close(1000));
    server.connection.receive(Buffer.concat([masked(1, "a"), masked(1, "b"), masked(8, ""), masked(1, "c")]));
    assert.deepEqual(server.told, [
      ["text", "a"],
      ["finish", "ours"],
      ["close", 1005, ""],
    ]);
    assert.equal(server.takeHex(), "880203e8");
  });

  test("that never comes is an abnormal closure, once", () => {
    for (const prepare of [
      () => {},
      (server: RecordedConnection) => server.connection.pause(),
      (server: RecordedConnection) => void server.connection.close(),
      (server: RecordedConnection) => server.connection.receive(masked(1, "begun", { fin: false })),
    ]) {
      const server = new RecordedConnection("server");
      prepare(server);
      server.connection.transportEnded();
      server.connection.transportEnded();
      assert.deepEqual(server.told, [["close", 1006, ""]]);
      assert.throws(() => server.connection.text("x"), closed);
    }
  });
});

describe("the end of TCP that is found out while sending", () => {
  /** A server whose output fails at once. */
  const failing = () => {
    const server = new RecordedConnection("server");
    server.onSend = () => server.connection.transportEnded();
    return server;
  };

  test("is told once, and nothing is told after it", () => {
    const pinged = failing();
    pinged.connection.receive(Buffer.concat([masked(9, "p"), masked(1, "late")]));
    assert.deepEqual(pinged.told, [["close", 1006, ""]]);
    const closing = failing();
    closing.connection.close();
    assert.deepEqual(closing.told, [["close", 1006, ""]]);
    const answering = failing();
    answering.connection.receive(masked(8, Buffer.from("03e8", "hex")));
    assert.deepEqual(answering.told, [["close", 1000, ""]]);
    const refusing = failing();
    refusing.receive("83");
    assert.deepEqual(
      refusing.told.map(([kind]) => kind),
      ["finish", "error", "close"],
    );
    const echoing = failing();
    echoing.onCall = ([kind]) => void (kind === "text" && echoing.connection.text("echo"));
    echoing.connection.receive(Buffer.concat([masked(1, "a"), masked(1, "b")]));
    assert.deepEqual(echoing.told, [
      ["text", "a"],
      ["close", 1006, ""],
    ]);
  });
});

describe("back-pressure", () => {
  test("keeps what is in the chunk until resume(), in order, also from inside a call", () => {
    const server = new RecordedConnection("server");
    server.onCall = () => server.connection.pause();
    const bytes = Buffer.concat([masked(1, "a"), masked(9, "b"), masked(2, "c"), masked(8, "")]);
    server.connection.receive(Buffer.from(bytes.subarray(0, 20)));
    server.connection.receive(Buffer.from(bytes.subarray(20)));
    assert.equal(server.told.length, 1);
    assert.equal(server.connection.paused, true);
    assert.equal(server.connection.waitingBytes, bytes.length - masked(1, "a").length);
    server.connection.resume();
    assert.equal(server.told.length, 2);
    server.onCall = undefined;
    server.connection.resume();
    assert.deepEqual(
      server.told.map(([kind]) => kind),
      ["text", "ping", "binary", "finish", "close"],
    );
    assert.equal(server.connection.waitingBytes, 0);
  });

  test("resume() inside a call goes on after it", () => {
    const server = new RecordedConnection("server");
    let depth = 0;
    server.onCall = () => {
      assert.equal(depth++, 0);
      server.connection.pause();
      server.connection.resume();
      depth--;
    };
    server.connection.receive(Buffer.concat([masked(1, "a"), masked(1, "b"), masked(1, "c")]));
    assert.equal(server.told.length, 3);
  });

  test("bytes that are received inside a call wait for it", () => {
    const server = new RecordedConnection("server");
    server.onCall = ([, text]) => {
      if (text === "a") server.connection.receive(masked(1, "c"));
    };
    server.connection.receive(Buffer.concat([masked(1, "a"), masked(1, "b")]));
    assert.deepEqual(
      server.told.map(([, text]) => text),
      ["a", "b", "c"],
    );
  });
});

/** An inflater that does its work when the test says so; what it makes of a piece is the piece itself. */
class SlowInflater implements MessageInflater {
  pending: { piece: Buffer; output: InflatedOutput } | undefined;
  isClosed = false;
  calls = 0;

  inflate(piece: Buffer, _isEnd: boolean, output: InflatedOutput): boolean {
    assert.equal(this.pending, undefined, "one piece at a time");
    this.calls++;
    this.pending = { piece: Buffer.from(piece), output };
    return false;
  }

  /** Finishes the piece in progress; what comes out. */
  finish(): boolean {
    const { piece, output } = this.pending!;
    this.pending = undefined;
    const isWanted = piece.length === 0 || output.onInflated(piece);
    output.onReady();
    return isWanted;
  }

  close(): void {
    this.isClosed = true;
  }
}

describe("an inflater that takes its time", () => {
  const setUp = () => {
    const inflater = new SlowInflater();
    return { inflater, server: new RecordedConnection("server", { inflater, maxMessageSize: 1000 }) };
  };

  test("keeps the order of messages, pings and the close frame", () => {
    const { inflater, server } = setUp();
    server.connection.receive(
      Buffer.concat([
        masked(1, "a", { rsv: 4 }),
        masked(1, "b"),
        masked(9, "p"),
        masked(2, "c", { rsv: 4 }),
        masked(8, ""),
      ]),
    );
    assert.deepEqual(server.told, []);
    assert.equal(server.connection.paused, true);
    inflater.finish();
    assert.deepEqual(server.takeTold(), [
      ["text", "a"],
      ["text", "b"],
      ["ping", "70"],
    ]);
    inflater.finish();
    assert.deepEqual(server.takeTold(), [
      ["binary", "63"],
      ["finish", "ours"],
      ["close", 1005, ""],
    ]);
    assert.equal(inflater.isClosed, true);
  });

  test("gets one piece at a time, and pings between fragments are answered when it is done", () => {
    const { inflater, server } = setUp();
    server.connection.receive(masked(1, "a", { rsv: 4, fin: false }));
    server.connection.receive(masked(9, "1"));
    assert.equal(server.takeHex(), "");
    inflater.finish();
    assert.equal(server.takeHex(), "8a0131");
    server.connection.receive(masked(0, "b"));
    inflater.finish();
    assert.deepEqual(server.told.at(-1), ["text", "ab"]);
  });

  test("does not end the pause of the owner, nor the owner its own", () => {
    const { inflater, server } = setUp();
    server.connection.receive(Buffer.concat([masked(1, "a", { rsv: 4 }), masked(1, "b")]));
    server.connection.pause();
    server.connection.resume();
    assert.deepEqual(server.told, []);
    server.connection.pause();
    inflater.finish();
    assert.deepEqual(server.takeTold(), [["text", "a"]]);
    server.connection.resume();
    assert.deepEqual(server.takeTold(), [["text", "b"]]);
  });

  test("case 66: is stopped at the limit of the inflated size, with 1009", () => {
    const { inflater, server } = setUp();
    server.connection.receive(masked(2, "x", { rsv: 4 }));
    const { output } = inflater.pending!;
    assert.equal(output.room, 1000);
    assert.equal(output.onInflated(Buffer.alloc(1000)), true);
    assert.equal(output.room, 0);
    assert.equal(output.onInflated(Buffer.alloc(1)), false);
    assert.equal(server.errors[0]!.closeCode, 1009);
    output.onReady();
    assert.deepEqual(server.told.at(-1), ["close", 1006, ""]);
    assert.equal(server.told.length, 3);
  });

  test("case 59: text is checked while it comes out", () => {
    const { inflater, server } = setUp();
    server.connection.receive(masked(1, "x", { rsv: 4, fin: false }));
    assert.equal(inflater.pending!.output.onInflated(Buffer.of(0xc3, 0x28)), false);
    assert.equal(server.errors[0]!.closeCode, 1007);
  });

  test("case 69: is closed with the connection, and what it says later is dropped", () => {
    for (const end of [
      (server: RecordedConnection) => server.connection.transportEnded(),
      (server: RecordedConnection) => {
        server.connection.close();
        server.connection.receive(masked(8, ""));
      },
    ]) {
      const { inflater, server } = setUp();
      server.connection.receive(masked(1, "late", { rsv: 4 }));
      end(server);
      assert.equal(inflater.isClosed, true);
      const told = server.told.length;
      assert.equal(inflater.finish(), false);
      inflater.calls = 0;
      server.connection.receive(masked(1, "more", { rsv: 4 }));
      assert.equal(server.told.length, told);
      assert.equal(inflater.calls, 0);
    }
  });

  test("makes no message of what it was given before close()", () => {
    const { inflater, server } = setUp();
    server.connection.receive(Buffer.concat([masked(1, "late", { rsv: 4 }), masked(9, "p")]));
    server.connection.close();
    assert.deepEqual(server.takeTold(), [["ping", "70"]]);
    assert.equal(inflater.finish(), false);
    server.connection.receive(masked(8, ""));
    assert.deepEqual(server.told, [
      ["finish", "ours"],
      ["close", 1005, ""],
    ]);
  });

  test("refuses compressed frames whose lengths no message within the limit can have", () => {
    const { server } = setUp();
    server.receive("c2 ff 0000000001000000 00000000");
    assert.equal(server.errors[0]!.code, "ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG");
  });

  test("sees RSV1 on the first frame of a message alone", () => {
    const { inflater, server } = setUp();
    server.connection.receive(masked(1, "a", { rsv: 4, fin: false }));
    inflater.finish();
    server.connection.receive(masked(0, "b", { rsv: 4 }));
    assert.equal(server.errors[0]!.code, "ERR_SQUALL_WEBSOCKET_RESERVED_BITS");
  });
});
