/** Random calls and events on every kind of stream: only the states that the head of `stream-life.ts` names occur. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BaseIOStream, StreamSink } from "squall/iostream";
import { ExpectLog } from "squall/testing";
import { coalesceWrites, streamStates } from "#room/net/stream/base-stream";
import { streamKits } from "../../contract/stream-kits.js";

const READING = ["idle", "ahead", "awaited", "pushing", "due", "paused"];
const AFTER_FIN = ["end-due", "end-paused", "ended"];
const WRITING = ["room", "full", "ending", "ending-full"];

/** Which states of the halves a life allows. An output that was never needed counts as having room. */
const LEGAL: Readonly<
  Record<string, { readonly input: readonly string[]; readonly output: readonly string[] }>
> = {
  connecting: { input: READING, output: WRITING },
  open: { input: READING, output: WRITING },
  "half-open": { input: AFTER_FIN, output: WRITING },
  closed: { input: [...AFTER_FIN, "cut"], output: ["shut", "room"] },
  gone: { input: [...AFTER_FIN, "cut"], output: ["shut", "room"] },
  detached: { input: ["cut"], output: ["shut", "room"] },
};

function check(stream: BaseIOStream, seen: Set<string>): void {
  const { life, input, output } = streamStates(stream);
  seen.add(`${life} ${input}`);
  seen.add(`${life} ${output}`);
  const legal = LEGAL[life];
  assert.ok(legal !== undefined, `a life without a row: ${life}`);
  assert.ok(legal.input.includes(input), `a ${life} stream whose input is ${input}`);
  assert.ok(legal.output.includes(output), `a ${life} stream whose output is ${output}`);
  // What can be derived agrees with the state.
  if (input === "awaited") assert.ok(stream.reading());
  if (["idle", "ahead"].includes(input)) assert.equal(stream.reading(), false);
  if (["pushing", "due", "paused", "end-due", "end-paused"].includes(input)) assert.ok(stream.reading());
  if (input === "pushing") assert.equal(stream.bytesBuffered, 0);
  assert.equal(stream.finReceived, AFTER_FIN.includes(input));
  if (output.startsWith("ending") || ["closed", "gone", "detached"].includes(life)) {
    assert.equal(stream.send("never sent"), false);
  }
}

/** A sink that looks at the stream's state in every call, and does what the walk says. */
class Walker implements StreamSink {
  readonly #stream: BaseIOStream;
  readonly #seen: Set<string>;
  readonly #reaction: Reaction;
  #calls = 0;
  isClosed = false;

  constructor(stream: BaseIOStream, seen: Set<string>, reaction: Reaction) {
    this.#stream = stream;
    this.#seen = seen;
    this.#reaction = reaction;
  }

  onData(): void {
    this.#called();
    if (this.#calls++ > 20) return;
    if (this.#reaction === "pause") this.#stream.pauseReading();
    else if (this.#reaction === "close") this.#stream.close();
    else if (this.#reaction === "leave") this.#stream.consume(undefined);
    else if (this.#reaction === "unread") this.#stream.unread(Buffer.from("again"));
    else if (this.#reaction === "answer") this.#stream.send("answer");
    check(this.#stream, this.#seen);
  }

  onFin(): void {
    this.#called();
    if (this.#reaction === "answer") this.#stream.end();
  }

  onDrain(): void {
    this.#called();
  }

  onClose(): void {
    this.#called();
    this.isClosed = true;
  }

  #called(): void {
    assert.equal(this.isClosed, false, "a sink is called after its onClose");
    check(this.#stream, this.#seen);
  }
}

const REACTIONS = ["take", "pause", "close", "leave", "unread", "answer"] as const;
type Reaction = (typeof REACTIONS)[number];

type Step = { readonly side: "near" | "far" } & (
  | { readonly call: "consume"; readonly reaction: Reaction }
  | { readonly call: "send"; readonly size: number }
  | { readonly call: (typeof CALLS)[number] }
);

const CALLS = [
  "readBytes",
  "readUntilClose",
  "cancelled read",
  "leave",
  "pause",
  "resume",
  "unread",
  "cork",
  "uncork",
  "coalesce",
  "end",
  "close",
  "close with an error",
  "abort",
  "whenClosed",
  "setCloseCallback",
  "drained",
  "whenWritable",
  "turn",
  "turn",
  "turn",
] as const;

const side = fc.constantFrom("near" as const, "far" as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      side,
      call: fc.constant("consume" as const),
      reaction: fc.constantFrom(...REACTIONS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      side,
      call: fc.constant("send" as const),
      size: fc.constantFrom(1, 100, 70_000, 400_000),
    }),
  },
  { weight: 12, arbitrary: fc.record({ side, call: fc.constantFrom(...CALLS) }) },
);

async function walk(stream: BaseIOStream, taken: Step, seen: Set<string>): Promise<void> {
  const ignore = (): void => {};
  switch (taken.call) {
    case "consume":
      // Refused while a read is pending.
      if (streamStates(stream).input === "awaited") {
        assert.throws(() => stream.consume(new Walker(stream, seen, taken.reaction)));
      } else stream.consume(new Walker(stream, seen, taken.reaction));
      return;
    case "send":
      stream.send(Buffer.alloc(taken.size, "x"));
      return;
    case "readBytes":
      stream.readBytes(50).catch(ignore);
      return;
    case "readUntilClose":
      stream.readUntilClose().catch(ignore);
      return;
    case "cancelled read": {
      const controller = new AbortController();
      stream.readBytes(1_000_000, { signal: controller.signal }).catch(ignore);
      check(stream, seen);
      controller.abort();
      return;
    }
    case "leave":
      if (streamStates(stream).input !== "awaited") stream.consume(undefined);
      return;
    case "pause":
      stream.pauseReading();
      return;
    case "resume":
      stream.resumeReading();
      return;
    case "unread":
      stream.unread(Buffer.from("before"));
      return;
    case "cork":
      stream.cork();
      return;
    case "uncork":
      stream.uncork();
      return;
    case "coalesce":
      coalesceWrites(stream, stream.ioLoop.time());
      return;
    case "end":
      stream.end();
      return;
    case "close":
      stream.close();
      return;
    case "close with an error":
      stream.close(new Error("on purpose"));
      return;
    case "abort":
      stream.abort();
      return;
    case "whenClosed":
      stream.whenClosed().catch(ignore);
      return;
    case "setCloseCallback":
      stream.setCloseCallback(() => check(stream, seen));
      return;
    case "drained":
      stream.drained().catch(ignore);
      return;
    case "whenWritable":
      stream.whenWritable().catch(ignore);
      return;
    case "turn":
      // Deno polls for input before a timer fires, and not in each round of setImmediate.
      await new Promise((resolve) => ("Deno" in globalThis ? setTimeout(resolve, 0) : setImmediate(resolve)));
  }
}

for (const kit of streamKits) {
  const isInMemory = kit.name.startsWith("memory");
  test(`${kit.name}: whatever is called in whatever order, a stream is in a state that has a name`, {
    timeout: 60_000,
  }, async () => {
    using _ = new ExpectLog("squall.general", /error on a stream/, { required: false });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        async (steps, nearHalfOpen, farHalfOpen) => {
          const pair = await kit.open({ allowHalfOpen: nearHalfOpen }, { allowHalfOpen: farHalfOpen });
          const both = [pair.near, pair.far];
          for (const taken of steps) {
            await walk(pair[taken.side], taken, seen);
            for (const stream of both) check(stream, seen);
          }
          for (const stream of both) stream.close();
          for (const stream of both) await stream.whenClosed();
          for (const stream of both) check(stream, seen);
        },
      ),
      { endOnFailure: true, numRuns: isInMemory ? 150 : 40, seed: 20_26 },
    );
    // The walk has been everywhere, or it would show nothing.
    for (const state of [
      "open pushing",
      "open due",
      "open paused",
      "open awaited",
      "open ahead",
      "open idle",
    ]) {
      assert.ok(seen.has(state), `no stream was ${state}`);
    }
    for (const state of ["open room", "open ending", "closed cut", "gone cut", "gone shut"]) {
      assert.ok(seen.has(state), `no stream was ${state}`);
    }
    if (kit.abilities.includes("duplex")) {
      for (const state of ["half-open ended", "open full"]) {
        assert.ok(seen.has(state), `no stream was ${state}`);
      }
    }
  });
}
