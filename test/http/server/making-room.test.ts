/** Which connections make room at `maxConnections`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders, type HTTPServerRequest, type UpgradedProtocol } from "squall/httputil";
import "../../support/guard.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

const hello = (request: HTTPServerRequest) => answer(request, "hello");

describe("at maxConnections", () => {
  test("a connection that has been idle for less than a second does not make room", () =>
    withServer(hello, { maxConnections: 1 }, async ({ connect, loop }) => {
      const first = await connect();
      first.send(GET);
      await first.response();
      await pass(loop, 900);
      const second = await connect();
      await second.whenEnded();
      assert.equal(first.ended, false);
      await pass(loop, 200);
      const third = await connect();
      third.send(GET);
      await third.response();
      await first.whenEnded();
    }));

  function upgraded(protocol: (loop: { time(): number }) => UpgradedProtocol) {
    return ({ connection }: HTTPServerRequest) => {
      const headers = new HTTPHeaders({ Upgrade: "echo" });
      const startLine = { version: "HTTP/1.1", code: 101, reason: "Switching Protocols" };
      connection!.upgrade(startLine, headers, protocol(connection!.ioLoop));
    };
  }

  test("an upgraded protocol that says it is idle makes room, and is told", () => {
    const calls: string[] = [];
    const app = upgraded((loop) => ({
      idleSince: loop.time(),
      shutdown: () => void calls.push("shutdown"),
      abort: () => void calls.push("abort"),
    }));
    return withServer(app, { maxConnections: 1 }, async ({ connect, loop }) => {
      const first = await connect();
      first.send(UPGRADE);
      await first.until("101");
      await pass(loop, 2000);
      const second = await connect();
      second.send(UPGRADE);
      await second.until("101");
      await first.whenEnded();
      assert.deepEqual(calls, ["abort"]);
    });
  });

  test("one that says nothing, or that it is busy, does not", async () => {
    for (const more of [{}, { idleSince: Number.POSITIVE_INFINITY }]) {
      const app = upgraded(() => ({ shutdown() {}, ...more }));
      await withServer(app, { maxConnections: 1 }, async ({ connect, loop }) => {
        const first = await connect();
        first.send(UPGRADE);
        await first.until("101");
        await pass(loop, 5000);
        const second = await connect();
        await second.whenEnded();
        assert.equal(first.ended, false);
      });
    }
  });
});
