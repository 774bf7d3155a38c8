/**
 * What the pages say is tried. TypeScript blocks in the root folder's pages and in docs/guide are compiled against the package; the word
 * after `ts` says what more is done with a block:
 *
 *     ```ts             it compiles
 *     ```ts continued   it compiles as the next part of the block before
 *     ```ts run         it runs, ends with status 0, and prints what an ```output block below it shows
 *     ```ts serve       it runs and listens; in a ```console block below it, each `$ curl …` prints what is shown
 *
 * Port 8888 of a page is a free port here. Links between pages lead somewhere.
 *
 * A page may show pieces. What a block imports is known in the later blocks of its page, and what else a piece takes for
 * granted is declared, a line each, in a comment that readers do not see:
 *
 *     <!-- given:
 *     declare const loop: IOLoop;
 *     declare function save(order: object): Promise<void>;
 *     -->
 *
 * A block that begins with a comment like `// tasks.ts` can be imported as "./tasks.js" by the others of its page. A second block
 * of that name replaces the file: it is compiled in a folder of its own, beside the page's other files as they are then.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { Child, run } from "./support/child.js";
import { type Block, blocksOf, commandsOf, shownBy } from "./support/pages.js";
import { needs, pathOf } from "./support/programs.js";
import { root } from "./support/root.js";

/** A program made of a block and those that continue it, and the block that shows what it does. */
interface Program {
  readonly name: string;
  readonly source: string;
  readonly task: string;
  readonly shown: Block | undefined;
}

/** A declaration that a block may use without showing it: an import of an earlier block, or a line of a `given` comment. */
interface Known {
  readonly name: string;
  readonly declaration: string;
}

/** Each name that the text imports, as an import of its own. */
function importsOf(text: string): Known[] {
  const whole = [...text.matchAll(/^import (\w+) from "[^"]*";$/gm)];
  return [...whole.map(([declaration, name = ""]) => ({ name, declaration })), ...namedImportsOf(text)];
}

function namedImportsOf(text: string): Known[] {
  return [...text.matchAll(/^import (type )?\{([^}]*)\} from ("[^"]*");$/gm)].flatMap(
    ([, type = "", names = "", from = ""]) =>
      names
        .split(",")
        .map((spec) => spec.trim())
        .filter((spec) => spec !== "")
        .map((spec) => ({
          name: /(\S+)$/.exec(spec)?.[1] ?? "",
          declaration: `import ${type}{ ${spec} } from ${from};`,
        })),
  );
}

/** The lines of the `given` comments of a page, by the line on which each stands. */
function givenOf(page: string): (Known & { readonly line: number })[] {
  return [...page.matchAll(/^<!-- given:\n([\s\S]*?)^-->$/gm)].flatMap((match) => {
    const text = match[1] ?? "";
    const line = page.slice(0, match.index).split("\n").length;
    const declared = [
      ...text.matchAll(/^(?:declare |export )*(?:const|let|function|class|interface|type) (\w+).*$/gm),
    ];
    return [...importsOf(text), ...declared.map((one) => ({ name: one[1] ?? "", declaration: one[0] }))].map(
      (known) => ({ ...known, line }),
    );
  });
}

/** What a block uses of what is known, and does not declare itself; what declarations use in turn comes along. */
function preamble(text: string, known: readonly Known[]): string {
  const uses = (source: string, name: string): boolean => new RegExp(`(?<![\\w.])${name}\\b`).test(source);
  const own = new Set(importsOf(text).map(({ name }) => name));
  for (const [, name = ""] of text.matchAll(/(?:const|let|var|function\*?|class|interface|type) (\w+)/g))
    own.add(name);
  const chosen = new Map<string, string>();
  let source = text;
  // The later declaration of a name is the one that counts, as for a reader.
  for (let found = true; found; ) {
    found = false;
    for (const { name, declaration } of known.toReversed()) {
      if (own.has(name) || chosen.has(name) || !uses(source, name)) continue;
      chosen.set(name, declaration);
      source += declaration;
      found = true;
    }
  }
  return [...chosen.values()].map((line) => `${line}\n`).join("");
}

function programsOf(path: string, page: string): Program[] {
  const found: Program[] = [];
  const given = givenOf(page);
  const imported: Known[] = [];
  const place = path.replace(/\.md$/, "").replaceAll("/", "-");
  /** The files that the page has shown so far, and where the latest of them lie. */
  const files = new Map<string, Program>();
  let folder = place;
  let last = "";
  const blocks = blocksOf(page);
  for (const [i, block] of blocks.entries()) {
    if (block.language !== "ts") continue;
    assert.ok(
      ["", "continued", "run", "serve"].includes(block.task),
      `${path}:${block.line}: ts ${block.task}?`,
    );
    const continued = block.task === "continued";
    assert.ok(!continued || last !== "", `${path}:${block.line}: nothing to continue`);
    last = (continued ? last : "") + block.text;
    const file = /^\/\/ ([\w.-]+)\.ts\b/.exec(block.text)?.[1];
    if (file !== undefined && files.has(file)) {
      folder = `${place}/line-${block.line}`;
      for (const [name, program] of files)
        if (name !== file) found.push({ ...program, name: `${folder}/${name}`, task: "", shown: undefined });
    }
    const program: Program = {
      name: `${file === undefined ? place : folder}/${file ?? `line-${block.line}`}`,
      source: preamble(last, [...given.filter(({ line }) => line < block.line), ...imported]) + last,
      task: block.task,
      shown: shownBy(blocks, i),
    };
    found.push(program);
    if (file !== undefined) files.set(file, program);
    imported.push(...importsOf(block.text));
  }
  return found;
}

/** The files below a folder. Not those of packages: an example links squall itself there, and would lead around in a circle. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return entry.name === "node_modules" ? [] : filesBelow(path);
  });
}

/** Markdown pages by their path: those in the root folder and below the folders named. */
function pages(...folders: string[]): Map<string, string> {
  const below = folders.filter((path) => existsSync(join(root, path))).flatMap(filesBelow);
  const paths = [...readdirSync(root), ...below].filter((path) => path.endsWith(".md"));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

const folder = join(root, "build", "docs");

/** Writes programs to build/docs and compiles them; answers what the compiler complained about. */
function compile(programs: readonly Program[]): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, source } of programs) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, `${name}.ts`), source);
  }
  const compilerOptions = {
    noEmit: false,
    rootDir: ".",
    moduleDetection: "force",
    // What "strict" leaves out: a page shows a first program, and its names need not all be used.
    noUnusedLocals: false,
    noUnusedParameters: false,
    erasableSyntaxOnly: false,
  };
  const config = { extends: "../../tsconfig.base.json", compilerOptions, include: ["**/*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const done = spawnSync(process.execPath, [tsc, "-p", folder], { cwd: root, encoding: "utf8" });
  return done.status === 0 ? "" : done.stdout + done.stderr;
}

/** Prepares a program for running: a free port in place of 8888, and a word about which one it became. */
function runnable(program: Program): string {
  const path = join(folder, `${program.name}.js`);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("8888", "0"));
  return path;
}

const TELL_PORT = `data:text/javascript,${encodeURIComponent(`
  import { Server } from "node:net";
  const { emit } = Server.prototype;
  Server.prototype.emit = function (name, ...args) {
    if (name === "listening") process.stderr.write("PORT " + this.address().port + "\\n");
    return emit.call(this, name, ...args);
  };
`)}`;

const programs = [...pages("docs/guide")].flatMap(([path, page]) => programsOf(path, page));

describe("the code on the pages", () => {
  let complaints = "";
  before(() => {
    complaints = compile(programs);
  });

  test("compiles", () => {
    assert.ok(programs.length > 0);
    assert.equal(complaints, "");
  });

  for (const program of programs.filter(({ task }) => task === "run")) {
    test(`${program.name} runs and prints what the page shows`, async (context) => {
      const { code, output } = await run(context, process.execPath, [runnable(program)]);
      assert.equal(code, 0, output);
      if (program.shown !== undefined) assert.equal(output, program.shown.text);
    });
  }

  for (const program of programs.filter(({ task }) => task === "serve")) {
    test(`${program.name} serves what the page shows`, needs("curl"), async (context) => {
      const child = Child.start(context, process.execPath, ["--import", TELL_PORT, runnable(program)]);
      const [, port = ""] = await child.prints(/^PORT (\d+)$/m);
      const commands = program.shown === undefined ? [] : commandsOf(program.shown);
      for (const { command, shown } of commands) {
        const [name, ...args] = command.replaceAll("8888", port).match(/'[^']*'|\S+/g) ?? [];
        assert.equal(name, "curl", "pages show commands of curl");
        const plain = args.map((arg) => arg.replace(/^'(.*)'$/, "$1"));
        const { code, output } = await run(context, pathOf("curl"), [
          "--silent",
          "--max-time",
          "10",
          ...plain,
        ]);
        assert.equal(code, 0, output);
        assert.equal(output.replaceAll("\r\n", "\n").trim(), shown);
      }
    });
  }
});

test("the README's table of modules lists exactly what package.json exports", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
  const doors = Object.keys(exports).filter((path) => path !== "./package.json");
  const listed = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^\| `squall(\/[\w-]+)?` /gm)];
  assert.deepEqual(listed.map((match) => `.${match[1] ?? ""}`).toSorted(), doors.toSorted());
});

describe("the links between pages", () => {
  const all = pages("docs", "examples", "bench", "test");

  test("lead to files and headings that exist", () => {
    assert.ok(all.size > 3);
    assert.deepEqual(
      [...all].flatMap(([path, page]) => brokenLinks(path, page)),
      [],
    );
  });
});

test("docs/README.md leads to every page of the documentation", () => {
  const index = readFileSync(join(root, "docs", "README.md"), "utf8");
  const all = readdirSync(join(root, "docs"), { recursive: true }).map((path) =>
    String(path).replaceAll("\\", "/"),
  );
  assert.deepEqual(
    all.filter(
      (path) =>
        path.endsWith(".md") &&
        path !== "README.md" &&
        !index.includes(`](${path})`) &&
        // Pages that the package does not hold are named without a link.
        !index.includes(`| \`docs/${path}\` |`),
    ),
    [],
  );
});

/** A heading's anchor as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

function anchorsOf(page: string): string[] {
  const prose = page.replace(/^(`{3,})[\s\S]*?^\1$/gm, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map((match) => anchor(match[1] as string));
}

function brokenLinks(path: string, page: string): string[] {
  const prose = page.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, "``");
  const complaints: string[] = [];
  for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", heading] = target.split("#");
    const to = file === "" ? join(root, path) : join(root, dirname(path), file);
    if (!existsSync(to)) complaints.push(`${path}: ${target} does not exist`);
    else if (heading !== undefined && !anchorsOf(readFileSync(to, "utf8")).includes(heading))
      complaints.push(`${path}: ${target} has no such heading`);
  }
  return complaints;
}

describe("the checks bite", () => {
  const program = (name: string, source: string): Program => ({ name, source, task: "", shown: undefined });

  test("blocks are found with language, task and line, and continued ones follow what came before", () => {
    const page =
      "x\n```ts run\nconst a = 1;\n```\n\n```output\n1\n```\n```ts continued\na;\n```\n````md\n```ts\nno\n```\n````\n";
    assert.deepEqual(
      programsOf("a/b.md", page).map(({ name, source, task, shown }) => [name, source, task, shown?.text]),
      [
        ["a-b/line-2", "const a = 1;\n", "run", "1\n"],
        ["a-b/line-9", "const a = 1;\na;\n", "continued", undefined],
      ],
    );
    const given =
      "<!-- given:\ndeclare const a: A;\ntype A = number;\ndeclare const b: 1;\n-->\n```ts\na;\n```\n```ts\nconst a = 1;\na;\n```\n";
    assert.deepEqual(
      programsOf("a.md", given).map(({ source }) => source),
      ["declare const a: A;\ntype A = number;\na;\n", "const a = 1;\na;\n"],
    );
    const imports = '```ts\nimport { a, type B } from "x";\n```\n```ts\na;\n```\n```ts\nx.a as B;\n```\n';
    assert.deepEqual(
      programsOf("a.md", imports).map(({ source }) => source.split("\n").slice(0, -1)),
      [
        ['import { a, type B } from "x";'],
        ['import { a } from "x";', "a;"],
        ['import { type B } from "x";', "x.a as B;"],
      ],
    );
    assert.throws(() => programsOf("a.md", "```ts maybe\n```\n"), /ts maybe/);
    assert.throws(() => programsOf("a.md", "```ts continued\n```\n"), /nothing to continue/);
  });
  test("code that does not compile is told with its page and line", () => {
    const complaints = compile([
      program("page/line-7", 'import { nothing } from "squall/web";\nconst x: number = "1";\n'),
    ]);
    assert.match(complaints, /page\/line-7\.ts\(1,10\).*nothing/);
    assert.match(complaints, /page\/line-7\.ts\(2,7\)/);
  });
  test("commands and what they show are told apart", () => {
    const block = { language: "console", task: "", text: "$ curl a\none\ntwo\n$ curl b\n", line: 1 };
    assert.deepEqual(commandsOf(block), [
      { command: "curl a", shown: "one\ntwo" },
      { command: "curl b", shown: "" },
    ]);
  });
  test("links to nowhere are found", () => {
    assert.deepEqual(brokenLinks("README.md", "[a](LICENSE) [b](#squall) [c](https://x) `[d](e)`\n"), []);
    assert.deepEqual(brokenLinks("README.md", "[a](NONE.md) [b](#none)\n"), [
      "README.md: NONE.md does not exist",
      "README.md: #none has no such heading",
    ]);
  });
});
