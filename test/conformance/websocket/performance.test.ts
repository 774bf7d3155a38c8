/** The 54 cases of many, large and fragmented messages against the protocol objects, in both roles. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { octetsOf, readCases } from "./cases.js";
import { PureEnd } from "./pure-end.js";
import { closeCleanly, echoOnce } from "./tester.js";

const { performance: cases, count } = readCases();

for (const role of ["server", "client"] as const) {
  describe(`the conformance cases of performance, against a ${role}`, () => {
    test("all of them are there", () => assert.equal(cases.length, count.performance));
    for (const { id, what, octets, fragment, piece, messages = 1 } of cases) {
      const size = `${octets} octets${fragment ? `, fragments of ${fragment}` : ""}${piece ? `, pieces of ${piece}` : ""}`;
      test(`${id}: ${what} (${size})`, async () => {
        const end = new PureEnd(role);
        const opcode = what.includes("binary") ? 2 : 1;
        const message = octetsOf({ repeat: [opcode === 1 ? "2a" : "fe", octets] });
        for (let i = 0; i < messages; i++) {
          const fault = await echoOnce(end, opcode, message, {
            ...(fragment === undefined ? {} : { fragment }),
            ...(piece === undefined ? {} : { piece }),
          });
          assert.equal(fault, undefined);
        }
        await closeCleanly(end);
        assert.equal(end.hasEnded(), true);
      });
    }
  });
}
