// known.tsv: what is known to differ. Four columns: runtime, test file, title (one that ends in * stands for all tests that
// begin in this way), reason. A reason that begins with "Sometimes" is for what fails now and then.
import { readFileSync } from "node:fs";

export function readKnown() {
  return readFileSync(new URL("known.tsv", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [runtime, file, title, reason, more] = line.split("\t");
      if (!runtime || !file || !title || !reason || more !== undefined)
        throw new Error(`known.tsv: four columns needed: ${line}`);
      return { runtime, file, title, reason, sometimes: reason.startsWith("Sometimes") };
    });
}

/** True if the line of known.tsv speaks of the test `name`. */
export const covers = ({ title }, name) =>
  title.endsWith("*") ? name.startsWith(title.slice(0, -1)) : name === title;

/** The differences of a runtime as its users read them: each reason once, in the order of known.tsv. */
export const differencesOf = (known, runtime) => [
  ...new Set(known.filter((entry) => entry.runtime === runtime).map(({ reason }) => reason)),
];
