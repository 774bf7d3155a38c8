/** The chat example as a process of its own. */
import type { TestContext } from "node:test";
import { Child } from "./child.js";
import { root } from "./root.js";

export const chatServer = `${root}build/examples/chat/server.js`;

/** Starts the chat on a port (0: a free one) and resolves when it says its address. */
export async function startChat(
  context: TestContext,
  port = 0,
): Promise<{ child: Child; base: string; port: number }> {
  const child = Child.start(context, process.execPath, [
    chatServer,
    "--port",
    String(port),
    "--address",
    "127.0.0.1",
  ]);
  const match = await child.prints(/http:\/\/localhost:(\d+)/);
  return { child, base: `http://127.0.0.1:${match[1]}`, port: Number(match[1]) };
}

/** One answer of `/updates`. */
export interface Updates {
  readonly messages: readonly { n: number; id: string; name: string; text: string; at: number }[];
  readonly cursor: string;
  readonly restarted: boolean;
  readonly missed: boolean;
}

/** Asks for updates; with `wait` the answer comes when there is one. */
export async function updates(base: string, after = "", wait = false): Promise<Updates> {
  const response = await fetch(`${base}/updates?after=${after}&wait=${wait ? 1 : 0}`);
  if (!response.ok) throw new Error(`updates: ${response.status}`);
  return (await response.json()) as Updates;
}

/** Says something. */
export async function say(base: string, draft: unknown, type = "application/json"): Promise<Response> {
  const body = typeof draft === "string" ? draft : JSON.stringify(draft);
  return await fetch(`${base}/messages`, { method: "POST", headers: { "Content-Type": type }, body });
}
