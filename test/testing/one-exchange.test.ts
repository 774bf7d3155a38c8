/** A client's exchange that goes wrong: nothing is sent twice, and no connection stays behind. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import type { HTTPServerConnectionDelegate, HTTPServerRequest } from "squall/httputil";
import { ExpectLog } from "squall/testing";
import { exchange } from "#room/testing/exchange";
import "../support/guard.js";
import { answer, pass, withServer } from "../support/virtual-server.js";

const echo = (request: HTTPServerRequest) => answer(request, `${request.method} ${request.body}`);

describe("exchange()", () => {
  test("sends its body once, however often the server says 100 (Continue)", () => {
    let received = "";
    const app: HTTPServerConnectionDelegate = {
      startRequest: (_server, connection) => ({
        headersReceived() {
          const stream = (connection as HTTP1Connection).detach();
          stream.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "latin1");
          void stream.readBytes(5).then(async (bytes) => {
            received = String(bytes);
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "latin1");
            received += String(await stream.readUntilClose());
          });
        },
        dataReceived() {},
        finish() {},
        onConnectionClose() {},
      }),
    };
    return withServer(app, {}, async ({ server, loop }) => {
      const url = `http://127.0.0.1:${server.port}/`;
      const response = await exchange({ url, method: "POST", body: "hello", expectContinue: true });
      assert.equal(response.code, 200);
      await pass(loop, 10);
      assert.equal(received, "hello");
    });
  });

  const refused: Record<string, Parameters<typeof exchange>[0]> = {
    "a field that would split the head": { url: "", headers: { "X-Bad": "a\r\nb" } },
    "a method that is none": { url: "", method: "GET IT" },
    "two kinds of framing": {
      url: "",
      method: "POST",
      body: "x",
      headers: { "Content-Length": "1", "Transfer-Encoding": "chunked" },
    },
    "a time that is none": { url: "", timeout: Number.NaN },
    "a limit that is none": { url: "", params: { maxBodySize: -1 } },
  };
  for (const [what, request] of Object.entries(refused)) {
    test(`leaves no connection open when it refuses ${what}`, () =>
      withServer(echo, {}, async ({ server, loop }) => {
        const url = `http://127.0.0.1:${server.port}/`;
        await assert.rejects(exchange({ ...request, url }));
        await pass(loop, 5000);
        assert.equal(server.connections, 0);
      }));
  }
});

describe("a function of the request", () => {
  test("that rejects before it answers is answered with 500, as one that throws", async () => {
    for (const fail of [
      () => Promise.reject(new Error("no answer")),
      () => {
        throw new Error("no answer");
      },
      function* () {
        yield Promise.resolve();
        throw new Error("no answer");
      },
    ]) {
      await new ExpectLog("squall.application", /Uncaught exception/).run(() =>
        withServer(fail, {}, async ({ connect }) => {
          const client = await connect();
          client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
          assert.equal((await client.response()).status, 500);
          assert.equal(await client.rest(), "");
        }),
      );
    }
  });
});
