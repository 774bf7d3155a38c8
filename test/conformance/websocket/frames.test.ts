/**
 * The 247 cases of frames and UTF-8 against the protocol objects, in both roles: all OK, none merely lenient.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCases } from "./cases.js";
import { PureEnd } from "./pure-end.js";
import { runStepCase } from "./tester.js";

const { cases, count } = readCases();

for (const role of ["server", "client"] as const) {
  describe(`the conformance cases of frames and UTF-8, against a ${role}`, () => {
    test("all of them are there", () => {
      assert.equal(cases.length, count.frames_and_utf8);
      assert.equal(new Set(cases.map(({ id }) => id)).size, 247);
    });
    for (const testCase of cases) {
      test(`${testCase.id}: ${testCase.what}`, async () => {
        const { verdict, why } = await runStepCase(testCase, new PureEnd(role));
        assert.equal(verdict, testCase.informational === true ? "INFORMATIONAL" : "OK", why);
      });
    }
  });
}
