// Options, middle values and tables: what the benchmarks share besides servers and load.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, release, type } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const results = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "build", "bench");

/** Reads `--name value` options against defaults; numbers stay numbers, and `--smoke` makes all of it brief. */
export function readOptions(defaults, smoke = {}) {
  const names = Object.keys(defaults);
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: "string" }])),
      smoke: { type: "boolean", default: false },
    },
  });
  const chosen = { ...defaults, ...(values.smoke ? smoke : {}) };
  for (const name of names) {
    const given = values[name];
    if (given === undefined) continue;
    chosen[name] = typeof defaults[name] === "number" ? Number(given) : given;
    if (Number.isNaN(chosen[name])) throw new Error(`--${name} must be a number, got ${given}`);
  }
  return { ...chosen, smoke: values.smoke };
}

/** The names that `--OPTION a,b` chooses, each of which must be one of `known`. */
export function chosenNames(option, text, known) {
  const names = text.split(",");
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined) return names;
  console.error(`--${option}: nothing is named ${JSON.stringify(stranger)}; there are ${known.join(", ")}`);
  process.exit(2);
}

/** The middle value; of an even count, the mean of the middle two. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of one figure over rounds, with the range it moved in. */
export function summary(rounds, figure) {
  const values = rounds.map((round) => round[figure]);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** A Markdown table; the first column is text, the others numbers. */
export function table(head, rows) {
  const widths = head.map((cell, i) => Math.max(cell.length, 4, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

export const whole = (value) => Math.round(value).toLocaleString("en-GB");
export const fixed = (value, digits = 2) => value.toFixed(digits);
export const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
export const times = (value) => `${value.toFixed(2)} ×`;

/** Prints the tables and keeps them, with everything measured, below build/bench. */
export function publish(name, { title, options, tables, data }) {
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    date: new Date().toISOString(),
  };
  const settings = Object.entries(options).map(([key, value]) => `${key} ${value}`);
  const text = [
    `# ${title}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, ${machine.date.slice(0, 10)}; ${settings.join(", ")}.`,
    ...(options.smoke
      ? ["**A smoke run: it shows that the benchmark works, the figures mean nothing.**"]
      : []),
    ...tables,
  ].join("\n\n");
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${name}.md`), `${text}\n`);
  writeFileSync(
    join(results, `${name}.json`),
    `${JSON.stringify({ title, machine, options, data }, null, 2)}\n`,
  );
  console.log(`\n${text}\n\nkept in build/bench/${name}.md and ${name}.json`);
}
