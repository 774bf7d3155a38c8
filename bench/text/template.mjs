// node bench/text/template.mjs [--rounds N] [--milliseconds N] [--smoke]: a page with a table of 1,000 rows and five columns, every
// cell escaped, rendered by squall, eta, ejs and Tornado. Build first: npm run build. See bench/README.md.
//
// Templates are compiled beforehand. What is timed is the way from values to the UTF-8 bytes of the page: text that was put
// together from pieces is one run of characters only when it is needed as such, and that is part of the price. All engines render
// the same page, which is checked. Rounds are interleaved; the table shows medians.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "../../scripts/setup.mjs";
import { fixed, median, publish, readOptions, table, times } from "../lib/report.mjs";

const bench = fileURLToPath(new URL("..", import.meta.url));
install(bench);
const { default: ejs } = await import("ejs");
const { Eta } = await import("eta");
const { Template } = await import("../../dist/template.js");

const options = readOptions({ rounds: 9, milliseconds: 300 }, { rounds: 1, milliseconds: 20 });

/** Rows as an application has them: numbers, short and longer texts, one in ten with something to escape. */
const rows = Array.from({ length: 1000 }, (_, i) => ({
  id: i + 1,
  name: i % 10 === 0 ? `Tom & "Jerry" <${i}>` : `Customer number ${i}`,
  city: ["Berlin", "São Paulo", "Reykjavík", "Oslo"][i % 4],
  note: `The order was sent on day ${i % 365} and arrived as expected`,
  total: (i * 37.5) % 1000,
}));
const values = { title: "Orders & more", rows };

const page = (write, loop, end) => `<!DOCTYPE html>
<html>
  <head><title>${write("title")}</title></head>
  <body>
    <table>
      ${loop}
      <tr>
        <td>${write("row.id")}</td>
        <td>${write("row.name")}</td>
        <td>${write("row.city")}</td>
        <td>${write("row.note")}</td>
        <td>${write("row.total")}</td>
      </tr>
      ${end}
    </table>
  </body>
</html>
`;
const tornadoPage = page((code) => `{{ ${code} }}`, "{% for row in rows %}", "{% end %}");

const squall = new Template(tornadoPage, { name: "page.txt" });
const eta = new Eta({ useWith: false, varName: "it" });
const etaPage = eta.compile(
  page(
    (code) => `<%= ${code.startsWith("row.") ? code : `it.${code}`} %>`,
    "<% for (const row of it.rows) { %>",
    "<% } %>",
  ),
);
const ejsPage = ejs.compile(
  page(
    (code) => `<%= ${code.startsWith("row.") ? code : `it.${code}`} %>`,
    "<% for (const row of it.rows) { %>",
    "<% } %>",
  ),
  { _with: false, localsName: "it" },
);

const engines = new Map([
  ["squall", () => squall.generate(values)],
  ["eta", () => eta.render(etaPage, values)],
  ["ejs", () => ejsPage(values)],
]);

/** Pages that differ in nothing but white space and the spelling of references are the same. */
const normal = (html) =>
  html
    .replaceAll(/&#(?:39|x27|34);/g, (reference) => (reference === "&#34;" ? "&quot;" : "&#x27;"))
    .replaceAll(/\s+/g, " ");
const expected = normal(squall.generate(values));
for (const [name, render] of engines) {
  if (normal(render()) !== expected) throw new Error(`${name} renders another page`);
}

/** Microseconds for one page, over a round. */
function timeRound(render) {
  const started = process.hrtime.bigint();
  let count = 0;
  let elapsed = 0;
  do {
    Buffer.from(render());
    count++;
    elapsed = Number(process.hrtime.bigint() - started);
  } while (elapsed < options.milliseconds * 1e6);
  return elapsed / count / 1000;
}

const measured = new Map([...engines.keys()].map((name) => [name, []]));
for (const render of engines.values()) timeRound(render); // warms up
for (let round = 0; round < options.rounds; round++) {
  for (const [name, render] of engines) measured.get(name).push(timeRound(render));
}

/** Tornado renders the same template in a process of its own; undefined without Debian's python3-tornado. */
function timeTornado() {
  const run = spawnSync("/usr/bin/python3", [join(bench, "text", "tornado-template.py")], {
    input: JSON.stringify({ page: tornadoPage, values, ...options }),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) return undefined;
  const { html, microseconds } = JSON.parse(run.stdout);
  if (normal(html) !== expected) throw new Error("Tornado renders another page");
  return microseconds;
}
const tornado = timeTornado();
if (tornado === undefined) console.error("Tornado is left out: there is no python3-tornado");
else measured.set("Tornado", tornado);

const ours = median(measured.get("squall"));
publish("template", {
  title: "A page with a table of 1,000 rows, every cell escaped",
  options,
  tables: [
    table(
      ["engine", "µs/page", "range", "squall ÷ it"],
      [...measured].map(([name, rounds]) => [
        name,
        fixed(median(rounds), 0),
        `${fixed(Math.min(...rounds), 0)}–${fixed(Math.max(...rounds), 0)}`,
        times(ours / median(rounds)),
      ]),
    ),
  ],
  data: Object.fromEntries(measured),
});
