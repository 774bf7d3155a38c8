/** How much a request allocates: a bound that only changes downwards, so that garbage does not creep back in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { type Allocation, allocationOf } from "../support/allocation.js";
import { RawClient } from "../support/raw-client.js";
import "../support/guard.js";

const REQUESTS = 20_000;
/** Enough for V8 to have compiled what there is to compile: its own tiers allocate differently. */
const WARM_UP = 20_000;
/** As many requests arrive in one turn of the loop, so that what a turn costs is shared as it is under load. */
const CLIENTS = 50;
/** Bytes for one hello that functions of ours allocate themselves; what Node allocates for us is not in it. */
const BOUND = 1200;

const WRK = "GET / HTTP/1.1\r\nHost: localhost:8888\r\n\r\n";

class Hello extends RequestHandler {
  override get(): void {
    this.write("Hello, world");
  }
}

/** Bytes that the package itself allocated, without its network in memory. */
function ours(allocation: Allocation): [key: string, bytes: number][] {
  return [...allocation].filter(([key]) => key.includes("/dist/") && !key.includes("/dist/testing/"));
}

test(`a hello allocates at most ${BOUND} bytes of our own`, (t) =>
  VirtualLoop.run(
    async (loop) => {
      const server = await new Application([["/", Hello]]).listen(0, { address: "127.0.0.1" });
      const clients: RawClient[] = [];
      for (let i = 0; i < CLIENTS; i++) clients.push(await RawClient.connect(loop, server.port!));
      const ask = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i += CLIENTS) {
          for (const client of clients) client.send(WRK);
          for (const client of clients)
            assert.equal((await client.response()).body.toString(), "Hello, world");
        }
      };
      try {
        await ask(WARM_UP);
        const found = ours(await allocationOf(() => ask(REQUESTS)));
        const each = found.reduce((sum, [, bytes]) => sum + bytes, 0) / REQUESTS;
        const largest = found
          .sort((a, b) => b[1] - a[1])
          .slice(0, 12)
          .map(([key, bytes]) => `${Math.round(bytes / REQUESTS)} ${key.replace(/^.*\/dist\//, "")}`);
        t.diagnostic(`${Math.round(each)} bytes each`);
        assert.ok(each <= BOUND, `${Math.round(each)} bytes each; most of them in\n${largest.join("\n")}`);
      } finally {
        for (const client of clients) client.close();
        await server.stop();
        await server.closeAllConnections({ timeout: 0 });
      }
    },
    { network: new MemoryNetwork() },
  ));
