/** How much a fetch allocates: a bound that only changes downwards, so that garbage does not creep back in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAllocates } from "../../support/allocation.js";
import "../../support/guard.js";
import { withClient } from "./world.js";

const REQUESTS = 20_000;
/** Enough for V8 to have compiled what there is to compile: its own tiers allocate differently. */
const WARM_UP = 40_000;
/** As many fetches are in progress at once, so that what a turn of the loop costs is shared as it is under load. */
const CLIENTS = 50;
/** Bytes for one small answer that functions of ours allocate themselves; what Node allocates for us is not in it. */
const BOUND = 2000;

const ANSWER = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\nHello, world",
);

test(`a fetch of a small answer allocates at most ${BOUND} bytes of our own`, (t) =>
  withClient({ maxClients: CLIENTS }, async (world) => {
    const port = await world.listen((peer) => {
      peer.socket.removeAllListeners("data");
      peer.socket.on("data", () => peer.send(ANSWER));
    });
    const url = `http://127.0.0.1:${port}/`;
    const ask = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += CLIENTS) {
        const all = Array.from({ length: CLIENTS }, () => world.client.fetch(url));
        for (const response of await Promise.all(all)) assert.equal(response.text(), "Hello, world");
      }
    };
    await ask(WARM_UP);
    await assertAllocates(t, BOUND, REQUESTS, ask);
    assert.equal(world.client.connections, CLIENTS);
  }));
