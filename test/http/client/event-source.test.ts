/** Server-Sent Events over a client: reconnections, and when there are none. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventSource, HTTPClientError } from "squall/httpclient";
import "../../support/guard.js";
import { pass } from "../../support/virtual-server.js";
import { answering, head, type Peer, withClient } from "./world.js";

const STREAM =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n";

describe("eventSource()", () => {
  test("gives events, and connects again with the last id after the wait that the server names", () =>
    withClient({}, async ({ client, listen, loop }) => {
      const asked: string[] = [];
      const times: number[] = [];
      const port = await listen(async (peer, index) => {
        asked.push(await peer.request());
        times.push(loop.time());
        peer.send(STREAM);
        const text =
          index === 0 ? "retry: 500\nid: a\ndata: one\n\nid: b\ndata: lost" : "id: é\ndata: two\n\n";
        peer.send(Buffer.from(text));
        await pass(loop, 10);
        peer.socket.end();
      });
      const events = [];
      for await (const event of eventSource(`http://127.0.0.1:${port}/`, { client })) {
        events.push(event);
        if (events.length === 3) break;
      }
      assert.deepEqual(events.slice(0, 2), [
        { event: "message", data: "one", id: "a" },
        { event: "message", data: "two", id: "é" },
      ]);
      assert.match(asked[0]!, /Accept: text\/event-stream\r\n/);
      assert.doesNotMatch(asked[0]!, /Last-Event-ID/i);
      assert.match(asked[1]!, /Last-Event-Id: a\r\n/i);
      assert.match(asked[2]!, /Last-Event-Id: \xc3\xa9\r\n/i);
      assert.ok(times[1]! - times[0]! >= 500 && times[1]! - times[0]! < 600);
      await pass(loop, 1);
      assert.equal(client.activeRequests, 0);
    }));

  test("waits longer after each failure, and as long as Retry-After says", () =>
    withClient({}, async ({ client, listen, loop }) => {
      const times: number[] = [];
      const faults: ((peer: Peer) => void)[] = [
        (peer) => void peer.socket.resetAndDestroy(),
        (peer) => peer.send(head("503 Busy")),
        (peer) => peer.send(head("503 Busy", "Retry-After: 30\r\n")),
        (peer) => peer.send(`${STREAM}data: x\n\n`),
      ];
      const port = await listen(async (peer) => {
        for (;;) {
          await peer.request();
          faults[times.push(loop.time()) - 1]!(peer);
        }
      });
      const source = eventSource(`http://127.0.0.1:${port}/`, { client, reconnectDelay: 1000 });
      assert.equal((await source.next()).value?.data, "x");
      await source.return();
      const waits = times.slice(1).map((time, index) => Math.round(time - times[index]!));
      assert.deepEqual(waits, [1000, 2000, 30_000]);
    }));

  test("ends after a 204, and rejects after other statuses and types", () =>
    withClient({}, async ({ client, listen }) => {
      const answers = [
        "HTTP/1.1 204 No Content\r\n\r\n",
        head("404 Nope"),
        head("200 OK", "Content-Type: text/html\r\n"),
      ];
      const port = await listen(answering(() => answers.shift()!));
      const url = `http://127.0.0.1:${port}/`;
      assert.equal((await eventSource(url, { client }).next()).done, true);
      for (const status of [404, 200]) {
        await assert.rejects(eventSource(url, { client }).next(), (error) => {
          assert.ok(error instanceof HTTPClientError);
          assert.equal(error.status, status);
          return true;
        });
      }
      assert.equal(client.activeRequests, 0);
    }));

  test("a signal ends it, while it reads and while it waits", () =>
    withClient({}, async ({ client, listen, loop }) => {
      const port = await listen(async (peer) => {
        await peer.request();
        peer.send(STREAM);
      });
      for (const url of [`http://127.0.0.1:${port}/`, "http://127.0.0.1:1/"]) {
        const controller = new AbortController();
        loop.callLater(50, () => controller.abort(new RangeError("enough")));
        await assert.rejects(eventSource(url, { client, signal: controller.signal }).next(), {
          message: "enough",
        });
        assert.equal(client.activeRequests, 0);
      }
    }));

  test("an event over maxEventSize rejects and closes the connection", () =>
    withClient({}, async ({ client, listen }) => {
      const port = await listen(async (peer) => {
        await peer.request();
        peer.send(`${STREAM}data: ${"x".repeat(200)}\n\n`);
      });
      await assert.rejects(eventSource(`http://127.0.0.1:${port}/`, { client, maxEventSize: 100 }).next(), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
      assert.equal(client.connections, 0);
    }));
});
