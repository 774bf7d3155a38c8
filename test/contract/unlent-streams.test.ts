/** The contract of streams, asked of sockets that do not lend what they read, as those of other runtimes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withoutLending } from "../support/without-lending.js";
import { applies, streamContract } from "./stream-contract.js";
import { streamKits } from "./stream-kits.js";

const { bun, deno } = process.versions;
const isNode = bun === undefined && deno === undefined;
const isTakenAway = isNode && (await withoutLending());

test("Node's sockets have what lending needs", { skip: !isNode }, () => {
  assert.ok(isTakenAway);
});

for (const kit of isTakenAway ? streamKits.filter(({ name }) => /^TCP$|^TLS$/.test(name)) : []) {
  describe(`${kit.name} without lent reads`, () => {
    for (const question of streamContract) {
      if (applies(question, kit)) test(question.title, { timeout: 10_000 }, () => question.ask(kit));
    }
  });
}
