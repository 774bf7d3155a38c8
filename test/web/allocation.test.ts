/** How much a request allocates: a bound that only changes downwards, so that garbage does not creep back in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { assertAllocates } from "../support/allocation.js";
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
        await assertAllocates(t, BOUND, REQUESTS, ask);
      } finally {
        for (const client of clients) client.close();
        await server.stop();
        await server.closeAllConnections({ timeout: 0 });
      }
    },
    { network: new MemoryNetwork() },
  ));
