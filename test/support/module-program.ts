/** Programs in processes of their own, under the runtime that runs the test. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the runtime is asked to run a file: Bun would fetch a package that is missing, and Deno asks for leave. */
const COMMAND: readonly string[] =
  "Deno" in globalThis ? ["run", "-A", "--no-lock"] : "Bun" in globalThis ? ["--no-install"] : [];

/** Writes the text of an ES module to a file in `folder`; gives the command that runs it. */
export function moduleCommand(folder: string, program: string): string[] {
  const file = join(folder, "program.mjs");
  writeFileSync(file, program);
  return [process.execPath, ...COMMAND, file];
}

/** Runs the text of an ES module as a file in `folder`, and waits for its end. */
export function runModule(folder: string, program: string): { stdout: string; stderr: string } {
  const [file = "", ...args] = moduleCommand(folder, program);
  return spawnSync(file, args, { cwd: folder, encoding: "utf8", timeout: 30_000 });
}
