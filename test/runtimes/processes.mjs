// Processes that may hang, spin or grow: each has a group of its own, a time limit and a bound on its memory. What it has
// started ends with it, and all groups end with this process.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** Bytes of resident memory; a test that goes on allocating would otherwise take the machine with it. */
const MOST_MEMORY = 1_500_000_000;

const groups = new Set();

function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

function endAll() {
  for (const pid of groups) endGroup(pid);
}
process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    endAll();
    process.exit(1);
  });

/** Resident memory of a process in bytes; 0 where the system does not say. */
function memoryOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch {
    return 0;
  }
}

/**
 * Runs a program. Resolves with the end of what it printed and, unless it ended by itself with status 0, with
 * `trouble`, a sentence that says how it ended.
 */
export function runLimited(program, args, { cwd, env, limit }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let output = "";
    let trouble;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output = (output + text).slice(-4000);
      });
    }
    child.on("error", (error) => {
      trouble = String(error);
      resolve({ output, trouble });
    });
    if (child.pid === undefined) return;
    groups.add(child.pid);
    const end = (why) => {
      trouble ??= why;
      endGroup(child.pid);
    };
    const timer = setTimeout(() => end(`did not end within ${limit / 1000} s`), limit);
    const watch = setInterval(() => {
      if (memoryOf(child.pid) > MOST_MEMORY) end(`took more than ${MOST_MEMORY / 1e9} GB of memory`);
    }, 250);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      clearInterval(watch);
      if (code !== 0) trouble ??= `ended with ${signal ?? `status ${code}`}`;
      endGroup(child.pid);
      groups.delete(child.pid);
    });
    child.on("close", () => resolve({ output, trouble }));
  });
}
