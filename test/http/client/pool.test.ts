/** Connections that are kept: who may use them, and when they end. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPStreamClosedError } from "squall/httpclient";
import "../../support/guard.js";
import { pass } from "../../support/virtual-server.js";
import { answering, head, ok, type Peer, type World, withClient } from "./world.js";

/** A server that counts its connections and requests. */
async function counting(world: World, answer: (request: string, connection: number) => string | undefined) {
  const seen = { connections: 0, requests: [] as string[], peers: [] as Peer[] };
  const port = await world.listen(async (peer) => {
    const index = seen.connections++;
    seen.peers.push(peer);
    for (;;) {
      const request = await peer.request();
      seen.requests.push(request);
      const text = answer(request, index);
      if (text !== undefined) peer.send(text);
    }
  });
  return { url: `http://127.0.0.1:${port}/`, seen };
}

test("requests one after the other share a connection, and the one used last is used first", () =>
  withClient({}, async (world) => {
    const { url, seen } = await counting(world, () => ok());
    for (let i = 0; i < 5; i++) await world.client.fetch(url);
    assert.equal(seen.connections, 1);
    await Promise.all([1, 2, 3].map(() => world.client.fetch(url)));
    assert.equal(seen.connections, 3);
    await world.client.fetch(url);
    assert.equal(world.client.connections, 3);
  }));

test("a connection is not kept if either side says close, or the client keeps none", async () => {
  for (const [options, answer] of [
    [{}, ok("ok", "Connection: close\r\n")],
    [{ keepAlive: false }, ok()],
  ] as const) {
    await withClient(options, async (world) => {
      const { url, seen } = await counting(world, () => answer);
      for (let i = 0; i < 3; i++) await world.client.fetch(url);
      assert.equal(seen.connections, 3);
      assert.equal(world.client.connections, 0);
      assert.equal(/Connection: close/.test(seen.requests[0]!), "keepAlive" in options);
    });
  }
});

test("an idle connection closes after keepAliveTimeout, and sooner if the server announced it", () =>
  withClient({ keepAliveTimeout: 10_000 }, async (world) => {
    const { url, seen } = await counting(world, () => ok("ok", "Keep-Alive: timeout=5, max=10\r\n"));
    await world.client.fetch(url);
    await pass(world.loop, 3900);
    await world.client.fetch(url);
    assert.equal(seen.connections, 1);
    await pass(world.loop, 4100);
    await world.client.fetch(url);
    assert.equal(seen.connections, 2);
    await pass(world.loop, 12_000);
    assert.equal(world.client.connections, 0);
  }));

test("at most maxIdleConnections are kept, and the oldest goes", () =>
  withClient({ maxIdleConnections: 2 }, async (world) => {
    const servers = [];
    for (let i = 0; i < 4; i++) {
      servers.push(await counting(world, () => ok()));
      await world.client.fetch(servers[i]!.url);
      await pass(world.loop, 10);
    }
    assert.equal(world.client.connections, 2);
    await world.client.fetch(servers[3]!.url);
    await world.client.fetch(servers[0]!.url);
    assert.equal(servers[3]!.seen.connections, 1);
    assert.equal(servers[0]!.seen.connections, 2);
  }));

describe("case 97: what comes on an idle connection", () => {
  for (const [what, disturb] of [
    ["octets", (peer: Peer) => peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")],
    ["a FIN", (peer: Peer) => void peer.socket.end()],
    ["a reset", (peer: Peer) => void peer.socket.resetAndDestroy()],
  ] as const) {
    test(`case 97: ${what} end it at once, and no request ever sees them`, () =>
      withClient({}, async (world) => {
        const { url, seen } = await counting(world, (_, connection) => ok(`from ${connection}`));
        await world.client.fetch(url);
        disturb(seen.peers[0]!);
        await pass(world.loop, 1);
        assert.equal(world.client.connections, 0);
        assert.equal((await world.client.fetch(url)).text(), "from 1");
      }));
  }

  test("case 97: octets behind a response, in the same piece, close the connection", () =>
    withClient({}, async (world) => {
      const { url, seen } = await counting(world, () => `${ok()}${ok("POISON")}`);
      assert.equal((await world.client.fetch(url)).text(), "ok");
      assert.equal((await world.client.fetch(url)).text(), "ok");
      assert.equal(seen.connections, 2);
    }));
});

describe("case 101: a kept connection that ends under a request", () => {
  const stale = (fault: (peer: Peer) => void, options: Parameters<World["client"]["fetch"]>[1]) =>
    new Promise<{ connections: number; requests: number; outcome: unknown }>((resolve, reject) => {
      withClient({}, async (world) => {
        const seen = { connections: 0, requests: 0 };
        const port = await world.listen(async (peer) => {
          const index = seen.connections++;
          for (let n = 0; ; n++) {
            await peer.request();
            seen.requests++;
            if (index === 0 && n === 1) return fault(peer);
            peer.send(options?.method === "HEAD" ? head("200 OK") : ok());
          }
        });
        const url = `http://127.0.0.1:${port}/`;
        await world.client.fetch(url);
        let outcome: unknown;
        try {
          outcome = (await world.client.fetch(url, options)).code;
        } catch (error) {
          outcome = error;
        }
        resolve({ ...seen, outcome });
      }).catch(reject);
    });

  for (const method of ["GET", "HEAD", "OPTIONS", "DELETE"]) {
    test(`case 101: ${method} is sent once more, on a new connection`, async () => {
      for (const fault of [
        (peer: Peer) => void peer.socket.resetAndDestroy(),
        (peer: Peer) => void peer.socket.end(),
      ]) {
        assert.deepEqual(await stale(fault, { method }), { connections: 2, requests: 3, outcome: 200 });
      }
    });
  }

  test("case 101: PUT with a body that is there is sent again", async () => {
    const { outcome } = await stale((peer) => void peer.socket.resetAndDestroy(), {
      method: "PUT",
      body: "x",
    });
    assert.equal(outcome, 200);
  });

  for (const [what, options, fault] of [
    ["POST", { method: "POST", body: "x" }, (peer: Peer) => void peer.socket.resetAndDestroy()],
    ["PATCH", { method: "PATCH", body: "x" }, (peer: Peer) => void peer.socket.end()],
    [
      "a PUT whose body cannot be repeated",
      { method: "PUT", body: ["x"][Symbol.iterator]() as Iterable<string> },
      (peer: Peer) => void peer.socket.end(),
    ],
    [
      "a request of which a part of the response has come",
      { method: "GET" },
      (peer: Peer) => {
        peer.send("HTTP/1.1 2");
        peer.socket.end();
      },
    ],
  ] as const) {
    test(`case 101: ${what} is never sent again`, async () => {
      const { outcome, requests } = await stale(fault, options);
      assert.ok(outcome instanceof HTTPStreamClosedError, String(outcome));
      assert.equal(requests, 2);
    });
  }

  test("case 101: a new connection that ends is an error, also for GET", () =>
    withClient({}, async (world) => {
      let connections = 0;
      const port = await world.listen(async (peer) => {
        connections++;
        await peer.request();
        peer.socket.end();
      });
      await assert.rejects(world.client.fetch(`http://127.0.0.1:${port}/`), HTTPStreamClosedError);
      assert.equal(connections, 1);
    }));
});

describe("case 99: connections that differ are not shared", () => {
  for (const [what, options] of [
    ["the local address", { networkInterface: "127.0.0.9" }],
    ["the address family", { allowIpv6: false }],
    ["the policy for addresses", { filterAddresses: (addresses: readonly never[]) => addresses }],
  ] as const) {
    test(`case 99: by ${what}`, () =>
      withClient({}, async (world) => {
        const { url, seen } = await counting(world, () => ok());
        for (const one of [{}, options, {}, options]) await world.client.fetch(url, one as object);
        assert.equal(seen.connections, 2);
      }));
  }
});

test("case 102: filterAddresses refuses addresses before they are connected to", () =>
  withClient({}, async (world) => {
    const { url, seen } = await counting(world, () => ok());
    const error = new RangeError("a private address");
    await assert.rejects(
      world.client.fetch(url, {
        filterAddresses: (addresses) => {
          if (addresses.some(({ host }) => host.startsWith("127."))) throw error;
          return addresses;
        },
      }),
      (thrown: { cause: unknown }) => thrown.cause === error,
    );
    assert.equal(seen.connections, 0);
  }));

test("an answer that comes before the body is sent is the answer, and the connection closes", () =>
  withClient({}, async (world) => {
    const port = await world.listen(async (peer) => {
      await new Promise((resolve) => peer.socket.once("data", resolve));
      peer.send(head("413 Too Large", "Connection: close\r\n"));
    });
    let isOver = false;
    const body = async function* () {
      try {
        for (;;) {
          yield "x".repeat(10_000);
          await pass(world.loop, 10);
        }
      } finally {
        isOver = true;
      }
    };
    const response = await world.client.fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      body: body(),
      raiseError: false,
    });
    assert.equal(response.code, 413);
    await pass(world.loop, 100);
    assert.ok(isOver, "the iterable was left");
    assert.equal(world.client.connections, 0);
  }));

test(
  "two thousand requests by fifty workers leave no connection, once they are idle",
  { timeout: 120_000 },
  () =>
    withClient({ maxClients: 50 }, async (world) => {
      const port = await world.listen(answering(() => ok()));
      const url = `http://127.0.0.1:${port}/`;
      let left = 2_000;
      const worker = async () => {
        while (left-- > 0) await world.client.fetch(url);
      };
      await Promise.all(Array.from({ length: 50 }, worker));
      assert.ok(world.client.connections <= 50);
      assert.equal(world.client.activeRequests, 0);
      await pass(world.loop, 40_000);
      assert.equal(world.network.openSockets, 0);
    }),
);
