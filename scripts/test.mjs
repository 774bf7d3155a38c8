// npm test [-- WORD …]: sets the clone up and runs the compiled tests with node:test.
// A WORD picks the test files whose path holds it; words that begin with a dash go to node.
// Some options change what the tests run with: --resolver=NAME, a resolver of squall/netutil (ThreadedResolver, CaresResolver, …)
// for everything that asks for none; --locale=de_DE.UTF-8, the locale of the processes; --fail-if-logs=false, to let stray log
// lines pass; --httpserver=FILE#CLASS and --httpclient=FILE#FUNCTION, other implementations for the tests of HTTP (compiled
// modules, the path from here). npm run test:e2e is the same with --outside: whole servers with programs, browsers and packages of others.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { prepareExamples } from "./prepare-example.mjs";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

// The folders below test/ that need more than this repository: npm run test:e2e.
const OUTSIDE = new Set(["e2e", "interop"]);
const OURS = new Set(["--all", "--outside"]);

const env = { ...process.env };
/** Takes `--NAME=…` off the command line. */
function option(name) {
  const index = process.argv.findIndex((arg) => arg.startsWith(`--${name}=`));
  return index < 0 ? undefined : process.argv.splice(index, 1)[0].slice(name.length + 3);
}
const resolver = option("resolver");
if (resolver !== undefined) {
  const preload = pathToFileURL(join(root, "build", "test", "support", "use-resolver.js"));
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ""} --import ${preload}`;
  env.SQUALL_TEST_RESOLVER = resolver;
}
env.SQUALL_TEST_HTTPSERVER = option("httpserver") ?? env.SQUALL_TEST_HTTPSERVER;
env.SQUALL_TEST_HTTPCLIENT = option("httpclient") ?? env.SQUALL_TEST_HTTPCLIENT;
const locale = option("locale");
if (locale !== undefined) env.LC_ALL = locale;
env.SQUALL_TEST_FAIL_IF_LOGS = option("fail-if-logs") ?? "true";

setUp();
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const all = flags.includes("--all");
const outside = flags.includes("--outside");
if (all || outside) {
  install(join(root, "test", "interop"));
  prepareExamples();
}

const base = join(root, "build", "test");
const files = readdirSync(base, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".test.js"))
  // The compiler leaves behind what was compiled from files that have been moved or deleted.
  .filter((path) => existsSync(join(root, "test", path.replace(/\.js$/, ".ts"))))
  .filter((path) => all || words.length > 0 || OUTSIDE.has(path.split(sep)[0]) === outside)
  .filter((path) => words.length === 0 || words.some((word) => path.split(sep).join("/").includes(word)))
  .sort()
  .map((path) => relative(root, join(base, path)));
if (files.length === 0) {
  console.error(`no test file matches: ${words.join(" ")}`);
  process.exit(1);
}
// The spec reporter everywhere: node's own choice differs between a terminal and a pipe.
// A test that hangs is a failure that says its name, not a run without end.
const options = [
  "--test-timeout=120000",
  "--expose-gc",
  "--enable-source-maps",
  "--test",
  "--test-reporter=spec",
];
// Files at once: node's own choice is one less than there are cores, which on two cores leaves one idle.
options.push(`--test-concurrency=${Math.max(2, availableParallelism() - 1)}`);
const run = spawnSync(process.execPath, [...options, ...flags.filter((flag) => !OURS.has(flag)), ...files], {
  cwd: root,
  env,
  stdio: "inherit",
});
process.exit(run.status ?? 1);
