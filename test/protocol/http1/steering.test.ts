/** Pausing, resuming and detaching a receiver at any of its calls, and the end of input anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lend, octets, serverReceiver, tellRequests } from "../../support/http1.js";
import { cuttings, inSteps } from "../../support/splits.js";

const TEXT =
  "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
  "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n" +
  "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
const BYTES = octets(TEXT);
const WHOLE = tellRequests([BYTES]);

test("pause() at every call and resume() afterwards tell the same, one call at a time", () => {
  for (const { how, pieces } of cuttings(BYTES)) {
    const { receiver, recorder } = serverReceiver();
    recorder.onCall = () => receiver.pause();
    for (const piece of pieces) receiver.feed(piece);
    assert.equal(recorder.calls, 1, how);
    while (receiver.paused) {
      const before = recorder.calls;
      receiver.resume();
      assert.ok(recorder.calls <= before + 1, how);
    }
    assert.deepEqual(recorder.told, WHOLE, how);
    assert.equal(receiver.bufferedBytes, 0, how);
  }
});

test("pause() and resume() inside one call change nothing", () => {
  for (const { how, pieces } of cuttings(BYTES)) {
    const { receiver, recorder } = serverReceiver();
    recorder.onCall = () => {
      receiver.pause();
      receiver.resume();
    };
    for (const piece of pieces) receiver.feed(piece);
    assert.deepEqual(recorder.told, WHOLE, how);
  }
});

test("feed() while paused tells nothing and counts what waits", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.pause();
  receiver.pause();
  let fed = 0;
  for (const piece of inSteps(BYTES, 10)) {
    receiver.feed(piece);
    fed += piece.length;
    assert.equal(receiver.bufferedBytes, fed);
  }
  assert.equal(recorder.calls, 0);
  assert.equal(receiver.betweenMessages, false);
  receiver.resume();
  assert.deepEqual(recorder.told, WHOLE);
  assert.equal(receiver.betweenMessages, true);
});

test("feed() from inside the visitor waits until the call is over", () => {
  const { receiver, recorder } = serverReceiver();
  const pieces = inSteps(BYTES, 4);
  let depth = 0;
  recorder.onCall = () => {
    assert.equal(++depth, 1);
    const next = pieces.shift();
    if (next !== undefined) receiver.feed(next);
    depth--;
  };
  receiver.feed(pieces.shift()!);
  while (pieces.length > 0) receiver.feed(pieces.shift()!);
  assert.deepEqual(recorder.told, WHOLE);
});

test("detach() at any call ends the calls, and what comes later is dropped", () => {
  const calls = 12;
  for (let stopAt = 1; stopAt <= calls; stopAt++) {
    for (const { how, pieces } of cuttings(BYTES)) {
      const { receiver, recorder } = serverReceiver();
      recorder.onCall = () => {
        if (recorder.calls === stopAt) receiver.detach();
      };
      for (const piece of pieces) receiver.feed(piece);
      receiver.feed(octets("more"));
      receiver.feedEnd();
      receiver.resume();
      assert.ok(recorder.calls <= stopAt, how);
      assert.equal(receiver.bufferedBytes, 0, how);
    }
  }
});

test("detach() before anything drops everything", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.detach();
  receiver.detach();
  receiver.feed(BYTES);
  assert.equal(receiver.bufferedBytes, 0);
  assert.equal(recorder.calls, 0);
});

test("detach() while paused hands back what waits", () => {
  const { receiver } = serverReceiver();
  receiver.pause();
  receiver.feed(octets("GET / HT"));
  receiver.feed(octets("TP/1.1"));
  assert.equal(receiver.detach().toString("latin1"), "GET / HTTP/1.1");
  assert.equal(receiver.bufferedBytes, 0);
});

test("detach() in onEnd hands back exactly what follows the message", () => {
  const first = TEXT.indexOf("POST /2");
  for (const { how, pieces } of cuttings(BYTES)) {
    const { receiver, recorder } = serverReceiver();
    const rest: Buffer[] = [];
    recorder.onCall = (name) => {
      if (name === "end") rest.push(receiver.detach());
    };
    for (const piece of pieces) {
      if (rest.length > 0) rest.push(piece);
      else receiver.feed(piece);
    }
    assert.equal(Buffer.concat(rest).toString("latin1"), TEXT.slice(first), how);
    assert.equal(recorder.told.length, 3, how);
    assert.equal(receiver.detach().length, 0, how);
  }
});

test("detach() inside a head, and while paused with several chunks waiting, loses nothing", () => {
  for (let at = 0; at <= 30; at++) {
    const { receiver } = serverReceiver();
    receiver.feed(BYTES.subarray(0, at));
    receiver.pause();
    receiver.feed(BYTES.subarray(at, 35));
    receiver.feed(BYTES.subarray(35, 40));
    const expected = TEXT.slice(0, 40);
    assert.equal(receiver.bufferedBytes, 40);
    assert.equal(receiver.detach().toString("latin1"), expected);
    assert.equal(receiver.bufferedBytes, 0);
  }
});

test("betweenMessages is true only while nothing of a message has been seen", () => {
  const { receiver } = serverReceiver();
  assert.equal(receiver.betweenMessages, true);
  receiver.feed(octets("\r\n"));
  assert.equal(receiver.betweenMessages, true);
  receiver.feed(octets("G"));
  assert.equal(receiver.betweenMessages, false);
  receiver.feed(octets("ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"));
  assert.equal(receiver.betweenMessages, false);
  receiver.feed(octets("x"));
  assert.equal(receiver.betweenMessages, true);
});

test("case 30, case 39: feedEnd() anywhere inside a message is an error, and between messages nothing", () => {
  const whole = new Set([0, TEXT.indexOf("POST /2"), TEXT.indexOf("GET /3"), TEXT.length]);
  for (let at = 0; at <= TEXT.length; at++) {
    const { receiver, recorder } = serverReceiver();
    receiver.feed(BYTES.subarray(0, at));
    receiver.feedEnd();
    receiver.feedEnd();
    const last = recorder.told.at(-1);
    if (whole.has(at)) assert.ok(last === undefined || "end" in last, `at ${at}`);
    else assert.deepEqual(last, { error: "ERR_SQUALL_HTTP_INCOMPLETE", status: 400 }, `at ${at}`);
    const errors = recorder.told.filter((one) => "error" in one).length;
    assert.equal(errors, whole.has(at) ? 0 : 1, `at ${at}`);
  }
});

test("feedEnd() while paused waits behind the bytes", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.pause();
  receiver.feed(octets("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"));
  receiver.feedEnd();
  assert.equal(recorder.calls, 0);
  receiver.resume();
  assert.equal(recorder.told.length, 3);
  assert.deepEqual(recorder.told.at(-1), { error: "ERR_SQUALL_HTTP_INCOMPLETE", status: 400 });
});

test("feedEnd() after blank lines is no error", () => {
  const { receiver, recorder } = serverReceiver();
  receiver.feed(octets("\r\n\r\n"));
  receiver.feedEnd();
  assert.equal(recorder.calls, 0);
});

test("an error thrown by the visitor comes out of feed() and leaves the receiver usable", () => {
  const { receiver, recorder } = serverReceiver();
  const oops = new Error("oops");
  recorder.onCall = (name) => {
    if (name === "head" && recorder.calls === 1) throw oops;
  };
  assert.throws(() => receiver.feed(BYTES), oops);
  receiver.resume();
  assert.deepEqual(recorder.told, WHOLE);
});

test("onError is the last call, and pausing or feeding inside it changes nothing", () => {
  const { receiver, recorder } = serverReceiver();
  recorder.onCall = (name) => {
    if (name !== "error") return;
    receiver.pause();
    receiver.feed(octets("xyz"));
    receiver.resume();
  };
  receiver.feed(octets("GET / HTTP/1.1\r\n rest"));
  assert.equal(recorder.calls, 1);
  assert.equal(receiver.bufferedBytes, 0);
});

test("feedLent(): a receiver that is paused at every call has copied what it goes on with", () => {
  for (const { how, pieces } of cuttings(BYTES)) {
    const { receiver, recorder } = serverReceiver();
    recorder.onCall = () => receiver.pause();
    let fed = 0;
    for (const piece of pieces) {
      lend(receiver, piece);
      fed += piece.length;
    }
    assert.ok(receiver.bufferedBytes < fed, how);
    while (receiver.paused) receiver.resume();
    assert.deepEqual(recorder.told, WHOLE, how);
    assert.equal(Buffer.concat(recorder.pieces).toString(), "helloabcde", how);
    assert.equal(receiver.bufferedBytes, 0, how);
  }
});

test("feedLent(): what detach() hands back may be kept, inside a call and while paused", () => {
  for (let stopAt = 1; stopAt <= 8; stopAt++) {
    for (const [how, isInside] of [
      ["inside", true],
      ["paused", false],
    ] as const) {
      const { receiver, recorder } = serverReceiver();
      let rest: Buffer | undefined;
      recorder.onCall = () => {
        if (recorder.calls !== stopAt) return;
        if (isInside) rest = receiver.detach();
        else receiver.pause();
      };
      lend(receiver, BYTES);
      rest ??= receiver.detach();
      assert.equal(rest.toString("latin1"), TEXT.slice(TEXT.length - rest.length), `${how}, call ${stopAt}`);
    }
  }
});

test("feedLent() from inside the visitor, and behind bytes that wait, copies", () => {
  const { receiver, recorder } = serverReceiver();
  const pieces = inSteps(BYTES, 4);
  recorder.onCall = () => {
    const next = pieces.shift();
    if (next === undefined) return;
    // Not where the chunk lies that is being read.
    receiver.feedLent(next);
    next.fill("!");
  };
  receiver.pause();
  lend(receiver, pieces.shift()!);
  receiver.feed(pieces.shift()!);
  lend(receiver, pieces.shift()!);
  receiver.resume();
  while (pieces.length > 0) lend(receiver, pieces.shift()!);
  assert.deepEqual(recorder.told, WHOLE);
});
