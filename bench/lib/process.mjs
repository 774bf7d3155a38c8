// Server processes as the benchmarks see them: started on one core, asked for nothing but an address, and
// measured from outside by what the kernel counts for them.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const bench = dirname(dirname(fileURLToPath(import.meta.url)));
/** Servers run on this core and whatever drives them on the other: neither takes time from the other. */
export const SERVER_CORE = "0";
export const CLIENT_CORE = "1";

const TICKS_PER_SECOND = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout) || 100;

export class ServerProcess {
  #child;
  #exited;
  port = 0;

  constructor(child, exited) {
    this.#child = child;
    this.#exited = exited;
  }

  get pid() {
    return this.#child.pid;
  }

  /**
   * Starts bench/servers/FILE (node, or Debian's Python for .py) pinned to the server's core. The server prints
   * `listening PORT` as its first line. `env` is added to the environment.
   */
  static async start(file, { env = {}, flags = [] } = {}) {
    const path = join(bench, "servers", file);
    const command = file.endsWith(".py") ? ["/usr/bin/python3", path] : [process.execPath, ...flags, path];
    const child = spawn("taskset", ["-c", SERVER_CORE, ...command], {
      env: { ...process.env, NODE_ENV: "production", ...env },
      stdio: ["ignore", "pipe", "inherit", ...(file.endsWith(".py") ? [] : ["ipc"])],
    });
    const exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    const server = new ServerProcess(child, exited);
    const line = await Promise.race([
      new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
      exited.then((status) => `the server ended (${status}) before it listened`),
    ]);
    const port = /^listening (\d+)$/.exec(line)?.[1];
    if (port === undefined) throw new Error(`${file}: ${line}`);
    server.port = Number(port);
    return server;
  }

  /** CPU time used so far, user and system, all threads, in microseconds (in steps of the kernel's tick). */
  cpuMicroseconds() {
    // The second field is the program's name in parentheses and may hold spaces; utime is the 14th field.
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
  }

  /** Resident memory, in bytes. */
  residentBytes() {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  /** Asks a Node server (started with --expose-gc) to collect its garbage; answers what it holds then. */
  async collected() {
    const answer = new Promise((resolve) => this.#child.once("message", resolve));
    this.#child.send("collect");
    return { ...(await answer), rss: this.residentBytes() };
  }

  /** Lets a server of WebSockets send a text to all its connections, so many times. */
  broadcast(text, times) {
    this.#child.send({ text, times });
  }

  async stop() {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}
