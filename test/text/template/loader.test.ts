/** Loaders, and what extends and include make of several files. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { BaseLoader, DictLoader, Loader, ParseError, TemplateNotFoundError } from "squall/template";

const load = (files: Record<string, string>, name = "page.html", namespace: object = {}): string =>
  new DictLoader(files).load(name).generate(namespace);

describe("extends and block", () => {
  const base = "<{% block head %}H{% end %}|{% block body %}B{% end %}>";
  test("replace the blocks of the parent; text outside of blocks is dropped", () => {
    assert.equal(
      load({ base, "page.html": "x{% extends base %}y{% block body %}mine{% end %}z" }),
      "<H|mine>",
    );
  });
  test("go over several levels, and the last definition of a name wins", () => {
    const files = {
      base,
      middle: "{% extends base %}{% block body %}m {% block inner %}i{% end %}{% end %}",
      "page.html": "{% extends middle %}{% block inner %}1{% end %}{% block inner %}2{% end %}",
    };
    assert.equal(load(files), "<H|m 2>");
  });
  test("share the names of the page, and keep each file's own escaping", () => {
    const files = {
      base: "{% autoescape None %}{% set x = '<' %}{{ x }}{% block a %}{% end %}{{ y }}",
      "page.html": "{% extends base %}{% block a %}{{ x }}{% set y = '>' %}{% end %}",
    };
    assert.equal(load(files), "<&lt;>");
  });
  test("work in loops of the parent, and in files that it includes", () => {
    const files = {
      base: "{% for i of [1, 2] %}{% include row %}{% end %}",
      row: "{% block row %}r{% end %}",
      "page.html": "{% extends base %}{% block row %}{{ i }}{% if i == 1 %}{% end %}{% end %}",
    };
    assert.equal(load(files), "12");
  });
  test("names like __proto__ and constructor are names of blocks and files like others", () => {
    const files = JSON.parse(
      '{"__proto__": "{% block constructor %}a{% end %}{% block __proto__ %}b{% end %}"}',
    );
    files["page.html"] = "{% extends __proto__ %}{% block __proto__ %}c{% end %}";
    assert.equal(load(files), "ac");
    assert.throws(() => new DictLoader({}).load("constructor"), TemplateNotFoundError);
  });
});

describe("include", () => {
  test("shares the names at its place, both ways", () => {
    const files = {
      "page.html": "{% for x of [1, 2] %}{% include inc %}{{ y }};{% end %}",
      inc: "{{ x }}{% set y = x * 2 %}",
    };
    assert.equal(load(files), "12;24;");
  });
  test("that leads back to the file is refused where it would be 64 deep", () => {
    const error = (() => {
      try {
        load({ "page.html": "\n{% include 'page.html' %}" });
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    assert.ok(error instanceof ParseError);
    assert.deepEqual(
      [error.code, error.filename, error.lineno],
      ["ERR_SQUALL_TEMPLATE_DEPTH", "page.html", 2],
    );
    assert.throws(() => load({ "page.html": "{% extends b %}", b: "{% extends page.html %}" }), {
      code: "ERR_SQUALL_TEMPLATE_DEPTH",
    });
  });
  test("goes as deep as maxIncludeDepth says, and no deeper", () => {
    const chain = (depth: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length: depth + 1 }, (_, i) => [
          `${i}`,
          i === depth ? "end" : `{% include '${i + 1}' %}`,
        ]),
      );
    assert.equal(load(chain(64), "0"), "end");
    assert.throws(() => load(chain(65), "0"), { code: "ERR_SQUALL_TEMPLATE_DEPTH" });
    const short = (depth: number): string =>
      new DictLoader(chain(depth), { maxIncludeDepth: 2 }).load("0").generate();
    assert.equal(short(2), "end");
    assert.throws(() => short(3), { code: "ERR_SQUALL_TEMPLATE_DEPTH" });
    const endless = new DictLoader(chain(100), { maxIncludeDepth: Number.POSITIVE_INFINITY });
    assert.equal(endless.load("0").generate(), "end");
  });
});

describe("a loader", () => {
  test("compiles a template once, until reset()", () => {
    const dict = { a: "{{ 1 }}", b: "{% include a %}" };
    const loader = new DictLoader(dict);
    const first = loader.load("b");
    assert.equal(loader.load("b"), first);
    dict.a = "{{ 2 }}";
    assert.equal(loader.load("b").generate(), "1");
    loader.reset();
    assert.equal(loader.load("b").generate(), "2");
    assert.equal(first.generate(), "1");
  });
  test("gives its namespace, escaping and imports to all its templates", () => {
    const loader = new DictLoader(
      { a: "{{ site }}{{ x }}{% import m %}{{ m }}" },
      { namespace: { site: "<s>", x: 1 }, autoescape: null, imports: { m: 3 } },
    );
    assert.equal(loader.load("a").generate({ x: 2 }), "<s>23");
    const template = loader.load("a");
    assert.deepEqual([template.name, template.autoescape, template.loader], ["a", null, loader]);
    assert.equal(template.file?.name, "a");
    assert.match(template.code, /^function render/);
  });
  test("keeps nothing that does not compile, and says who wanted what is missing", () => {
    const loader = new DictLoader({ a: "\n{% include 'none' %}" });
    for (let i = 0; i < 2; i++) {
      assert.throws(() => loader.load("a"), {
        code: "ERR_SQUALL_TEMPLATE_NOT_FOUND",
        templateName: "none",
        message: /wanted by \{% include %\} at a:2/,
      });
    }
    assert.equal(loader.templates.size, 0);
  });
  test("can be one's own: two methods", () => {
    class Upper extends BaseLoader {
      resolvePath(name: string, parentPath?: string): string {
        return parentPath === undefined ? name : `${parentPath}/${name}`;
      }
      protected readSource(name: string): string {
        return name === "a" ? "{% include 'b' %}" : `source of ${name}`;
      }
    }
    assert.equal(new Upper().load("a").generate(), "source of a/b");
  });
});

test("DictLoader reads relative names as seen from the folder of the parent", () => {
  const loader = new DictLoader({});
  assert.equal(loader.resolvePath("x", "a/b/c"), "a/b/x");
  assert.equal(loader.resolvePath("../x", "a/b/c"), "a/x");
  assert.equal(loader.resolvePath("/x", "a/b/c"), "/x");
  assert.equal(loader.resolvePath("x", "/a/b"), "x");
  assert.equal(loader.resolvePath("x", "<string>"), "x");
  assert.equal(loader.resolvePath("a/../x"), "a/../x");
});

describe("Loader", () => {
  /** A folder `templates` with the files, and a secret beside it. */
  const folder = (
    context: { after(fn: () => void): void },
    files: Record<string, string | Buffer>,
  ): string => {
    const top = mkdtempSync(join(tmpdir(), "squall-templates-"));
    context.after(() => rmSync(top, { recursive: true, force: true }));
    for (const [name, text] of Object.entries({ "secret.html": "secret", ...files })) {
      const path = join(top, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return join(top, "templates");
  };

  test("reads files below a folder, given as a path or a URL, and leaves a byte order mark out", (context) => {
    const root = folder(context, {
      "templates/a.html": "\ufeff<{% include 'sub/b.html' %}>",
      "templates/sub/b.html": "{% include 'c.html' %}{% include '../d.html' %}",
      "templates/sub/c.html": "c",
      "templates/d.html": Buffer.from("é"),
    });
    for (const loader of [new Loader(root), new Loader(pathToFileURL(root))]) {
      assert.equal(loader.root, root);
      assert.equal(loader.load("a.html").generate(), "<cé>");
    }
  });
  test("refuses every name that leads out of its folder", (context) => {
    const root = folder(context, { "templates/a.html": "a", "templates-evil/x.html": "x" });
    const loader = new Loader(root);
    for (const name of [
      "../secret.html",
      "x/../../secret.html",
      join(root, "../secret.html"),
      "/etc/passwd",
      "..",
      ".",
      "",
      "../templates-evil/x.html",
      "a.html\0.png",
      "../templates",
    ])
      assert.throws(() => loader.load(name), { code: "ERR_SQUALL_TEMPLATE_NOT_FOUND" }, JSON.stringify(name));
    assert.throws(() => loader.resolvePath("../../secret.html", "sub/page.html"), {
      code: "ERR_SQUALL_TEMPLATE_NOT_FOUND",
    });
    assert.equal(loader.templates.size, 0);
  });
  test("keeps one template for all spellings of its name", (context) => {
    const loader = new Loader(folder(context, { "templates/a.html": "a" }));
    const template = loader.load("a.html");
    assert.equal(loader.load("./x/../a.html"), template);
    assert.equal(loader.load("../a.html", "sub/page.html"), template);
    assert.equal(loader.load("a.html", "<string>"), template);
  });
  test("names the file that is missing, and refuses a folder", (context) => {
    const loader = new Loader(folder(context, { "templates/sub/a.html": "a" }));
    for (const name of ["none.html", "sub", "sub/a.html/b"])
      assert.throws(
        () => loader.load(name),
        (error: unknown) => {
          assert.ok(error instanceof TemplateNotFoundError && error.cause instanceof Error);
          return error.templateName === name;
        },
      );
  });
  test("refuses bytes that are not UTF-8", (context) => {
    const loader = new Loader(folder(context, { "templates/a.html": Buffer.from([0xff]) }));
    assert.throws(() => loader.load("a.html"), { code: "ERR_SQUALL_DECODE" });
  });
});
