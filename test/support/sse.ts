/** The example of Server-Sent Events as a process of its own. */
import type { TestContext } from "node:test";
import { Child } from "./child.js";
import { root } from "./root.js";

/** Starts it on a port (0: a free one) and resolves when it says its address. */
export async function startSse(
  context: TestContext,
  port = 0,
): Promise<{ child: Child; base: string; port: number }> {
  const server = `${root}build/examples/sse/server.js`;
  const child = Child.start(context, process.execPath, [server, `--port=${port}`, "--address=127.0.0.1"]);
  const match = await child.prints(/http:\/\/localhost:(\d+)/);
  return { child, base: `http://127.0.0.1:${match[1]}`, port: Number(match[1]) };
}
