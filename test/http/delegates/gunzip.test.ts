/** Unpacking a body on its way: others get a turn, and what happens meanwhile is told in order. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HTTPServerConnectionDelegate } from "squall/httputil";
import { VirtualLoop } from "squall/testing";
import { gunzipDelegate } from "#room/http/delegates/gunzip";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import "../../support/guard.js";
import { pass, withServer } from "../../support/virtual-server.js";

test("a body that unpacks to much more than came in lets others have a turn in between", () =>
  VirtualLoop.run(async (loop) => {
    const calls: string[] = [];
    const delegate = gunzipDelegate(
      {
        headersReceived() {},
        dataReceived(chunk) {
          if (calls.at(-1) !== "data") calls.push("data");
          assert.ok(chunk.length <= 65_536);
        },
        finish: () => void calls.push("finish"),
        onConnectionClose() {},
      },
      loop,
      { chunkSize: 65_536, maxBodySize: 10_000_000 },
      (error) => assert.fail(String(error)),
    );
    const head = { method: "POST", path: "/", version: "HTTP/1.1" };
    void delegate.headersReceived(head, new HTTPHeaders({ "Content-Encoding": "gzip" }));
    const others = (): void => {
      calls.push("others");
      if (!calls.includes("finish") && calls.length < 100) loop.addCallback(others);
    };
    loop.addCallback(others);
    await delegate.dataReceived(gzipSync(Buffer.alloc(2_000_000)));
    await delegate.finish();
    // Half a megabyte at a time: at least three pauses.
    assert.ok(calls.filter((call) => call === "others").length >= 3, calls.join());
    assert.deepEqual(calls.slice(0, 3), ["data", "others", "data"]);
  }));

describe("half a goodbye that comes while a body is still being unpacked", () => {
  test("is told once the delegate has everything", () => {
    const calls: string[] = [];
    const app: HTTPServerConnectionDelegate = {
      startRequest: (_server, connection) => ({
        headersReceived() {},
        dataReceived(chunk) {
          calls.push(`data ${chunk.length}`);
          return pass(connection.ioLoop, 100);
        },
        finish: () => void calls.push("finish"),
        onConnectionClose: () => void calls.push("closed"),
        onExchangeAborted: ({ reason }) => void calls.push(reason),
      }),
    };
    const options = { decompressRequest: true, chunkSize: 60_000, halfClosedTimeout: 5000 };
    return withServer(app, options, async ({ connect, loop }) => {
      // The last piece comes out when the input ends: the message is whole for the connection, not for the delegate.
      const body = gzipSync(Buffer.alloc(100_000));
      const client = await connect();
      client.send(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
        body,
      );
      client.end();
      await pass(loop, 1000);
      assert.deepEqual(calls, ["data 60000", "data 40000", "finish", "half-closed"]);
    });
  });

  test("is kept until the piece is taken that only comes out at the end", () =>
    VirtualLoop.run(async (loop) => {
      const calls: string[] = [];
      const delegate = gunzipDelegate(
        {
          headersReceived() {},
          dataReceived: () => {
            calls.push("data");
            return pass(loop, 100);
          },
          finish: () => void calls.push("finish"),
          onConnectionClose: () => void calls.push("closed"),
          onExchangeAborted: ({ reason }) => void calls.push(reason),
        },
        loop,
        { chunkSize: 65_536, maxBodySize: 10_000_000 },
        (error) => assert.fail(String(error)),
      );
      const { ExchangeAbortedError } = await import("squall/httputil");
      const head = { method: "POST", path: "/", version: "HTTP/1.1" };
      void delegate.headersReceived(head, new HTTPHeaders({ "Content-Encoding": "gzip" }));
      const waiting = delegate.dataReceived(gzipSync("hello"));
      delegate.onExchangeAborted?.(new ExchangeAbortedError("half-closed"));
      assert.deepEqual(calls, ["data"]);
      await waiting;
      await delegate.finish();
      assert.deepEqual(calls, ["data", "finish", "half-closed"]);
    }));
});
