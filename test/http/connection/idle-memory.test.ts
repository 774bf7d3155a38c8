/** What a resting connection holds on to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IOLoop } from "squall/ioloop";
import { Application, RequestHandler } from "squall/web";
import "../../support/guard.js";
import { HTTPServer } from "squall/httpserver";
import { RawClient } from "../../support/raw-client.js";

const collect = (globalThis as { gc?: () => void }).gc;

test("a connection that rests lets go of its last request, handler and body", {
  skip: collect === undefined && "needs --expose-gc",
}, async () => {
  const held = new Map<string, WeakRef<object>>();
  class Remember extends RequestHandler {
    #note(): void {
      held.set("the handler", new WeakRef(this));
      held.set("the request", new WeakRef(this.request));
      held.set("its headers", new WeakRef(this.request.headers));
      // The empty one is shared.
      if (this.request.body.length > 0) held.set("its body", new WeakRef(this.request.body));
      held.set("the exchange", new WeakRef(this.request.connection!));
      held.set("the signal", new WeakRef(this.signal));
    }
    override get(): void {
      this.#note();
      this.write("hello");
    }
    override async post(): Promise<void> {
      this.#note();
      await new Promise(setImmediate);
      this.write(this.request.body);
      await this.flush();
      this.write("more");
    }
  }
  const server = new HTTPServer(new Application([["/", Remember]]));
  await server.listen(0, "127.0.0.1");
  const client = await RawClient.connect(IOLoop.current(), server.port!);
  try {
    for (const request of [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100_000)}`,
    ]) {
      client.send(request);
      await client.response();
      for (let i = 0; i < 20 && [...held.values()].some((ref) => ref.deref() !== undefined); i++) {
        await new Promise(setImmediate);
        collect!();
      }
      assert.equal(server.connections, 1);
      assert.deepEqual(
        [...held].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name),
        [],
      );
    }
  } finally {
    client.close();
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  }
});
