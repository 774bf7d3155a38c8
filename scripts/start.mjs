// npm start: sets the clone up and runs the chat example on http://localhost:8888.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

setUp();
const script = join(root, "build", "examples", "chat", "server.js");
const child = spawn(process.execPath, ["--enable-source-maps", script, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
// The terminal sends Ctrl-C to both; a supervisor signals this process alone, so pass it on.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
