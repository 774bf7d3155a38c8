/**
 * The 247 cases of frames and UTF-8 in both roles, against the protocol objects, and against a handler and a client over
 * a network: all OK, none merely lenient.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCases } from "./cases.js";
import { PureEnd } from "./pure-end.js";
import { withClientEnd, withServerEnd } from "./socket-end.js";
import { runStepCase, type TestedEnd } from "./tester.js";

const { cases, count } = readCases();

type Runner = (test: (end: TestedEnd) => Promise<void>) => Promise<void>;
const ENDS: Readonly<Record<string, Runner>> = {
  "the protocol of a server": (run) => run(new PureEnd("server")),
  "the protocol of a client": (run) => run(new PureEnd("client")),
  "a handler": (run) => withServerEnd(undefined, run),
  "a client's connection": (run) => withClientEnd(undefined, run),
};

for (const [name, withEnd] of Object.entries(ENDS)) {
  describe(`the conformance cases of frames and UTF-8, against ${name}`, () => {
    test("all of them are there", () => {
      assert.equal(cases.length, count.frames_and_utf8);
      assert.equal(new Set(cases.map(({ id }) => id)).size, 247);
    });
    for (const testCase of cases) {
      test(`${testCase.id}: ${testCase.what}`, async () => {
        await withEnd(async (end) => {
          const { verdict, why } = await runStepCase(testCase, end);
          assert.equal(verdict, testCase.informational === true ? "INFORMATIONAL" : "OK", why);
        });
      });
    }
  });
}
