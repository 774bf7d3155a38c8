/** A real forward proxy for tests, which wants a user and a password. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Child } from "./child.js";
import { pathOf } from "./programs.js";

/** A folder of its own for one test. */
export function folderOf(context: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `squall-${name}-`));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A port that is free now; for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts tinyproxy for the user `me` with the password `secret`; it makes tunnels to these ports. Returns its port. */
export async function startTinyproxy(context: TestContext, tunnelsTo: readonly number[]): Promise<number> {
  const config = join(folderOf(context, "proxy"), "tinyproxy.conf");
  const port = await freePort();
  const lines = [`Port ${port}`, "Listen 127.0.0.1", "Timeout 30", "LogLevel Info", "MaxClients 20"];
  lines.push("BasicAuth me secret", ...tunnelsTo.map((to) => `ConnectPort ${to}`), "");
  writeFileSync(config, lines.join("\n"));
  const proxy = Child.start(context, pathOf("tinyproxy"), ["-d", "-c", config]);
  await proxy.prints(/Accepting connections|listening/i);
  return port;
}
