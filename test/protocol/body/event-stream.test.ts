import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeEvent, type ServerSentEvent } from "squall/web";
import "../../support/guard.js";

/** Events as a browser reads them: a plain reading of WHATWG HTML §9.2.6. */
function read(text: string): { type: string; data: string; id: string }[] {
  const events: { type: string; data: string; id: string }[] = [];
  let [type, data, id] = ["", "", ""];
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === "") {
      if (data !== "") events.push({ type: type || "message", data: data.slice(0, -1), id });
      [type, data] = ["", ""];
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") type = value;
    if (field === "data") data += `${value}\n`;
    if (field === "id") id = value;
  }
  return events;
}

describe("encodeEvent()", () => {
  test("writes a text as data, anything else as JSON", () => {
    assert.equal(encodeEvent("hello").text, "data: hello\n\n");
    assert.equal(encodeEvent({ data: "hello" }).text, "data: hello\n\n");
    assert.equal(encodeEvent({ data: { a: [1, "\n"] } }).text, 'data: {"a":[1,"\\n"]}\n\n');
    assert.equal(encodeEvent({ data: null }).text, "data: null\n\n");
  });

  test("writes all fields", () => {
    assert.equal(
      encodeEvent({ comment: "c", retry: 3000, id: 7, event: "price", data: "1" }).text,
      ": c\nretry: 3000\nid: 7\nevent: price\ndata: 1\n\n",
    );
    assert.equal(encodeEvent({ id: "" }).text, "id: \n\n");
  });

  test("keeps every line of data, whatever its end, and begins no field with any of them", () => {
    for (const data of [
      "a\nb",
      "a\r\nb",
      "a\rb",
      "a\n\nb",
      "\n",
      "",
      " a",
      "event: x",
      ":",
      "a\nid: 1\n\ndata: b",
      "ü\u2028",
    ])
      assert.deepEqual(
        read(encodeEvent({ data }).text),
        [{ type: "message", data: data.replace(/\r\n?/g, "\n"), id: "" }],
        JSON.stringify(data),
      );
    assert.deepEqual(read(encodeEvent({ comment: "a\ndata: x\n\n", data: "b" }).text), [
      { type: "message", data: "b", id: "" },
    ]);
  });

  test("refuses CR, LF and NUL in a type and an id", () => {
    for (const wrong of ["a\nb", "a\rb", "a\0", "\n"]) {
      for (const event of [{ event: wrong }, { id: wrong }] satisfies ServerSentEvent[])
        assert.throws(() => encodeEvent(event), {
          code: "ERR_SQUALL_INVALID_ARGUMENT",
          message: /CR, LF or NUL/,
        });
    }
  });

  test("refuses other members, times and data that JSON does not have", () => {
    const wrong: unknown[] = [
      { name: "x" },
      { retry: -1 },
      { retry: 1.5 },
      { event: 5 },
      { id: {} },
      { data: () => 1 },
      { data: 1n },
      { data: Buffer.from("x") },
      null,
      5,
    ];
    for (const event of wrong)
      assert.throws(() => encodeEvent(event as ServerSentEvent), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});
