/** Slow readers, broadcasts, topics, compression contexts and the end of the server, in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  broadcast,
  compressionContexts,
  Topics,
  type WebSocketClientConnection,
  WebSocketHandler,
  type WebSocketOptions,
} from "squall/websocket";
import { withWebSockets } from "../support/virtual-websocket.js";

/** A class of handlers with these options, and the handlers that are open. */
function handlers(options: WebSocketOptions = {}, compression?: object) {
  const open: InstanceType<typeof WebSocketHandler>[] = [];
  const closed: unknown[] = [];
  class Recorded extends WebSocketHandler {
    override getWebSocketOptions() {
      return options;
    }
    override getCompressionOptions() {
      return compression;
    }
    override open() {
      open.push(this);
    }
    override onMessage(_message: string | Buffer): unknown {
      return undefined;
    }
    override onClose(code?: number) {
      closed.push(code);
    }
  }
  return { Recorded, open, closed };
}

async function readAll(connection: WebSocketClientConnection): Promise<(string | Buffer)[]> {
  const got: (string | Buffer)[] = [];
  for await (const message of connection) got.push(message);
  return got;
}

const BIG = "x".repeat(300_000);

describe("case 64: a peer that reads slowly", () => {
  test("under block: the promise waits, and a message over the budget is refused", () => {
    const { Recorded, open } = handlers({ maxQueuedMessages: 2 });
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const connection = await connect();
      await pass(1);
      const [handler] = open;
      let isRoom = false;
      const sent = [0, 1, 2, 3, 4, 5].map((i) => handler!.writeMessage(`${i} ${BIG}`));
      assert.ok(handler!.bufferedAmount >= 900_000, String(handler!.bufferedAmount));
      for (const promise of sent) promise.catch(() => {});
      void sent[0]!.then(() => {
        isRoom = true;
      });
      await pass(1);
      assert.equal(isRoom, false);
      const refused = await Promise.allSettled(sent.slice(-1));
      assert.equal((refused[0] as PromiseRejectedResult).reason.code, "ERR_SQUALL_OUTBOX_FULL");
      handler!.close();
      const got = await readAll(connection);
      assert.deepEqual(
        got.map((text) => String(text).slice(0, 1)),
        ["0", "1", "2"],
      );
    });
  });

  for (const [slowConsumer, expected] of [
    ["drop-oldest", ["0", "5"]],
    ["drop-newest", ["0", "1"]],
  ] as const) {
    test(`under ${slowConsumer}: whole messages are dropped, and writing goes on at its pace`, () => {
      const { Recorded, open } = handlers({ slowConsumer, maxQueuedMessages: 1 });
      return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
        const connection = await connect();
        await pass(1);
        const [handler] = open;
        await Promise.all([0, 1, 2, 3, 4, 5].map((i) => handler!.writeMessage(`${i} ${BIG}`)));
        assert.equal(handler!.wsConnection!.dropped, 4);
        handler!.close();
        const got = await readAll(connection);
        assert.deepEqual(
          got.map((text) => String(text).slice(0, 1)),
          expected,
        );
      });
    });
  }

  test("under disconnect: the connection ends", () => {
    const { Recorded, open, closed } = handlers({ slowConsumer: "disconnect", maxQueuedMessages: 1 });
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      await connect();
      await pass(1);
      const [handler] = open;
      const results = [0, 1, 2, 3].map((i) => handler!.writeMessage(`${i} ${BIG}`));
      const settled = await Promise.allSettled(results);
      assert.equal((settled[2] as PromiseRejectedResult).reason.code, "ERR_SQUALL_OUTBOX_FULL");
      await pass(10);
      assert.deepEqual(closed, [undefined]);
    });
  });

  test("that takes nothing at all is cut after writeStallTimeout", () => {
    const { Recorded, open, closed } = handlers({ writeStallTimeout: 5000 });
    return withWebSockets([["/", Recorded]], async ({ handshake, pass }) => {
      const { client } = await handshake();
      client.socket.pause();
      await pass(1);
      const written = open[0]!.writeMessage("y".repeat(10_000_000));
      await pass(4000);
      assert.deepEqual(closed, []);
      await pass(16_000);
      assert.deepEqual(closed, [undefined]);
      await assert.rejects(written, { code: "ERR_SQUALL_WEBSOCKET_CLOSED" });
    });
  });

  test("that takes nothing at all is cut also when answers that were queued for one write fill the stream", () => {
    const { Recorded, open, closed } = handlers({ writeStallTimeout: 5000 });
    class Answering extends Recorded {
      override onMessage() {
        return this.writeMessage("y".repeat(30_000));
      }
    }
    return withWebSockets([["/", Answering]], async ({ handshake, pass }) => {
      const { client } = await handshake();
      client.socket.pause();
      await pass(1);
      const message = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]);
      // Each answer finds room when it is written; together they leave none at the end of a turn.
      for (let sent = 0; open[0]!.bufferedAmount < 65_536; sent++) {
        assert.ok(sent < 1000);
        client.socket.write(message);
        await pass(10);
      }
      await pass(4000);
      assert.deepEqual(closed, []);
      await pass(16_000);
      assert.deepEqual(closed, [undefined]);
    });
  });
});

describe("broadcast()", () => {
  test("reaches all that are open, but not the exception, and says what became of it", () => {
    const { Recorded, open } = handlers();
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const connections = [await connect(), await connect(), await connect()];
      await pass(1);
      connections[2]!.close();
      await connections[2]!.whenClosed();
      await pass(10);
      const gone = open[2]!;
      const result = broadcast([...open], { news: "ä" }, { except: open[0] });
      assert.deepEqual(result, { sent: 1, queued: 0, skipped: 0, closed: 1 });
      assert.equal(gone.wsConnection, undefined);
      assert.equal(await connections[1]!.readMessage(), '{"news":"ä"}');
      assert.deepEqual(broadcast(open, Buffer.of(1, 2)).sent, 2);
      assert.deepEqual(await connections[0]!.readMessage(), Buffer.of(1, 2));
    });
  });

  test("is compressed for those who agreed, with or without contexts, in step with their own messages", () => {
    const { Recorded, open } = handlers({}, {});
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const plain = await connect();
      const kept = await connect("/", { compressionOptions: {} });
      const alone = await connect("/", { compressionOptions: { serverNoContextTakeover: true } });
      const narrow = await connect("/", { compressionOptions: { serverMaxWindowBits: 9 } });
      await pass(1);
      const expected: string[] = [];
      for (let round = 0; round < 3; round++) {
        const text = `round ${round} `.repeat(200);
        for (const handler of open) void handler.writeMessage(`own ${text}`);
        assert.equal(broadcast(open, text).sent, 4);
        expected.push(`own ${text}`, text);
      }
      for (const handler of open) handler.close();
      for (const connection of [plain, kept, alone, narrow])
        assert.deepEqual(await readAll(connection), expected);
    });
  });

  for (const [slow, result] of [
    ["skip", { sent: 1, queued: 0, skipped: 1, closed: 0 }],
    ["disconnect", { sent: 1, queued: 0, skipped: 0, closed: 1 }],
    [undefined, { sent: 1, queued: 1, skipped: 0, closed: 0 }],
  ] as const) {
    test(`does not wait for a slow one: ${slow ?? "its own policy"}`, () => {
      const { Recorded, open, closed } = handlers();
      return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
        await connect();
        await connect();
        await pass(1);
        void open[0]!.writeMessage(BIG).catch(() => {});
        assert.deepEqual(broadcast(open, "news", { slow }), result);
        await pass(10);
        assert.equal(closed.length, slow === "disconnect" ? 1 : 0);
      });
    });
  }

  test("a message that cannot be sent is refused before anything is", () => {
    assert.throws(() => broadcast([], new Map()), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    assert.throws(() => broadcast([], "x", { slow: "wait" as "skip" }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
});

describe("Topics", () => {
  test("are joined, left and published to; a connection that ends leaves all of them", () => {
    const { Recorded, open } = handlers();
    const topics = new Topics();
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const a = await connect();
      const b = await connect();
      await pass(1);
      for (const handler of open) assert.equal(topics.subscribe("tea", handler), true);
      assert.equal(topics.subscribe("tea", open[0]!), false);
      topics.subscribe("milk", open[0]!);
      assert.deepEqual([topics.count("tea"), topics.count("milk"), topics.count("none")], [2, 1, 0]);
      assert.equal(topics.publish("tea", "hot").sent, 2);
      assert.equal(await a.readMessage(), "hot");
      assert.equal(await b.readMessage(), "hot");
      assert.equal(topics.unsubscribe("tea", open[1]!), true);
      assert.equal(topics.unsubscribe("tea", open[1]!), false);
      assert.equal(topics.publish("tea", "cold", { except: open[0]! }).sent, 0);
      a.close();
      await a.whenClosed();
      await pass(10);
      assert.deepEqual([...topics.names], []);
      assert.equal(topics.subscribe("tea", open[0]!), false);
    });
  });
});

describe("case 69: compression contexts", () => {
  test("are counted, and let go with their connection", () => {
    const { Recorded } = handlers({}, {});
    return withWebSockets([["/", Recorded]], async ({ open, pass }) => {
      const before = compressionContexts.count;
      const connection = await open("/", { compressionOptions: {} });
      assert.equal(compressionContexts.count, before + 4);
      await connection.writeMessage("some text");
      connection.close();
      await connection.whenClosed();
      await pass(10);
      assert.equal(compressionContexts.count, before);
    });
  });

  test("beyond the limit connections compress each message alone", () => {
    const { Recorded, open } = handlers({}, {});
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const { limit } = compressionContexts;
      compressionContexts.limit = 0;
      try {
        const connection = await connect("/", { compressionOptions: {} });
        assert.equal(compressionContexts.count, 0);
        await pass(1);
        assert.match(connection.headers.get("Sec-WebSocket-Extensions", ""), /server_no_context_takeover/);
        for (let i = 0; i < 3; i++) {
          void open[0]!.writeMessage("the same ".repeat(100));
          assert.equal((await connection.readMessage())?.length, 900);
        }
      } finally {
        compressionContexts.limit = limit;
      }
      assert.throws(() => {
        compressionContexts.limit = -1;
      }, /limit/);
    });
  });

  test("long messages are compressed in another thread, and keep their place", () => {
    const { Recorded, open } = handlers({}, {});
    return withWebSockets([["/", Recorded]], async ({ open: connect, pass }) => {
      const connection = await connect("/", { compressionOptions: {} });
      await pass(1);
      const [handler] = open;
      const long = "long text ".repeat(20_000);
      for (const text of ["a", long, "b", long, "c"]) void handler!.writeMessage(text);
      assert.ok(handler!.bufferedAmount >= long.length);
      handler!.close(1000, "done");
      assert.deepEqual(await readAll(connection), ["a", long, "b", long, "c"]);
      assert.equal(connection.closeReason, "done");
    });
  });
});

describe("the end of the server", () => {
  test("sends 1001, or 1012 where the options say so, and counts who had to be cut", () => {
    const leaving = handlers();
    const restarting = handlers({ shutdownCode: 1012 });
    return withWebSockets(
      [
        ["/", leaving.Recorded],
        ["/restart", restarting.Recorded],
      ],
      async ({ open, handshake, server, loop }) => {
        const one = await open();
        const other = await open("/restart");
        const silent = await handshake();
        const stopped = server.closeAllConnections({ timeout: 30_000 });
        await one.whenClosed();
        await other.whenClosed();
        assert.deepEqual([one.closeCode, other.closeCode], [1001, 1012]);
        assert.equal(await silent.closeCode(), 1001);
        const began = loop.time();
        assert.deepEqual(await stopped, { idle: 0, finished: 2, aborted: 1 });
        assert.ok(loop.time() - began < 7000, "the handshake is awaited for closeTimeout");
      },
    );
  });

  test("closes many connections in batches, one after the other", () => {
    const { Recorded } = handlers();
    return withWebSockets([["/", Recorded]], async ({ open, server, loop }) => {
      const all: WebSocketClientConnection[] = [];
      for (let i = 0; i < 250; i++) all.push(await open());
      const times = new Set<number>();
      for (const connection of all) void connection.whenClosed().then(() => times.add(loop.time()));
      const { finished } = await server.closeAllConnections();
      assert.equal(finished, 250);
      assert.ok(times.size >= 3, `${times.size} batches`);
    });
  });

  test("at maxConnections the WebSocket that has been idle for longest makes room, if its options say so", () => {
    const { Recorded } = handlers({ makesRoom: true });
    const staying = handlers();
    return withWebSockets(
      [
        ["/room", Recorded],
        ["/stay", staying.Recorded],
      ],
      async ({ handshake, pass }) => {
        const stays = await handshake("/stay");
        const old = await handshake("/room");
        await pass(2000);
        const young = await handshake("/room");
        await pass(2000);
        young.send(1, "busy");
        await pass(1);
        const next = await handshake("/room");
        assert.equal(next.response.status, 101);
        assert.equal(await old.closeCode(), 1013);
        assert.equal(young.client.ended, false);
        assert.equal(stays.client.ended, false);
      },
      { server: { maxConnections: 3 } },
    );
  });
});
