// node bench/web/cold-range.bench.mjs [--files N]: how soon a range of a large file begins and ends that the server has never seen. Each
// file of 2 GB is asked once, for its first 64 KiB, on a connection of its own; beside it a small file, asked in the same way, shows
// what connection, request and client take. The files are sparse: nothing of them is in the page cache, and whoever reads one
// whole, to hash it, takes a second and more. Build first: npm run build.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application } from "../../dist/web.js";
import { fixed, median, publish, readOptions, table } from "../lib/report.mjs";

const options = readOptions({ files: 25 }, { files: 2 });
const SIZES = { "2 GB": 2_000_000_000, "64 KiB": 65_536 };
const folder = mkdtempSync(join(tmpdir(), "squall-bench-"));
const server = await new Application([], { staticPath: folder }).listen(0, { address: "127.0.0.1" });

/** Milliseconds until the first and the last octet of the answer. */
function ask(name) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(
      `http://127.0.0.1:${server.port}/static/${name}`,
      { agent: new Agent(), headers: { Range: "bytes=0-65535" } },
      (response) => {
        let size = 0;
        let first;
        response.on("data", (chunk) => {
          first ??= performance.now() - started;
          size += chunk.length;
        });
        response.on("end", () => {
          if (size !== 65_536) reject(new Error(`${response.statusCode} with ${size} octets`));
          else resolve({ first, last: performance.now() - started });
        });
      },
    );
    request.on("error", reject);
  });
}

const measured = {};
try {
  for (let n = -3; n < options.files; n++) {
    for (const [title, size] of Object.entries(SIZES)) {
      const name = `${title.replace(" ", "-")}-${n + 3}.bin`;
      writeFileSync(join(folder, name), "");
      truncateSync(join(folder, name), size);
      const times = await ask(name);
      rmSync(join(folder, name));
      if (n < 0) continue; // warms up
      measured[title] ??= [];
      measured[title].push(times);
    }
  }
} finally {
  server.stop();
  rmSync(folder, { recursive: true });
}

const rows = Object.entries(measured).map(([title, times]) => {
  const of = (figure) => times.map((time) => time[figure]);
  return [
    title,
    fixed(median(of("first"))),
    fixed(Math.max(...of("first"))),
    fixed(median(of("last"))),
    fixed(Math.max(...of("last"))),
  ];
});
publish("cold-range", {
  title: "The first 64 KiB of a file that was never read",
  options,
  tables: [table(["file", "ms to the first octet", "worst", "ms to the last", "worst"], rows)],
  data: measured,
});
