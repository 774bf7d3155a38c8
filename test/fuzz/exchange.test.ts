/**
 * A client's exchange with a server that sends whatever comes to its mind: interim responses, bodies in all framings,
 * compressed ones, damage, drops, silence, FIN and resets. The exchange must end, with what the receiver alone reads from
 * the same octets or with an error, and leave nothing behind.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { IOStream, StreamClosedError } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { TimeoutError } from "squall/util";
import type { NetworkSocket } from "#room/async/network";
import { HTTPStreamClosedError } from "#room/http/client/errors";
import { type ExchangeResponse, exchangeOn } from "#room/testing/exchange";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import { chunked, responseText } from "./support/grammar.js";
import { mutated } from "./support/mutate.js";
import { readResponse } from "./support/ours.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

type Ending = "fin" | "reset" | "silence";

/** A compressed answer. */
function zipped(random: Random, plain: string): string {
  const bytes = gzipSync(Buffer.from(plain, "latin1")).toString("latin1");
  const isChunked = random.chance(0.5);
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes.length}`;
  return `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n${framing}\r\n\r\n${isChunked ? chunked(random, bytes) : bytes}`;
}

/** Sends its answer piece by piece once the first octets of a request have come. */
async function serve(
  loop: VirtualLoop,
  peer: NetworkSocket,
  random: Random,
  bytes: Buffer,
  ending: Ending,
): Promise<void> {
  await new Promise<void>((resolve) => {
    peer.once("data", () => resolve());
    peer.once("close", () => resolve());
  });
  for (const piece of random.cut(bytes)) {
    if (peer.destroyed || !peer.writable) return;
    peer.write(piece);
    if (random.chance(0.1)) await pass(loop, random.below(100));
  }
  if (ending === "fin") peer.end();
  // What was sent arrives before the reset destroys anything.
  if (ending === "reset") {
    await pass(loop, 3000);
    peer.resetAndDestroy();
  }
}

async function runCase(random: Random): Promise<void> {
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 10, 1]),
    bufferSize: random.pick([50, 262_144]),
    latency: random.pick([0, 0, 3]),
  });
  const method = random.pick(["GET", "HEAD", "POST"]);
  const plain = random.text("abc\r\n", random.below(100));
  const isZipped = random.chance(0.2);
  const whole = isZipped ? zipped(random, plain) : responseText(random, method === "HEAD");
  const damages = random.chance(0.5) ? 0 : random.between(1, 3);
  const text = mutated(random, whole, damages);
  const bytes = Buffer.from(text, "latin1");
  const ending: Ending = random.weighted({ fin: 4, reset: 1, silence: 2 });
  // Compressed bodies are told apart below: the receiver alone does not unpack.
  const decompress = isZipped && damages === 0;
  const keepAlive = random.chance(0.5);
  await VirtualLoop.run(
    async (loop) => {
      const [ours, peer] = network.pair();
      peer.on("error", () => {});
      const stream = new IOStream(ours, { allowHalfOpen: random.chance(0.5) });
      const serving = serve(loop, peer, random, bytes, ending);
      const canceller = random.chance(0.1) ? new AbortController() : undefined;
      const stop = new Error("cancelled");
      if (canceller !== undefined) loop.callLater(random.below(200), () => canceller.abort(stop));
      const holds = random.chance(0.2);
      const pieces: Buffer[] = [];
      const outcome = await exchangeOn(stream, {
        method,
        url: "http://x/",
        body: method === "POST" ? "posted" : undefined,
        keepAlive,
        decompress,
        timeout: 60_000,
        signal: canceller?.signal,
        onBody: holds
          ? (chunk) => {
              pieces.push(chunk);
              return pass(loop, 5);
            }
          : undefined,
      }).then(
        (response): ExchangeResponse | Error => response,
        (error: Error) => error,
      );
      check(outcome, {
        text,
        method,
        ending,
        stop,
        decompress,
        plain,
        pieces: holds ? pieces : undefined,
        stream,
        keepAlive,
      });
      stream.close();
      peer.destroy();
      await serving;
      await stream.whenClosed();
      await pass(loop, 5000);
      assert.equal(network.openSockets, 0);
      assert.equal(network.pending, 0);
      loop.tidyTimers();
      assert.equal(loop.timers.size, 0, "timers are left");
      assert.equal(loop.timers.wheel.nextTime, Number.POSITIVE_INFINITY, "deadlines are left");
    },
    { network },
  );
}

interface Case {
  readonly text: string;
  readonly method: string;
  readonly ending: Ending;
  readonly stop: Error;
  readonly decompress: boolean;
  readonly plain: string;
  readonly pieces: Buffer[] | undefined;
  readonly stream: IOStream;
  readonly keepAlive: boolean;
}

/** Compares an exchange with what the receiver reads from the same octets at once. */
function check(outcome: ExchangeResponse | Error, about: Case): void {
  const { text, method, ending } = about;
  if (outcome === about.stop) return;
  const seen = readResponse(method, [Buffer.from(text, "latin1")]);
  const last = seen.messages.at(-1);
  const isFinal = last !== undefined && (!last.start[0].startsWith("1") || last.upgrade);
  const untilClose =
    isFinal &&
    last.complete &&
    seen.closesAfter <= seen.messages.length &&
    isCloseDelimited(last.fields, last.start[0], method);
  if (outcome instanceof Error) {
    const isFair =
      outcome instanceof HTTPStreamClosedError ||
      outcome instanceof StreamClosedError ||
      outcome instanceof TimeoutError;
    assert.ok(isFair, `rejected with ${outcome.stack}`);
    const mustWork =
      isFinal && last.complete && seen.refusal === undefined && (!untilClose || ending === "fin");
    assert.ok(!mustWork, `rejected with ${outcome.message} although the response was whole`);
    return;
  }
  assert.ok(isFinal && last.complete, "resolved although the response is not whole");
  assert.ok(!untilClose || ending === "fin", `resolved although a body until close ended with ${ending}`);
  assert.equal(String(outcome.code), last.start[0]);
  assert.equal(outcome.reason, last.start[1]);
  assert.equal(outcome.headers.toRaw().length, last.fields.length);
  const body = (about.pieces === undefined ? outcome.body : Buffer.concat(about.pieces)).toString("latin1");
  assert.equal(body, about.decompress && method !== "HEAD" ? about.plain : last.body);
  if (outcome.reusable) {
    assert.ok(
      about.keepAlive && seen.closesAfter > seen.messages.length,
      "reusable although the connection ends",
    );
    // The FIN may come between the answer and us.
    assert.ok(!about.stream.closed() || about.stream.finReceived, "reusable although the stream is closed");
  } else {
    assert.ok(about.stream.closed() || last.upgrade, "not reusable, and the stream is open");
  }
}

function isCloseDelimited(fields: readonly string[], code: string, method: string): boolean {
  if (method === "HEAD" || code === "204" || code === "304") return false;
  return !fields.some((field, i) => i % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(field));
}

fuzz(
  "an exchange ends with the response that the octets hold, or with an error",
  { runs: 400 },
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
