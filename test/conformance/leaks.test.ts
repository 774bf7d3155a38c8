/** What is left after many requests: nothing. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Application, RequestHandler } from "squall/web";
import { attacked, get } from "../support/conformance.js";
import type { RawClient } from "../support/raw-client.js";

const gc = globalThis.gc;

class Hello extends RequestHandler {
  override get() {
    this.setCookie("a", "b");
    this.write(`hello ${this.getArgument("n", "")} ${this.getCookie("c")}`);
  }
  override async post() {
    const { signal } = this;
    await new Promise((resolve) => setImmediate(resolve));
    if (!signal.aborted) this.write({ length: this.request.body.length, arguments: this.getArguments("a") });
  }
}

/** Resolves when so many answers have begun; forgets what came. */
async function answers(client: RawClient, count: number): Promise<void> {
  for (let seen = 0; ; ) {
    const text = client.received.toString("latin1");
    seen += text.split("HTTP/1.1 ").length - 1;
    if (seen === count) return;
    // The mark may be cut in two.
    const cut = Math.max(text.lastIndexOf("HTTP/1.1 ") + 9, text.length - 8, 0);
    client.received = Buffer.from(text.slice(cut), "latin1");
    await once(client.socket, "data");
  }
}

/** What is asked: with and without body, waiting and not, found and not. */
const REQUESTS = [
  get("/?n=1", "Cookie: c=d\r\n"),
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  get("/missing"),
];

test("case 113: after 100,000 requests the heap is where it was after 10,000, and no timer or listener is left over", {
  skip: gc === undefined && "needs --expose-gc",
}, () => {
  const warnings: string[] = [];
  const hear = (warning: Error): void => void warnings.push(String(warning));
  process.on("warning", hear);
  const app = new Application([["/", Hello]], { logFunction() {} });
  return attacked(app, {}, async ({ connect, server }) => {
    const round = async (count: number): Promise<void> => {
      // Some connections serve many requests, others few, some end in the middle.
      for (let done = 0; done < count; ) {
        const client = await connect();
        const many = done % 3 === 0 ? 1000 : 40;
        client.send(REQUESTS.join("").repeat(many / REQUESTS.length));
        await answers(client, many);
        done += many;
        if (done % 2 === 0) client.socket.resetAndDestroy();
        else client.close();
        await client.whenClosed();
        client.received = Buffer.alloc(0);
      }
      while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    };
    const heap = async (): Promise<number> => {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        gc!();
      }
      return process.memoryUsage().heapUsed;
    };
    await round(10_000);
    const resources = process.getActiveResourcesInfo().length;
    const before = await heap();
    await round(90_000);
    const after = await heap();
    assert.ok(after < before * 1.1, `${before} bytes before, ${after} after`);
    assert.ok(process.getActiveResourcesInfo().length <= resources + 1);
    process.off("warning", hear);
    assert.deepEqual(warnings, []);
  });
});
