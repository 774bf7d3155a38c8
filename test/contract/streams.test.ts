/** The contract of streams, asked of every kind of stream that squall has. */
import { describe, test } from "node:test";
import { applies, streamContract } from "./stream-contract.js";
import { streamKits } from "./stream-kits.js";

for (const kit of streamKits) {
  describe(kit.name, () => {
    for (const question of streamContract) {
      if (applies(question, kit)) test(question.title, { timeout: 10_000 }, () => question.ask(kit));
    }
  });
}
