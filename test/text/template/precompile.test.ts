/** Templates that are compiled beforehand, for places that forbid code made from text. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  compileTemplates,
  DictLoader,
  PrecompiledLoader,
  type PrecompiledTemplates,
  Template,
  templateErrorLocation,
} from "squall/template";
import { root } from "../../support/root.js";

const FILES = JSON.parse(
  JSON.stringify({
    "base.html": "<{% block a %}{% end %}>\n{% include 'sub/inc.html' %}",
    "page.html":
      "{% extends base.html %}{% block a %}{% for x of xs %}{{ x }}{% end %}{{ site }}{% import m %}{{ m }}{% end %}",
    "sub/inc.html": "\n{{ `\n\u2028` + urlEscape(y.z) }}{% autoescape None %}",
    "later.txt": "{{ await f() }}",
    "odd\u2028\n*/name": "odd",
  }),
) as Record<string, string>;
Object.defineProperty(FILES, "__proto__", { value: "proto", enumerable: true });

/** Imports a module from a folder that is gone after the test. */
async function importModule(context: { after(fn: () => void): void }, source: string) {
  const folder = mkdtempSync(join(tmpdir(), "squall-precompiled-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "templates.mjs");
  writeFileSync(path, source);
  const { templates } = (await import(pathToFileURL(path).href)) as { templates: PrecompiledTemplates };
  return { templates, path };
}

describe("compileTemplates() and PrecompiledLoader", () => {
  const all = (): string => compileTemplates(new DictLoader(FILES), Object.keys(FILES));
  const options = { namespace: { site: "<s>" }, imports: { m: "&" } };
  const values = { xs: ["<", 2], y: { z: "a b" } };

  test("render what the templates render when they are compiled at run time", async (context) => {
    const { templates } = await importModule(context, all());
    const loader = new PrecompiledLoader(templates, options);
    const twin = new DictLoader(FILES, options);
    for (const name of ["page.html", "base.html", "sub/inc.html", "odd\u2028\n*/name", "__proto__"]) {
      assert.equal(loader.load(name).generate(values), twin.load(name).generate(values), name);
      assert.equal(loader.load(name).autoescape, twin.load(name).autoescape);
    }
    const f = async (): Promise<string> => "<";
    assert.equal(await loader.load("later.txt").generateAsync({ f }), "&lt;");
    assert.throws(() => loader.load("later.txt").generate({ f }), { code: "ERR_SQUALL_TEMPLATE_ASYNC" });
  });

  test("keep templates by name, relative to a parent, and say what is missing", async (context) => {
    const { templates } = await importModule(context, all());
    const loader = new PrecompiledLoader([templates], options);
    const template = loader.load("page.html");
    assert.equal(loader.load("../page.html", "sub/inc.html"), template);
    assert.equal(template.loader, loader);
    assert.match(template.code, /function render/);
    assert.equal(template.file, undefined);
    assert.throws(() => loader.load("none.html"), { code: "ERR_SQUALL_TEMPLATE_NOT_FOUND" });
    assert.throws(() => new Template("{% include page.html %}", { loader }), {
      code: "ERR_SQUALL_TEMPLATE_NOT_FOUND",
    });
  });

  test("lead errors back to the templates", async (context) => {
    const { templates } = await importModule(context, all());
    const loader = new PrecompiledLoader(templates, options);
    assert.throws(
      () => loader.load("page.html").generate({ xs: [], y: null }),
      (error: Error) => {
        const location = templateErrorLocation(error);
        assert.deepEqual([location?.filename, location?.lineno], ["sub/inc.html", 3]);
        assert.equal(location?.includedFrom?.lineno, 2);
        assert.match(error.stack ?? "", /\n {4}at sub\/inc\.html:3 \(via base\.html:2\)\n/);
        return true;
      },
    );
  });

  test("give the same text for the same templates, and name each once", () => {
    assert.equal(all(), all());
    const source = compileTemplates(new DictLoader({ a: "1" }), ["a", "a"]);
    assert.equal(source.split("make(_tt)").length, 2);
  });

  test("take the options of the loader: escaping and white space", async (context) => {
    const source = compileTemplates(
      new DictLoader({ a: "{{ x }}  y" }, { autoescape: null, whitespace: "single" }),
      ["a"],
    );
    const { templates } = await importModule(context, source);
    assert.equal(new PrecompiledLoader(templates).load("a").generate({ x: "<" }), "< y");
  });

  test("refuse a module of another version", () => {
    assert.throws(() => new PrecompiledLoader({ format: 0, url: "file:///x.js", entries: [] }), {
      code: "ERR_SQUALL_TEMPLATE_VALUE",
    });
  });
});

describe("where code made from text is forbidden", () => {
  const runStrictly = (folder: string, program: string): string => {
    const path = join(folder, "program.mjs");
    writeFileSync(path, program);
    const run = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", path], {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  };
  const door = pathToFileURL(join(root, "dist", "template.js")).href;

  test("precompiled templates render, without acorn, and compileTemplates() works", async (context) => {
    const loader = new DictLoader({ "a.html": "{% for x of xs %}<{{ x }}>{% end %}" });
    const { path } = await importModule(context, compileTemplates(loader, ["a.html"]));
    const output = runStrictly(
      join(path, ".."),
      `import { compileTemplates, DictLoader, PrecompiledLoader } from ${JSON.stringify(door)};
       import { createRequire } from "node:module";
       import { templates } from "./templates.mjs";
       console.log(new PrecompiledLoader(templates).load("a.html").generate({ xs: ["&", 1] }));
       const loaded = () => Object.keys(createRequire(${JSON.stringify(door)}).cache).some((path) => path.includes("acorn"));
       console.log(loaded());
       console.log(compileTemplates(new DictLoader({ b: "{{ 1 }}" }), ["b"]).includes("function render"), loaded());`,
    );
    assert.equal(output, "<&amp;><1>\nfalse\ntrue true\n");
  });

  test("compiling a template at run time fails with an error that says what to do", (context) => {
    const folder = mkdtempSync(join(tmpdir(), "squall-precompiled-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const output = runStrictly(
      folder,
      `import { Template } from ${JSON.stringify(door)};
       try { new Template("{{ 1 }}", { name: "a.html" }); }
       catch (error) { console.log(error.code, error.message, error.cause instanceof EvalError); }`,
    );
    assert.match(
      output,
      /^ERR_SQUALL_TEMPLATE_EVAL .*a\.html must be precompiled: see compileTemplates\(\) true\n$/,
    );
  });
});
