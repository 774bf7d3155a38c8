import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { clientExchange } from "../support/implementations.js";
import { answer, pass, withServer } from "../support/virtual-server.js";

const exchange = await clientExchange();

const echo = (request: HTTPServerRequest) =>
  answer(request, `${request.method} ${request.uri} ${request.headers.get("Host")} ${request.body}`);

/** A server that answers every connection with these bytes, whatever it is asked. */
function raw(...pieces: (string | Buffer)[]) {
  return (request: HTTPServerRequest): void => {
    const stream = (request.connection as HTTP1Connection).detach();
    for (const piece of pieces) stream.send(piece, "latin1");
    stream.end();
  };
}

function withUrl(
  callback: (request: HTTPServerRequest) => unknown,
  run: (url: string, loop: Parameters<typeof pass>[0]) => Promise<void>,
): Promise<void> {
  return withServer(callback, {}, ({ server, loop }) => run(`http://127.0.0.1:${server.port}`, loop));
}

describe("exchange()", () => {
  test("sends a request and resolves with the whole response", () =>
    withUrl(echo, async (url) => {
      const response = await exchange({ url: `${url}/a?b=c` });
      assert.equal(response.code, 200);
      assert.equal(response.reason, "OK");
      assert.equal(response.body.toString(), `GET /a?b=c ${new URL(url).host} `);
      assert.equal(response.reusable, false);
    }));

  test("sends a body with its length, and one of an iterable chunked", () =>
    withUrl(echo, async (url) => {
      const whole = await exchange({ url, method: "POST", body: "é" });
      assert.match(whole.body.toString(), /^POST \/ .* é$/);
      const pieces = (async function* () {
        yield "one ";
        yield Buffer.from("two");
      })();
      const chunked = await exchange({ url, method: "PUT", body: pieces });
      assert.match(chunked.body.toString(), /^PUT \/ .* one two$/);
    }));

  test("waits for 100 (Continue) before it sends the body", () =>
    withUrl(echo, async (url) => {
      const response = await exchange({ url, method: "POST", body: "later", expectContinue: true });
      assert.match(response.body.toString(), /later$/);
    }));

  test("unpacks gzip unless told not to", () => {
    const packed = gzipSync("packed");
    const handler = (request: HTTPServerRequest) => {
      void request.connection!.writeHeaders(
        { version: "HTTP/1.1", code: 200, reason: "OK" },
        new HTTPHeaders({ "Content-Encoding": "gzip", "Content-Length": String(packed.length) }),
        packed,
      );
      request.connection!.finish();
    };
    return withUrl(handler, async (url) => {
      assert.equal((await exchange({ url })).body.toString(), "packed");
      assert.deepEqual((await exchange({ url, decompress: false })).body, packed);
    });
  });

  test("reads a body that ends with the connection", () =>
    withUrl(raw("HTTP/1.1 200 OK\r\n\r\nuntil the end"), async (url) => {
      assert.equal((await exchange({ url })).body.toString(), "until the end");
    }));

  test("skips interim responses", () =>
    withUrl(
      raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
      async (url) => {
        assert.equal((await exchange({ url })).code, 204);
      },
    ));

  for (const [what, bytes] of [
    ["a body that is too short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"],
    ["chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"],
    [
      "both a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["nothing at all", ""],
    ["something that is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ] as const) {
    test(`rejects with HTTPStreamClosedError for ${what}`, () =>
      withUrl(raw(bytes), async (url) => {
        await assert.rejects(exchange({ url }), { code: "ERR_SQUALL_HTTP_STREAM_CLOSED" });
      }));
  }

  test("rejects with TimeoutError when the response does not come in time", () =>
    withUrl(
      () => {},
      async (url, loop) => {
        const since = loop.time();
        await assert.rejects(exchange({ url, timeout: 3000 }), { code: "ERR_SQUALL_TIMEOUT" });
        assert.equal(loop.time() - since, 3000);
      },
    ));

  test("rejects with the signal's reason and closes the connection", () => {
    let reason: string | undefined;
    return withUrl(
      (request) => {
        (request.connection as HTTP1Connection).setCloseCallback((error) => {
          reason = error.reason;
        });
      },
      async (url, loop) => {
        const abort = new AbortController();
        loop.callLater(100, () => abort.abort(new Error("no more")));
        await assert.rejects(exchange({ url, signal: abort.signal }), /no more/);
        await pass(loop, 1);
        assert.equal(reason, "half-closed");
      },
    );
  });

  test("refuses what would split a header, before anything is sent", () =>
    withUrl(
      () => assert.fail("nothing must be sent"),
      async (url) => {
        await assert.rejects(exchange({ url, headers: { "X-Bad": "a\r\nInjected: yes" } }));
        await assert.rejects(exchange({ url, method: "GET /other HTTP/1.1\r\nX:" }));
        await assert.rejects(exchange({ url: "ftp://127.0.0.1/" }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
      },
    ));
});
