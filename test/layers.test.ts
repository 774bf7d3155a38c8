/**
 * The rules of docs/ARCHITECTURE.md that a machine can check, read from the source text: which way imports
 * point, where timers and sockets may be touched, that doors hold no logic, and how long a file may grow.
 * Each rule is a function from a tree of sources to complaints, so that small trees in strings show that it bites.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { describe, test } from "node:test";
import { root } from "./support/root.js";
import { importedModules, tokens, usesOf } from "./support/source-imports.js";
import { isDoor, readSources, resolveInside, type SourceTree } from "./support/source-tree.js";

/** What each layer may import besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = (() => {
  const http = ["base", "async", "net", "protocol"];
  const websocket = [...http, "http"];
  const web = [...websocket, "websocket", "text", "devel"];
  const top = [...web, "web"];
  return {
    base: [],
    async: ["base"],
    net: ["base", "async"],
    protocol: ["base"],
    text: ["base"],
    http,
    websocket,
    web,
    interop: top,
    auth: top,
    testing: top,
    // Beside the line: an application's setting starts it, so web/ may see it, and it needs loop and processes alone.
    devel: ["base", "async", "net"],
    cli: [...top, "interop", "auth", "testing"],
  };
})();

const TIMERS = new Set(["setTimeout", "setInterval", "timeout"]);
const SOCKETS = new Set(["net", "tls", "dgram", "child_process", "cluster"]);
/** What node:net has that only reads text, and no socket is touched by it. */
const ADDRESS_FUNCTIONS = new Set(["isIP", "isIPv4", "isIPv6", "BlockList", "SocketAddress"]);
const LONGEST = 700;
/** Files that may be longer, by how much, and why. */
const MAY_BE_LONGER = new Map([
  [
    "web/handler/request-handler.ts",
    [1000, "the contracts of one class that users see whole; no method holds a job"],
  ],
] as const);
/** Who may read the platform's clocks outside async/, and why. */
const MAY_READ_CLOCKS = new Map([
  ["testing/main.ts", "a test run tells how long it took for the person who waits"],
]);

/** Functions of http/ and web/ that may ask for the current loop, and why. */
const MAY_ASK_FOR_THE_LOOP = new Map([
  ["http/client/blocking/http-client.ts", "it refuses to block a loop that is running"],
  ["web/handler/signed-value.ts", "signing outside of requests: the clock is one of its options"],
]);

/** Rooms that are whole and tested, and whose shell is still to come; the first door that leads there takes the entry away. */
const WITHOUT_DOOR: readonly RegExp[] = [];

const layerOf = (path: string): string => path.slice(0, path.indexOf("/"));

/** Rooms import from themselves and from the layers left of them; doors are for users, not for rooms. */
function arrowsToTheRight(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (isDoor(path)) continue;
    const layer = layerOf(path);
    const allowed = LAYERS[layer];
    if (allowed === undefined) {
      complaints.push(`${path}: no layer is named "${layer}"`);
      continue;
    }
    for (const { specifier, line } of importedModules(source)) {
      const where = `${path}:${line}`;
      if (/^(squall|#room)(\/|$)/.test(specifier))
        complaints.push(`${where}: import ${specifier} by a relative path`);
      if (!specifier.startsWith(".")) continue;
      const target = resolveInside(path, specifier);
      if (target === undefined || !specifier.endsWith(".js"))
        complaints.push(`${where}: ${specifier} is no module of src/`);
      else if (!tree.has(target)) complaints.push(`${where}: ${specifier} does not exist`);
      else if (isDoor(target)) complaints.push(`${where}: a room must not import the door ${target}`);
      else if (layerOf(target) !== layer && !allowed.includes(layerOf(target)))
        complaints.push(`${where}: ${layer} must not import ${target}`);
    }
  }
  return complaints;
}

/** Groups of files that import each other in a circle (Tarjan's strongly connected components). */
function cycles(tree: SourceTree): string[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const complaints: string[] = [];
  const visit = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.get(path) as number);
    stack.push(path);
    const source = tree.get(path) as string;
    for (const { specifier } of importedModules(source)) {
      const target = specifier.startsWith(".") ? resolveInside(path, specifier) : undefined;
      if (target === undefined || !tree.has(target)) continue;
      if (target === path) complaints.push(`cycle: ${path} imports itself`);
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(path, Math.min(low.get(path) as number, low.get(target) as number));
    }
    if (low.get(path) === index.get(path)) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1) complaints.push(`cycle: ${group.join(" → ")} → ${path}`);
    }
  };
  for (const path of tree.keys()) if (!index.has(path)) visit(path);
  return complaints;
}

/** Time goes through the loop's clock: only async/ arms timers of the platform. */
function strayTimers(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (path.startsWith("async/")) continue;
    for (const { name, line } of usesOf(source, TIMERS)) {
      // `timeout` is a timer only as AbortSignal.timeout(…); everywhere else it is an option's name.
      if (name === "timeout" && !/AbortSignal\s*\.\s*timeout/.test(source.split("\n")[line - 1] ?? ""))
        continue;
      // Sockets of Node have a method of this name; its declaration arms nothing.
      if (/^\s+setTimeout\(.*\): this \{$/.test(source.split("\n")[line - 1] ?? "")) continue;
      complaints.push(`${path}:${line}: ${name} outside async/`);
    }
    for (const { specifier, line } of importedModules(source))
      if (/^(node:)?timers(\/|$)/.test(specifier))
        complaints.push(`${path}:${line}: ${specifier} outside async/`);
  }
  return complaints;
}

/** The time is asked of the loop: only async/ reads the platform's clocks, so that virtual time is all the time there is. */
function strayClocks(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (path.startsWith("async/") || MAY_READ_CLOCKS.has(path)) continue;
    const all = tokens(source);
    all.forEach(({ text, line }, i) => {
      const call = all
        .slice(i, i + 4)
        .map((token) => token.text)
        .join("");
      const now = /^(Date|performance)\.now\($/.test(call);
      const today = text === "Date" && all[i - 1]?.text === "new" && /^Date(\(\)|[^(])/.test(call);
      if (now || today || call.startsWith("process.hrtime"))
        complaints.push(`${path}:${line}: ${call} outside async/`);
    });
  }
  return complaints;
}

/** Who answers a request uses the request's loop. Objects take theirs when they are made: in constructors alone. */
function strayLoops(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (!/^(http|web)\//.test(path) || MAY_ASK_FOR_THE_LOOP.has(path)) continue;
    const all = tokens(source);
    /** For each open brace, whether it is (inside) a constructor's body. */
    const blocks: boolean[] = [];
    let parens = 0;
    /** After `constructor`: the depth of parentheses at which its body begins. */
    let constructorAt: number | undefined;
    all.forEach(({ kind, text, line }, i) => {
      if (kind === "string") return;
      if (text === "constructor" && all[i + 1]?.text === "(") constructorAt = parens;
      else if (text === "(") parens++;
      else if (text === ")") parens--;
      else if (text === "{") {
        const begins = constructorAt === parens;
        blocks.push(begins || blocks.at(-1) === true);
        if (begins) constructorAt = undefined;
      } else if (text === "}") blocks.pop();
      else if (text === "IOLoop" && all[i + 1]?.text === "." && all[i + 2]?.text === "current") {
        if (blocks.at(-1) !== true)
          complaints.push(`${path}:${line}: IOLoop.current() outside a constructor`);
      }
    });
  }
  return complaints;
}

/** Only net/ touches sockets and processes (`import type` too: a type from there is a seam missing here). */
function straySockets(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (path.startsWith("net/")) continue;
    for (const { specifier, line, names } of importedModules(source)) {
      if (!SOCKETS.has(specifier.replace(/^node:/, ""))) continue;
      if (specifier === "node:net" && names?.every((name) => ADDRESS_FUNCTIONS.has(name))) continue;
      complaints.push(`${path}:${line}: ${specifier} outside net/`);
    }
  }
  return complaints;
}

/**
 * Whatever is neither ours nor Node's is declared in package.json, and Node's modules carry their prefix. `process` is
 * used as the global that it is: importing it reads all its members, and that opens the standard streams.
 */
function undeclaredPackages(tree: SourceTree, declared: ReadonlySet<string>): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    for (const { specifier, line } of importedModules(source)) {
      if (specifier === "node:process") complaints.push(`${path}:${line}: use the global process`);
      if (/^(\.|node:|squall(\/|$)|#room\/)/.test(specifier)) continue;
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      if (builtinModules.includes(name)) complaints.push(`${path}:${line}: write node:${specifier}`);
      else if (!declared.has(name))
        complaints.push(`${path}:${line}: ${name} is not declared in package.json`);
    }
  }
  return complaints;
}

/** A door is nothing but `export { names } from "./layer/room.js"` and the same with `type`. */
function doorsWithLogic(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (!isDoor(path)) continue;
    const all = tokens(source);
    const text = all.map((token) => (token.kind === "string" ? `"${token.text}"` : token.text)).join(" ");
    const rest = text
      .replace(
        /export (type )?\{ ([\w$]+( as [\w$]+)?|type [\w$]+( as [\w$]+)?|[ ,])+\} from "\.\/[\w-]+\/[\w/.-]+\.js"( ;)?/g,
        "",
      )
      .trim();
    if (rest !== "")
      complaints.push(`${path}: a door only re-exports by name from rooms, but has: ${rest.slice(0, 120)}`);
    for (const { specifier, line } of importedModules(source)) {
      const target = resolveInside(path, specifier);
      if (target === undefined || !tree.has(target))
        complaints.push(`${path}:${line}: ${specifier} does not exist`);
    }
  }
  return complaints;
}

/**
 * Files that no door leads to: what nobody can use should not be shipped. Threads and children are started by
 * `new URL("./file.js", import.meta.url)`, which leads there too.
 */
function unreachable(tree: SourceTree): string[] {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const source = tree.get(path);
    if (source === undefined || reached.has(path)) return;
    reached.add(path);
    const all = tokens(source);
    const named = all.filter(({ kind, text }) => kind === "string" && /^\.\.?\/.*\.js$/.test(text));
    for (const { text } of named) visit(resolveInside(path, text) ?? "");
  };
  for (const path of tree.keys()) if (isDoor(path)) visit(path);
  return [...tree.keys()].filter((path) => !reached.has(path));
}

/** What the versions of HTTP share imports nothing from one of them, nor from WebSockets. */
function sharedAndNotShared(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    if (!/^protocol\/(fields|message|body)\//.test(path)) continue;
    for (const { specifier, line } of importedModules(source)) {
      const target = specifier.startsWith(".") ? resolveInside(path, specifier) : undefined;
      if (target !== undefined && /^protocol\/(http1|websocket)\//.test(target))
        complaints.push(`${path}:${line}: what is shared must not import ${target}`);
    }
  }
  return complaints;
}

/** A file that has outgrown one concept. */
function tooLong(tree: SourceTree): string[] {
  return [...tree]
    .map(([path, source]) => [path, source.trimEnd().split("\n").length] as const)
    .filter(([path, lines]) => lines > (MAY_BE_LONGER.get(path as never)?.[0] ?? LONGEST))
    .map(([path, lines]) => `${path}: ${lines} lines, more than ${LONGEST}`);
}

const declared = (() => {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Record<
    string,
    object | undefined
  >;
  return new Set(["dependencies", "peerDependencies"].flatMap((kind) => Object.keys(manifest[kind] ?? {})));
})();

describe("the sources keep to their layers", () => {
  const tree = readSources();

  test("there are sources to look at", () => {
    assert.ok(tree.size > 5);
  });
  test("no import points to the right, and no room imports a door", () => {
    assert.deepEqual(arrowsToTheRight(tree), []);
  });
  test("no files import each other in a circle", () => {
    assert.deepEqual(cycles(tree), []);
  });
  test("what the versions of HTTP share imports nothing from one of them", () => {
    assert.deepEqual(sharedAndNotShared(tree), []);
  });
  test("timers are armed in async/ alone", () => {
    assert.deepEqual(strayTimers(tree), []);
  });
  test("clocks are read in async/ alone", () => {
    assert.deepEqual(strayClocks(tree), []);
    for (const path of MAY_READ_CLOCKS.keys())
      assert.ok(tree.has(path), `${path} is gone: take it from the list`);
  });
  test("http/ and web/ ask for the current loop in constructors alone", () => {
    assert.deepEqual(strayLoops(tree), []);
    for (const path of MAY_ASK_FOR_THE_LOOP.keys())
      assert.ok(tree.has(path), `${path} is gone: take it from the list`);
  });
  test("sockets and processes are touched in net/ alone", () => {
    assert.deepEqual(straySockets(tree), []);
  });
  test("packages of others are declared", () => {
    assert.deepEqual(undeclaredPackages(tree, declared), []);
  });
  test("doors hold no logic", () => {
    assert.deepEqual(doorsWithLogic(tree), []);
  });
  test("a door leads to every file", () => {
    const files = unreachable(tree);
    assert.deepEqual(
      files.filter((path) => !WITHOUT_DOOR.some((room) => room.test(path))),
      [],
    );
    for (const room of WITHOUT_DOOR)
      assert.ok(
        files.some((path) => room.test(path)),
        `a door leads to ${room}: take it from the list`,
      );
  });
  test("no file has more than 700 lines", () => {
    assert.deepEqual(tooLong(tree), []);
  });
});

describe("the rules bite", () => {
  const tree = (files: Record<string, string>): SourceTree => new Map(Object.entries(files));
  const room = "export const x = 1;\n";

  for (const [title, from, text] of [
    ["a plain import", "base/a.ts", 'import { x } from "../async/b.js";'],
    ["import type", "base/a.ts", 'import type { X } from "../async/b.js";'],
    ["a re-export", "base/a.ts", 'export { x } from "../async/b.js";'],
    ["export *", "base/a.ts", 'export * from "../async/b.js";'],
    ["an import over several lines", "base/a.ts", 'import {\n  x, // the x\n  y,\n} from "../async/b.js";'],
    ["an import for its effect", "base/a.ts", 'import "../async/b.js";'],
    ["a dynamic import", "base/a.ts", 'const b = await import("../async/b.js");'],
    ["an import type expression", "base/a.ts", 'type X = import("../async/b.js").X;'],
    ["a sibling branch", "protocol/a.ts", 'import { x } from "../async/b.js";'],
    [
      "an import after a regular expression with a quote",
      "base/a.ts",
      'const q = /["\'`]/;\nimport { x } from "../async/b.js";',
    ],
    [
      "an import inside a template's expression",
      "base/a.ts",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source text that holds a template
      'const q = `a ${await import("../async/b.js")} b`;',
    ],
  ] as const) {
    test(`an arrow to the right is found: ${title}`, () => {
      const found = arrowsToTheRight(tree({ [from]: text, "async/b.ts": room }));
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] as string, /must not import async\/b\.ts/);
    });
  }

  test("arrows to the left, comments and strings are no complaint", () => {
    const text = [
      'import { x } from "../base/b.js";',
      '// import { x } from "../web/c.js";',
      '/* import "../web/c.js"; */',
      "const text = 'import { x } from \"../web/c.js\"';",
      'const more = `import { x } from "../web/c.js"`;',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source text that holds a template
      "const range = `${from} to ${from}-${to}`;",
      "const half = 1 / 2; const third = x / 3;",
    ].join("\n");
    assert.deepEqual(arrowsToTheRight(tree({ "async/a.ts": text, "base/b.ts": room, "web/c.ts": room })), []);
  });
  test("a room that imports a door, its own package, a missing file or no .js is found", () => {
    for (const specifier of [
      "../web.js",
      "squall/web",
      "#room/base/b",
      "../base/none.js",
      "../base/b",
      "../../x.js",
    ]) {
      const found = arrowsToTheRight(
        tree({ "web/a.ts": `import { x } from "${specifier}";`, "web.ts": "", "base/b.ts": room }),
      );
      assert.equal(found.length, 1, specifier);
    }
  });
  test("a folder that is no layer is found", () => {
    assert.match(arrowsToTheRight(tree({ "misc/a.ts": room }))[0] as string, /no layer is named "misc"/);
  });
  test("a circle of files is found, types included", () => {
    const found = cycles(
      tree({
        "base/a.ts": 'import type { B } from "./b.js";',
        "base/b.ts": 'import { c } from "./c.js";',
        "base/c.ts": 'export { a } from "./a.js";',
        "base/d.ts": 'import { a } from "./a.js";',
      }),
    );
    assert.deepEqual(found, ["cycle: base/a.ts → base/b.ts → base/c.ts → base/a.ts"]);
  });
  test("an import of HTTP/1 by what is shared is found, types included, and the reverse is none", () => {
    const sources = {
      "protocol/fields/a.ts": 'import type { B } from "../http1/b.js";',
      "protocol/http1/b.ts": 'import { c } from "../message/c.js";',
      "protocol/message/c.ts": 'import { d } from "../fields/d.js";',
    };
    assert.deepEqual(sharedAndNotShared(tree(sources)), [
      "protocol/fields/a.ts:1: what is shared must not import protocol/http1/b.ts",
    ]);
  });

  test("a diamond is no circle", () => {
    const found = cycles(
      tree({
        "base/a.ts": 'import "./b.js";import "./c.js";',
        "base/b.ts": 'import "./d.js";',
        "base/c.ts": 'import "./d.js";',
        "base/d.ts": room,
      }),
    );
    assert.deepEqual(found, []);
  });
  test("timers outside async/ are found, methods and options of the same name are not", () => {
    for (const text of [
      "setTimeout(() => {}, 1);",
      "const later = setInterval;",
      "globalThis.setTimeout(f, 1);",
      "const signal = AbortSignal.timeout(5);",
      'import { setTimeout as sleep } from "node:timers/promises";\n',
    ]) {
      assert.ok(strayTimers(tree({ "net/a.ts": text })).length > 0, text);
      assert.deepEqual(strayTimers(tree({ "async/a.ts": text })), []);
    }
    assert.deepEqual(
      strayTimers(tree({ "net/a.ts": "socket.setTimeout(0); const { timeout } = options; // setTimeout" })),
      [],
    );
  });
  test("clocks outside async/ are found, dates made of something are not", () => {
    for (const text of ["Date.now();", "performance.now();", "new Date();", "process.hrtime.bigint();"]) {
      assert.equal(strayClocks(tree({ "net/a.ts": text })).length, 1, text);
      assert.deepEqual(strayClocks(tree({ "async/a.ts": text })), []);
    }
    assert.deepEqual(
      strayClocks(
        tree({ "net/a.ts": "new Date(loop.wallTime()); Date.parse(x); clock.now(); // Date.now()" }),
      ),
      [],
    );
  });
  test("a look for the current loop outside a constructor is found", () => {
    for (const text of [
      "function now() { return IOLoop.current().time(); }",
      "class A { constructor() { this.x = 1; } later() { IOLoop.current(); } }",
      "const loop = IOLoop.current();",
      "class A { constructor(x = { a: 1 }) {} loop = IOLoop.current(); }",
    ]) {
      for (const layer of ["http", "web"])
        assert.equal(strayLoops(tree({ [`${layer}/a.ts`]: text })).length, 1, text);
      assert.deepEqual(strayLoops(tree({ "net/a.ts": text })), []);
    }
    const inside =
      "class A { constructor(o: { x?: 1 } = {}) { if (o) { this.loop = o.loop ?? IOLoop.current(); } } }";
    assert.deepEqual(strayLoops(tree({ "http/a.ts": inside, "web/b.ts": "// IOLoop.current()" })), []);
  });
  test("sockets and processes outside net/ are found", () => {
    for (const name of ["net", "tls", "dgram", "child_process", "cluster"]) {
      const text = `import type { X } from "node:${name}";`;
      assert.equal(straySockets(tree({ "http/a.ts": text })).length, 1);
      assert.deepEqual(straySockets(tree({ "net/a.ts": text })), []);
    }
    assert.equal(straySockets(tree({ "http/a.ts": 'process.getBuiltinModule("net")' })).length, 1);
    for (const names of [
      "{ isIP, connect }",
      "{ isIP, type Socket }",
      "net, { isIP }",
      "* as net",
      "{ connect as isIP }",
    ])
      assert.equal(straySockets(tree({ "http/a.ts": `import ${names} from "node:net";` })).length, 1, names);
    const pure = 'import { isIP, BlockList as List } from "node:net";';
    assert.deepEqual(straySockets(tree({ "http/a.ts": pure })), []);
  });
  test("packages that package.json does not declare are found", () => {
    const found = undeclaredPackages(
      tree({
        "web/a.ts":
          'import "ws";import "@a/b/c";import "fs";import "node:fs";import "mrmime";import "node:process";',
      }),
      new Set(["mrmime"]),
    );
    assert.deepEqual(found, [
      "web/a.ts:1: ws is not declared in package.json",
      "web/a.ts:1: @a/b is not declared in package.json",
      "web/a.ts:1: write node:fs",
      "web/a.ts:1: use the global process",
    ]);
  });
  test("a door with logic, a star, an import or a name from another door is found", () => {
    const good = 'export { x, y as z, type Q } from "./web/a.js";\nexport type { T } from "./web/a.js";\n';
    const rooms = { "web/a.ts": room, "web2.ts": "" };
    assert.deepEqual(doorsWithLogic(tree({ "web.ts": `/** The door. */\n${good}`, ...rooms })), []);
    for (const bad of [
      'export * from "./web/a.js";',
      'import "./web/a.js";',
      "export const x = 1;",
      'export { x } from "./web2.js";',
      'export { x } from "./web/none.js";',
      "console.log(1);",
    ])
      assert.equal(doorsWithLogic(tree({ "web.ts": good + bad, ...rooms })).length, 1, bad);
  });
  test("a file that no door leads to is found, a thread's is not", () => {
    const found = unreachable(
      tree({
        "web.ts": 'export { a } from "./web/a.js";',
        "web/a.ts": 'import type { B } from "./b.js"; new Worker(new URL("./thread.js", import.meta.url));',
        "web/b.ts": room,
        "web/thread.ts": room,
        "web/dead.ts": 'import { a } from "./a.js";',
      }),
    );
    assert.deepEqual(found, ["web/dead.ts"]);
  });
  test("a file of 701 lines is found, one of 700 is not", () => {
    assert.equal(tooLong(tree({ "base/a.ts": "x;\n".repeat(701) })).length, 1);
    assert.deepEqual(tooLong(tree({ "base/a.ts": "x;\n".repeat(700) })), []);
  });
});
