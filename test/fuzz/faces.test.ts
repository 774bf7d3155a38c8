/**
 * The two faces of a stream in turns: a sink that is set, paused, resumed, replaced and taken away, promise reads between,
 * and bytes that are put back. Whoever gets them, all octets must come once and in order, then the FIN, then the close.
 */
import assert from "node:assert/strict";
import { IOStream, StreamClosedError } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { StreamSink } from "#room/net/stream/stream-sink";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

/** Everything that was received, by whichever face. */
class Taken {
  bytes: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }

  /** Takes the last octets back, to be put in front of the stream again. */
  giveBack(count: number): Buffer {
    const from = Math.max(0, this.bytes.length - count);
    const back = Buffer.from(this.bytes.subarray(from));
    this.bytes = this.bytes.subarray(0, from);
    return back;
  }
}

class Sink implements StreamSink {
  readonly stream: IOStream;
  readonly taken: Taken;
  readonly random: Random;
  active = true;
  paused = false;
  fins = 0;
  closes = 0;
  /** The stream had closed with the FIN before the sink came: what is left is told, then at least the close. */
  readonly isLate: boolean;

  constructor(stream: IOStream, taken: Taken, random: Random) {
    this.stream = stream;
    this.taken = taken;
    this.random = random;
    this.isLate = stream.closed();
  }

  onData(chunk: Buffer): void {
    this.#check("onData");
    assert.ok(chunk.length > 0);
    this.taken.add(chunk);
    if (this.random.chance(0.1)) this.pause();
    // Some of it was read too far.
    if (this.random.chance(0.05))
      this.stream.unread(this.taken.giveBack(this.random.below(chunk.length + 1)));
    if (this.random.chance(0.03)) this.leave();
  }

  onFin(): void {
    this.#check("onFin");
    this.fins++;
    assert.equal(this.fins, 1, "two FINs");
  }

  onDrain(): void {}

  onClose(): void {
    this.closes++;
    assert.equal(this.closes, 1, "two closes");
    assert.ok(this.active, "onClose() of a sink that was taken off");
  }

  pause(): void {
    this.stream.pauseReading();
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.stream.resumeReading();
  }

  leave(): void {
    this.active = false;
    this.stream.consume(undefined);
  }

  #check(call: string): void {
    assert.ok(this.active, `${call}() of a sink that was taken off`);
    assert.ok(!this.paused, `${call}() of a sink that is paused`);
    assert.equal(this.closes, 0, `${call}() after onClose()`);
    assert.equal(this.fins, 0, `${call}() after onFin()`);
  }
}

async function runCase(random: Random): Promise<void> {
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 10, 1]),
    bufferSize: random.pick([50, 262_144]),
  });
  await VirtualLoop.run(
    async (loop) => {
      const [ours, peer] = network.pair();
      peer.on("error", () => {});
      peer.resume();
      const stream = new IOStream(ours, {
        readChunkSize: random.pick([1, 65_536]),
        allowHalfOpen: random.chance(0.5),
      });
      const bytes = random.bytes(random.pick([0, 10, 300, 2000]));
      const sending = (async () => {
        for (const piece of random.cut(bytes)) {
          if (peer.destroyed) return;
          peer.write(piece);
          if (random.chance(0.2)) await pass(loop, random.below(10));
        }
        peer.end();
      })();
      const taken = new Taken();
      let sink: Sink | undefined;
      for (let i = random.between(1, 20); i > 0; i--) {
        if (sink?.active === false) sink = undefined;
        const action = random.pick([
          "sink",
          "off",
          "pause",
          "resume",
          "wait",
          "wait",
          "read",
          "unread",
        ] as const);
        if (action === "sink" && sink === undefined) {
          sink = new Sink(stream, taken, random);
          stream.consume(sink);
        } else if (action === "off") sink?.leave();
        else if (action === "pause") sink?.pause();
        else if (action === "resume" && sink?.paused === true) sink.resume();
        else if (action === "wait") await pass(loop, random.below(5));
        else if (action === "unread" && (sink === undefined || sink.fins + sink.closes === 0))
          stream.unread(taken.giveBack(random.below(5)));
        else if (action === "read" && sink === undefined) {
          const read = stream.readBytes(random.between(1, 50), { partial: true, timeout: 5 });
          await read.then(
            (chunk) => taken.add(chunk),
            (error: Error) =>
              assert.ok(error instanceof StreamClosedError || error.name === "TimeoutError", String(error)),
          );
        }
      }
      // The rest goes to whoever is there.
      if (sink?.active === true) {
        if (sink.paused) sink.resume();
        for (let i = 0; i < 2000 && sink.active && sink.fins + sink.closes === 0; i++) {
          await pass(loop, 100);
          if (sink.paused) sink.resume();
        }
      }
      if (sink?.active === true)
        assert.ok(sink.fins === 1 || sink.isLate, "the sink has not heard of the FIN");
      else taken.add(await stream.readUntilClose());
      assert.deepEqual(taken.bytes, bytes);
      stream.close();
      peer.destroy();
      await sending;
      await stream.whenClosed();
      await pass(loop, 100);
      if (sink?.active === true) assert.equal(sink.closes, 1, "the sink has not heard of the close");
      assert.equal(network.openSockets, 0);
      assert.equal(network.pending, 0);
    },
    { network },
  );
}

fuzz("both faces of an IOStream together get all octets once and in order", { runs: 400 }, async (random) => {
  const watch = new Watch();
  watch.begin();
  try {
    await runCase(random);
  } finally {
    await watch.end();
  }
  if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
});
