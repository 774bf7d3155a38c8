// npm run test:package: packs the package as it would be published and asks the tools of the trade about it:
// what is in the tarball, publint, "are the types wrong?", and a TypeScript project that installs it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

// 1. The tarball holds the compiled doors and rooms, four pages, and nothing else.
const [packed] = JSON.parse(
  run("npm pack", "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work], { cwd: root }),
);
const stray = packed.files
  .map((file) => file.path)
  .filter(
    (path) =>
      !/^dist\/.+\.(js|js\.map|d\.ts)$/.test(path) &&
      !["package.json", "README.md", "CHANGELOG.md", "LICENSE"].includes(path),
  );
if (stray.length > 0) {
  console.error(`the tarball holds files that no user needs:\n  ${stray.join("\n  ")}`);
  process.exit(1);
}
console.log(`tarball: ${packed.entryCount} files, ${Math.round(packed.size / 1024)} KiB packed`);
const tarball = join(work, packed.filename);

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

// 4. The command: npm has linked it, and it runs.
run("a user's command", join(user, "node_modules", ".bin", "squall"), ["--version"], { cwd: user });
