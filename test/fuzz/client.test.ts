/**
 * The client with all its parts (pool, queue, decoding, retries of stale connections) against a server that sends whatever comes
 * to its mind: responses in all framings, compressed ones, damage, drops, silence, FIN and resets, several on one connection.
 *
 * Each fetch must end with what the receiver alone reads from the same octets, or with an error of the documented classes. A
 * connection is used again only if everything that came on it so far was good. Nothing may be left behind.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import {
  type HTTPResponse,
  HTTPStreamClosedError,
  HTTPTimeoutError,
  SimpleAsyncHTTPClient,
} from "squall/httpclient";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { NetworkSocket } from "#room/async/network";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import { chunked, responseText } from "./support/grammar.js";
import { mutated } from "./support/mutate.js";
import { readResponse } from "./support/ours.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

type Ending = "open" | "fin" | "reset";

/** Requests on connections that had been used before, in all cases. */
let reused = 0;

/** Longer than anything takes that is on its way. */
const SETTLED = 10_000;

/** What the server sends for one request. */
interface Plan {
  readonly bytes: Buffer;
  readonly ending: Ending;
  /** What a body holds that is compressed and undamaged. */
  readonly plain: string | undefined;
}

/** One request as the server has seen it, and what it did. */
interface Served extends Plan {
  readonly method: string;
  /** The server sent all of it; else the client had gone. */
  isSent: boolean;
}

function zipped(random: Random, plain: string): string {
  const bytes = gzipSync(Buffer.from(plain, "latin1")).toString("latin1");
  const isChunked = random.chance(0.5);
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes.length}`;
  return `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n${framing}\r\n\r\n${isChunked ? chunked(random, bytes) : bytes}`;
}

function planFor(random: Random, method: string): Plan {
  // A good answer now and then, so that connections get old.
  if (random.chance(0.3)) {
    const body = method === "HEAD" ? "" : "good";
    return {
      bytes: Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${body}`),
      ending: "open",
      plain: undefined,
    };
  }
  const plain = random.text("abc\r\n", random.below(100));
  const isZipped = method !== "HEAD" && random.chance(0.2);
  const whole = isZipped ? zipped(random, plain) : responseText(random, method === "HEAD");
  const damages = random.chance(0.5) ? 0 : random.between(1, 3);
  const extra = random.chance(0.1)
    ? random.pick(["\r\n", "x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
    : "";
  return {
    bytes: Buffer.from(mutated(random, whole, damages) + extra, "latin1"),
    ending: random.weighted({ open: 4, fin: 2, reset: 1 }),
    plain: isZipped && damages === 0 ? plain : undefined,
  };
}

/** The server: connections, and what was served by path. */
class Server {
  readonly served = new Map<string, Served[]>();
  readonly sending = new Set<Promise<void>>();
  readonly #loop: VirtualLoop;
  readonly #random: Random;

  constructor(loop: VirtualLoop, random: Random) {
    this.#loop = loop;
    this.#random = random;
  }

  accept(socket: NetworkSocket): void {
    let received = "";
    let last: Served | undefined;
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const found = /^(\w+) (\S+) HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/.exec(received);
      const length = Number(/^content-length: *(\d+)/im.exec(found?.[0] ?? "")?.[1] ?? 0);
      if (found === null || received.length < found[0].length + length) return;
      received = received.slice(found[0].length + length);
      if (last !== undefined) {
        checkReuse(last);
        reused++;
      }
      last = this.#begin(socket, found[1]!, found[2]!);
    });
  }

  #begin(socket: NetworkSocket, method: string, path: string): Served {
    const served: Served = { ...planFor(this.#random, method), method, isSent: false };
    const attempts = this.served.get(path) ?? [];
    attempts.push(served);
    this.served.set(path, attempts);
    const sending = this.#send(socket, served).finally(() => this.sending.delete(sending));
    this.sending.add(sending);
    return served;
  }

  async #send(socket: NetworkSocket, served: Served): Promise<void> {
    for (const piece of this.#random.cut(served.bytes)) {
      if (socket.destroyed || !socket.writable) return;
      socket.write(piece);
      if (this.#random.chance(0.1)) await pass(this.#loop, this.#random.below(100));
    }
    served.isSent = true;
    if (served.ending === "fin") socket.end();
    // What was sent arrives before the reset destroys anything.
    if (served.ending === "reset") {
      await pass(this.#loop, SETTLED);
      socket.resetAndDestroy();
    }
  }
}

/** Another request came on the connection of this one. Everything sent had arrived by then. */
function checkReuse({ method, bytes, isSent, ending }: Served): void {
  const seen = readResponse(method, [bytes]);
  const final = seen.messages.at(-1);
  const isGood =
    isSent &&
    ending === "open" &&
    seen.refusal === undefined &&
    final?.complete === true &&
    !final.upgrade &&
    seen.closesAfter > seen.messages.length;
  assert.ok(isGood, `the connection was used again after ${JSON.stringify(bytes.toString("latin1"))}`);
}

/** Compares the outcome of a fetch with what the receiver reads from the same octets at once. */
function checkOutcome(
  outcome: HTTPResponse | Error,
  body: Buffer,
  { method, bytes, ending, plain }: Served,
): void {
  const seen = readResponse(method, [bytes]);
  const last = seen.messages.at(-1);
  const isFinal = last !== undefined && !last.start[0].startsWith("1") && !last.upgrade;
  const untilClose =
    isFinal && last.complete && seen.closesAfter <= seen.messages.length && isCloseDelimited(last, method);
  // A body that names a coding and does not hold it is an error of its own.
  const isCoded = isFinal && last.fields.some((field, i) => i % 2 === 0 && /^content-encoding$/i.test(field));
  if (outcome instanceof Error) {
    const mustWork =
      isFinal &&
      last.complete &&
      seen.refusal === undefined &&
      (!isCoded || plain !== undefined) &&
      (!untilClose || ending === "fin");
    assert.ok(!mustWork, `rejected with ${outcome.message} although the response was whole`);
    return;
  }
  assert.ok(isFinal && last.complete, "resolved although the response is not whole");
  assert.ok(!untilClose || ending === "fin", `resolved although a body until close ended with ${ending}`);
  assert.equal(String(outcome.code), last.start[0]);
  assert.equal(outcome.reason, last.start[1]);
  if (!isCoded || plain !== undefined) assert.equal(body.toString("latin1"), plain ?? last.body);
}

function isCloseDelimited(
  { start: [code], fields }: { start: readonly string[]; fields: readonly string[] },
  method: string,
): boolean {
  if (method === "HEAD" || code === "204" || code === "304") return false;
  return !fields.some((field, i) => i % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(field));
}

async function runCase(random: Random): Promise<void> {
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 10, 1]),
    bufferSize: random.pick([50, 262_144]),
    latency: random.pick([0, 0, 3]),
  });
  await VirtualLoop.run(
    async (loop) => {
      const server = new Server(loop, random);
      const listening = await network.listen({ host: "127.0.0.1", port: 0 });
      listening.accept(
        (socket) => server.accept(socket),
        (error) => {
          throw error;
        },
      );
      const { port } = listening.address as { port: number };
      const client = new SimpleAsyncHTTPClient({ forceInstance: true, maxClients: 3 });
      let made = 0;
      const fetchOne = async (): Promise<void> => {
        const path = `/${made++}`;
        const method = random.pick(["GET", "GET", "HEAD", "POST"]);
        const stop = new RangeError("enough");
        const canceller = random.chance(0.1) ? new AbortController() : undefined;
        if (canceller !== undefined) loop.callLater(random.below(200), () => canceller.abort(stop));
        const pieces: Buffer[] = [];
        const mode = random.weighted({ whole: 4, callback: 1, stream: 1 });
        const collect = (chunk: Buffer): Promise<void> => {
          pieces.push(chunk);
          return pass(loop, 5);
        };
        const outcome = await client
          .fetch(`http://127.0.0.1:${port}${path}`, {
            method,
            body: method === "POST" ? "posted" : undefined,
            raiseError: false,
            requestTimeout: 60_000,
            signal: canceller?.signal,
            ...(mode === "callback" ? { streamingCallback: collect } : {}),
            ...(mode === "stream" ? { streamBody: true } : {}),
          })
          .then(async (response): Promise<HTTPResponse> => {
            if (mode === "stream") for await (const chunk of response.stream!) await collect(chunk);
            return response;
          })
          .catch((error: Error) => error);
        if (outcome === stop) return;
        if (outcome instanceof Error) {
          const isFair = outcome instanceof HTTPStreamClosedError || outcome instanceof HTTPTimeoutError;
          assert.ok(isFair, `rejected with ${outcome.stack}`);
        }
        const body = outcome instanceof Error ? Buffer.alloc(0) : Buffer.concat([outcome.body, ...pieces]);
        const last = server.served.get(path)?.at(-1);
        if (last === undefined) assert.ok(outcome instanceof Error, "a response that was never sent");
        else checkOutcome(outcome, body, last);
      };
      try {
        for (let steps = random.between(1, 4); steps > 0; steps--) {
          await Promise.all(random.list(random.between(1, 3), fetchOne));
          // What is on its way to an idle connection arrives before the next request.
          while (server.sending.size > 0) await Promise.all(server.sending);
          await pass(loop, SETTLED);
          assert.equal(client.activeRequests + client.waitingRequests, 0);
          assert.ok(client.connections <= 3);
        }
      } finally {
        client.close();
        await listening.close();
      }
      await pass(loop, SETTLED);
      assert.equal(network.openSockets, 0);
      assert.equal(network.pending, 0);
      loop.tidyTimers();
      assert.equal(loop.timers.size, 0, "timers are left");
      assert.equal(loop.timers.wheel.nextTime, Number.POSITIVE_INFINITY, "deadlines are left");
    },
    { network },
  );
}

fuzz(
  "a fetch ends with the response that the octets hold, or with an error, and no broken connection is used again",
  { runs: 200, summary: () => `${reused} requests came on a kept connection.` },
  async (random) => {
    const watch = new Watch();
    watch.begin();
    try {
      await runCase(random);
    } finally {
      await watch.end();
    }
    if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
  },
);
