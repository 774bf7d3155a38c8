// npm run bench:NAME [-- OPTION …]: builds, installs the neighbours to measure against, and runs bench/NAME.mjs.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const [name = "", ...options] = process.argv.slice(2);
const script = join(root, "bench", `${name}.mjs`);
if (!/^[a-z]+$/.test(name) || !existsSync(script)) {
  console.error(`no benchmark is named "${name}": see bench/README.md`);
  process.exit(1);
}
setUp();
install(join(root, "bench"));
// Ten thousand connections need as many descriptors, in the server and in the client.
const shell = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"';
const run = spawnSync("sh", ["-c", shell, process.execPath, script, ...options], {
  cwd: root,
  stdio: "inherit",
});
process.exit(run.status ?? 1);
