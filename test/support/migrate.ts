/** The example of four worlds behind one server, as a process of its own. */
import { existsSync } from "node:fs";
import type { SuiteContext, TestContext } from "node:test";
import { Child } from "./child.js";
import { needs, pathOf } from "./programs.js";
import { root } from "./root.js";

const server = `${root}examples/migrate/build/server.js`;

/** Test options that skip where the example has not been prepared; with `CI=true` that throws instead. */
export function needsMigrate(): { skip: string | false } {
  const { skip } = needs("python3-flask");
  if (skip !== false) return { skip };
  if (existsSync(server) && existsSync(`${root}examples/migrate/node_modules/express`))
    return { skip: false };
  const message = "needs the packages of examples/migrate (npm run test:e2e installs them and compiles it)";
  if (process.env.CI === "true") throw new Error(message);
  return { skip: message };
}

/** Starts it on a free port; it ends with the test. */
export async function startMigrate(
  context: TestContext | SuiteContext,
): Promise<{ readonly base: string; readonly child: Child }> {
  const child = runMigrate(context, "--python", pathOf("python3-flask"));
  const [, port] = await child.prints(/open on http:\/\/localhost:(\d+)/);
  return { base: `http://127.0.0.1:${port}`, child };
}

/** Runs it with other arguments. */
export function runMigrate(context: TestContext | SuiteContext, ...args: string[]): Child {
  const env = { COOKIE_SECRET: "", PYTHONDONTWRITEBYTECODE: "1" };
  return Child.start(
    context as TestContext,
    process.execPath,
    [server, "--port", "0", "--address", "127.0.0.1", ...args],
    env,
  );
}
