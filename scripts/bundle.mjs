// Turns dist/ into what is published. One file for each door and a few that doors share, instead of one for each module of
// the sources: Node resolves, reads and links every module by itself, which is most of what `import "squall/web"` costs.
// Declarations are one file for each door and each layer, with the contracts of all that users can name and nothing internal.
// Each name stays, and each statement keeps its line, so stack traces can be read without source maps, which would be more than
// half of the package.
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
import { dirname, isAbsolute, join, posix, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compact } from "./compact.mjs";
import { declarationsOf } from "./declarations.mjs";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const dist = join(root, "dist");
const aside = join(root, "build", "dist-modules");
const bare = join(root, "build", "dist-bare");
const declared = join(root, "build", "dist-declared");
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

/** Compiles the sources into `folder`. */
function compile(folder, options) {
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const alone = ["--composite", "false", "--incremental", "false", "--tsBuildInfoFile", "null"];
  const args = [tsc, "-p", join(root, "src"), ...alone, ...options, "--outDir", folder];
  if (spawnSync(process.execPath, args, { stdio: "inherit" }).status !== 0)
    throw new Error("the sources do not compile");
}

/** Code without comments, and declarations with them, but without the members that are marked as internal. */
function compileApart() {
  const maps = ["--inlineSources", "false", "--sourceMap", "false"];
  const bareOnly = ["--isolatedDeclarations", "false", "--declaration", "false", "--removeComments"];
  compile(bare, [...bareOnly, ...maps]);
  compile(declared, ["--emitDeclarationOnly", "--stripInternal", ...maps]);
}

/**
 * The layers of what is shared: each is one file that holds all that its doors load and no layer before it. Doors that
 * are imported together share a few large files this way, where a bundler left alone makes a file for each set of doors
 * that have something in common: `import "squall/web"` loaded 58 of those, which took half as long again.
 */
const LAYERS = {
  base: ["util", "log"],
  async: ["ioloop", "gen", "locks", "queues", "concurrent"],
  net: ["iostream", "tcpserver", "tcpclient", "netutil"],
  http: ["httpserver"],
  web: ["web"],
};

/** Bundles the compiled modules in `from`, beside which `others` lie, into the folder `to`. */
async function bundle(from, to, others) {
  const { rollup } = await import(
    pathToFileURL(join(tools, "node_modules", "rollup", "dist", "es", "rollup.js")).href
  );
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
  const bundled = await rollup({
    input: Object.fromEntries([...entries].map((file) => [file.replace(/\.js$/, ""), join(from, file)])),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    preserveEntrySignatures: "strict",
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
    plugins: [
      {
        // A module loses its own place in a bundle: doors and chunks lie at the top of dist/.
        name: "started-files",
        transform(code, id) {
          const folder = posix.dirname(slashes(relative(from, id)));
          return code.replace(STARTED, (all, target) => {
            const place = posix.join(folder, target);
            if (!files.includes(place) && !others.includes(place)) return all;
            const url = `new URL("./${place}", import.meta.url)`;
            started.push(url);
            return url;
          });
        },
      },
    ],
  });
  let layers;
  await bundled.write({
    dir: to,
    format: "es",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    // Each file imports what it uses and nothing else, and names stay as they are in the sources.
    hoistTransitiveImports: false,
    minifyInternalExports: false,
    onlyExplicitManualChunks: true,
    generatedCode: "es2015",
    manualChunks(id, { getModuleInfo }) {
      layers ??= layersOf(from, (module) => getModuleInfo(module).importedIds.filter(isAbsolute));
      return entries.has(slashes(relative(from, id))) ? undefined : layers.get(id);
    },
  });
  const outputs = filesOf(to).filter((file) => file.includes("/"));
  const misled = outputs.filter((file) =>
    started.some((url) => readFileSync(join(to, file), "utf8").includes(url)),
  );
  if (misled.length > 0)
    throw new Error(`files are started from below dist/, where they are not: ${misled.join(", ")}`);
  for (const file of filesOf(to)) {
    const path = join(to, file);
    if (file.endsWith(".js")) writeFileSync(path, compact(readFileSync(path, "utf8")));
  }
}

/** Which layer each module is in. `importsOf` says which modules one imports when it is loaded. */
function layersOf(from, importsOf) {
  const layers = new Map();
  const assign = (module, layer) => {
    if (layers.has(module)) return;
    layers.set(module, layer);
    for (const imported of importsOf(module)) assign(imported, layer);
  };
  for (const [layer, doors] of Object.entries(LAYERS)) {
    for (const door of doors) for (const module of importsOf(join(from, `${door}.js`))) assign(module, layer);
  }
  return layers;
}

/** Writes the declarations that users can name, and copies files that the code reads: all that is neither code nor a map. */
function copyRest(from, to) {
  const doors = readdirSync(declared).filter((file) => file.endsWith(".d.ts"));
  for (const [file, text] of declarationsOf(declared, doors)) {
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
    compileApart();
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
