// node bench/text/template.mjs [--rounds N] [--milliseconds N] [--smoke]: a page with a table of 1,000 rows and five columns, every
// cell escaped, rendered by squall, eta, ejs and Tornado. Build first: npm run build. See bench/README.md.
//
// Templates are compiled beforehand. Two times are taken: until the engine hands over its text, and until the page is UTF-8 bytes, as
// it leaves for a client. Text that was put together from pieces becomes one run of characters only then, so the second is the whole
// price, most of which is the same for all. Tornado hands over bytes. All engines render the same page, which is checked. Rounds
// are interleaved; the table shows medians of CPU time, which other programs disturb least.
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

/** Microseconds of CPU time for one call, over a round; the collector's threads count. */
function timeRound(work) {
  const started = process.cpuUsage();
  let count = 0;
  let elapsed = 0;
  do {
    for (let i = 0; i < 10; i++) work();
    count += 10;
    const { user, system } = process.cpuUsage(started);
    elapsed = user + system;
  } while (elapsed < options.milliseconds * 1000);
  return elapsed / count;
}

const measured = new Map([...engines.keys()].map((name) => [name, { text: [], bytes: [] }]));
for (let round = -1; round < options.rounds; round++) {
  for (const [name, render] of engines) {
    const text = timeRound(render);
    const bytes = timeRound(() => Buffer.from(render()));
    if (round < 0) continue; // warms up
    measured.get(name).text.push(text);
    measured.get(name).bytes.push(bytes);
  }
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
else measured.set("Tornado", { text: tornado, bytes: tornado });

const ours = measured.get("squall");
const cells = (rounds, own) => [
  fixed(median(rounds), 0),
  `${fixed(Math.min(...rounds), 0)}–${fixed(Math.max(...rounds), 0)}`,
  times(median(own) / median(rounds)),
];
publish("template", {
  title: "A page with a table of 1,000 rows, every cell escaped",
  options,
  tables: [
    table(
      ["engine", "CPU µs to text", "range", "squall ÷ it", "CPU µs to bytes", "range", "squall ÷ it"],
      [...measured].map(([name, { text, bytes }]) => [
        name,
        ...(name === "Tornado" ? ["", "", ""] : cells(text, ours.text)),
        ...cells(bytes, ours.bytes),
      ]),
    ),
  ],
  data: Object.fromEntries(measured),
});
