/**
 * The 54 cases of many, large and fragmented messages in both roles, against the protocol objects, and against a handler
 * and a client over a network.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { octetsOf, readCases } from "./cases.js";
import { PureEnd } from "./pure-end.js";
import { withClientEnd, withServerEnd } from "./socket-end.js";
import { closeCleanly, echoOnce, type TestedEnd } from "./tester.js";

const { performance: cases, count } = readCases();

type Runner = (test: (end: TestedEnd) => Promise<void>) => Promise<void>;
const ENDS: Readonly<Record<string, Runner>> = {
  "the protocol of a server": (run) => run(new PureEnd("server")),
  "the protocol of a client": (run) => run(new PureEnd("client")),
  "a handler": (run) => withServerEnd(undefined, run),
  "a client's connection": (run) => withClientEnd(undefined, run),
};

for (const [name, withEnd] of Object.entries(ENDS)) {
  describe(`the conformance cases of performance, against ${name}`, () => {
    test("all of them are there", () => assert.equal(cases.length, count.performance));
    for (const { id, what, octets, fragment, piece, messages = 1 } of cases) {
      const size = `${octets} octets${fragment ? `, fragments of ${fragment}` : ""}${piece ? `, pieces of ${piece}` : ""}`;
      test(`${id}: ${what} (${size})`, () =>
        withEnd(async (end) => {
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
        }));
    }
  });
}
