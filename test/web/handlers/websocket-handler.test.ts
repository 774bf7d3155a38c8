/** What a WebSocketHandler promises, on a network in memory and in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import { InvalidStateError } from "squall/util";
import { WebSocketClosedError, WebSocketHandler } from "squall/websocket";
import { field } from "../../support/raw-client.js";
import { withWebSockets } from "../../support/virtual-websocket.js";
import { twinFrame } from "../../support/websocket-twin.js";

class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

/** A promise that a test settles. */
function gate(): { readonly promise: Promise<void>; open(): void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe("the handshake", () => {
  test("is answered with 101 and the value that belongs to the key", () =>
    withWebSockets([["/", Echo]], async ({ handshake }) => {
      const { response } = await handshake();
      assert.equal(response.status, 101);
      assert.equal(field(response, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      assert.equal(field(response, "Content-Type"), undefined);
      assert.equal(field(response, "Content-Length"), undefined);
    }));

  test("runs prepare(), and sends the fields and cookies that it sets", () =>
    withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override async prepare() {
              await Promise.resolve();
              this.setHeader("X-Room", "1");
              this.setCookie("seen", "yes");
            }
          },
        ],
      ],
      async ({ handshake }) => {
        const { response } = await handshake();
        assert.equal(field(response, "X-Room"), "1");
        assert.match(field(response, "Set-Cookie")!, /^seen=yes/);
      },
    ));

  test("is refused by what prepare() throws, as any request", () =>
    withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override prepare() {
              this.setStatus(401);
              void this.finish("sign in");
            }
          },
        ],
      ],
      async ({ handshake, open }) => {
        assert.equal((await handshake()).response.status, 401);
        await assert.rejects(open(), { code: "ERR_SQUALL_WEBSOCKET_HANDSHAKE", status: 401 });
      },
    ));

  const refused: readonly (readonly [string, Record<string, string | undefined>, number, string?])[] = [
    ["case 47: HTTP/1.0", { Connection: "Upgrade, close" }, 400, "GET / HTTP/1.0"],
    ["case 47: no key", { "Sec-WebSocket-Key": undefined }, 400],
    ["case 47: a key that is not 16 octets", { "Sec-WebSocket-Key": "c2hvcnQ=" }, 400],
    ["case 48: another version", { "Sec-WebSocket-Version": "8" }, 426],
    ["case 48: no version", { "Sec-WebSocket-Version": undefined }, 426],
    ["case 49: Connection without upgrade", { Connection: "keep-alive" }, 400],
    ["case 49: Upgrade without websocket", { Upgrade: "h2c" }, 400],
    ["case 50: a page of another site", { Origin: "http://evil.example" }, 403],
    ["case 50: the origin null", { Origin: "null" }, 403],
    ["case 50: another port", { Origin: "http://example.com:8080" }, 403],
    ["case 51: a list of nothing as subprotocols", { "Sec-WebSocket-Protocol": ", ,".repeat(2000) }, 400],
    ["case 52: extensions that are no list", { "Sec-WebSocket-Extensions": "a;;b" }, 400],
  ];
  for (const [what, fields, status, line] of refused) {
    test(`is refused with ${status}, and the connection goes on: ${what}`, () =>
      withWebSockets([["/", Echo]], async ({ handshake }) => {
        const { response, client } = await handshake("/", fields, line);
        assert.equal(response.status, status);
        assert.match(String(response.body), /^no WebSocket: /);
        if (status === 426) assert.equal(field(response, "Sec-WebSocket-Version"), "13");
        client.close();
      }));
  }

  test("case 47: another method is 405", () =>
    withWebSockets([["/", Echo]], async ({ handshake }) => {
      const { response } = await handshake("/", { "Content-Length": "0" }, "POST / HTTP/1.1");
      assert.equal(response.status, 405);
    }));

  test("case 49: lists in any case are understood", () =>
    withWebSockets([["/", Echo]], async ({ handshake }) => {
      const { response } = await handshake("/", { Connection: "keep-alive, UPGRADE", Upgrade: "WebSocket" });
      assert.equal(response.status, 101);
    }));

  test("case 50: checkOrigin() may allow another site; a page of this one may connect", () =>
    withWebSockets(
      [
        ["/", Echo],
        [
          "/open",
          class extends Echo {
            override checkOrigin(origin: string) {
              return origin === "https://friend.example";
            }
          },
        ],
      ],
      async ({ handshake }) => {
        assert.equal((await handshake("/", { Origin: "http://EXAMPLE.com" })).response.status, 101);
        assert.equal((await handshake("/open", { Origin: "https://friend.example" })).response.status, 101);
        assert.equal((await handshake("/open", { Origin: "http://example.com" })).response.status, 403);
      },
    ));

  test("case 51: selectSubprotocol() chooses among those that are offered", () =>
    withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override selectSubprotocol(offered: readonly string[]) {
              return offered.at(-1);
            }
          },
        ],
      ],
      async ({ open }) => {
        const connection = await open("/", { subprotocols: ["a", "b"] });
        assert.equal(connection.selectedSubprotocol, "b");
        assert.equal((await open()).selectedSubprotocol, undefined);
      },
    ));

  test("a subprotocol that was not offered is an error of the handler: 500", () =>
    withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override selectSubprotocol() {
              return "mine";
            }
          },
        ],
      ],
      async ({ handshake }) => {
        using _ = new ExpectLog(appLog, /Uncaught exception/);
        assert.equal((await handshake()).response.status, 500);
      },
    ));

  test("case 53: frames that come together with the handshake are not lost", () =>
    withWebSockets([["/", Echo]], async ({ connect }) => {
      const client = await connect();
      client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        twinFrame(1, Buffer.from("hi"), { key: Buffer.of(1, 2, 3, 4) }),
      );
      await client.response();
      await client.whenReceived((received) => received.length >= 4);
      assert.equal(client.received.toString("latin1"), "\x81\x02hi");
    }));

  test("case 53: a handshake that never ends is timed out", () =>
    withWebSockets(
      [["/", Echo]],
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nUpgrade: websocket\r\n");
        assert.equal((await client.response()).status, 408);
      },
      { server: { headerTimeout: 1000 } },
    ));
});

describe("messages", () => {
  test("text comes as a string, bytes come as a buffer, and both go back as they came", () =>
    withWebSockets([["/", Echo]], async ({ open }) => {
      const connection = await open();
      for (const message of ["", "grüße", Buffer.of(1, 2, 255), "x".repeat(100_000)]) {
        void connection.writeMessage(message);
        assert.deepEqual(await connection.readMessage(), message);
      }
    }));

  test("objects and arrays go as JSON, bytes as text where that is asked for", () =>
    withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override open() {
              void this.writeMessage({ a: 1 });
              void this.writeMessage([1]);
              void this.writeMessage(Buffer.from("é"), { binary: false });
              void this.writeMessage("é", { binary: true });
              void this.writeMessage(new Uint16Array([1]).buffer);
            }
          },
        ],
      ],
      async ({ open }) => {
        const connection = await open();
        const got = [];
        for (let i = 0; i < 5; i++) got.push(await connection.readMessage());
        assert.deepEqual(got, ['{"a":1}', "[1]", "é", Buffer.from("é"), Buffer.of(1, 0)]);
      },
    ));

  test("over the limit are refused with 1009, at the head of the frame and while they are inflated (case 66)", () =>
    withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override getCompressionOptions() {
              return {};
            }
          },
        ],
      ],
      async ({ handshake, open }) => {
        const socket = await handshake();
        socket.client.send(Buffer.from("82fe03e937fa213d", "hex"));
        assert.equal(await socket.closeCode(), 1009);
        const connection = await open("/", { compressionOptions: {} });
        void connection.writeMessage("x".repeat(100_000));
        assert.equal(await connection.readMessage(), undefined);
        assert.equal(connection.closeCode, 1009);
      },
      { settings: { websocketMaxMessageSize: 1000 } },
    ));

  test("what cannot be a message is refused by name", () =>
    withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override async open() {
              for (const wrong of [new Map(), null, 1, Promise.resolve()]) {
                await assert.rejects(this.writeMessage(wrong as object), {
                  code: "ERR_SQUALL_INVALID_ARGUMENT",
                });
              }
              await assert.rejects(this.writeMessage(Buffer.of(0xff), { binary: false }), /UTF-8/);
              void this.writeMessage("done");
            }
          },
        ],
      ],
      async ({ open }) => assert.equal(await (await open()).readMessage(), "done"),
    ));

  test("wait until open() is done, in order", () => {
    const { promise, open: openGate } = gate();
    const seen: string[] = [];
    return withWebSockets(
      [
        [
          "/room/:name",
          class extends Echo {
            override async open({ name }: { name: string }) {
              await promise;
              seen.push(`open ${name}`);
            }
            override onMessage(message: string | Buffer) {
              seen.push(String(message));
              return super.onMessage(message);
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open("/room/tea");
        void connection.writeMessage("a");
        void connection.writeMessage("b");
        await pass(100);
        assert.deepEqual(seen, []);
        openGate();
        assert.equal(await connection.readMessage(), "a");
        assert.equal(await connection.readMessage(), "b");
        assert.deepEqual(seen, ["open tea", "a", "b"]);
      },
    );
  });

  test("the next message waits for the promise, or the generator, of the one before", () => {
    const gates = [gate(), gate()];
    const seen: string[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override *onMessage(message: string | Buffer) {
              seen.push(`${message} begins`);
              yield gates[seen.length === 1 ? 0 : 1]!.promise;
              seen.push(`${message} ends`);
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open();
        void connection.writeMessage("1");
        void connection.writeMessage("2");
        await pass(10);
        assert.deepEqual(seen, ["1 begins"]);
        gates[0]!.open();
        await pass(10);
        assert.deepEqual(seen, ["1 begins", "1 ends", "2 begins"]);
        gates[1]!.open();
        await pass(10);
        assert.equal(seen.length, 4);
      },
    );
  });

  test("a handler that is busy holds the client back, and its memory is bounded", () => {
    const { promise, open: openGate } = gate();
    let seen = 0;
    return withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override onMessage() {
              seen++;
              return promise;
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open();
        const message = Buffer.alloc(100_000);
        let isHeld = true;
        const all = (async () => {
          for (let i = 0; i < 50; i++) await connection.writeMessage(message);
          isHeld = false;
        })();
        await pass(1000);
        assert.equal(seen, 1);
        assert.equal(isHeld, true);
        openGate();
        await all;
        await pass(1000);
        assert.equal(seen, 50);
      },
    );
  });

  test("an iteration takes them one by one, also inside open(), and ends with the connection", () => {
    let ended = false;
    return withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override async open() {
              for await (const message of this) await this.writeMessage(`got ${message}`);
              ended = true;
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open();
        void connection.writeMessage("1");
        void connection.writeMessage("2");
        assert.equal(await connection.readMessage(), "got 1");
        assert.equal(await connection.readMessage(), "got 2");
        connection.close();
        await connection.whenClosed();
        await pass(1);
        assert.equal(ended, true);
      },
    );
  });
});

describe("errors", () => {
  const hooks: readonly (readonly [string, (fail: () => unknown) => typeof WebSocketHandler])[] = [
    [
      "open",
      (fail) =>
        class extends WebSocketHandler {
          override open() {
            return fail();
          }
        },
    ],
    [
      "onMessage",
      (fail) =>
        class extends WebSocketHandler {
          override onMessage() {
            return fail();
          }
        },
    ],
    [
      "onPing",
      (fail) =>
        class extends WebSocketHandler {
          override onPing() {
            return fail();
          }
        },
    ],
  ];
  const failures: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error("on purpose");
    },
    "is rejected with": () => Promise.reject(new Error("on purpose")),
  };
  for (const [hook, make] of hooks) {
    for (const [how, fail] of Object.entries(failures)) {
      test(`what ${hook}() ${how} is logged and closes with 1011`, () =>
        withWebSockets([["/", make(fail)]], async ({ handshake }) => {
          using _ = new ExpectLog(appLog, /Uncaught exception/);
          const socket = await handshake();
          socket.send(hook === "onPing" ? 9 : 1, "x");
          assert.equal(await socket.closeCode(), 1011);
        }));
    }
  }

  test("a class without onMessage() says so in the log", () =>
    withWebSockets([["/", class Silent extends WebSocketHandler {}]], async ({ handshake }) => {
      using _ = new ExpectLog(appLog, /Uncaught exception GET/);
      const socket = await handshake();
      socket.send(1, "x");
      assert.equal(await socket.closeCode(), 1011);
    }));

  test("after the handshake there is no response to write to", () => {
    const refused: string[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override open() {
              const calls: Record<string, () => unknown> = {
                setStatus: () => this.setStatus(200),
                setHeader: () => this.setHeader("A", "b"),
                addHeader: () => this.addHeader("A", "b"),
                setCookie: () => this.setCookie("a", "b"),
                write: () => this.write("x"),
                finish: () => this.finish(),
                redirect: () => this.redirect("/"),
              };
              for (const [name, call] of Object.entries(calls)) {
                assert.throws(call, InvalidStateError, name);
                refused.push(name);
              }
              this.close(4000);
            }
          },
        ],
      ],
      async ({ handshake }) => {
        assert.equal(await (await handshake()).closeCode(), 4000);
        assert.equal(refused.length, 7);
      },
    );
  });
});

describe("the end", () => {
  test("onClose() gets the code and the reason of the peer, once, and the signal aborts", () => {
    const told: unknown[] = [];
    let handler: WebSocketHandler | undefined;
    return withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override open() {
              handler = this;
              this.signal.addEventListener("abort", () => told.push(this.signal.reason));
            }
            override onClose(code?: number, reason?: string) {
              told.push([code, reason, this.closeCode, this.closeReason]);
            }
          },
        ],
      ],
      async ({ open, pass }) => {
        const connection = await open();
        connection.close(4001, "so long");
        await connection.whenClosed();
        await pass(10);
        assert.equal(connection.closeCode, 4001);
        const [reason, ...rest] = told;
        assert.ok(reason instanceof WebSocketClosedError);
        assert.deepEqual(rest, [[4001, "so long", 4001, "so long"]]);
        assert.equal(handler!.signal.aborted, true);
        assert.equal(handler!.wsConnection, undefined);
        await assert.rejects(handler!.writeMessage("x"), { code: "ERR_SQUALL_WEBSOCKET_CLOSED" });
        assert.throws(() => handler!.ping(), WebSocketClosedError);
      },
    );
  });

  test("without a close frame there is neither code nor reason", () => {
    const told: unknown[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override onClose(...args: unknown[]) {
              told.push(args);
            }
          },
        ],
      ],
      async ({ handshake, pass }) => {
        const socket = await handshake();
        socket.client.end();
        await socket.client.whenClosed();
        const other = await handshake();
        other.client.close();
        await pass(10);
        assert.deepEqual(told, [
          [undefined, undefined],
          [undefined, undefined],
        ]);
      },
    );
  });

  test("close() leaves behind what was written before, and calling it twice is fine", () =>
    withWebSockets(
      [
        [
          "/",
          class extends WebSocketHandler {
            override open() {
              void this.writeMessage("last words".repeat(20_000));
              void this.writeMessage("and more");
              this.close(1000, "done");
              this.close(4000);
            }
          },
        ],
      ],
      async ({ open }) => {
        const connection = await open();
        assert.equal((await connection.readMessage())?.length, 200_000);
        assert.equal(await connection.readMessage(), "and more");
        assert.equal(await connection.readMessage(), undefined);
        assert.equal(connection.closeCode, 1000);
        assert.equal(connection.closeReason, "done");
      },
    ));

  test("case 63: a peer that never answers the close frame is cut after closeTimeout", () => {
    const told: unknown[] = [];
    return withWebSockets(
      [
        [
          "/",
          class extends Echo {
            override getWebSocketOptions() {
              return { closeTimeout: 3000 };
            }
            override async onMessage() {
              this.close(1000);
            }
            override onClose(code?: number) {
              told.push(code);
            }
          },
        ],
      ],
      async ({ handshake, loop }) => {
        const socket = await handshake();
        const began = loop.time();
        socket.send(1, "go");
        assert.equal(await socket.closeCode(), 1000);
        socket.send(1, "ignored");
        await socket.client.whenClosed();
        const took = loop.time() - began;
        assert.ok(took >= 3000 && took <= 4000, `it took ${took} ms`);
        assert.deepEqual(told, [undefined]);
      },
    );
  });
});

describe("keepalive", () => {
  class Pinging extends Echo {
    override get pingInterval() {
      return 10_000;
    }
    override get pingTimeout() {
      return 4000;
    }
  }

  test("case 65: a peer that does not answer a ping is closed with the reason, then cut", () =>
    withWebSockets([["/", Pinging]], async ({ handshake, loop }) => {
      const socket = await handshake();
      const began = loop.time();
      assert.equal((await socket.frame())?.opcode, 9);
      const close = await socket.frame();
      assert.equal(close?.opcode, 8);
      assert.equal(close?.payload.toString("utf8", 2), "ping timed out");
      await socket.client.whenClosed();
      assert.ok(loop.time() - began < 22_000);
    }));

  test("goes by the settings websocketPingInterval and websocketPingTimeout", () =>
    withWebSockets(
      [["/", Echo]],
      async ({ handshake, loop }) => {
        const socket = await handshake();
        const began = loop.time();
        assert.equal((await socket.frame())?.opcode, 9);
        const pinged = loop.time() - began;
        assert.ok(pinged >= 20_000 && pinged < 23_000, `pinged after ${pinged} ms`);
        assert.equal((await socket.frame())?.payload.toString("utf8", 2), "ping timed out");
        const closed = loop.time() - began - pinged;
        assert.ok(closed >= 2_000 && closed < 3_000, `closed ${closed} ms later`);
      },
      { settings: { websocketPingInterval: 20_000, websocketPingTimeout: 2_000 } },
    ));

  test("a peer that answers, or sends anything at all, stays", () =>
    withWebSockets([["/", Pinging]], async ({ handshake, open, pass }) => {
      const socket = await handshake();
      for (let i = 0; i < 4; i++) {
        const ping = await socket.frame();
        assert.equal(ping?.opcode, 9);
        if (i % 2 === 0) socket.send(10, ping!.payload);
        else {
          socket.send(1, "still here");
          assert.equal((await socket.frame())?.opcode, 1);
        }
      }
      socket.client.close();
      const connection = await open();
      await pass(60_000);
      assert.equal(connection.isOpen, true);
    }));
});
