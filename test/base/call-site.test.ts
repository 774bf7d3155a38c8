/** Where a call came from, on platforms that leave frames out. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { callSite } from "#room/base/call-site";
import { runModule } from "../support/module-program.js";

test("the place of a call whose own frame is not in the stack is the first outside of squall", () => {
  // As if the call to it had been in tail position, which leaves no frame in Bun.
  const eliminated = (): void => {};
  const site = callSite(eliminated);
  assert.match(site.path, /call-site\.test\.[jt]s$/);
  assert.equal(site.module, "call-site.test");
  assert.ok(site.line > 0);
});

const otherMaps = "Bun" in globalThis || "Deno" in globalThis ? "has source maps of its own" : false;

test("log lines name the source from which a file was made where Node applies source maps", {
  skip: otherMaps,
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), "squall-maps-"));
  context.after(() => rmSync(folder, { recursive: true }));
  // What a compiler makes that puts all into one line, as tsx does: its column 0 is line 40 of app.ts.
  const map = { version: 3, sources: ["app.ts"], names: [], mappings: "AAuCA" };
  const inline = Buffer.from(JSON.stringify(map)).toString("base64");
  const log = JSON.stringify(import.meta.resolve("squall/log"));
  writeFileSync(
    join(folder, "compiled.mjs"),
    `import { appLog } from ${log}; appLog.warning("where am I?");\n//# sourceMappingURL=data:application/json;base64,${inline}\n`,
  );
  const load = 'await import("./compiled.mjs");';
  assert.match(
    runModule(folder, `process.setSourceMapsEnabled(true); ${load}`).stderr,
    / app:40\] where am I\?/,
  );
  assert.match(runModule(folder, load).stderr, / compiled:1\] where am I\?/);
});
