/** fetchHandler(): a squall application without a socket. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fetchHandler } from "squall/fetch";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { accessLog, genLog } from "#room/base/log";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Echo extends RequestHandler {
  override get(): void {
    const { remoteIp, protocol, host } = this.request;
    this.write(`${this.getArgument("a", "")} ${remoteIp} ${protocol} ${host}`);
  }

  override post(): void {
    this.write(this.request.body);
  }
}

function handlerFor(...routes: readonly [string, typeof RequestHandler][]) {
  return fetchHandler(new Application([...routes]));
}

describe("a handler", () => {
  test("answers with status, fields and body; the caller names the client", async () => {
    const handle = handlerFor(["/echo", Echo]);
    const got = await handle(new Request("https://example.com:81/echo?a=1"), { remoteIp: "203.0.113.9" });
    assert.equal(got.status, 200);
    assert.equal(got.headers.get("Content-Type"), "text/html; charset=UTF-8");
    assert.equal(await got.text(), "1 203.0.113.9 https example.com:81");
    assert.equal(
      await (await handle(new Request("http://a/echo", { method: "POST", body: "abc" }))).text(),
      "abc",
    );
  });

  test("has path, query and host of any URL, and of no fragment", async () => {
    class Where extends RequestHandler {
      override get(): void {
        const { protocol, host, uri } = this.request;
        this.write(`${protocol} ${host} ${uri}`);
      }
    }
    const handle = handlerFor([".*", Where]);
    for (const [url, expected] of [
      ["http://a.example", "http a.example /"],
      ["HTTPS://A.example:443/x/../y?b=%20&c#d", "https a.example /y?b=%20&c"],
      ["http://[::1]:81/?a#b?c", "http [::1]:81 /?a"],
      ["http://a/#b", "http a /"],
      ["app://a.b/c?d#e", "app a.b /c?d"],
    ] as const) {
      const got = await handle(new Request(url));
      assert.equal(await got.text(), expected, url);
    }
  });

  test("adds no field to those of the application", async () => {
    class Bare extends RequestHandler {
      override get(length: string): void {
        this.clearHeader("Content-Type");
        this.write("x".repeat(Number(length)));
      }
    }
    const handle = handlerFor(["/(\\d+)", Bare]);
    for (const length of [0, 5]) {
      const got = await handle(new Request(`http://a/${length}`));
      assert.deepEqual([...got.headers.keys()].sort(), ["content-length", "date", "etag", "server"]);
      assert.equal((await got.text()).length, length);
    }
  });

  test("needs no body for HEAD, 204 and 304", async () => {
    class Empty extends RequestHandler {
      override get(): void {
        this.setStatus(204);
      }

      override head(): void {
        this.setHeader("Content-Length", "5");
      }
    }
    const handle = handlerFor(["/", Empty], ["/echo", Echo]);
    const empty = await handle(new Request("http://a/"));
    assert.equal(empty.status, 204);
    assert.equal(empty.body, null);
    const head = await handle(new Request("http://a/", { method: "HEAD" }));
    assert.equal(head.headers.get("Content-Length"), "5");
    assert.equal(await head.text(), "");
    const first = await handle(new Request("http://a/echo"));
    const etag = first.headers.get("ETag") ?? "";
    const again = await handle(new Request("http://a/echo", { headers: { "If-None-Match": etag } }));
    assert.equal(again.status, 304);
    assert.equal(again.body, null);
  });

  test("streams its response, and waits while nobody reads", async () => {
    let written = 0;
    class Stream extends RequestHandler {
      override async get(): Promise<void> {
        for (let i = 0; i < 40; i++) {
          this.write(Buffer.alloc(50_000));
          await this.flush();
          written++;
        }
      }
    }
    const got = await handlerFor(["/", Stream])(new Request("http://a/"));
    for (let i = 0; i < 20; i++) await turn();
    assert.ok(written < 5, `${written} pieces were written`);
    assert.equal((await got.arrayBuffer()).byteLength, 2_000_000);
  });

  test("learns that the client has left by the signal, and by a body that is cancelled", async () => {
    const left: string[] = [];
    class Wait extends RequestHandler {
      override async get(): Promise<void> {
        this.write("first");
        await this.flush();
        await new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve()));
      }

      override onConnectionClose(): void {
        left.push(this.request.uri);
      }
    }
    const handle = handlerFor(["/.*", Wait]);
    using _log = new ExpectLog(accessLog, / GET \/\w+ /, { level: "info", required: false });
    const cancelled = await handle(new Request("http://a/cancelled"));
    await cancelled.body?.cancel();
    const controller = new AbortController();
    const aborted = await handle(new Request("http://a/aborted", { signal: controller.signal }));
    controller.abort();
    await assert.rejects(aborted.text());
    assert.deepEqual(left, ["/cancelled", "/aborted"]);
  });

  test("rejects when the client leaves before there is a response", async () => {
    class Never extends RequestHandler {
      override get(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const controller = new AbortController();
    const answer = handlerFor(["/", Never])(new Request("http://a/", { signal: controller.signal }));
    controller.abort();
    await assert.rejects(answer, { code: "ERR_SQUALL_STREAM_CLOSED" });
  });

  test("refuses a body over the limit with 413, and one that breaks off ends the exchange", async () => {
    using _log = new ExpectLog(genLog, /more than 10 octets/, { level: "info" });
    const handle = fetchHandler(new Application([["/", Echo]]), { maxBodySize: 10 });
    const got = await handle(new Request("http://a/", { method: "POST", body: "x".repeat(11) }));
    assert.equal(got.status, 413);
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("gone")) });
    const init = { method: "POST", body, duplex: "half" };
    await assert.rejects(handle(new Request("http://a/", init as RequestInit)), {
      code: "ERR_SQUALL_STREAM_CLOSED",
    });
  });

  test("takes a streaming upload piece by piece, in the time that the handler gives it", async () => {
    using _log = new ExpectLog(genLog, /did not come in time/, { level: "info" });
    class Upload extends RequestHandler {
      static override readonly streamRequestBody: boolean = true;
      #size = 0;

      override prepare(): void {
        this.request.connection?.setBodyTimeout(30);
      }

      override async dataReceived(chunk: Buffer): Promise<void> {
        await turn();
        this.#size += chunk.length;
      }

      override put(): void {
        this.write(String(this.#size));
      }
    }
    const handle = handlerFor(["/", Upload]);
    const pieces = [new Uint8Array(1000), new Uint8Array(500)];
    const put = (start: (controller: ReadableStreamDefaultController) => void): Promise<Response> => {
      const init = { method: "PUT", body: new ReadableStream({ start }), duplex: "half" };
      return handle(new Request("http://a/", init as RequestInit));
    };
    const got = await put((controller) => {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    });
    assert.equal(await got.text(), "1500");
    assert.equal((await put(() => {})).status, 408);
  });
});
