/** Peers that take their time, come in crowds or never go: in virtual time, on a network in memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTPServerRequest } from "squall/httputil";
import { accessLog, appLog, LogFormatter } from "squall/log";
import { ExpectLog, type VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { assertServes, attacked, echo, get } from "../support/conformance.js";
import type { RawClient } from "../support/raw-client.js";
import { answer, pass } from "../support/virtual-server.js";

describe("slow peers", () => {
  test("case 103: 10,000 peers that drip their heads are all gone within the head's time, and others are served in the same moment", () => {
    const { app } = echo();
    const PEERS = 10_000;
    return attacked(app, {}, async ({ connect, loop, server, log }) => {
      const peers: RawClient[] = [];
      for (let i = 0; i < PEERS; i++) {
        const peer = await connect();
        peer.send("GET / HTTP/1.1\r\nHost: a\r\n");
        peers.push(peer);
      }
      assert.equal(server.connections, PEERS);
      let dripping = true;
      for (let second = 10; second <= 50 && dripping; second += 10) {
        await pass(loop, 10_000);
        dripping = false;
        for (const peer of peers) {
          if (peer.ended) continue;
          dripping = true;
          peer.send("X");
        }
        const began = loop.time();
        const other = await connect();
        other.send(get("/other"));
        assert.equal((await other.response()).status, 200);
        assert.equal(loop.time(), began, "others had to wait");
        other.close();
      }
      // 30 s, and what the coarse deadline and the closing in stages add to it.
      assert.equal(dripping, false);
      for (const peer of peers) {
        assert.match(peer.received.toString(), /^HTTP\/1\.1 408 /);
        peer.close();
      }
      await pass(loop, 10);
      assert.equal(server.connections, 0);
      const times = log.filter((record) => record.getMessage().includes("Timeout")).length;
      assert.ok(times > 0 && times < PEERS, `${times} lines for ${PEERS} peers: the log has a brake`);
    });
  });

  test("case 103: a peer that never says anything is closed in silence", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect, loop, log }) => {
      const client = await connect();
      assert.equal(await client.rest(), "");
      assert.ok(loop.time() >= 30_000 && loop.time() <= 34_000, `${loop.time()}`);
      assert.deepEqual(log, []);
    });
  });

  test("case 104: a body that stalls for a minute gets 408, and the handler hears of it once", () => {
    const told: string[] = [];
    class Upload extends RequestHandler {
      static override readonly streamRequestBody = true;
      override dataReceived() {
        told.push("data");
      }
      override onConnectionClose() {
        told.push(`closed ${this.signal.aborted}`);
      }
      override post() {
        told.push("post");
      }
    }
    return attacked(new Application([["/", Upload]]), {}, async ({ connect, loop }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello");
      await pass(loop, 50_000);
      client.send("x");
      const since = loop.time();
      assert.equal((await client.response()).status, 408);
      assert.ok(loop.time() - since >= 60_000 && loop.time() - since <= 70_000);
      await client.whenEnded();
      assert.deepEqual(told, ["data", "data", "closed true"]);
    });
  });

  test("case 104: a body that drips for ever is ended by bodyTimeout", () => {
    const { app, asked } = echo();
    return attacked(app, { bodyTimeout: 60_000 }, async ({ connect, loop }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
      for (let second = 0; second < 80 && !client.ended; second++) {
        client.send("x");
        await pass(loop, 1000);
      }
      assert.equal((await client.response()).status, 408);
      assert.ok(loop.time() >= 60_000 && loop.time() < 70_000);
      assert.deepEqual(asked, []);
    });
  });

  test("case 105: a writer waits for its reader, and a reader that takes nothing for minutes is cut off", () => {
    let written = 0;
    let reason: unknown;
    class Endless extends RequestHandler {
      override async get() {
        const piece = Buffer.alloc(65_536);
        for (; written < 16_384; written++) {
          this.write(piece);
          await this.flush();
        }
      }
      override onConnectionClose() {
        reason = (this.signal.reason as { reason: string }).reason;
      }
    }
    return attacked(new Application([["/", Endless]]), {}, async ({ connect, loop, server }) => {
      const client = await connect();
      client.socket.pause();
      client.send(get("/"));
      await pass(loop, 50_000);
      assert.ok(written * 65_536 < 1_000_000, `${written} pieces are out`);
      await pass(loop, 130_000);
      assert.equal(reason, undefined);
      await pass(loop, 400_000);
      assert.equal(reason, "write-stalled");
      assert.equal(server.connections, 0);
    });
  });
});

describe("many peers", () => {
  test("case 106: a resting connection is closed after idleTimeout, one that has served maxRequests with its last answer", () => {
    const { app } = echo();
    return attacked(app, { idleTimeout: 60_000, maxRequests: 3 }, async ({ connect, loop }) => {
      const client = await connect();
      client.send(get("/1"));
      await client.response();
      const since = loop.time();
      await client.whenEnded();
      assert.ok(loop.time() - since >= 60_000 && loop.time() - since <= 68_000);
      const busy = await connect();
      busy.send(get("/1"), get("/2"), get("/3"), get("/4"));
      for (const path of ["/1", "/2", "/3"])
        assert.match(String((await busy.response()).body), new RegExp(path));
      assert.equal(await busy.rest(), "");
    });
  });

  test("case 106: at the limit of connections those that rest make room, the oldest first, and busy ones stay", () => {
    let release = (): void => {};
    return attacked(
      async (request: HTTPServerRequest) => {
        if (request.path === "/busy") {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        answer(request, request.path);
      },
      { maxConnections: 12 },
      async ({ connect, loop, server }) => {
        const busy = await connect();
        busy.send(get("/busy"));
        const resting: RawClient[] = [];
        for (let i = 0; i < 10; i++) {
          const client = await connect();
          client.send(get(`/${i}`));
          await client.response();
          resting.push(client);
        }
        await pass(loop, 2000);
        const fresh = await connect();
        const newcomer = await connect();
        newcomer.send(get("/new"));
        assert.equal((await newcomer.response()).body.toString(), "/new");
        assert.deepEqual(
          resting.map((client) => client.ended),
          [true, false, false, false, false, false, false, false, false, false],
        );
        assert.equal(fresh.ended, false);
        release();
        assert.equal((await busy.response()).body.toString(), "/busy");
        assert.ok(server.connections <= 12);
      },
    );
  });

  test("case 107: when accept() finds no descriptor, resting connections make room, and one line a second says so", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      const { connect, loop, network } = context;
      const resting = await connect();
      await pass(loop, 2000);
      using log = new ExpectLog("squall.general", /closing idle connections: .*EMFILE/, {
        level: "warning",
      });
      network!.failAccept();
      await resting.whenEnded();
      assert.equal(log.matched, 1);
      using error = new ExpectLog("squall.general", /cannot accept connections: .*EMFILE/, {
        level: "error",
      });
      await pass(loop, 2000);
      for (let i = 0; i < 1000; i++) network!.failAccept();
      assert.equal(error.matched, 1);
      await assertServes(context);
    });
  });

  test("case 108: beyond maxConnections, if none rests, a newcomer is closed at once, and there is room again later", () => {
    let release: (() => void)[] = [];
    return attacked(
      async (request: HTTPServerRequest) => {
        await new Promise<void>((resolve) => release.push(resolve));
        answer(request, "");
      },
      { maxConnections: 3 },
      async ({ connect, loop, server }) => {
        const clients = await Promise.all([connect(), connect(), connect()]);
        for (const client of clients) client.send(get("/"));
        await pass(loop, 2000);
        for (let i = 0; i < 5; i++) await (await connect()).whenEnded();
        assert.equal(server.connections, 3);
        for (const resolve of release) resolve();
        release = [];
        for (const client of clients) assert.equal((await client.response()).status, 200);
        clients[0]!.close();
        await pass(loop, 10);
        const again = await connect();
        again.send(get("/"));
        await pass(loop, 10);
        for (const resolve of release) resolve();
        assert.equal((await again.response()).status, 200);
      },
    );
  });

  test("case 108: beyond maxConnectionsPerAddress an address gets no more connections, and takes nothing from others", () => {
    const { app } = echo();
    return attacked(app, { maxConnectionsPerAddress: 3 }, async ({ connect, network, server, loop }) => {
      const clients = await Promise.all([connect(), connect(), connect()]);
      await (await connect()).whenEnded();
      assert.equal(server.connections, 3);
      const other = network!.connect({ host: "127.0.0.1", port: server.port!, localAddress: "127.0.0.2" });
      await new Promise((resolve) => other.once("connect", resolve));
      other.write(get("/"));
      const piece = await new Promise<Buffer>((resolve) => other.once("data", resolve));
      assert.match(piece.toString(), /^HTTP\/1\.1 200 /);
      other.destroy();
      clients[0]!.close();
      await pass(loop, 10);
      const again = await connect();
      again.send(get("/again"));
      assert.equal((await again.response()).status, 200);
    });
  });
});

describe("logs", () => {
  test("case 112: nothing that a client sends can forge a line or command a terminal", () => {
    class Tells extends RequestHandler {
      override get() {
        appLog.info(
          "name %s, header %s, all %r",
          this.getArgument("name"),
          this.request.headers.get("X"),
          this.request,
        );
        this.setStatus(400);
      }
    }
    const levelBefore = accessLog.level;
    accessLog.setLevel("info");
    return attacked(
      new Application([["/.*", Tells]], {
        logFunction: (handler) => accessLog.info("%s", handler.request.uri),
      }),
      {},
      async ({ connect, log }) => {
        const client = await connect();
        client.send(get("/?name=a%0d%0a[E%20forged]%1b[2J%e2%80%ae%c2%9b", "X: a\x80\x9b[2Jb\r\n"));
        assert.equal((await client.response()).status, 400);
        for (const input of [
          "GET /\x1b[2J HTTP/1.1\r\n",
          "G\x1bT / HTTP/1.1\r\n",
          "GET / HTTP/1.1\r\nX\x9b: a\r\n",
        ]) {
          const bad = await connect();
          bad.send(`${input}Host: a\r\n\r\n`);
          assert.equal((await bad.response()).status, 400);
        }
        accessLog.setLevel(levelBefore);
        assert.equal(log.length, 5);
        const formatter = new LogFormatter({ color: false });
        for (const record of log) assert.doesNotMatch(formatter.format(record), /[\0-\x1f\x7f-\x9f\u202e]/);
        assert.match(log[0]!.getMessage(), /name a\\r\\n\[E forged\].*header a\\x80\\x9b\[2Jb/);
      },
    );
  });

  test("case 112: a flood of bad requests is a few lines in the log, and then their number", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect, log }) => {
      for (let i = 0; i < 1000; i++) {
        const client = await connect();
        client.send(`GET /${i} HTTP/1.1\r\n\r\n`);
        await client.response();
        client.close();
      }
      assert.ok(log.length > 0 && log.length < 500, `${log.length} lines`);
    });
  });
});

describe("time of day", () => {
  test("case 119: the clock of the day jumps back and forth, and no connection and no timer notices", () => {
    const { app } = echo();
    return attacked(app, { idleTimeout: 60_000, headerTimeout: 30_000 }, async ({ connect, loop }) => {
      const { clock } = loop as VirtualLoop;
      for (const jump of [-86_400_000, 86_400_000, -3_600_000_000]) {
        const client = await connect();
        client.send(get("/"));
        await client.response();
        const since = loop.time();
        await pass(loop, 1000);
        clock.setWallTime(loop.wallTime() + jump);
        await pass(loop, 40_000);
        assert.equal(client.ended, false, `closed after a jump by ${jump}`);
        client.send(get("/"));
        const response = await client.response();
        const date = response.headers.find(([name]) => name === "Date")?.[1];
        if (date !== undefined) assert.equal(date, new Date(loop.wallTime()).toUTCString());
        await client.whenEnded();
        const took = loop.time() - since;
        assert.ok(took >= 101_000 && took <= 110_000, `${took} ms after a jump by ${jump}`);
        client.close();
      }
    });
  });

  test("case 119: a machine that slept closes what is due once, and goes on", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      const { connect, loop } = context;
      const clients = await Promise.all([connect(), connect()]);
      clients[0]!.send("GET / HT");
      await pass(loop, 10);
      (loop as VirtualLoop).clock.spend(3_600_000);
      for (const client of clients) await client.whenEnded();
      assert.match(clients[0]!.received.toString(), /^HTTP\/1\.1 408 /);
      assert.equal(clients[1]!.received.length, 0);
      await assertServes(context);
    });
  });
});
