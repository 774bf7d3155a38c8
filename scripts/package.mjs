// npm run test:package: packs the package as it would be published and asks the tools of the trade about it:
// what is in the tarball, publint, "are the types wrong?", and a TypeScript project that installs it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, resolve } from "node:path";
import { bundleDist, restoreDist } from "./bundle.mjs";
import { tryFirstPages } from "./first-pages.mjs";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const tools = join(root, "test", "package");
setUp();
install(tools);
const work = mkdtempSync(join(tmpdir(), "squall-package-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

/** Runs a program and returns what it printed; a failure ends the check and shows all it said. */
function run(title, command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: work, encoding: "utf8", ...options });
  if (done.status !== 0) {
    console.error(`${title}: failed\n${done.stdout}${done.stderr}`);
    process.exit(1);
  }
  console.log(`${title}: ok`);
  return done.stdout;
}

const bin = (name) => join(tools, "node_modules", ".bin", name);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const doors = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => manifest.name + path.slice(1));

// 1. The tarball holds the doors in bundles, their declarations, the pages for users, and nothing else; and it stays small.
await bundleDist();
let packed;
try {
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", work];
  [packed] = JSON.parse(run("npm pack", "npm", pack, { cwd: root }));
} finally {
  restoreDist();
}
const stray = packed.files
  .map((file) => file.path)
  .filter(
    (path) =>
      !/^dist\/.+\.(js|d\.ts)$/.test(path) &&
      !/^dist\/interop\/python\/.+\.py$/.test(path) &&
      !/^(docs\/.+\.md|[A-Z]+\.md|LICENSE|package\.json)$/.test(path),
  );
if (stray.length > 0) {
  console.error(`the tarball holds files that no user needs:\n  ${stray.join("\n  ")}`);
  process.exit(1);
}
const paths = packed.files.map((file) => file.path);
const dead = paths
  .filter((path) => path.endsWith(".md"))
  .flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map(([, target]) => posix.join(posix.dirname(page), target.replace(/\/$/, "")))
      .filter((target) => !paths.some((path) => path === target || path.startsWith(`${target}/`)))
      .map((target) => `${page} to ${target}`),
  );
if (dead.length > 0) {
  console.error(`pages link to what the tarball does not hold: ${dead.join(", ")}`);
  process.exit(1);
}
// What the package may weigh unpacked, in bytes. docs/ARCHITECTURE.md says what its parts hold.
const MOST_BYTES = 2_000_000;
const weights = new Map(["code", "declarations", "pages", "all else"].map((part) => [part, 0]));
for (const { path, size } of packed.files) {
  const part = !path.startsWith("dist/")
    ? path.endsWith(".md") && "pages"
    : path.endsWith(".js")
      ? "code"
      : path.endsWith(".d.ts") && "declarations";
  weights.set(part || "all else", weights.get(part || "all else") + size);
}
const weighed = [...weights].map(([part, size]) => `${part} ${size}`).join(", ");
console.log(
  `tarball: ${packed.entryCount} files, ${packed.unpackedSize} bytes (${weighed}), packed ${packed.size}`,
);
if (packed.unpackedSize > MOST_BYTES) {
  console.error(`the package has ${packed.unpackedSize} bytes, more than ${MOST_BYTES}`);
  process.exit(1);
}
const tarball = join(work, packed.filename);

// Who packs as the README says sees the name of the file, and nothing of the scripts behind it.
const packing = { cwd: root, encoding: "utf8" };
const { stdout, stderr } = spawnSync("npm", ["pack", "--dry-run", "--ignore-scripts"], packing);
const showsScripts = spawnSync("npm", ["config", "get", "foreground-scripts"], packing).stdout.trim();
if (stdout + stderr !== `${packed.filename}\n` || showsScripts !== "false") {
  console.error(`npm pack prints more than one line:\n${stdout}${stderr}foreground-scripts: ${showsScripts}`);
  process.exit(1);
}

// 2. Entry points, types and conditions, as bundlers and compilers see them. The package is ESM only, which
//    node10 resolution and require() from CommonJS types cannot see: that is what the profile leaves out.
run("publint", bin("publint"), ["run", "--strict", tarball]);
run("are the types wrong", bin("attw"), [tarball, "--profile", "esm-only", "--format", "ascii"]);

// 3. A project of somebody else: installs the tarball, compiles against every door with the strictest settings
//    (libraries' own declarations checked too), and imports each.
const user = join(work, "user");
mkdirSync(user);
writeFileSync(join(user, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
run("npm install", "npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], { cwd: user });
writeFileSync(
  join(user, "main.ts"),
  `${doors.map((door, i) => `import * as door${i} from ${JSON.stringify(door)};`).join("\n")}
console.log([${doors.map((_, i) => `door${i}`).join(", ")}].every((door) => Object.keys(door).length >= 0));
`,
);
writeFileSync(
  join(user, "tsconfig.json"),
  JSON.stringify({
    compilerOptions: {
      target: "es2023",
      lib: ["es2023", "esnext.disposable", "esnext.decorators"],
      module: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      skipLibCheck: false,
      types: ["node"],
      typeRoots: [join(root, "node_modules", "@types")],
    },
    files: ["main.ts"],
  }),
);
run("a user's compiler", process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc")], {
  cwd: user,
});
run("a user's imports", process.execPath, ["main.js"], { cwd: user });

// What the doors export is called in the bundles what it is called in the modules.
writeFileSync(
  join(user, "names.js"),
  `const names = {};
for (const door of ${JSON.stringify(doors)})
  for (const [key, value] of Object.entries(await import(door)))
    if (typeof value === "function") names[door + " " + key] = value.name;
console.log(JSON.stringify(names));
`,
);
const bundled = JSON.parse(run("names in the bundles", process.execPath, ["names.js"], { cwd: user }));
const listing = readFileSync(join(user, "names.js"), "utf8");
const asModules = ["--input-type=module", "--eval", listing];
for (const [key, name] of Object.entries(
  JSON.parse(run("names in the modules", process.execPath, asModules, { cwd: root })),
)) {
  if (bundled[key] === name) continue;
  console.error(`${key} is called ${bundled[key]} in the package, and ${name} in the sources`);
  process.exitCode = 1;
}
// The bundler makes two names of one that two modules of a file use: rename the one that is not exported.
if (process.exitCode === 1) process.exit();

// A template needs the package's own run-time dependency.
writeFileSync(
  join(user, "template.js"),
  `import { Template } from "squall/template";
process.exit(new Template("{{ [x].map((y) => y + 1) }}").generate({ x: 1 }) === "2" ? 0 : 1);
`,
);
run("a user's template", process.execPath, ["template.js"], { cwd: user });

// The Python side is in the package, and is found from the bundles.
if (spawnSync("python3", ["--version"]).status === 0) {
  writeFileSync(
    join(user, "python.js"),
    `import { WSGIContainer } from "squall/wsgi";
const container = new WSGIContainer("wsgiref.simple_server:demo_app", { workers: 1 });
await container.start();
await container.stop();
`,
  );
  run("a user's Python application", process.execPath, ["python.js"], { cwd: user });
}

// 4. What a first import loads: each module costs a look-up, a read and a link, a third of a millisecond or more.
const MOST_MODULES = 8;
function modulesBehind(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const imports = /^(?:import|export)\b[^;]*?from\s*["'](\.[^"']+)["']|^import\s*["'](\.[^"']+)["']/gm;
  for (const [, from, effect] of readFileSync(entry, "utf8").matchAll(imports))
    modulesBehind(resolve(dirname(entry), from ?? effect), seen);
  return seen;
}
const loaded = modulesBehind(join(user, "node_modules", "squall", "dist", "web.js")).size;
console.log(`import "squall/web": ${loaded} modules`);
if (loaded > MOST_MODULES) {
  console.error(`import "squall/web" loads ${loaded} modules, more than ${MOST_MODULES}`);
  process.exit(1);
}

// Of Node's modules it loads none that most programs need late or never; together they take a tenth of the time again.
const LATE = ["child_process", "cluster", "crypto", "dgram", "dns/promises", "tls", "worker_threads", "zlib"];
writeFileSync(
  join(user, "loaded.js"),
  `const loaded = () => process.moduleLoadList.map((entry) => entry.replace("NativeModule ", ""));
const before = loaded();
await import("squall/web");
const early = loaded().filter((name) => !before.includes(name) && ${JSON.stringify(LATE)}.includes(name));
console.log(early.join(", "));
process.exit(early.length === 0 ? 0 : 1);
`,
);
run("modules of Node that wait for their use", process.execPath, ["loaded.js"], { cwd: user });

// 5. The command: npm has linked it, and it runs.
run("a user's command", join(user, "node_modules", ".bin", "squall"), ["--version"], { cwd: user });

// 6. What a newcomer does first.
await tryFirstPages(work, tarball);
