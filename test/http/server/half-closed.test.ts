import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import { answer, pass, withServer } from "../../support/virtual-server.js";
import "../../support/guard.js";

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe("HTTPServer and a client that has ended its side", () => {
  test("tells the application of each pipelined request, and gives none of them more than halfClosedTimeout", async () => {
    const told: string[] = [];
    await withServer(
      (received) => {
        const connection = received.connection as HTTP1Connection;
        connection.setCloseCallback((reason) => told.push(`${received.path} ${reason.reason}`));
        // The first answer is late, the second never comes.
        if (received.path === "/a") connection.stream!.ioLoop.callLater(100, () => answer(received, "a"));
      },
      { halfClosedTimeout: 3000 },
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.send(request("/a"), request("/b"));
        client.end();
        assert.equal((await client.response()).body.toString(), "a");
        await pass(loop, 2000);
        assert.deepEqual(told, ["/a half-closed", "/b half-closed"]);
        assert.equal(server.connections, 1);
        await client.whenEnded();
        assert.ok(loop.time() < 5000);
        assert.equal(server.connections, 0);
      },
    );
  });

  test("survives an application that answers thousands of pipelined requests when it hears of the end", async () => {
    const count = 2000;
    let answered = 0;
    await withServer(
      (received) => {
        (received.connection as HTTP1Connection).setCloseCallback(() => {
          answered++;
          answer(received, "late");
        });
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(request("/").repeat(count));
        client.end();
        await client.whenEnded();
        assert.equal(answered, count);
      },
    );
  });
});
