// run-file.mjs TEST-FILE RESULT-FILE [leave|only TITLES]: runs one compiled test file with the tests of node-test.mjs, and
// appends a line of JSON for each test that begins or ends. TITLES is a JSON list of tests to leave out, or to run alone;
// a title that ends in * stands for all that begin in the same way.
import { appendFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { run } from "./node-test.mjs";

const [file, resultFile, mode, titles] = process.argv.slice(2);
const listed = JSON.parse(titles ?? "[]");
const isListed = (name) =>
  listed.some((title) => (title.endsWith("*") ? name.startsWith(title.slice(0, -1)) : title === name));
const wanted = (name) => (mode === "only" ? isListed(name) : mode === "leave" ? !isListed(name) : true);
const report = (line) => appendFileSync(resultFile, `${JSON.stringify(line)}\n`);

let failed = false;
try {
  await import(pathToFileURL(file).href);
  failed = await run(report, wanted);
} catch (error) {
  failed = true;
  report({ name: "(import)", outcome: "fail", error: String(error?.stack ?? error) });
}
report({ ended: true });
process.exit(failed ? 1 : 0);
