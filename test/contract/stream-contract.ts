/**
 * What every stream promises, as a list of questions that can be asked of any kind of stream: plain, TLS, pipe, in
 * memory, or one of your own that extends `BaseIOStream`.
 *
 *     for (const question of streamContract) {
 *       if (applies(question, kit)) test(`${kit.name}: ${question.title}`, () => question.ask(kit));
 *     }
 *
 * In every question `near` writes and `far` reads, so that one-way pipes can answer most of them.
 */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { ExpectLog } from "squall/testing";
import { InvalidStateError, TimeoutError } from "squall/util";
import type { WaitOptions } from "#room/async/cancel";
import type { BaseIOStream } from "#room/net/stream/base-stream";
import {
  StreamBufferFullError,
  StreamClosedError,
  UnsatisfiableReadError,
} from "#room/net/stream/stream-errors";
import type { StreamOptions } from "#room/net/stream/stream-settings";
import type { StreamSink } from "#room/net/stream/stream-sink";

/** Two streams that are connected with each other. */
export interface StreamPair {
  readonly near: BaseIOStream;
  readonly far: BaseIOStream;
}

/** What some kinds of streams can do and others cannot. */
export type StreamAbility = "duplex" | "halfClose" | "reset" | "backPressure";

/** One kind of stream, as the questions meet it. */
export interface StreamKit {
  readonly name: string;
  readonly abilities: readonly StreamAbility[];
  /** Makes a connected pair with these options. */
  open(near?: StreamOptions, far?: StreamOptions): Promise<StreamPair>;
}

/** A question of the contract; `ask` rejects when the answer is wrong. */
export interface StreamQuestion {
  readonly title: string;
  readonly needs: readonly StreamAbility[];
  ask(kit: StreamKit): Promise<void>;
}

/** Whether a question can be asked of a kind of stream. */
export function applies(question: StreamQuestion, kit: StreamKit): boolean {
  return question.needs.every((ability) => kit.abilities.includes(ability));
}

/** A sink that writes down what it hears. */
class Recorder implements StreamSink {
  readonly heard: string[] = [];
  bytes: Buffer = Buffer.alloc(0);
  drains = 0;
  fulls = 0;
  #wake: (() => void) | undefined;

  onData(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (this.heard.at(-1) !== "data") this.heard.push("data");
    this.#wake?.();
  }

  onFin(): void {
    this.heard.push("fin");
    this.#wake?.();
  }

  onFull(): void {
    this.fulls++;
    this.#wake?.();
  }

  onDrain(): void {
    this.drains++;
    this.#wake?.();
  }

  onClose(error: Error | undefined): void {
    this.heard.push(error === undefined ? "close" : `close: ${error.message}`);
    this.#wake?.();
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** Waits until `condition` holds; it is asked again after each call of the sink. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const questions: StreamQuestion[] = [];

function question(title: string, ask: (kit: StreamKit) => Promise<void>): void;
function question(
  title: string,
  needs: readonly StreamAbility[],
  ask: (kit: StreamKit) => Promise<void>,
): void;
function question(
  title: string,
  needs: readonly StreamAbility[] | ((kit: StreamKit) => Promise<void>),
  ask?: (kit: StreamKit) => Promise<void>,
): void {
  if (typeof needs === "function") questions.push({ title, needs: [], ask: needs });
  else if (ask !== undefined) questions.push({ title, needs, ask });
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

async function closeBoth({ near, far }: StreamPair): Promise<void> {
  near.close();
  far.close();
  await Promise.all([near.whenClosed(), far.whenClosed()]);
}

/** Waits until `count` bytes wait to be read, without reading them. */
async function buffered(stream: BaseIOStream, count: number): Promise<void> {
  void stream.whenClosed(); // reads ahead
  while (stream.bytesBuffered < count) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends until the other side, which does not read, really holds the stream up; returns how much was sent. */
async function fill(stream: BaseIOStream, size = 65_536): Promise<number> {
  const chunk = Buffer.alloc(size, "x");
  let sent = 0;
  // Full for a moment is not held up: twice, because on a busy machine the first timeout may mean little.
  for (let heldUp = 0; heldUp < 2; ) {
    while (stream.send(chunk)) sent += size;
    sent += size;
    assert.ok(sent < 100_000_000, "the reader, which does not read, never holds the writer up");
    heldUp = (await isHeldUp(stream)) ? heldUp + 1 : 0;
  }
  return sent;
}

async function isHeldUp(stream: BaseIOStream): Promise<boolean> {
  try {
    await stream.whenWritable({ timeout: 40 });
    return false;
  } catch (error) {
    if (error instanceof TimeoutError) return true;
    throw error;
  }
}

function isClosed(error: unknown): boolean {
  assert.ok(error instanceof StreamClosedError, String(error));
  return true;
}

// --- reading ----------------------------------------------------------------------------------------------------

question(
  "readBytes() resolves with exactly the bytes asked for, whatever pieces they came in",
  async (kit) => {
    const pair = await kit.open();
    for (const piece of ["a", "bc", "defg"]) await pair.near.write(piece);
    assert.equal(text(await pair.far.readBytes(5)), "abcde");
    assert.equal(text(await pair.far.readBytes(2)), "fg");
    await closeBoth(pair);
  },
);

question("readBytes() with partial resolves with what is there, at most what was asked for", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("hello");
  await buffered(pair.far, 5);
  assert.equal(text(await pair.far.readBytes(3, { partial: true })), "hel");
  assert.equal(text(await pair.far.readBytes(100, { partial: true })), "lo");
  await closeBoth(pair);
});

question("readBytes(0) resolves with nothing, at once", async (kit) => {
  const pair = await kit.open();
  assert.equal((await pair.far.readBytes(0)).length, 0);
  assert.equal((await pair.far.readBytes(0, { partial: true })).length, 0);
  await closeBoth(pair);
});

question("readBytes() refuses what is no number of bytes", async (kit) => {
  const pair = await kit.open();
  for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => pair.far.readBytes(size), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  }
  await closeBoth(pair);
});

question("readUntil() resolves through the delimiter and leaves the rest", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("one\r\ntwo\r\nthree");
  assert.equal(text(await pair.far.readUntil("\r\n")), "one\r\n");
  assert.equal(text(await pair.far.readUntil(Buffer.from("\r\n"))), "two\r\n");
  assert.equal(text(await pair.far.readBytes(5)), "three");
  await closeBoth(pair);
});

question("readUntil() finds a delimiter that comes in pieces", async (kit) => {
  const pair = await kit.open();
  const line = pair.far.readUntil("--end--");
  for (const piece of ["--en", "--e", "nd", "--"]) {
    await pair.near.write(piece);
    await pair.near.drained();
  }
  assert.equal(text(await line), "--en--end--");
  await closeBoth(pair);
});

question(
  "readUntil() rejects with UnsatisfiableReadError when the delimiter is beyond maxBytes",
  async (kit) => {
    using _ = new ExpectLog("squall.general", /Unsatisfiable read/, { level: "info" });
    const pair = await kit.open();
    const line = pair.far.readUntil("\n", { maxBytes: 4 });
    await pair.near.write("12345");
    await assert.rejects(line, (error: unknown) => {
      assert.ok(error instanceof UnsatisfiableReadError);
      assert.ok(error instanceof StreamClosedError);
      assert.equal(error.realError, error);
      assert.equal(error.maxBytes, 4);
      assert.equal(error.code, "ERR_SQUALL_UNSATISFIABLE_READ");
      return true;
    });
    assert.ok(pair.far.closed());
    assert.ok(pair.far.error instanceof UnsatisfiableReadError);
    await closeBoth(pair);
  },
);

question(
  "readUntil() counts the delimiter: what ends exactly at maxBytes is fine, one byte later is not",
  async (kit) => {
    using _ = new ExpectLog("squall.general", /Unsatisfiable read/, { level: "info" });
    const pair = await kit.open();
    await pair.near.write("1234\n1234\n");
    await buffered(pair.far, 10);
    assert.equal(text(await pair.far.readUntil("\n", { maxBytes: 5 })), "1234\n");
    await assert.rejects(pair.far.readUntil("\n", { maxBytes: 4 }), UnsatisfiableReadError);
    await closeBoth(pair);
  },
);

question(
  "readUntilRegex() resolves through the end of the match; bytes are characters up to U+00FF",
  async (kit) => {
    const pair = await kit.open();
    await pair.near.write(Buffer.from([0x61, 0xff, 0x0a, 0x31, 0x32, 0x2e]));
    assert.deepEqual(await pair.far.readUntilRegex(/\xff\n/g), Buffer.from([0x61, 0xff, 0x0a]));
    assert.equal(text(await pair.far.readUntilRegex("[0-9]+\\.")), "12.");
    await closeBoth(pair);
  },
);

question("readUntilRegex() closes the stream when there is no match within maxBytes", async (kit) => {
  using _ = new ExpectLog("squall.general", /Unsatisfiable read/, { level: "info" });
  const pair = await kit.open();
  const read = pair.far.readUntilRegex(/x/, { maxBytes: 3 });
  await pair.near.write("abcd");
  await assert.rejects(read, UnsatisfiableReadError);
  assert.ok(pair.far.closed());
  await closeBoth(pair);
});

question("readInto() fills the caller's buffer and leaves the surplus", async (kit) => {
  const pair = await kit.open();
  const target = new Uint8Array(4);
  const filled = pair.far.readInto(target);
  await pair.near.write("ab");
  await pair.near.write("cdef");
  assert.equal(await filled, 4);
  assert.equal(text(target), "abcd");
  assert.equal(text(await pair.far.readBytes(2)), "ef");
  await closeBoth(pair);
});

question("readInto() with partial resolves with the number of bytes that were there", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("ab");
  await buffered(pair.far, 2);
  const target = Buffer.alloc(10);
  assert.equal(await pair.far.readInto(target, { partial: true }), 2);
  assert.equal(text(target.subarray(0, 2)), "ab");
  await closeBoth(pair);
});

question("readUntilClose() resolves with everything when the other side closes", async (kit) => {
  const pair = await kit.open();
  const all = pair.far.readUntilClose();
  await pair.near.write("all ");
  await pair.near.write("of it");
  await pair.near.drained();
  pair.near.close();
  assert.equal(text(await all), "all of it");
  await closeBoth(pair);
});

question("what was received can be read after the other side has closed", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("line\nrest");
  await pair.near.drained();
  pair.near.close();
  await pair.far.whenClosed();
  assert.ok(pair.far.closed());
  assert.equal(text(await pair.far.readUntil("\n")), "line\n");
  await assert.rejects(pair.far.readBytes(5), (error: unknown) => {
    assert.ok(error instanceof StreamClosedError);
    assert.equal(error.realError, undefined);
    return true;
  });
  assert.equal(text(await pair.far.readUntilClose()), "rest");
  assert.equal(text(await pair.far.readUntilClose()), "");
  await closeBoth(pair);
});

question(
  "a stream can be iterated until the other side ends; who leaves early leaves the rest unread",
  async (kit) => {
    const pair = await kit.open();
    await pair.near.write("first");
    for await (const chunk of pair.far) {
      assert.ok("first".startsWith(text(chunk)));
      break;
    }
    assert.equal(pair.far.closed(), false);
    await pair.near.write("second");
    await pair.near.drained();
    pair.near.close();
    let rest = "";
    for await (const chunk of pair.far) rest += text(chunk);
    assert.ok("firstsecond".endsWith(rest) && rest.endsWith("second"));
    await closeBoth(pair);
  },
);

question("a second read is refused while one is pending, and the first goes on", async (kit) => {
  const pair = await kit.open();
  const first = pair.far.readUntil("\n");
  assert.ok(pair.far.reading());
  await assert.rejects(pair.far.readBytes(1), InvalidStateError);
  await pair.near.write("hello\n");
  assert.equal(text(await first), "hello\n");
  assert.equal(pair.far.reading(), false);
  await closeBoth(pair);
});

question("a read that needs more than maxBufferSize closes the stream", async (kit) => {
  using _ = new ExpectLog("squall.general", /maximum read buffer size/, { level: "error" });
  const pair = await kit.open(undefined, { maxBufferSize: 1000 });
  const read = pair.far.readUntil("\n");
  void pair.near.write("x".repeat(2000));
  await assert.rejects(read, (error: unknown) => {
    assert.ok(error instanceof StreamClosedError);
    assert.ok(error.realError instanceof StreamBufferFullError);
    assert.equal(error.realError.limit, 1000);
    return true;
  });
  assert.ok(pair.far.closed());
  await closeBoth(pair);
});

question("small reads get through any amount of data, whatever maxBufferSize", async (kit) => {
  const pair = await kit.open(undefined, { maxBufferSize: 1000 });
  const total = 300_000;
  void pair.near.write(Buffer.alloc(total, "x"));
  let received = 0;
  while (received < total) received += (await pair.far.readBytes(Math.min(500, total - received))).length;
  assert.equal(received, total);
  await closeBoth(pair);
});

// --- cancelling -------------------------------------------------------------------------------------------------

question(
  "an aborted read rejects with the signal's reason and leaves every byte to the next",
  async (kit) => {
    const pair = await kit.open();
    const controller = new AbortController();
    const read = pair.far.readBytes(10, { signal: controller.signal });
    await pair.near.write("12345");
    while (pair.far.bytesBuffered < 5) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await assert.rejects(read, reason);
    await pair.near.write("67890");
    assert.equal(text(await pair.far.readBytes(10)), "1234567890");
    await closeBoth(pair);
  },
);

question("a read with an aborted signal rejects although the bytes are there", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("x");
  await buffered(pair.far, 1);
  const reason = new Error("too late");
  await assert.rejects(pair.far.readBytes(1, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(text(await pair.far.readBytes(1)), "x");
  await closeBoth(pair);
});

question("a read with a timeout rejects with TimeoutError and leaves every byte to the next", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("half");
  await assert.rejects(pair.far.readUntil("\n", { timeout: 30 }), TimeoutError);
  await pair.near.write(" and half\n");
  assert.equal(text(await pair.far.readUntil("\n")), "half and half\n");
  await closeBoth(pair);
});

question("a signal keeps no listener of a read that is over", async (kit) => {
  const pair = await kit.open();
  const { signal } = new AbortController();
  const read = pair.far.readBytes(1, { signal, timeout: 60_000 });
  assert.equal(getEventListeners(signal, "abort").length, 1);
  await pair.near.write("xy");
  await read;
  assert.equal(getEventListeners(signal, "abort").length, 0);
  await pair.far.readBytes(1, { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
  const pending = pair.far.readBytes(1, { signal });
  pair.far.close();
  await assert.rejects(pending, isClosed);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  await closeBoth(pair);
});

// --- writing ----------------------------------------------------------------------------------------------------

question("writes leave in the order in which they were made, text and bytes alike", async (kit) => {
  const pair = await kit.open();
  void pair.near.write("1 ");
  void pair.near.write(Buffer.from("2 "));
  pair.near.send("3\xe9 ", "latin1");
  void pair.near.write("4\u20ac ");
  void pair.near.write(new Uint8Array([0x35]));
  const all = await pair.far.readBytes(13);
  assert.deepEqual(
    all,
    Buffer.concat([Buffer.from("1 2 3"), Buffer.from([0xe9]), Buffer.from(" 4\u20ac 5")]),
  );
  await closeBoth(pair);
});

question(
  "what is sent between cork() and uncork() arrives whole and in order, nested or not",
  async (kit) => {
    const pair = await kit.open();
    pair.near.cork();
    pair.near.send("head ", "latin1");
    pair.near.cork();
    pair.near.send("t\u00e9xt ", "utf8");
    pair.near.uncork();
    assert.ok(pair.near.bytesQueued > 0);
    assert.ok(pair.near.writing());
    pair.near.send(Buffer.from("bytes "));
    pair.near.send(Buffer.alloc(100_000, "x"));
    pair.near.uncork();
    pair.near.uncork();
    const expected = Buffer.concat([Buffer.from("head t\u00e9xt bytes "), Buffer.alloc(100_000, "x")]);
    assert.deepEqual(await pair.far.readBytes(expected.length), expected);
    await closeBoth(pair);
  },
);

question("write() of nothing resolves and sends nothing", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("");
  await pair.near.write(new Uint8Array(0));
  await pair.near.write("x");
  assert.equal(text(await pair.far.readBytes(1)), "x");
  await closeBoth(pair);
});

question(
  "a writer waits while the reader is behind, and learns that there is room again",
  ["backPressure"],
  async (kit) => {
    const pair = await kit.open();
    const sent = await fill(pair.near);
    let room = false;
    const writable = pair.near.whenWritable().then(() => {
      room = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(room, false);
    assert.ok(pair.near.bytesQueued > 0);
    await assert.rejects(pair.near.whenWritable({ timeout: 20 }), TimeoutError);
    await assert.rejects(pair.near.drained({ timeout: 20 }), TimeoutError);
    const drained = pair.near.drained();
    let received = 0;
    while (received < sent) received += (await pair.far.readBytes(65_536, { partial: true })).length;
    await writable;
    await drained;
    assert.equal(pair.near.bytesQueued, 0);
    assert.equal(received, sent);
    await closeBoth(pair);
  },
);

question(
  "a writer that waits for room hears that all is out, also when the stream is ended behind its write",
  ["backPressure", "halfClose"],
  async (kit) => {
    const pair = await kit.open({ allowHalfOpen: true });
    const sent = await fill(pair.near);
    const writable = pair.near.whenWritable();
    pair.near.end();
    let received = 0;
    while (received < sent) received += (await pair.far.readBytes(65_536, { partial: true })).length;
    await writable;
    await closeBoth(pair);
  },
);

question(
  "a sink's stream above its high-water mark calls onDrain once there is room",
  ["backPressure", "duplex"],
  async (kit) => {
    const pair = await kit.open();
    const recorder = new Recorder();
    pair.near.consume(recorder);
    await fill(pair.near);
    const before = recorder.drains;
    const reading = pair.far.readUntilClose();
    await recorder.until(() => recorder.drains > before);
    pair.near.close();
    await reading;
    await closeBoth(pair);
  },
);

question(
  "a sink's stream calls onFull, once, when corked bytes that had found room fill it, and onDrain after it",
  ["backPressure", "duplex"],
  async (kit) => {
    const pair = await kit.open();
    const recorder = new Recorder();
    pair.near.consume(recorder);
    let sent = 0;
    for (; recorder.fulls === 0; sent++) {
      assert.ok(sent < 2000);
      pair.near.cork();
      assert.equal(pair.near.send(Buffer.alloc(60_000)), true);
      pair.near.uncork();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { drains } = recorder;
    pair.near.cork();
    assert.equal(pair.near.send(Buffer.alloc(60_000)), false);
    pair.near.uncork();
    assert.equal(recorder.fulls, 1);
    const reading = pair.far.readBytes((sent + 1) * 60_000);
    await recorder.until(() => recorder.drains > drains);
    await reading;
    assert.equal(recorder.fulls, 1);
    await closeBoth(pair);
  },
);

question(
  "write() beyond maxWriteBufferSize rejects and leaves the stream open",
  ["backPressure"],
  async (kit) => {
    const pair = await kit.open({ maxWriteBufferSize: 4_000_000 });
    const chunk = Buffer.alloc(1_000_000);
    let sent = 0;
    await assert.rejects(
      async () => {
        for (;;) {
          const writing = pair.near.write(chunk);
          // Only the refusal settles while nobody reads.
          await Promise.race([writing, new Promise((resolve) => setImmediate(resolve))]);
          sent += chunk.length;
          assert.ok(sent < 100_000_000);
        }
      },
      (error: unknown) => {
        assert.ok(error instanceof StreamBufferFullError);
        assert.equal(error.limit, 4_000_000);
        return true;
      },
    );
    assert.equal(pair.near.closed(), false);
    assert.equal((await pair.far.readBytes(sent)).length, sent);
    await pair.near.drained();
    await pair.near.write("more");
    assert.equal(text(await pair.far.readBytes(4)), "more");
    await closeBoth(pair);
  },
);

question(
  "writing to a closed stream rejects with StreamClosedError, and send() drops the data",
  async (kit) => {
    const pair = await kit.open();
    pair.near.close();
    await assert.rejects(pair.near.write("x"), isClosed);
    await assert.rejects(pair.near.whenWritable(), isClosed);
    await assert.rejects(pair.near.drained(), isClosed);
    assert.equal(pair.near.send("x"), false);
    pair.near.cork();
    assert.equal(pair.near.send("x"), false);
    pair.near.uncork();
    pair.near.end();
    pair.near.abort();
    await closeBoth(pair);
  },
);

question(
  "those who wait for room or for the drain reject when the stream is closed",
  ["backPressure"],
  async (kit) => {
    const pair = await kit.open();
    await fill(pair.near);
    const waits = [pair.near.whenWritable(), pair.near.drained()];
    const real = new Error("over");
    pair.near.close(real);
    for (const wait of waits) {
      await assert.rejects(wait, (error: unknown) => {
        assert.ok(error instanceof StreamClosedError);
        assert.equal(error.realError, real);
        return true;
      });
    }
    await closeBoth(pair);
  },
);

question(
  "abort() behind end() closes the stream although the reader has stopped",
  ["reset", "backPressure"],
  async (kit) => {
    const pair = await kit.open({ allowHalfOpen: true });
    await fill(pair.near);
    pair.near.end();
    pair.near.abort();
    await pair.near.whenClosed({ timeout: 5000 });
    pair.far.close();
    await closeBoth(pair);
  },
);

question("calls with an invalid timeout or signal are refused and leave nothing behind", async (kit) => {
  const pair = await kit.open();
  const invalid: unknown[] = [
    { timeout: Number.NaN },
    { timeout: "100" },
    { signal: new AbortController() },
    { signal: "now" },
    "100",
  ];
  const isRefused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
  for (const options of invalid as WaitOptions[]) {
    await assert.rejects(pair.far.readBytes(1, options), isRefused);
    await assert.rejects(pair.far.readUntil("\n", options), isRefused);
    await assert.rejects(pair.far.readUntilRegex(/\n/, options), isRefused);
    await assert.rejects(pair.far.readInto(new Uint8Array(1), options), isRefused);
    await assert.rejects(pair.far.readUntilClose(options), isRefused);
    assert.throws(() => pair.far.chunks(options), isRefused);
    await assert.rejects(pair.near.write("never sent", options), isRefused);
    await assert.rejects(pair.near.whenWritable(options), isRefused);
    await assert.rejects(pair.near.drained(options), isRefused);
    await assert.rejects(pair.near.whenClosed(options), isRefused);
    assert.equal(pair.far.reading(), false);
    assert.equal(pair.near.bytesQueued, 0);
  }
  await assert.rejects(pair.near.write("never sent", { signal: AbortSignal.abort() }));
  await pair.near.write("x", { signal: null, timeout: null });
  await pair.near.drained({ signal: null });
  assert.equal(text(await pair.far.readBytes(1, { signal: null })), "x");
  await closeBoth(pair);
});

question(
  "a timeout of 0 or less has just passed: what is there is read, what is not times out",
  async (kit) => {
    const pair = await kit.open();
    await pair.near.write("x");
    await buffered(pair.far, 1);
    assert.equal(text(await pair.far.readBytes(1, { timeout: 0 })), "x");
    await assert.rejects(pair.far.readBytes(1, { timeout: 0 }), TimeoutError);
    await assert.rejects(pair.far.readBytes(1, { timeout: -5 }), TimeoutError);
    await pair.near.write("y");
    assert.equal(text(await pair.far.readBytes(1)), "y");
    await closeBoth(pair);
  },
);

question("chunks() yields what arrives; its timeout bounds the wait for each piece", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("first");
  let received = "";
  await assert.rejects(async () => {
    for await (const chunk of pair.far.chunks({ timeout: 50 })) received += text(chunk);
  }, TimeoutError);
  assert.equal(received, "first");
  const controller = new AbortController();
  const reason = new Error("enough");
  const iterating = (async () => {
    for await (const chunk of pair.far.chunks({ signal: controller.signal })) {
      received += text(chunk);
      if (received === "firstsecond") controller.abort(reason);
    }
  })();
  await pair.near.write("second");
  await assert.rejects(iterating, reason);
  assert.equal(pair.far.closed(), false);
  await closeBoth(pair);
});

// --- closing ----------------------------------------------------------------------------------------------------

question("close() rejects the pending read first and calls the close callback later, once", async (kit) => {
  const pair = await kit.open();
  const heard: string[] = [];
  pair.far.setCloseCallback(() => heard.push("closed"));
  const read = pair.far.readBytes(1).catch((error: unknown) => {
    assert.ok(error instanceof StreamClosedError);
    heard.push("rejected");
  });
  pair.far.close();
  pair.far.close();
  assert.ok(pair.far.closed());
  assert.deepEqual(heard, []);
  await read;
  await pair.far.whenClosed();
  while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard, ["rejected", "closed"]);
  await closeBoth(pair);
});

question(
  "close(error) keeps the error, and waiting operations carry it; a second close changes nothing",
  async (kit) => {
    const pair = await kit.open();
    const real = new Error("the reason");
    const read = pair.far.readUntilClose();
    pair.far.close(real);
    pair.far.close(new Error("another"));
    await assert.rejects(read, (error: unknown) => {
      assert.ok(error instanceof StreamClosedError);
      assert.equal(error.realError, real);
      return true;
    });
    assert.equal(pair.far.error, real);
    await closeBoth(pair);
  },
);

question("a close callback set after the close is called, too", async (kit) => {
  const pair = await kit.open();
  pair.far.close();
  await pair.far.whenClosed();
  await new Promise<void>((resolve) => pair.far.setCloseCallback(resolve));
  await closeBoth(pair);
});

question("an idle stream with a close callback notices that the other side has closed", async (kit) => {
  const pair = await kit.open();
  const closed = new Promise<void>((resolve) => pair.far.setCloseCallback(resolve));
  pair.near.close();
  await closed;
  assert.ok(pair.far.closed());
  assert.equal(pair.far.error, undefined);
  await closeBoth(pair);
});

question("a pending read rejects when the other side closes", async (kit) => {
  const pair = await kit.open();
  const read = pair.far.readBytes(10);
  await pair.near.write("short");
  await pair.near.drained();
  pair.near.close();
  await assert.rejects(read, isClosed);
  assert.equal(text(await pair.far.readUntilClose()), "short");
  await closeBoth(pair);
});

question("whenClosed() with a timeout gives up and leaves the stream alone", async (kit) => {
  const pair = await kit.open();
  await assert.rejects(pair.far.whenClosed({ timeout: 20 }), TimeoutError);
  assert.equal(pair.far.closed(), false);
  await pair.near.write("x");
  assert.equal(text(await pair.far.readBytes(1)), "x");
  await closeBoth(pair);
});

question("`await using` closes the stream", async (kit) => {
  const pair = await kit.open();
  await pair.far[Symbol.asyncDispose]();
  assert.ok(pair.far.closed());
  await closeBoth(pair);
});

question("end() sends what is queued, then FIN; writing more is refused, twice is fine", async (kit) => {
  const pair = await kit.open();
  pair.near.cork();
  pair.near.send("last words");
  pair.near.end();
  pair.near.end();
  assert.equal(pair.near.send("x"), false);
  await assert.rejects(pair.near.write("x"), isClosed);
  assert.equal(text(await pair.far.readUntilClose()), "last words");
  await closeBoth(pair);
});

question("after FIN a stream with allowHalfOpen goes on writing", ["halfClose"], async (kit) => {
  const pair = await kit.open(undefined, { allowHalfOpen: true });
  await pair.near.write("question");
  pair.near.end();
  assert.equal(text(await pair.far.readUntilClose()), "question");
  assert.equal(pair.far.closed(), false);
  assert.ok(pair.far.finReceived);
  await pair.far.write("answer");
  assert.equal(text(await pair.near.readBytes(6)), "answer");
  pair.far.end();
  await pair.far.whenClosed();
  await pair.near.whenClosed();
  await closeBoth(pair);
});

question(
  "after FIN a plain stream sends what is queued and closes",
  ["halfClose", "backPressure"],
  async (kit) => {
    const pair = await kit.open();
    const sent = await fill(pair.far);
    const read = pair.far.readBytes(1);
    pair.near.end();
    await assert.rejects(read, isClosed);
    assert.ok(pair.far.closed());
    assert.equal((await pair.near.readUntilClose()).length, sent);
    await pair.far.whenClosed();
    await closeBoth(pair);
  },
);

question(
  "abort() is an error for the other side; what had come before can be read",
  ["reset"],
  async (kit) => {
    const pair = await kit.open();
    await pair.near.write("some");
    await buffered(pair.far, 4);
    const read = pair.far.readUntilClose();
    pair.near.abort();
    pair.near.abort();
    assert.ok(pair.near.closed());
    await assert.rejects(read, (error: unknown) => {
      assert.ok(error instanceof StreamClosedError);
      assert.equal((error.realError as NodeJS.ErrnoException).code, "ECONNRESET");
      return true;
    });
    assert.equal(text(await pair.far.readUntilClose()), "some");
    await closeBoth(pair);
  },
);

// --- the push face ----------------------------------------------------------------------------------------------

question("a sink hears the data, the FIN and the close, in this order and the last two once", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  assert.ok(pair.far.reading());
  await pair.near.write("hello");
  pair.near.end();
  await recorder.until(() => recorder.heard.includes("close"));
  assert.deepEqual(recorder.heard, ["data", "fin", "close"]);
  assert.equal(recorder.text, "hello");
  await closeBoth(pair);
  assert.equal(recorder.heard.length, 3);
});

question("a sink hears of a close() of its own side later, not inside the call", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  const error = new Error("enough");
  pair.far.close(error);
  assert.deepEqual(recorder.heard, []);
  await recorder.until(() => recorder.heard.length > 0);
  assert.deepEqual(recorder.heard, ["close: enough"]);
  await closeBoth(pair);
});

question("a sink gets first what was received before it came", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("line\nbefore ");
  assert.equal(text(await pair.far.readUntil("\n")), "line\n");
  const recorder = new Recorder();
  pair.far.consume(recorder);
  assert.equal(recorder.text, "");
  await pair.near.write("after");
  await recorder.until(() => recorder.bytes.length >= 12);
  assert.equal(recorder.text, "before after");
  await closeBoth(pair);
});

question("consume(undefined) hands the reading back with nothing lost", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  await pair.near.write("one");
  await recorder.until(() => recorder.bytes.length === 3);
  pair.far.consume(undefined);
  await pair.near.write("two");
  assert.equal(text(await pair.far.readBytes(3)), "two");
  assert.deepEqual(recorder.heard, ["data"]);
  await closeBoth(pair);
});

question("a sink and a pending read exclude each other", async (kit) => {
  const pair = await kit.open();
  const read = pair.far.readBytes(1);
  assert.throws(() => pair.far.consume(new Recorder()), InvalidStateError);
  await pair.near.write("x");
  await read;
  pair.far.consume(new Recorder());
  await assert.rejects(pair.far.readBytes(1), InvalidStateError);
  await closeBoth(pair);
});

question("pauseReading() holds everything up and resumeReading() goes on, nothing lost", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  pair.far.pauseReading();
  pair.far.pauseReading();
  await pair.near.write("held");
  pair.near.end();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(recorder.heard, []);
  pair.far.resumeReading();
  assert.deepEqual(recorder.heard, []);
  await recorder.until(() => recorder.heard.includes("close"));
  assert.equal(recorder.text, "held");
  assert.deepEqual(recorder.heard, ["data", "fin", "close"]);
  await closeBoth(pair);
});

question("a sink that pauses in onData gets nothing more before it resumes", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  const record = recorder.onData.bind(recorder);
  let paused = false;
  recorder.onData = (chunk) => {
    assert.equal(paused, false);
    paused = true;
    pair.far.pauseReading();
    setImmediate(() => {
      paused = false;
      pair.far.resumeReading();
    });
    record(chunk);
  };
  pair.far.consume(recorder);
  for (let i = 0; i < 10; i++) {
    void pair.near.write("0123456789");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await recorder.until(() => recorder.bytes.length === 100);
  assert.equal(recorder.text, "0123456789".repeat(10));
  await closeBoth(pair);
});

question("unread() puts bytes in front, for either face", async (kit) => {
  const pair = await kit.open();
  await pair.near.write("world");
  await buffered(pair.far, 5);
  pair.far.unread(Buffer.from("hello "));
  assert.equal(text(await pair.far.readBytes(8)), "hello wo");
  pair.far.unread(Buffer.from("wo"));
  const recorder = new Recorder();
  pair.far.consume(recorder);
  await recorder.until(() => recorder.bytes.length === 5);
  assert.equal(recorder.text, "world");
  await closeBoth(pair);
});

question(
  "a sink that throws is logged and closes the stream, and the other side notices",
  ["duplex"],
  async (kit) => {
    using _ = new ExpectLog("squall.application", /sink/);
    const pair = await kit.open();
    const recorder = new Recorder();
    recorder.onData = () => {
      throw new Error("cannot take it");
    };
    pair.far.consume(recorder);
    await pair.near.write("x");
    await recorder.until(() => recorder.heard.length > 0);
    assert.deepEqual(recorder.heard, ["close: cannot take it"]);
    await pair.near.whenClosed();
    await closeBoth(pair);
  },
);

question("a sink that comes after the close hears of it once", async (kit) => {
  const pair = await kit.open();
  pair.far.close();
  await pair.far.whenClosed();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  await recorder.until(() => recorder.heard.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(recorder.heard, ["close"]);
  await closeBoth(pair);
});

question("much data arrives whole through a sink", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  pair.far.consume(recorder);
  const data = Buffer.alloc(1_000_000);
  for (let i = 0; i < data.length; i++) data[i] = (i * 31) & 0xff;
  for (let at = 0; at < data.length; at += 50_000) await pair.near.write(data.subarray(at, at + 50_000));
  await recorder.until(() => recorder.bytes.length === data.length);
  assert.ok(recorder.bytes.equals(data));
  await closeBoth(pair);
});

/** Short pieces, each of which arrives alone, then 300,000 bytes at once. */
function variedPieces(): Buffer[] {
  const short = Array.from({ length: 12 }, (_, i) => Buffer.alloc(100 + 50 * (i % 3), 0x61 + i));
  return [...short, Buffer.alloc(300_000, "long"), Buffer.from("end")];
}

question("what reads have given stays as it is, whatever is read later", async (kit) => {
  const pair = await kit.open();
  const kept: Buffer[] = [];
  const pieces = variedPieces();
  for (const piece of pieces) {
    const sent = pair.near.write(piece);
    kept.push(await pair.far.readBytes(piece.length));
    await sent;
  }
  for (const [i, piece] of pieces.entries()) assert.ok(kept[i]?.equals(piece), `piece ${i}`);
  await closeBoth(pair);
});

question("what a sink keeps stays as it is, whatever comes later", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  const kept: Buffer[] = [];
  recorder.onData = (chunk) => {
    kept.push(chunk);
    Recorder.prototype.onData.call(recorder, chunk);
  };
  pair.far.consume(recorder);
  const pieces = variedPieces();
  for (const piece of pieces) {
    const before = recorder.bytes.length;
    await pair.near.write(piece);
    await recorder.until(() => recorder.bytes.length === before + piece.length);
  }
  assert.ok(Buffer.concat(kept).equals(Buffer.concat(pieces)));
  await closeBoth(pair);
});

question("a sink that takes lent bytes gets all that comes, in its order", async (kit) => {
  const pair = await kit.open();
  const recorder = new Recorder();
  const takesLent = Object.assign(recorder, {
    onLent: (chunk: Buffer) => recorder.onData(Buffer.from(chunk)),
  });
  pair.far.consume(takesLent);
  const pieces = variedPieces();
  for (const piece of pieces) {
    const before = recorder.bytes.length;
    await pair.near.write(piece);
    await recorder.until(() => recorder.bytes.length === before + piece.length);
    // What comes while the sink waits is its own to keep.
    pair.far.pauseReading();
    await pair.near.write("paused");
    pair.far.resumeReading();
    await recorder.until(() => recorder.bytes.length === before + piece.length + 6);
  }
  const expected = Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.from("paused")]));
  assert.ok(recorder.bytes.equals(expected));
  await closeBoth(pair);
});

question(
  "lent bytes stay as they are while the sink has them, whatever it does with its stream meanwhile",
  ["duplex"],
  async (kit) => {
    const pair = await kit.open();
    const recorder = new Recorder();
    const uses: readonly (() => unknown)[] = [
      () => pair.far.write("x".repeat(100)),
      () => pair.far.write("x".repeat(200_000)),
      () => pair.far.drained(),
      () => {
        pair.far.pauseReading();
        pair.far.resumeReading();
      },
      () => {
        pair.far.cork();
        pair.far.send("y");
        void pair.far.drained().catch(() => {});
        pair.far.uncork();
      },
    ];
    let used = 0;
    let changed = 0;
    const onLent = (chunk: Buffer): void => {
      const before = Buffer.from(chunk);
      const done = uses[used++ % uses.length]!();
      if (done instanceof Promise) done.catch(() => {});
      if (!before.equals(chunk)) changed++;
      recorder.onData(before);
    };
    pair.far.consume(Object.assign(recorder, { onLent }));
    const data = Buffer.alloc(600_000);
    for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 14)) & 0xff;
    const ignored = new Recorder();
    pair.near.consume(ignored);
    await pair.near.write(data);
    await recorder.until(() => recorder.bytes.length === data.length);
    assert.equal(changed, 0);
    assert.ok(recorder.bytes.equals(data));
    await closeBoth(pair);
  },
);

question("a sink that fails to take lent bytes closes the stream", ["duplex"], async (kit) => {
  using _log = new ExpectLog("squall.application", /the sink of a stream failed/);
  const pair = await kit.open();
  const recorder = new Recorder();
  const fail = (): void => {
    throw new Error("cannot take it");
  };
  recorder.onData = fail;
  pair.far.consume(Object.assign(recorder, { onLent: fail }));
  await pair.near.write("x");
  await recorder.until(() => recorder.heard.length > 0);
  assert.deepEqual(recorder.heard, ["close: cannot take it"]);
  await closeBoth(pair);
});

/** Everything that a stream is asked. */
export const streamContract: readonly StreamQuestion[] = questions;
