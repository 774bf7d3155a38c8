/** Signals for child processes. */
import type { ChildProcess } from "node:child_process";

/**
 * Sends a signal to a child that has not ended, and does nothing if it has. Deno's `child.kill()` takes the
 * child for ended, whatever that makes of the signal, and closes the channel between the two, which
 * `process.kill()` does not.
 */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
