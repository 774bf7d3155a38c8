// Processes that may hang, spin or grow: each has a group of its own, a time limit and a bound on its memory. What it has
// started ends with it, and all groups end with this process. Some programs give their children groups and sessions of their
// own, so the processes of a group are also known by a variable of the environment, which children inherit.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Bytes of resident memory; a test that goes on allocating would otherwise take the machine with it. */
const MOST_MEMORY = 1_500_000_000;

const MARK = "SQUALL_RUNTIMES_PROCESS";

/** Process groups that run, with the mark of each. */
const groups = new Map();
let started = 0;

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** The processes whose environment holds the mark; none where there is no /proc. */
function marked(mark) {
  const text = `${MARK}=${mark}\0`;
  let pids;
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(text);
    } catch {
      return false;
    }
  });
}

function endGroup(pid, mark) {
  kill(-pid);
  // What is killed may just have started another process, which the next round finds.
  for (let round = 0; round < 5; round++) {
    const left = marked(mark);
    if (left.length === 0) return;
    for (const other of left) kill(Number(other));
  }
}

function endAll() {
  for (const [pid, mark] of groups) endGroup(pid, mark);
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
    const mark = `${process.pid}-${++started}`;
    const child = spawn(program, args, {
      cwd,
      env: { ...env, [MARK]: mark },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
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
    groups.set(child.pid, mark);
    const end = (why) => {
      trouble ??= why;
      endGroup(child.pid, mark);
    };
    const timer = setTimeout(() => end(`did not end within ${limit / 1000} s`), limit);
    const watch = setInterval(() => {
      if (memoryOf(child.pid) > MOST_MEMORY) end(`took more than ${MOST_MEMORY / 1e9} GB of memory`);
    }, 250);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      clearInterval(watch);
      if (code !== 0) trouble ??= `ended with ${signal ?? `status ${code}`}`;
      endGroup(child.pid, mark);
      groups.delete(child.pid);
    });
    child.on("close", () => resolve({ output, trouble }));
  });
}
