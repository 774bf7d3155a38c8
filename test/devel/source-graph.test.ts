import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, test } from "node:test";
import { isInPackage, resolveEntry, sourceFiles } from "#room/devel/source-graph";
import { EditedProgram } from "../support/edited-program.js";
import "../support/guard.js";

/** The files found from the first one, as paths in the folder. */
function found(program: EditedProgram, entry: string): string[] {
  return [...sourceFiles(program.path(entry))].map((path) => relative(program.folder, path)).sort();
}

describe("sourceFiles()", () => {
  test("follows every way in which an import is written out", (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import a, { type B } from "./a.js";
        import {
          c,
        } from './c.mjs';
        import "./effect.js";
        export * from "./all.js";
        export { d } from "../${"x".repeat(3)}/none.js";
        const lazy = await import("./lazy.js");
        const old = require("./old");
        const worker = new Worker(new URL("./worker.js", import.meta.url));`,
      "a.js": 'import "./deep/deeper.js";',
      "c.mjs": "",
      "effect.js": "",
      "all.js": "",
      "lazy.js": "",
      "old.cjs": "",
      "old.js": "",
      "worker.js": 'import "./of-worker.js";',
      "of-worker.js": "",
      "deep/deeper.js": 'import "../a.js"; import data from "./data.json" with { type: "json" };',
      "deep/data.json": "{}",
      "unused.js": "",
    });
    assert.deepEqual(found(program, "main.mjs"), [
      "../xxx/none.js",
      "a.js",
      "all.js",
      "c.mjs",
      "deep/data.json",
      "deep/deeper.js",
      "effect.js",
      "lazy.js",
      "main.mjs",
      "of-worker.js",
      "old.js",
      "worker.js",
    ]);
  });

  test("leaves packages and modules of Node's own out, and follows the package's own names", (context) => {
    const program = new EditedProgram(context, {
      "package.json": JSON.stringify({
        name: "mine",
        imports: { "#inner": "./inner.js" },
        exports: "./main.js",
      }),
      "main.js": `import fs from "node:fs"; import path from "path"; import "#inner"; import "dep"; import "none";
        import "https://example.org/x.js"; import "data:text/javascript,1"; import "dep/../dep/index.js";`,
      "inner.js": 'import "mine";',
      "node_modules/dep/index.js": 'import "./more.js";',
      "node_modules/dep/more.js": "",
    });
    assert.deepEqual(found(program, "main.js"), ["inner.js", "main.js"]);
    assert.ok(isInPackage(program.path("node_modules/dep/index.js")));
  });

  test("lists files that are missing, and reads those with a syntax error", (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": 'import "./later.mjs"; import "./broken.mjs";',
      "broken.mjs": 'import "./x.mjs"; = = ;',
    });
    assert.deepEqual(found(program, "main.mjs"), ["broken.mjs", "later.mjs", "main.mjs", "x.mjs"]);
    assert.deepEqual(found(program, "none.mjs"), ["none.mjs"]);
  });

  test("finds TypeScript files by the names that they are imported as", (context) => {
    const program = new EditedProgram(context, {
      "main.ts": 'import { a } from "./a.js"; import b from "./b.jsx";',
      "a.ts": 'import "./c.ts";',
      "b.tsx": "",
      "c.ts": "",
    });
    assert.deepEqual(found(program, "main.ts"), ["a.ts", "b.tsx", "c.ts", "main.ts"]);
  });
});

describe("resolveEntry()", () => {
  test("finds a script with or without its extension, through links, and a path for what is not there", (context) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "squall-entry-")));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "main.js"), "");
    symlinkSync("main.js", join(folder, "link.js"));
    for (const name of ["main.js", "main", "link.js"]) {
      assert.equal(resolveEntry(join(folder, name)), join(folder, "main.js"));
    }
    assert.equal(resolveEntry(join(folder, "none.js")), join(folder, "none.js"));
    assert.ok(isInPackage(resolveEntry("mrmime")), "a package is found from the current folder");
  });
});
