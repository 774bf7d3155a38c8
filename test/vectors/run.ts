/**
 * `npm run test:vectors -- [FAMILY …] [--all]`: runs the named families or all of them, and says for each how many
 * cases were reproduced, excepted and failed. `SQUALL_VECTORS` names another folder of the same form. Exit status 0
 * when nothing failed, 1 otherwise. `--all` prints every failure instead of the first ten of a family.
 */
import { defaultSources, type FamilyReport, listFamilies, runFamily } from "./runner.js";

const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const all = process.argv.includes("--all");
const sources = defaultSources();
const reports: FamilyReport[] = [];
for (const family of names.length > 0 ? names : listFamilies(sources.folder)) {
  reports.push(await runFamily(family, sources));
}

const row = (...cells: readonly (string | number)[]) =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(14) : String(cell).padStart(12))).join("");
console.log(row("family", "cases", "reproduced", "excepted", "failed"));
for (const { family, cases, reproduced, excepted, failures } of reports) {
  console.log(row(family, cases, reproduced, excepted, failures.length));
}

const sections = new Map(sources.exceptions.map((line) => [line.rule, line]));
const rules = reports.flatMap((report) => [...report.rules]);
if (rules.length > 0) console.log("\nexceptions, with the number of cases that each covers:");
for (const [rule, count] of rules) {
  const line = sections.get(rule);
  console.log(`${String(count).padStart(5)}  ${rule}: ${line?.instead ?? "?"} (${line?.section ?? "?"})`);
}
for (const { family, ignores } of reports) {
  if (ignores !== undefined) console.log(`\n${family}: the comparison ignores ${ignores}`);
}

let failed = false;
for (const { family, failures, faults } of reports) {
  if (failures.length + faults.length === 0) continue;
  failed = true;
  console.log(`\n${family}:`);
  for (const fault of faults) console.log(`  fault: ${fault}`);
  for (const failure of all ? failures : failures.slice(0, 10)) console.log(`  ${failure}`);
  if (!all && failures.length > 10) console.log(`  … ${failures.length - 10} more; --all prints them`);
}
process.exitCode = failed ? 1 : 0;
