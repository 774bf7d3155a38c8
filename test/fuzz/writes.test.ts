/**
 * The writing face of a stream beside a plain model: write, send, cork, drain, end and close in any order, towards a peer
 * that reads fast, slowly or not at all. The peer must get a beginning of what was written, in order and with nothing added;
 * all of it when the stream was ended, or closed after it was drained.
 */
import assert from "node:assert/strict";
import { IOStream, StreamBufferFullError, StreamClosedError } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

/** What the model knows: the octets that the stream has taken. */
class Model {
  readonly parts: Buffer[] = [];
  corks = 0;
  ended = false;
  closed = false;

  take(data: string | Buffer, encoding: "utf8" | "latin1"): void {
    this.parts.push(typeof data === "string" ? Buffer.from(data, encoding) : data);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

type Pending = Promise<"done" | Error>;

function watched(promise: Promise<void>): Pending {
  return promise.then(
    (): "done" => "done",
    (error: Error) => error,
  );
}

async function step(
  random: Random,
  stream: IOStream,
  model: Model,
  pending: Pending[],
  loop: VirtualLoop,
  log: string[],
): Promise<void> {
  const encoding = random.pick(["utf8", "latin1"] as const);
  const data = random.chance(0.5)
    ? random.bytes(random.pick([0, 1, 30, 3000, 70_000]))
    : random.text("abcé", random.pick([0, 1, 20, 5000]));
  const can = !model.ended && !model.closed;
  const action = random.weighted({
    write: 6,
    send: 6,
    cork: 2,
    uncork: 2,
    drained: 1,
    whenWritable: 1,
    wait: 3,
    end: 0.3,
    close: 0.2,
  });
  log.push(`${action} ${action === "write" || action === "send" ? data.length : ""}`);
  switch (action) {
    case "write": {
      const before = stream.bytesQueued;
      const result = watched(stream.write(data, { encoding }));
      const size = Buffer.byteLength(data as string, encoding);
      const isFull = size > 0 && before + size > stream.maxWriteBufferSize;
      if (can && !isFull) model.take(data, encoding);
      else assert.ok((await result) instanceof (can ? StreamBufferFullError : StreamClosedError));
      pending.push(result);
      break;
    }
    case "send": {
      const before = stream.bytesQueued;
      const size = Buffer.byteLength(data as string, encoding);
      const isFull = can && size > 0 && before + size > stream.maxWriteBufferSize;
      if (isFull) assert.throws(() => stream.send(data, encoding), StreamBufferFullError);
      else {
        const hasRoom = stream.send(data, encoding);
        if (!can) assert.equal(hasRoom, false);
        else model.take(data, encoding);
      }
      break;
    }
    case "cork":
      stream.cork();
      model.corks++;
      break;
    case "uncork":
      stream.uncork();
      model.corks = Math.max(0, model.corks - 1);
      break;
    case "drained":
      pending.push(watched(stream.drained()));
      break;
    case "whenWritable":
      pending.push(watched(stream.whenWritable()));
      break;
    case "wait":
      await pass(loop, random.below(50));
      break;
    case "end":
      stream.end();
      model.ended = true;
      break;
    default:
      stream.close();
      model.closed = true;
  }
}

async function runCase(random: Random, log: string[]): Promise<void> {
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 1000, 37]),
    bufferSize: random.pick([100, 5000, 262_144]),
    latency: random.pick([0, 0, 2]),
  });
  await VirtualLoop.run(
    async (loop) => {
      const [ours, peer] = network.pair();
      const received: Buffer[] = [];
      let finCame = false;
      peer.on("error", () => {});
      peer.on("data", (chunk: Buffer) => {
        received.push(chunk);
        if (random.chance(0.02)) {
          peer.pause();
          loop.callLater(random.below(30), () => peer.resume());
        }
      });
      peer.on("end", () => {
        finCame = true;
      });
      const stream = new IOStream(ours, {
        maxWriteBufferSize: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 4000]),
        allowHalfOpen: true,
      });
      const model = new Model();
      const pending: Pending[] = [];
      for (let i = random.between(1, 25); i > 0; i--) {
        await step(random, stream, model, pending, loop, log);
        if (random.chance(0.1)) peer.pause();
        if (random.chance(0.2)) peer.resume();
      }
      peer.resume();
      const finish = random.pick(["end", "drain and close", "close"]);
      log.push(finish);
      while (model.corks > 0) {
        stream.uncork();
        model.corks--;
      }
      if (finish === "end") stream.end();
      if (finish === "drain and close" && !model.closed) await stream.drained();
      if (finish !== "end") stream.close();
      // Nobody waits for ever for a peer that reads.
      await pass(loop, 120_000);
      peer.destroy();
      stream.close();
      await stream.whenClosed();
      const outcomes = await Promise.race([
        Promise.all(pending),
        pass(loop, 1000).then(() => "some wait" as const),
      ]);
      assert.notEqual(outcomes, "some wait");
      for (const outcome of outcomes as ("done" | Error)[]) {
        const isFair =
          outcome === "done" ||
          outcome instanceof StreamClosedError ||
          outcome instanceof StreamBufferFullError;
        assert.ok(isFair, String(outcome));
      }
      const sent = model.bytes;
      const got = Buffer.concat(received);
      assert.deepEqual(got, sent.subarray(0, got.length));
      const isWhole = !model.closed && finish !== "close";
      if (isWhole) assert.equal(got.length, sent.length, "something is missing");
      if (isWhole) assert.ok(finCame, "no FIN came");
      await pass(loop, 5000);
      assert.equal(network.openSockets, 0);
      assert.equal(network.pending, 0);
    },
    { network },
  );
}

fuzz("what is written to an IOStream arrives, in order and once", { runs: 300 }, async (random) => {
  const watch = new Watch();
  const log: string[] = [];
  watch.begin();
  try {
    await runCase(random, log);
  } catch (error) {
    throw new Error(`${(error as Error).stack}\n${log.join("\n")}`, { cause: error });
  } finally {
    await watch.end();
  }
  if (watch.problems.length > 0)
    throw new Error(`${[...new Set(watch.problems)].join("\n")}\n${log.join("\n")}`);
});
