/** `squall/process`: child processes, and several processes for one server. */

export { TooManyRestartsError } from "./net/process/restart-budget.js";
export type { SubprocessOptions, SubprocessStdio, WaitForExitOptions } from "./net/process/subprocess.js";
export { CalledProcessError, Subprocess } from "./net/process/subprocess.js";
export type { ForkOptions } from "./net/process/workers.js";
export { cpuCount, forkProcesses, onWorkerStop, taskId } from "./net/process/workers.js";
