/** Messages that are small on the wire and large in memory, on a network in memory and in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { compressionContexts, WebSocketHandler } from "squall/websocket";
import { withWebSockets } from "../support/virtual-websocket.js";
import { twinFrame } from "../support/websocket-twin.js";

const MIB = 1024 * 1024;
const KEY = Buffer.of(1, 2, 3, 4);
const OFFER = { "Sec-WebSocket-Extensions": "permessage-deflate" };

/** The payload of a compressed message (RFC 7692 §7.2.1). */
function compressed(text: string | Buffer): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** A class that takes messages of up to 17 MiB and writes down what came, in order, and its answers. */
function recorded() {
  const seen: (string | number)[] = [];
  class Recorded extends WebSocketHandler {
    override get maxMessageSize() {
      return 17 * MIB;
    }
    override getCompressionOptions() {
      return {};
    }
    override onMessage(message: string | Buffer) {
      seen.push(message.length > 100 ? message.length : String(message));
      return message.length > 100 ? undefined : this.writeMessage(message, { compress: false });
    }
  }
  return { seen, Recorded };
}

const SIXTEEN = compressed(Buffer.alloc(16 * MIB, "a"));

describe("a message of 16 MiB that is 16 KiB on the wire", () => {
  test("is inflated in turns: others are served meanwhile, and its own order is kept", () => {
    const { seen, Recorded } = recorded();
    assert.ok(SIXTEEN.length < 17_000);
    return withWebSockets([["/", Recorded]], async ({ open, handshake }) => {
      const other = await open();
      const one = await handshake("/", OFFER);
      one.send(1, SIXTEEN, { rsv: 4 });
      one.send(1, "behind");
      one.send(9, "ping");
      let rounds = 0;
      while (!seen.includes("behind")) {
        await other.writeMessage(`other ${rounds}`);
        assert.equal(await other.readMessage(), `other ${rounds++}`);
      }
      assert.ok(rounds >= 4, `${rounds} messages of another connection were answered meanwhile`);
      assert.deepEqual(
        seen.filter((what) => !String(what).startsWith("other")),
        [16 * MIB, "behind"],
      );
      assert.equal(String((await one.frame())?.payload), "behind");
      assert.equal((await one.frame())?.opcode, 10);
    });
  });

  test("of several connections at once goes on in fair shares", () => {
    const { seen, Recorded } = recorded();
    return withWebSockets([["/", Recorded]], async ({ handshake }) => {
      const clients = await Promise.all([1, 2, 3].map(() => handshake("/", OFFER)));
      const short = compressed(Buffer.alloc(MIB, "b"));
      clients[0]!.send(1, SIXTEEN, { rsv: 4 });
      clients[1]!.send(1, SIXTEEN, { rsv: 4 });
      clients[2]!.send(1, short, { rsv: 4 });
      for (const client of clients) client.send(1, "after");
      for (const client of clients) assert.equal(String((await client.frame())?.payload), "after");
      assert.deepEqual(seen.slice(0, 2), [MIB, "after"]);
      assert.deepEqual(seen.filter((what) => what === 16 * MIB).length, 2);
    });
  });

  test("is delivered although its sender has ended TCP in the meantime", () => {
    const { seen, Recorded } = recorded();
    return withWebSockets([["/", Recorded]], async ({ handshake, pass }) => {
      const one = await handshake("/", OFFER);
      one.send(1, SIXTEEN, { rsv: 4 });
      one.client.end();
      for (let i = 0; i < 100 && seen.length === 0; i++) await pass(1);
      assert.deepEqual(seen, [16 * MIB]);
    });
  });

  test("is forgotten when its connection is closed, and leaves no context behind", () => {
    const { seen, Recorded } = recorded();
    let ends = 0;
    class Ending extends Recorded {
      // Called while the same chunk, with the message behind the ping, is being taken in.
      override onPing(how: Buffer) {
        this.request.ioLoop.addCallback(() => {
          ends++;
          if (String(how) === "terminate") this.wsConnection!.terminate();
          else this.close(4000, "enough");
        });
      }
    }
    return withWebSockets([["/", Ending]], async ({ handshake, pass }) => {
      const before = compressionContexts.count;
      for (const how of ["terminate", "close"]) {
        const one = await handshake("/", OFFER);
        one.client.send(
          Buffer.concat([twinFrame(9, how, { key: KEY }), twinFrame(1, SIXTEEN, { rsv: 4, key: KEY })]),
        );
        if (how === "close") {
          assert.equal(await one.closeCode(), 4000);
          one.send(8, Buffer.of(0x0f, 0xa0));
        }
        await pass(1000);
      }
      assert.equal(ends, 2);
      assert.deepEqual(seen, []);
      assert.equal(compressionContexts.count, before);
    });
  });

  test("case 66: is refused with 1009 at the limit, and what is behind it is not looked at", () => {
    const { seen, Recorded } = recorded();
    class Small extends Recorded {
      override get maxMessageSize() {
        return 4 * MIB;
      }
    }
    return withWebSockets([["/", Small]], async ({ handshake }) => {
      const one = await handshake("/", OFFER);
      one.send(1, SIXTEEN, { rsv: 4 });
      one.send(1, "behind");
      assert.equal(await one.closeCode(), 1009);
      assert.deepEqual(seen, []);
    });
  });
});
