/** The format of Server-Sent Events: the examples of the HTML Standard, and every way to cut them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EventStreamParser, type ReceivedEvent } from "#room/protocol/body/event-stream-parser";
import "../../support/guard.js";

function parse(
  pieces: readonly (string | Buffer)[],
  limit = 1000,
): { events: ReceivedEvent[]; parser: EventStreamParser } {
  const parser = new EventStreamParser(limit);
  const events = pieces.flatMap((piece) => parser.push(Buffer.from(piece as string)));
  return { events, parser };
}

const message = (data: string, id = "", event = "message"): ReceivedEvent => ({ event, data, id });

describe("EventStreamParser", () => {
  for (const [what, text, expected] of [
    ["data of several lines", "data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]],
    [
      "comments, ids, and an id that is taken back",
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
      [message("first event", "1"), message("second event"), message(" third event")],
    ],
    ["fields without a value", "data\n\ndata\ndata\n\ndata:", [message("\n")]],
    ["one space after the colon", "data:test\n\ndata: test\n\n", [message("test"), message("test")]],
    ["types", "event: add\ndata: 1\n\ndata: 2\n\n", [message("1", "", "add"), message("2")]],
    ["an event without data", "event: add\nid: 7\n\ndata: x\n\n", [message("x", "7")]],
    ["an event that is not complete", "data: x\n", []],
    [
      "an id with NUL, which is ignored",
      "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
      [message("a", "1"), message("b", "1")],
    ],
    ["unknown fields and colons in values", "x: y\ndata: a:b\n\n", [message("a:b")]],
    ["a byte order mark", "\uFEFFdata: x\n\n", [message("x")]],
    ["text beyond ASCII", "data: é☃💧\n\n", [message("é☃💧")]],
  ] as const) {
    test(`reads ${what}, however it is cut and whatever ends its lines`, () => {
      for (const end of ["\n", "\r", "\r\n"]) {
        const bytes = Buffer.from(text.replaceAll("\n", end));
        for (let at = 0; at <= bytes.length; at++) {
          assert.deepEqual(
            parse([bytes.subarray(0, at), bytes.subarray(at)]).events,
            expected,
            `cut at ${at}`,
          );
        }
        assert.deepEqual(parse([...bytes].map((byte) => Buffer.from([byte]))).events, expected);
      }
    });
  }

  test("tells the last id and how long to wait", () => {
    const { parser } = parse(["id: 5\nretry: 1500\n\nretry: soon\nid: 6\n"]);
    assert.equal(parser.lastEventId, "5");
    assert.equal(parser.retry, 1500);
  });

  test("refuses a line and an event over the limit", () => {
    for (const pieces of [
      [`data: ${"x".repeat(1000)}`],
      Array.from({ length: 30 }, () => `data: ${"x".repeat(50)}\n`),
    ]) {
      assert.throws(() => parse(pieces), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });

  test("is linear in a line that comes in drops", () => {
    const parser = new EventStreamParser(10_000_000);
    const began = process.cpuUsage().user;
    for (let i = 0; i < 200_000; i++) parser.push(Buffer.from("xxxxxxxxxx"));
    assert.ok(process.cpuUsage().user - began < 5_000_000);
  });
});
