/** A PostgreSQL server of one's own: in a temporary folder, on a socket in it, gone when the tests are over. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { Child } from "./child.js";
import { pathOf } from "./programs.js";

/** The user that Debian's package makes; the server refuses to run as root. */
const USER = "postgres";

/** A running server. */
export interface PostgresServer {
  /** A database of that name, made anew; resolves with its URL. */
  database(name: string): string;
  stop(): Promise<void>;
}

/** Runs a program as a user who is not root; `setpriv` becomes the program, so that signals reach it. */
function asUser(command: string, args: readonly string[]): [string, string[]] {
  if (userInfo().uid !== 0) return [command, [...args]];
  return ["setpriv", [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", command, ...args]];
}

function runAsUser(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(...asUser(command, args), { encoding: "utf8", cwd: tmpdir() });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}

function idOf(flag: "-u" | "-g"): number {
  return Number(spawnSync("id", [flag, USER], { encoding: "utf8" }).stdout);
}

/** Makes a cluster and starts a server for it. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = dirname(realpathSync(pathOf("postgres")));
  const folder = mkdtempSync(join(tmpdir(), "squall-pg-"));
  if (userInfo().uid === 0) chownSync(folder, idOf("-u"), idOf("-g"));
  const cluster = join(folder, "cluster");
  runAsUser(join(bin, "initdb"), [
    "-D",
    cluster,
    "-U",
    "blog",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--no-locale",
    "-N",
  ]);
  // No address to listen on: the socket in the folder is the only way in. Nothing here has to outlive a crash.
  const settings = ["listen_addresses=", `unix_socket_directories=${folder}`, "fsync=off"].flatMap((text) => [
    "-c",
    text,
  ]);
  const [command, args] = asUser(join(bin, "postgres"), ["-D", cluster, ...settings]);
  const child = new Child(command, args, {}, folder);
  await child.prints(/ready to accept connections/);
  return {
    database(name) {
      runAsUser(join(bin, "createdb"), ["-h", folder, "-U", "blog", name]);
      return `postgres://blog@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    async stop() {
      await child.kill("SIGINT"); // the fast way: connections are closed
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
