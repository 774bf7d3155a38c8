// run-file.mjs TEST-FILE RESULT-FILE: runs one compiled test file with the tests of node-test.mjs.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { run } from "./node-test.mjs";

const [file, resultFile] = process.argv.slice(2);
let results;
try {
  await import(pathToFileURL(file).href);
  results = await run();
} catch (error) {
  results = [{ name: "(import)", outcome: "fail", error: String(error?.stack ?? error) }];
}
writeFileSync(resultFile, JSON.stringify(results));
process.exit(results.some((result) => result.outcome === "fail") ? 1 : 0);
