/** The contract of streams, asked of sockets that do not lend what they read, as those of other runtimes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withoutLending } from "../support/without-lending.js";
import { applies, streamContract } from "./stream-contract.js";
import { streamKits, waysOf } from "./stream-kits.js";

const { bun } = process.versions;
const isTakenAway = bun === undefined && (await withoutLending());

test("the sockets of Node and Deno have what lending needs", { skip: bun !== undefined }, () => {
  assert.ok(isTakenAway);
});

/** Deno's TLS does not lend, so that the contract is asked of it as it is. */
const lending = process.versions.deno === undefined ? ["TCP", "TLS"] : ["TCP"];

for (const kit of isTakenAway ? streamKits.filter(({ name }) => lending.includes(name)) : []) {
  describe(`${kit.name} without lent reads`, () => {
    for (const question of streamContract) {
      if (applies(question, kit)) test(question.title, { timeout: 10_000 }, () => question.ask(kit));
    }
    test("a sink that would take lent bytes gets all by onData", async () => {
      assert.deepEqual(await waysOf(kit), ["onData"]);
    });
  });
}
