/** What `websocketConnect()` and `websocketConnections()` promise, on a network in memory and in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appLog } from "squall/log";
import { TCPServer } from "squall/tcpserver";
import { ExpectLog, MemoryNetwork, VirtualLoop } from "squall/testing";
import { TimeoutError } from "squall/util";
import {
  type WebSocketClientConnection,
  WebSocketHandler,
  websocketConnect,
  websocketConnections,
} from "squall/websocket";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import { pass } from "../support/virtual-server.js";
import { withWebSockets } from "../support/virtual-websocket.js";
import { twinFrame } from "../support/websocket-twin.js";

class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

/** A server that answers each connection with what `answer` makes of the key; `{accept}` is the right value. */
function withBareServer(
  answer: string | undefined,
  run: (url: string, loop: VirtualLoop) => Promise<void>,
): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      class Bare extends TCPServer {
        override async handleStream(stream: Parameters<TCPServer["handleStream"]>[0]) {
          const head = String(await stream.readUntil("\r\n\r\n"));
          if (answer === undefined) return;
          const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(head)![1]!;
          void stream.write(Buffer.from(answer.replace("{accept}", acceptValue(key)), "latin1"));
        }
      }
      const server = new Bare();
      await server.listen(0, "127.0.0.1");
      try {
        await run(`ws://127.0.0.1:${server.port}/`, loop);
      } finally {
        await server.stop();
        await server.closeAllConnections();
      }
    },
    { network: new MemoryNetwork() },
  );
}

const UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

describe("websocketConnect()", () => {
  test("refuses what is no URL of a WebSocket before anything is sent", async () => {
    for (const url of ["http://a/", "ws://a/#b", "echo", "ws://"]) {
      await assert.rejects(websocketConnect(url), { code: "ERR_SQUALL_INVALID_ARGUMENT" }, url);
    }
    await assert.rejects(websocketConnect("ws://a/", { subprotocols: ["a b"] }), /token/);
    await assert.rejects(websocketConnect("ws://a/", { closeTimeout: -1 }), /closeTimeout/);
  });

  test("sends its header fields, and the user of the URL", () => {
    const seen: (string | undefined)[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override open() {
              const { headers } = this.request;
              seen.push(headers.get("X-Team"), headers.get("Authorization"), headers.get("Origin"));
            }
          },
        ],
      ],
      async ({ url, open }) => {
        const connection = await websocketConnect(url().replace("ws://", "ws://ann:secret@"), {
          headers: { "X-Team": "blue" },
        });
        connection.close();
        await connection.whenClosed();
        assert.deepEqual(seen, ["blue", `Basic ${Buffer.from("ann:secret").toString("base64")}`, undefined]);
        await open();
      },
    );
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["another status", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", /101, got 200/],
    ["a wrong accept value", `${UPGRADE}Sec-WebSocket-Accept: AAAA\r\n\r\n`, /Accept/],
    [
      "a subprotocol that was not offered",
      `${UPGRADE}Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: x\r\n\r\n`,
      /not offered/,
    ],
    [
      "an extension that was not offered",
      `${UPGRADE}Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
      /not offered/,
    ],
    ["an end before the answer", "", /ended before/],
  ];
  for (const [what, answer, message] of wrong.slice(0, 4)) {
    test(`case 54: rejects for ${what}`, () =>
      withBareServer(answer, async (url) => {
        await assert.rejects(websocketConnect(url), { code: "ERR_SQUALL_WEBSOCKET_HANDSHAKE", message });
      }));
  }

  test("gives up after connectTimeout, or when its signal aborts, and leaves nothing behind", () =>
    withBareServer(undefined, async (url, loop) => {
      const began = loop.time();
      await assert.rejects(websocketConnect(url, { connectTimeout: 5000 }), TimeoutError);
      assert.equal(loop.time() - began, 5000);
      const controller = new AbortController();
      const opening = websocketConnect(url, { signal: controller.signal });
      loop.callLater(100, () => controller.abort(new Error("enough")));
      await assert.rejects(opening, /enough/);
    }));

  test("case 55: a masked frame of the server fails the connection", () =>
    withBareServer(
      `${UPGRADE}Sec-WebSocket-Accept: {accept}\r\n\r\n${twinFrame(1, Buffer.from("x"), { key: Buffer.of(1, 2, 3, 4) }).toString("latin1")}`,
      async (url) => {
        const connection = await websocketConnect(url);
        assert.equal(await connection.readMessage(), undefined);
        assert.equal(connection.closeCode, undefined);
        assert.equal(connection.isOpen, false);
      },
    ));

  test("what comes behind the answer is not lost", () =>
    withBareServer(
      `${UPGRADE}Sec-WebSocket-Accept: {accept}\r\n\r\n${twinFrame(1, Buffer.from("early"), {}).toString("latin1")}`,
      async (url) => {
        const connection = await websocketConnect(url);
        assert.equal(await connection.readMessage(), "early");
        connection.wsConnection?.terminate();
      },
    ));
});

describe("a client's connection", () => {
  test("hands messages to its callback one by one, and undefined at the end", () => {
    const got: unknown[] = [];
    return withWebSockets([["/", Echo]], async ({ open, pass }) => {
      let release = () => {};
      const connection = await open("/", {
        onMessageCallback: (message) => {
          got.push(message);
          if (got.length === 1) return new Promise<void>((resolve) => (release = resolve));
          return undefined;
        },
      });
      void connection.writeMessage("1");
      void connection.writeMessage("2");
      await pass(10);
      assert.deepEqual(got, ["1"]);
      release();
      await pass(10);
      assert.deepEqual(got, ["1", "2"]);
      await assert.rejects(connection.readMessage(), { code: "ERR_SQUALL_INVALID_STATE" });
      connection.close();
      await connection.whenClosed();
      assert.deepEqual(got, ["1", "2", undefined]);
    });
  });

  test("an error in its callback is logged and closes with 1011", () => {
    const codes: unknown[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override onClose(code?: number) {
              codes.push(code);
            }
          },
        ],
      ],
      async ({ open }) => {
        using _ = new ExpectLog(appLog, /callback of a WebSocket client/);
        const connection = await open("/", {
          onMessageCallback: (message) => {
            if (message !== undefined) throw new Error("on purpose");
          },
        });
        void connection.writeMessage("x");
        await connection.whenClosed();
        assert.deepEqual(codes, [1011]);
      },
    );
  });

  test("pings and is told of pongs; a wait that was given up takes no message", () =>
    withWebSockets([["/", Echo]], async ({ open, pass }) => {
      const pongs: string[] = [];
      const connection = await open("/", { onPongCallback: (data) => pongs.push(String(data)) });
      connection.ping("are you there?");
      await pass(10);
      assert.deepEqual(pongs, ["are you there?"]);
      await assert.rejects(connection.readMessage({ timeout: 10 }), TimeoutError);
      void connection.writeMessage("still mine");
      assert.equal(await connection.readMessage(), "still mine");
    }));

  test("holds the server back while no message is read", () => {
    let isHeld = true;
    return withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override async open() {
              for (let i = 0; i < 100; i++) await this.writeMessage(Buffer.alloc(100_000));
              isHeld = false;
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open();
        await pass(1000);
        assert.equal(isHeld, true);
        for (let i = 0; i < 100; i++) assert.equal((await connection.readMessage())?.length, 100_000);
        assert.equal(isHeld, false);
      },
    );
  });

  test("of a server that never answers the closing handshake is cut after closeTimeout", () =>
    withBareServer(`${UPGRADE}Sec-WebSocket-Accept: {accept}\r\n\r\n`, async (url, loop) => {
      const connection = await websocketConnect(url, { closeTimeout: 2000 });
      const began = loop.time();
      connection.close();
      await connection.whenClosed();
      assert.ok(loop.time() - began >= 2000 && loop.time() - began <= 3000);
    }));
});

describe("websocketConnections()", () => {
  test("connects again when a connection has ended, after waits that grow and are random", () =>
    withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override open() {
              this.close(1012);
            }
          },
        ],
      ],
      async ({ url, loop }) => {
        const at: number[] = [];
        for await (const connection of websocketConnections(url(), { firstDelay: 1000, maxDelay: 4000 })) {
          at.push(loop.time());
          await connection.whenClosed();
          if (at.length === 5) break;
        }
        const waits = at.slice(1).map((time, i) => time - at[i]!);
        for (const [i, most] of [1000, 2000, 4000, 4000].entries()) {
          assert.ok(waits[i]! >= most / 2 && waits[i]! <= most + 50, `wait ${i}: ${waits[i]}`);
        }
      },
    ));

  test("throws the last error after maxAttempts, and tells onRetry of the others", () =>
    VirtualLoop.run(
      async () => {
        const told: number[] = [];
        const all = websocketConnections("ws://127.0.0.1:9/", {
          maxAttempts: 3,
          onRetry: (_, delay) => told.push(delay),
        });
        await assert.rejects(all.next(), { code: "ERR_SQUALL_STREAM_CLOSED" });
        assert.equal(told.length, 2);
      },
      { network: new MemoryNetwork() },
    ));

  test("ends with the reason of its signal, and closes the connection", () =>
    withWebSockets([["/", Echo]], async ({ url, loop }) => {
      const controller = new AbortController();
      let last: WebSocketClientConnection | undefined;
      const run = (async () => {
        for await (const connection of websocketConnections(url(), { signal: controller.signal })) {
          last = connection;
          for await (const _ of connection);
        }
      })();
      await pass(loop, 100);
      controller.abort(new Error("enough"));
      await assert.rejects(run, /enough/);
      assert.equal(last?.isOpen, false);
    }));
});
