/** nodeListener(): a squall application under Node's own servers, beyond the contract of all containers. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import { connect as connectHTTP2, createServer as createHTTP2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { nodeListener } from "squall/node";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { appLog, genLog } from "#room/base/log";
import { type Asked, withClients } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

class Echo extends RequestHandler {
  override get(): void {
    const { remoteIp, protocol, host, uri } = this.request;
    this.addHeader("Set-Cookie", "a=1");
    this.addHeader("Set-Cookie", "b=2");
    this.write(`${remoteIp} ${protocol} ${host} ${uri}`);
  }

  override post(): void {
    const sum = this.request.trailers?.get("X-Sum") ?? "";
    this.write(`${this.request.body.toString()}${sum}`);
  }
}

async function withListener(listener: RequestListener, ask: (asked: Asked) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await withClients((server.address() as AddressInfo).port, ask);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("under node:http", () => {
  test("a request knows its client, and its trailers", async () => {
    await withListener(nodeListener(new Application([["/echo", Echo]])), async ({ ask, connect }) => {
      assert.equal((await ask("/echo?a")).body.toString(), "127.0.0.1 http example.com:81 /echo?a");
      const client = await connect();
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      client.send("3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n");
      assert.equal((await client.response()).body.toString(), "abc3");
    });
  });

  test("a response has early hints and trailers", async () => {
    class Hints extends RequestHandler {
      override async get(): Promise<void> {
        assert.equal(this.sendEarlyHints({ Link: "</a.css>; rel=preload" }), true);
        this.write("body");
        await this.flush();
        this.finish(undefined, { trailers: { "X-Sum": "4" } });
      }
    }
    await withListener(nodeListener(new Application([["/", Hints]])), async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
      const hints = await client.response();
      assert.equal(hints.status, 103);
      assert.equal(field(hints, "Link"), "</a.css>; rel=preload");
      await client.until("\r\n0\r\nX-Sum: 4\r\n\r\n");
    });
  });

  test("an interim response passes with all its fields, as far as Node allows", async () => {
    const answers: boolean[] = [];
    class Hints extends RequestHandler {
      override get(): void {
        answers.push(
          this.sendEarlyHints({ Link: "</a.css>; rel=preload", "X-A": "1" }),
          this.sendEarlyHints({ "X-B": "2" }),
          this.sendEarlyHints({ Link: "no link at all" }),
        );
        this.write("body");
      }
    }
    // Node 26 takes any interim response; before, a 103 needs a Link that Node understands.
    const takesAny = "writeInformation" in ServerResponse.prototype;
    await withListener(nodeListener(new Application([["/", Hints]])), async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      const hints = await client.response();
      assert.deepEqual(
        [hints.status, field(hints, "Link"), field(hints, "X-A")],
        [103, "</a.css>; rel=preload", "1"],
      );
      assert.deepEqual(answers, [true, takesAny, takesAny]);
      if (takesAny) {
        assert.equal(field(await client.response(), "X-B"), "2");
        await client.response();
      }
      assert.equal((await client.response()).body.toString(), "body");
      const old = await connect();
      old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
      assert.equal((await old.response()).status, 200);
    });
  });

  test("a body over the limit is a 413", async () => {
    using _log = new ExpectLog(genLog, /more than 10 octets/, { level: "info" });
    const listener = nodeListener(new Application([["/echo", Echo]]), { maxBodySize: 10 });
    await withListener(listener, async ({ ask }) => {
      assert.equal((await ask("/echo", { method: "POST", body: "x".repeat(11) })).status, 413);
    });
  });

  test("a body that middleware has read already is not waited for", async () => {
    const listener = nodeListener(new Application([["/echo", Echo]]));
    const behind: RequestListener = async (request, response) => {
      for await (const _piece of request as IncomingMessage);
      listener(request, response);
    };
    await withListener(behind, async ({ ask }) => {
      assert.equal((await ask("/echo", { method: "POST", body: "abc" })).body.toString(), "");
    });
  });

  test("a handler that promises more than it sends breaks its response off", async () => {
    class Short extends RequestHandler {
      override async get(): Promise<void> {
        this.setHeader("Content-Length", "10");
        this.write("abc");
        await this.flush();
      }
    }
    using _late = new ExpectLog(genLog, /Cannot send error response/);
    using _log = new ExpectLog(appLog, /Uncaught exception GET/);
    await withListener(nodeListener(new Application([["/", Short]])), async ({ ask }) => {
      const got = await ask("/");
      assert.equal(got.body.toString(), "abc");
      assert.equal(got.truncated, true);
    });
  });
});

test("under node:http2 by its compatibility API", async () => {
  class Hints extends RequestHandler {
    override get(): void {
      assert.equal(this.sendEarlyHints({ "X-B": "2" }), true);
    }
  }
  const listener = nodeListener(
    new Application([
      ["/echo", Echo],
      ["/hints", Hints],
    ]),
  );
  const server = createHTTP2Server(listener as never).listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connectHTTP2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const ask = async (head: Record<string, string>, body?: string) => {
      const stream = session.request(head, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      let text = "";
      for await (const piece of stream.setEncoding("utf8")) text += piece;
      return { headers, text };
    };
    const got = await ask({ ":path": "/echo?a", ":authority": "example.com:81" });
    assert.equal(got.headers[":status"], 200);
    assert.deepEqual(got.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(got.text, "127.0.0.1 http example.com:81 /echo?a");
    assert.equal((await ask({ ":path": "/echo", ":method": "POST" }, "abc")).text, "abc");
    const stream = session.request({ ":path": "/hints" });
    // They may come in one turn of the loop.
    const answers = Promise.all([once(stream, "headers"), once(stream, "response")]);
    const [[hints], [headers]] = (await answers) as [[Record<string, unknown>], [Record<string, unknown>]];
    assert.deepEqual([hints[":status"], hints["x-b"]], [103, "2"]);
    assert.equal(headers[":status"], 200);
    stream.close();
  } finally {
    session.close();
    server.close();
  }
});
