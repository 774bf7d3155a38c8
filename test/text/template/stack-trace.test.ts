/** Stacks as the runtimes write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { locateError, templateErrorLocation } from "#room/text/template/stack-trace";

const place = { filename: "a.html", lineno: 3, includedFrom: undefined };
const lines = {
  script: "file:///app/my%20templates.mjs",
  placeOf: (line: number) => (line === 7 ? place : undefined),
  sourceLine: () => undefined,
};

for (const [how, name] of [
  ["its URL, as in Node", "file:///app/my%20templates.mjs"],
  ["its path, as in Bun", "/app/my templates.mjs"],
] as const) {
  test(`a module of templates is known by ${how}`, { skip: process.platform === "win32" }, () => {
    const error = new Error("x");
    error.stack = `Error: x\n    at render (${name}:7:9)\n    at ${name}:8:1\n    at /app/other.mjs:7:1`;
    assert.equal(locateError(error, lines), error);
    assert.equal(error.stack, `Error: x\n    at a.html:3\n    at ${name}:8:1\n    at /app/other.mjs:7:1`);
    assert.deepEqual(templateErrorLocation(error), { ...place, sourceLine: undefined });
  });
}
