/** Messages in very many fragments, through the whole server and the whole client, on a network in memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TCPServer } from "squall/tcpserver";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { type WebSocketClientConnection, WebSocketHandler, websocketConnect } from "squall/websocket";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import { canCollect, heldMemory } from "../support/held-memory.js";
import { withWebSockets } from "../support/virtual-websocket.js";
import { twinFrame } from "../support/websocket-twin.js";

const MIB = 1024 * 1024;
const KEY = Buffer.alloc(4);

/** A peer that sends frames to one end of squall's. */
interface Peer {
  /** Sends octets, and waits until the other end has taken them. */
  send(octets: Buffer): Promise<void>;
  /** The masking key of its frames. */
  readonly key: Buffer | undefined;
  /** The next message that squall's end has taken. */
  message(): Promise<string | Buffer | undefined>;
}

/** A raw client in front of a server of squall's. */
function toServer(run: (peer: Peer) => Promise<void>): Promise<void> {
  const waiting: ((message: string | Buffer) => void)[] = [];
  class Handler extends WebSocketHandler {
    override onMessage(message: string | Buffer) {
      waiting.shift()?.(message);
    }
  }
  return withWebSockets([["/", Handler]], async ({ handshake, pass }) => {
    const { client } = await handshake();
    await run({
      key: KEY,
      async send(octets) {
        client.send(octets);
        await pass(1);
      },
      message: () => new Promise((resolve) => waiting.push(resolve)),
    });
  });
}

/** A bare server in front of a client of squall's. */
function toClient(run: (peer: Peer) => Promise<void>): Promise<void> {
  return VirtualLoop.run(
    async () => {
      let accepted: Parameters<TCPServer["handleStream"]>[0] | undefined;
      class Bare extends TCPServer {
        override async handleStream(stream: Parameters<TCPServer["handleStream"]>[0]) {
          const head = String(await stream.readUntil("\r\n\r\n"));
          const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(head)![1]!;
          accepted = stream;
          const answer = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(key)}\r\n\r\n`;
          await stream.write(Buffer.from(answer));
        }
      }
      const server = new Bare();
      await server.listen(0, "127.0.0.1");
      let connection: WebSocketClientConnection | undefined;
      try {
        connection = await websocketConnect(`ws://127.0.0.1:${server.port}/`);
        const opened = connection;
        await run({
          key: undefined,
          async send(octets) {
            await accepted!.write(octets);
            await accepted!.drained();
          },
          message: () => opened.readMessage(),
        });
      } finally {
        connection?.wsConnection?.terminate();
        await server.stop();
        await server.closeAllConnections();
      }
    },
    { network: new MemoryNetwork() },
  );
}

for (const [role, withPeer] of [
  ["server", toServer],
  ["client", toClient],
] as const) {
  describe(`fragments that come to a ${role}`, () => {
    test("case 62: 4 MiB in fragments of 64 octets are one message, in little more memory", canCollect, () =>
      withPeer(async ({ key, send, message }) => {
        const part = Buffer.concat(
          Array.from({ length: 4096 }, () => twinFrame(0, Buffer.alloc(64, "x"), { fin: false, key })),
        );
        await send(twinFrame(1, "", { fin: false, key }));
        const got = message();
        const before = heldMemory();
        for (let i = 0; i < 16; i++) await send(Buffer.from(part));
        const held = heldMemory() - before;
        assert.ok(held < 6 * MIB, `${held} bytes are held for 4 MiB`);
        assert.ok(held > 3 * MIB, `${held} bytes cannot hold 4 MiB: what came is not there`);
        await send(twinFrame(0, "", { key }));
        assert.equal((await got)?.length, 4 * MIB);
      }),
    );

    test("case 62: 200,000 empty fragments cost no memory and are one message", canCollect, () =>
      withPeer(async ({ key, send, message }) => {
        const part = Buffer.concat(
          Array.from({ length: 10_000 }, () => twinFrame(0, "", { fin: false, key })),
        );
        await send(twinFrame(1, "a", { fin: false, key }));
        const got = message();
        await send(Buffer.from(part));
        const before = heldMemory();
        for (let i = 0; i < 19; i++) await send(Buffer.from(part));
        const held = heldMemory() - before;
        assert.ok(held < MIB / 2, `${held} bytes are held for nothing`);
        await send(twinFrame(0, "b", { key }));
        assert.equal(await got, "ab");
      }),
    );
  });
}
