// Turns dist/ into what is published. One file for each door with shared chunks, instead of one for each module of
// the sources: Node resolves, reads and links every module by itself, which is most of what `import "squall/web"` costs.
// Declarations stay one for each module, since editors lead from a name to its contract, as far as users can name what is in
// them. No name and no line is minified, so stack traces can be read without source maps, which would be more than half of the package.
//
// dist/ is what the tests of this repository import, module by module. It is therefore set aside while the package is
// packed (`prepack`) and put back afterwards (`postpack`).
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { declarationsOf } from "./declarations.mjs";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const dist = join(root, "dist");
const aside = join(root, "build", "dist-modules");
const bare = join(root, "build", "dist-bare");
const tools = join(root, "test", "package");

/** What a thread or a child process is started with: `new URL("./worker.js", import.meta.url)`. */
const STARTED = /new URL\("(\.{1,2}\/[^"]+)", import\.meta\.url\)/g;

const slashes = (path) => path.split(sep).join("/");

/** The modules of dist/ and the files beside them, as paths from there. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => slashes(relative(folder, join(entry.parentPath, entry.name))));
}

/** Compiles the sources once more without comments, which the declarations hold already. */
function compileBare() {
  rmSync(bare, { recursive: true, force: true });
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--composite", "false", "--incremental", "false", "--tsBuildInfoFile", "null"];
  const output = [
    "--isolatedDeclarations",
    "false",
    "--declaration",
    "false",
    "--inlineSources",
    "false",
    "--sourceMap",
    "false",
    "--removeComments",
    "--outDir",
    bare,
  ];
  const done = spawnSync(process.execPath, [tsc, "-p", join(root, "src"), ...options, ...output], {
    stdio: "inherit",
  });
  if (done.status !== 0) throw new Error("the sources do not compile");
}

/** Bundles the compiled modules in `from`, beside which `others` lie, into the folder `to`. */
async function bundle(from, to, others) {
  const { build } = await import(
    pathToFileURL(join(tools, "node_modules", "esbuild", "lib", "main.js")).href
  );
  const acorn = await import("acorn");
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const files = filesOf(from);
  const entries = new Set(
    [...Object.values(manifest.exports), ...Object.values(manifest.bin)]
      .map((target) => target.default ?? target)
      .filter((target) => target.endsWith(".js"))
      .map((target) => target.replace("./dist/", "")),
  );
  for (const file of files.filter((path) => path.endsWith(".js"))) {
    for (const [, target] of readFileSync(join(from, file), "utf8").matchAll(STARTED)) {
      const path = posix.join(posix.dirname(file), target);
      if (path.endsWith(".js") && files.includes(path)) entries.add(path);
    }
  }
  const started = [];
  await build({
    absWorkingDir: from,
    entryPoints: [...entries],
    outdir: to,
    outbase: from,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    chunkNames: "[name]-[hash]",
    logLevel: "warning",
    plugins: [
      {
        // A module loses its own place in a bundle: doors and chunks lie at the top of dist/.
        name: "started-files",
        setup(bundler) {
          bundler.onLoad({ filter: /\.js$/ }, ({ path }) => {
            const folder = posix.dirname(slashes(relative(from, path)));
            const contents = readFileSync(path, "utf8").replace(STARTED, (all, target) => {
              const place = posix.join(folder, target);
              if (!files.includes(place) && !others.includes(place)) return all;
              const url = `new URL("./${place}", import.meta.url)`;
              started.push(url);
              return url;
            });
            return { contents, loader: "js" };
          });
        },
      },
    ],
  });
  for (const file of filesOf(to)) {
    const path = join(to, file);
    if (file.endsWith(".js")) writeFileSync(path, tidy(readFileSync(path, "utf8"), acorn));
  }
  const outputs = filesOf(to).filter((file) => file.includes("/"));
  const misled = outputs.filter((file) =>
    started.some((url) => readFileSync(join(to, file), "utf8").includes(url)),
  );
  if (misled.length > 0)
    throw new Error(`files are started from below dist/, where they are not: ${misled.join(", ")}`);
}

/**
 * Gives classes their names back (the bundler calls `X` inside `_X` if it names itself), leaves out the names of the modules
 * that were joined, and indents with tabs: a twentieth of the package would be blanks.
 */
function tidy(code, { parse, tokTypes }) {
  let text = code.replace(/^\/\/ [\w./-]+\.js\n/gm, "");
  for (const [, name] of code.matchAll(/^var (\w+) = class _\1\b/gm))
    text = text.replace(new RegExp(`(?<![\\w$.])_${name}(?![\\w$])`, "g"), name);
  // What stands between the back quotes of a template is text.
  const templates = [];
  parse(text, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowHashBang: true,
    onToken: ({ type, start, end }) => {
      if (type === tokTypes.template) templates.push([start, end]);
    },
  });
  let next = 0;
  return text.replace(/(?<=^|\n)(?: {2})+/g, (blanks, at) => {
    while (next < templates.length && templates[next][1] <= at) next++;
    return next < templates.length && templates[next][0] < at ? blanks : "\t".repeat(blanks.length / 2);
  });
}

/** Writes the declarations that users can name, and copies files that the code reads: all that is neither code nor a map. */
function copyRest(from, to) {
  const doors = readdirSync(from).filter((file) => file.endsWith(".d.ts"));
  for (const [file, text] of declarationsOf(from, doors)) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    writeFileSync(join(to, file), text);
  }
  for (const file of filesOf(from)) {
    if (/\.(js|map|d\.ts|tsbuildinfo|pyc)$/.test(file)) continue;
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file));
  }
}

/** Sets the modules aside and puts the bundles in their place. */
export async function bundleDist() {
  setUp();
  install(tools);
  restoreDist();
  renameSync(dist, aside);
  try {
    compileBare();
    await bundle(bare, dist, filesOf(aside));
    copyRest(aside, dist);
  } catch (error) {
    restoreDist();
    throw error;
  }
}

/** Puts the modules back, if they were set aside. Twice is fine. */
export function restoreDist() {
  if (!existsSync(aside)) return;
  rmSync(dist, { recursive: true, force: true });
  renameSync(aside, dist);
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  if (process.argv[2] === "--restore") restoreDist();
  else await bundleDist();
}
