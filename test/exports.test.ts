/**
 * The package's public face: `exports` in package.json lists exactly the doors, each door can be imported
 * alone, and importing one leaves nothing behind in the process.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { root } from "./support/root.js";
import { isDoor, readSources } from "./support/source-tree.js";

type Exports = Readonly<Record<string, unknown>>;

/** What `exports` must say for these doors (`index` is `squall` itself). */
function expectedExports(doors: readonly string[]): Record<string, unknown> {
  const entries = doors.map((door): [string, unknown] => [
    door === "index" ? "." : `./${door}`,
    { types: `./dist/${door}.d.ts`, default: `./dist/${door}.js` },
  ]);
  return Object.fromEntries([...entries, ["./package.json", "./package.json"]]);
}

/** Where `exports` departs from the doors, or from alphabetical order. */
function departures(exports: Exports, doors: readonly string[]): string[] {
  const expected = expectedExports(doors);
  const complaints: string[] = [];
  for (const path of Object.keys(expected)) {
    if (!(path in exports)) complaints.push(`${path} is a door, but not in exports`);
    else if (JSON.stringify(exports[path]) !== JSON.stringify(expected[path]))
      complaints.push(`${path} should be ${JSON.stringify(expected[path])}`);
  }
  for (const path of Object.keys(exports))
    if (!(path in expected)) complaints.push(`${path} is in exports, but no door`);
  const order = Object.keys(exports).filter((path) => path !== "./package.json");
  if (order.join() !== order.toSorted().join()) complaints.push("exports are not in alphabetical order");
  return complaints;
}

/**
 * Runs in a fresh process: imports one module and tells what that changed, as JSON. Handles and timers are seen
 * by async_hooks, which also sees those that were unref()'d; promises, ticks and file reads are the module loader's,
 * and a DNSCHANNEL is what importing node:dns makes.
 */
const PROBE = `
  import { createHook } from "node:async_hooks";
  import { writeSync } from "node:fs";
  // From Node 22 on this module opens the standard error stream, whoever imports it.
  import "node:util";
  const alive = new Map();
  createHook({
    init(id, type) { if (!/^(PROMISE|TickObject|Microtask|FSREQ|FILEHANDLE|DNSCHANNEL|Immediate$)/.test(type)) alive.set(id, type); },
    destroy(id) { alive.delete(id); },
  }).enable();
  const listeners = () => process.eventNames().map((name) => String(name) + ":" + process.listenerCount(name));
  const before = { globals: Object.getOwnPropertyNames(globalThis), listeners: listeners() };
  await import(process.env.SQUALL_PROBE);
  const report = {
    resources: [...alive.values()],
    globals: Object.getOwnPropertyNames(globalThis).filter((name) => !before.globals.includes(name)),
    listeners: listeners().filter((name) => !before.listeners.includes(name)),
  };
  await new Promise(setImmediate); // what was printed in passing comes out first
  writeSync(1, "\\n" + JSON.stringify(report));
  process.exit();
`;

interface Footprint {
  readonly output: string;
  readonly resources: readonly string[];
  readonly globals: readonly string[];
  readonly listeners: readonly string[];
}

/** What importing `specifier` alone does to a process: printed text, open handles, globals, listeners. */
async function footprint(specifier: string): Promise<Footprint> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--trace-warnings", "--eval", PROBE],
    { cwd: root, env: { ...process.env, SQUALL_PROBE: specifier, NODE_OPTIONS: "" }, timeout: 20_000 },
  );
  const end = stdout.lastIndexOf("\n");
  const { resources, globals, listeners } = JSON.parse(stdout.slice(end)) as Footprint;
  return { output: stdout.slice(0, end) + stderr, resources, globals, listeners };
}

const NOTHING: Footprint = { output: "", resources: [], globals: [], listeners: [] };

describe("the doors", () => {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { exports: Exports };
  const doors = [...readSources().keys()].filter(isDoor).map((path) => path.replace(/\.ts$/, ""));

  test("exports in package.json list exactly the doors", () => {
    assert.deepEqual(departures(manifest.exports, doors), []);
  });

  for (const door of doors) {
    const specifier = door === "index" ? "squall" : `squall/${door}`;
    test(`${specifier} can be imported alone and leaves no handle, timer, listener, global or output`, async () => {
      assert.ok(existsSync(`${root}dist/${door}.d.ts`), "the door has types");
      assert.deepEqual(await footprint(specifier), NOTHING);
    });
  }
});

describe("the checks bite", () => {
  const web = { types: "./dist/web.d.ts", default: "./dist/web.js" };
  const self = { "./package.json": "./package.json" };

  test("a door without export, an export without door and a wrong target are found", () => {
    assert.deepEqual(departures({ ...self, "./web": web }, ["web"]), []);
    assert.equal(departures(self, ["web"]).length, 1);
    assert.equal(departures({ ...self, "./web": web, "./x": web }, ["web"]).length, 1);
    assert.equal(departures({ ...self, "./web": { default: "./dist/web.js" } }, ["web"]).length, 1);
    assert.equal(
      departures({ ...self, "./web": web, "./gen": expectedExports(["gen"])["./gen"] }, ["web", "gen"])
        .length,
      1,
    );
  });

  for (const [what, source] of [
    ["output", "console.log('hello')"],
    ["output", "process.emitWarning('careful')"],
    ["resources", "setTimeout(() => {}, 1000)"],
    ["resources", "setInterval(() => {}, 1000).unref()"],
    ["resources", "import dgram from 'node:dgram'; dgram.createSocket('udp4').unref()"],
    ["globals", "globalThis.mine = 1"],
    ["listeners", "process.on('uncaughtException', () => {})"],
  ] as const) {
    test(`a side effect on import is found: ${source}`, async () => {
      const found = await footprint(`data:text/javascript,${encodeURIComponent(source)}`);
      assert.ok(found[what].length > 0, JSON.stringify(found));
    });
  }
});
