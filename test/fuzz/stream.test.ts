/**
 * Reads of a stream beside a plain model. The peer sends bytes whenever it likes and then ends, resets or stays; meanwhile
 * one read after the other is asked for, of every kind, with limits and with cancels. Each must answer what a look at the
 * bytes as a whole says, and a cancelled one must leave them all to the next.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { IOStream, StreamBufferFullError, StreamClosedError, UnsatisfiableReadError } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { InvalidStateError } from "#room/base/errors";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

/** A read: how to ask for it, and what the bytes that are left say about it. */
interface Read {
  readonly name: string;
  ask(stream: IOStream, signal: AbortSignal | undefined): Promise<Buffer>;
  /** How long the answer is when all of `rest` has come; undefined when it cannot be given. */
  answer(rest: Buffer, hasEnded: boolean): number | "unsatisfiable" | undefined;
  /** The answer may be any shorter beginning. */
  readonly partial?: boolean;
}

function bounded(
  size: number | undefined,
  limit: number,
  available: number,
): number | "unsatisfiable" | undefined {
  if (size === undefined) return available > limit ? "unsatisfiable" : undefined;
  return size > limit ? "unsatisfiable" : size;
}

function makeRead(random: Random): Read {
  const size = random.pick([0, 1, 3, 50, 700]);
  const limit = random.chance(0.7) ? Number.POSITIVE_INFINITY : random.pick([0, 5, 40]);
  const maxBytes = limit === Number.POSITIVE_INFINITY ? undefined : limit;
  switch (
    random.weighted({ bytes: 3, partial: 3, into: 2, "into partial": 1, until: 4, regex: 3, close: 0.3 })
  ) {
    case "bytes":
      return {
        name: `readBytes(${size})`,
        ask: (stream, signal) => stream.readBytes(size, { signal }),
        answer: (rest) => (rest.length >= size ? size : undefined),
      };
    case "partial":
      return {
        name: `readBytes(${size}, partial)`,
        ask: (stream, signal) => stream.readBytes(size, { partial: true, signal }),
        answer: (rest) => (rest.length >= Math.min(1, size) ? Math.min(size, rest.length) : undefined),
        partial: true,
      };
    case "into":
    case "into partial": {
      const partial = random.chance(0.3);
      const target = Buffer.alloc(size, 0xee);
      return {
        name: `readInto(${size}, ${partial})`,
        ask: async (stream, signal) => target.subarray(0, await stream.readInto(target, { partial, signal })),
        answer: (rest) =>
          rest.length >= (partial ? Math.min(1, size) : size) ? Math.min(size, rest.length) : undefined,
        partial,
      };
    }
    case "until": {
      const delimiter = random.pick(["\n", "ab", "aab", "abab", "\r\n\r\n"]);
      return {
        name: `readUntil(${JSON.stringify(delimiter)}, ${limit})`,
        ask: (stream, signal) => stream.readUntil(delimiter, { maxBytes, signal }),
        answer: (rest) => {
          const at = rest.indexOf(delimiter);
          return bounded(at === -1 ? undefined : at + delimiter.length, limit, rest.length);
        },
      };
    }
    case "regex": {
      // What has matched can not match longer when more has come.
      const regex = random.pick([/b\n/g, /a[\r\n]/, /\r\n|aaa/y]);
      return {
        name: `readUntilRegex(${regex}, ${limit})`,
        ask: (stream, signal) => stream.readUntilRegex(regex, { maxBytes, signal }),
        answer: (rest) => {
          const found = new RegExp(regex.source).exec(rest.toString("latin1"));
          return bounded(found === null ? undefined : found.index + found[0].length, limit, rest.length);
        },
      };
    }
    default:
      return {
        name: "readUntilClose()",
        ask: (stream, signal) => stream.readUntilClose({ signal }),
        answer: (rest, hasEnded) => (hasEnded ? rest.length : undefined),
      };
  }
}

/** How the peer's side goes on behind its bytes. */
type Ending = "fin" | "reset" | "open";

async function sendAll(
  loop: VirtualLoop,
  peer: ReturnType<MemoryNetwork["pair"]>[0],
  random: Random,
  bytes: Buffer,
  ending: Ending,
): Promise<void> {
  for (const piece of random.cut(bytes)) {
    if (peer.destroyed) return;
    if (!peer.write(piece)) await Promise.race([once(peer, "drain"), once(peer, "close")]).catch(() => {});
    if (random.chance(0.1)) await pass(loop, random.below(50));
  }
  if (ending === "fin") peer.end();
  if (ending === "reset") {
    await pass(loop, 100);
    peer.resetAndDestroy();
  }
}

async function runCase(random: Random, log: string[]): Promise<void> {
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 10, 1]),
    bufferSize: random.pick([50, 1000, 262_144]),
    latency: random.pick([0, 0, 3]),
  });
  await VirtualLoop.run(
    async (loop) => {
      const [ours, peer] = network.pair();
      peer.on("error", () => {});
      peer.resume();
      const stream = new IOStream(ours, {
        readChunkSize: random.pick([1, 20, 65_536]),
        allowHalfOpen: random.chance(0.3),
      });
      const bytes = Buffer.from(
        random.text("aaab\r\n", random.pick([0, 5, 60, 1500])) + (random.chance(0.3) ? "\r\n\r\n" : ""),
        "latin1",
      );
      const ending: Ending = random.weighted({ fin: 4, reset: 1, open: 2 });
      const sending = sendAll(loop, peer, random, bytes, ending);
      let rest = bytes;
      for (let i = random.between(1, 12); i > 0; i--) {
        if (random.chance(0.3)) await pass(loop, random.below(100));
        const read = makeRead(random);
        log.push(`${read.name}, ${rest.length} bytes left`);
        const canceller = random.chance(0.25) ? new AbortController() : undefined;
        const stop = new Error("cancelled");
        if (canceller !== undefined) loop.callLater(random.below(60), () => canceller.abort(stop));
        const pending = read.ask(stream, canceller?.signal);
        const settled = pending.then(
          (value) => Buffer.from(value),
          (error: Error) => error,
        );
        if (stream.reading() && random.chance(0.1)) {
          await assert.rejects(stream.readBytes(1), InvalidStateError);
        }
        // An open peer never ends a read that needs more.
        const giveUp = new AbortController();
        const forever = ending === "open" ? loop.callLater(60_000, () => giveUp.abort()) : undefined;
        const outcome = await Promise.race([
          settled,
          new Promise<"forever">((resolve) =>
            giveUp.signal.addEventListener("abort", () => resolve("forever")),
          ),
        ]);
        if (forever !== undefined) loop.removeTimeout(forever);
        const hasEnded = ending !== "open";
        const expected = read.answer(rest, ending === "fin");
        log.push(
          outcome instanceof Error
            ? `→ ${outcome.name}: ${outcome.message}`
            : outcome === "forever"
              ? "→ waits"
              : `→ ${outcome.length} bytes`,
        );
        if (outcome === stop) continue;
        if (outcome === "forever") {
          assert.equal(expected, undefined, "it waits although all is there");
          break;
        }
        if (Buffer.isBuffer(outcome)) {
          const length = outcome.length;
          assert.deepEqual(outcome, rest.subarray(0, length));
          if (ending === "reset" && read.name.startsWith("readUntilClose")) break;
          if (read.partial === true)
            assert.ok(length <= (expected as number) && length >= Math.min(1, expected as number));
          else assert.equal(length, expected);
          rest = rest.subarray(length);
          continue;
        }
        if (outcome instanceof UnsatisfiableReadError) {
          assert.equal(expected, "unsatisfiable");
          assert.ok(stream.closed());
          break;
        }
        assert.ok(
          outcome instanceof StreamClosedError && !(outcome instanceof StreamBufferFullError),
          String(outcome),
        );
        assert.ok(hasEnded, "closed, but the peer has not ended");
        // A reset destroys what was not read yet; a FIN destroys nothing.
        if (ending === "fin") assert.equal(expected, undefined, "it failed although all was there");
        break;
      }
      if (random.chance(0.5)) stream.close();
      peer.destroy();
      await sending;
      stream.close();
      await stream.whenClosed();
      await pass(loop, 1000);
      assert.equal(network.openSockets, 0);
      assert.equal(network.pending, 0);
    },
    { network },
  );
}

fuzz("reads of an IOStream answer what a look at all the bytes says", { runs: 400 }, async (random) => {
  const watch = new Watch();
  const log: string[] = [];
  watch.begin();
  try {
    await runCase(random, log);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${log.join("\n")}`, { cause: error });
  } finally {
    await watch.end();
  }
  if (watch.problems.length > 0)
    throw new Error(`${[...new Set(watch.problems)].join("\n")}\n${log.join("\n")}`);
});
