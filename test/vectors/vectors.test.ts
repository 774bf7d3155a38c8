/** Every family of vectors in this folder, as part of `npm test`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultSources, listFamilies, OWN_VECTORS, runFamily } from "./runner.js";

const sources = { ...defaultSources(undefined), folder: OWN_VECTORS, own: true };

for (const family of listFamilies(OWN_VECTORS)) {
  test(`the vectors of ${family} are reproduced, but for the exceptions that we can account for`, async () => {
    const report = await runFamily(family, sources);
    assert.deepEqual({ faults: report.faults, failures: report.failures }, { faults: [], failures: [] });
    assert.equal(report.reproduced + report.excepted, report.cases);
  });
}
