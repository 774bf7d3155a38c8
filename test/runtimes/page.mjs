// docs/RUNTIMES.md: the table of the last runs, and what is known to differ. Counts change with every test that is added, so
// the page may be behind with them; runtimes, versions and differences must be those of this folder.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { differencesOf } from "./known.mjs";
import { RUNTIMES } from "./runtimes.mjs";

const page = new URL("../../docs/RUNTIMES.md", import.meta.url);

/** The runtimes that `.ci/run` names, as text. */
function runtimesOfCi() {
  const line = /^step runtimes .*--check (.*)$/m.exec(
    readFileSync(new URL("../../.ci/run", import.meta.url), "utf8"),
  );
  const titles = (line?.[1].split(" ") ?? []).map((name) => RUNTIMES[name].title);
  return titles.length < 2 ? titles.join("") : `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}

const differences = (known) =>
  Object.entries(RUNTIMES).flatMap(([name, { title }]) => {
    const reasons = differencesOf(known, name);
    return reasons.length === 0
      ? []
      : [`### ${title}\n\n${reasons.map((reason) => `- ${reason}`).join("\n")}\n`];
  });

/** The rows of the page as it is, by the runtime's title. */
function rowsOf(text) {
  const rows = [...text.matchAll(/^\| (\S[^|]*?) \| ([\d.]+) \| +(\d+) \| +(\d+) \| +(\d+) \| +(\d+) \|$/gm)];
  return new Map(rows.map(([line, title, version]) => [title, { line, version }]));
}

/** Writes the page: the rows of this run, those of earlier runs for other runtimes, and the differences. */
export function writePage(rows, known) {
  const kept = rowsOf(existsSync(page) ? readFileSync(page, "utf8") : "");
  for (const { title, version, passed, expected, skipped, wrong } of rows)
    kept.set(title, { line: `| ${title} | ${version} | ${passed} | ${expected} | ${wrong} | ${skipped} |` });
  const inCi = runtimesOfCi();
  const lines = Object.values(RUNTIMES).flatMap(({ title }) => kept.get(title)?.line ?? []);
  writeFileSync(
    page,
    `# Runtimes

squall is made for Node.js 20.19 and later, and runs on Bun and Deno, but for the differences below. \`npm test\` runs under the Node.js
that starts it; \`npm run test:runtimes\` runs the same tests of protocols, the loop, streams, servers, clients, WebSockets and the web
framework under each runtime of this table, and writes the page. Among them are the tests of \`squall/fetch\` (\`FetchContainer\` and its
requests, \`fetchHandler()\`) and of \`squall/node\`, and the contract that every container keeps; applications of other frameworks
run under Node.js alone. What rests on the insides of one runtime has a plain path beside it, which takes over elsewhere.

| runtime | version | passed | known to differ | unexpected | skipped |
| ------- | ------- | -----: | --------------: | ---------: | ------: |
${lines.join("\n")}

## What is known to differ

The file \`test/runtimes/known.tsv\` names the tests behind each line. A failure that is not listed there is unexpected and fails
the run, and so does a listed test that passes, unless its line says "Sometimes". A file in which something unexpected happened
runs once more alone. CI runs the suites under ${inCi}.

${differences(known).join("\n")}`,
  );
}

/** What is wrong with the page, as sentences; empty if its runtimes and differences are those of this folder. */
export function faultsOfPage(known) {
  const text = existsSync(page) ? readFileSync(page, "utf8") : "";
  const packages = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).devDependencies;
  const rows = rowsOf(text);
  const faults = [];
  for (const { title, package: name } of Object.values(RUNTIMES)) {
    const version = packages[name].split("@").at(-1);
    const row = rows.get(title);
    if (row === undefined) faults.push(`there is no row for ${title}`);
    else if (row.version !== version) faults.push(`${title} is ${version}, not ${row.version}`);
  }
  const [, listed = ""] = text.split("## What is known to differ");
  if (!text.includes(`CI runs the suites under ${runtimesOfCi()}.`))
    faults.push("the runtimes of CI are not those of .ci/run");
  if (!listed.includes(differences(known).join("\n")))
    faults.push("the differences are not those of known.tsv");
  return faults;
}
