import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Outbox,
  OutboxFullError,
  type OutboxOptions,
  type OutboxTarget,
  resolveOutboxOptions,
} from "squall/iostream";
import "../support/guard.js";

/** A transport with room for so many messages at a time. */
class Transport implements OutboxTarget<string> {
  readonly sent: string[] = [];
  readonly disconnects: Error[] = [];
  room: number;
  /** Called inside deliver(). */
  whileDelivering: (message: string) => void = () => {};

  constructor(room: number) {
    this.room = room;
  }

  deliver(message: string): boolean {
    this.sent.push(message);
    this.whileDelivering(message);
    return --this.room > 0;
  }

  sizeOf(message: string): number {
    return message.length;
  }

  disconnect(error: Error): void {
    this.disconnects.push(error);
  }
}

function outbox(transport: Transport, options: OutboxOptions = {}): Outbox<string> {
  return new Outbox(transport, resolveOutboxOptions(options));
}

async function state(promise: Promise<unknown>): Promise<string> {
  const pending = Symbol();
  const first = await Promise.race([
    promise.then(
      () => "resolved",
      (error: Error) => error.name,
    ),
    new Promise((resolve) => setImmediate(resolve, pending)),
  ]);
  return first === pending ? "pending" : String(first);
}

describe("Outbox", () => {
  test("passes messages straight through while the transport has room", async () => {
    const transport = new Transport(10);
    const box = outbox(transport);
    assert.equal(await state(box.push("a")), "resolved");
    assert.equal(await state(box.push("b")), "resolved");
    assert.deepEqual(transport.sent, ["a", "b"]);
    assert.equal(box.queuedMessages, 0);
  });

  test("queues behind a full transport and sends in order when it has room again", async () => {
    const transport = new Transport(1);
    const box = outbox(transport);
    const waits = [box.push("a"), box.push("bb"), box.push("ccc")];
    assert.deepEqual(transport.sent, ["a"]);
    assert.equal(box.queuedBytes, 5);
    assert.equal(await state(waits[0]!), "pending");
    transport.room = 1;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "bb"]);
    assert.equal(await state(waits[2]!), "pending");
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "bb", "ccc"]);
    await Promise.all(waits);
    assert.equal(box.queuedBytes, 0);
  });

  test("all producers that wait share one promise", () => {
    const box = outbox(new Transport(1));
    box.push("a");
    assert.equal(box.push("b"), box.push("c"));
    assert.equal(box.whenRoom(), box.push("d"));
  });

  test("a message that is pushed inside deliver() keeps its place behind", () => {
    const transport = new Transport(10);
    const box = outbox(transport);
    transport.whileDelivering = (message) => {
      if (message === "a") {
        box.push("b");
        box.push("c");
        assert.deepEqual(transport.sent, ["a"]);
      }
    };
    box.push("a");
    assert.deepEqual(transport.sent, ["a", "b", "c"]);
  });

  test('"block" refuses a message beyond the budget and keeps all others', async () => {
    const transport = new Transport(1);
    const box = outbox(transport, { maxQueuedBytes: 4 });
    box.push("a");
    box.push("bbbb");
    await assert.rejects(box.push("c"), (error) => {
      assert.ok(error instanceof OutboxFullError);
      assert.equal(error.code, "ERR_SQUALL_OUTBOX_FULL");
      return true;
    });
    transport.room = 9;
    box.flush();
    assert.equal(await state(box.push("d")), "resolved");
    assert.deepEqual(transport.sent, ["a", "bbbb", "d"]);
  });

  test('"drop-oldest" drops whole queued messages until the new one fits, and never makes producers wait', async () => {
    const transport = new Transport(1);
    const box = outbox(transport, { slowConsumer: "drop-oldest", maxQueuedBytes: 4 });
    for (const message of ["a", "bb", "cc", "ddd"]) assert.equal(await state(box.push(message)), "resolved");
    assert.equal(box.dropped, 2);
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "ddd"]);
  });

  test('"drop-oldest" with one queued message keeps the latest alone', () => {
    const transport = new Transport(1);
    const box = outbox(transport, { slowConsumer: "drop-oldest", maxQueuedMessages: 1 });
    for (const message of ["a", "b", "c", "d"]) box.offer(message);
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "d"]);
  });

  test('"drop-oldest" drops a message that exceeds the budget by itself, and nothing else', () => {
    const transport = new Transport(1);
    const box = outbox(transport, { slowConsumer: "drop-oldest", maxQueuedBytes: 4 });
    for (const message of ["a", "bb", "ccccc"]) box.offer(message);
    assert.equal(box.dropped, 1);
    assert.equal(box.queuedMessages, 1);
  });

  test('"drop-newest" drops the new message', () => {
    const transport = new Transport(1);
    const box = outbox(transport, { slowConsumer: "drop-newest", maxQueuedMessages: 2 });
    for (const message of ["a", "b", "c", "d"]) assert.equal(box.offer(message), undefined);
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "b", "c"]);
    assert.equal(box.dropped, 1);
  });

  test('"disconnect" ends the connection once and rejects everyone who waits', async () => {
    const transport = new Transport(1);
    const box = outbox(transport, { slowConsumer: "disconnect", maxQueuedMessages: 1 });
    box.push("a");
    const waiting = box.push("b");
    assert.equal(await state(box.push("c")), "OutboxFullError");
    assert.equal(await state(box.push("d")), "OutboxFullError");
    assert.equal(await state(waiting), "OutboxFullError");
    assert.equal(transport.disconnects.length, 1);
    assert.equal(box.queuedMessages, 0);
  });

  test("close() drops what is queued, and pushes reject with its error from then on", async () => {
    const transport = new Transport(1);
    const box = outbox(transport);
    box.push("a");
    const waiting = box.push("b");
    const error = new Error("gone");
    box.close(error);
    box.close(new Error("again"));
    await assert.rejects(waiting, error);
    await assert.rejects(box.push("c"), error);
    assert.equal(box.offer("d"), error);
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a"]);
  });

  test("close() inside deliver() ends the flush", () => {
    const transport = new Transport(1);
    const box = outbox(transport);
    for (const message of ["a", "b", "c"]) box.offer(message);
    transport.whileDelivering = () => box.close(new Error("gone"));
    transport.room = 9;
    box.flush();
    assert.deepEqual(transport.sent, ["a", "b"]);
  });

  test("a transport that is full from the start is not written to", () => {
    const transport = new Transport(9);
    const box = new Outbox(transport, resolveOutboxOptions({}), true);
    box.push("a");
    assert.deepEqual(transport.sent, []);
  });

  test("options are checked", () => {
    for (const options of [
      { slowConsumer: "drop" as "block" },
      { maxQueuedBytes: -1 },
      { maxQueuedMessages: 0 },
      { maxQueuedBytes: Number.NaN },
    ])
      assert.throws(() => resolveOutboxOptions(options), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});
