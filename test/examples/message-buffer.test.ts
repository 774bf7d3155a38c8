import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBuffer } from "../../examples/chat/message-buffer.js";

const draft = (n: number) => ({ id: `id-${n}`, name: "Ada", text: `message ${n}` });

function filled(count: number, size?: number): MessageBuffer {
  const buffer = new MessageBuffer(size);
  for (let n = 1; n <= count; n++) buffer.add(draft(n));
  return buffer;
}

test("a reader without a cursor gets everything, in order", () => {
  const page = filled(3).after("");
  assert.deepEqual(
    page.messages.map((message) => [message.n, message.text]),
    [
      [1, "message 1"],
      [2, "message 2"],
      [3, "message 3"],
    ],
  );
  assert.equal(page.restarted, false);
  assert.equal(page.missed, false);
});

test("a reader with a cursor gets what came after it, and nothing twice", () => {
  const buffer = filled(2);
  const { cursor } = buffer.after("");
  assert.deepEqual(buffer.after(cursor).messages, []);
  buffer.add(draft(3));
  const page = buffer.after(cursor);
  assert.deepEqual(
    page.messages.map((message) => message.n),
    [3],
  );
  assert.deepEqual(buffer.after(page.cursor).messages, []);
});

test("a reader who was away for longer than the buffer reaches is told so", () => {
  const buffer = filled(5, 5);
  const { cursor } = buffer.after("");
  for (let n = 6; n <= 10; n++) buffer.add(draft(n));
  assert.equal(buffer.after(cursor).missed, false, "all five are still there");
  buffer.add(draft(11));
  const page = buffer.after(cursor);
  assert.equal(page.missed, true);
  assert.equal(page.messages.length, 5);
});

test("a cursor of another life, or a broken one, gets everything and is told of the restart", () => {
  const buffer = filled(2);
  for (const cursor of [
    filled(2).after("").cursor,
    "x",
    ".",
    "1",
    `${buffer.after("").cursor}x`,
    "__proto__.1",
  ]) {
    const page = buffer.after(cursor);
    assert.equal(page.restarted, true, cursor);
    assert.equal(page.messages.length, 2, cursor);
  }
});

test("saying the same thing twice adds it once", () => {
  const buffer = new MessageBuffer();
  const first = buffer.add(draft(1));
  assert.equal(buffer.add(draft(1)), first);
  assert.equal(buffer.after("").messages.length, 1);
});

test("news() ends with the next message, with its timeout and with close(), and rejects with the signal's reason", async () => {
  const buffer = new MessageBuffer();
  const never = new AbortController().signal;
  const first = buffer.news({ signal: never, timeout: 60_000 });
  buffer.add(draft(1));
  await first;
  await buffer.news({ signal: never, timeout: 1 });
  const gone = new AbortController();
  const second = buffer.news({ signal: gone.signal, timeout: 60_000 });
  gone.abort(new Error("gone"));
  await assert.rejects(second, /gone/);
  const third = buffer.news({ signal: never, timeout: 60_000 });
  buffer.close();
  await third;
  await buffer.news({ signal: never, timeout: 60_000 });
});
