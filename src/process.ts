/** `squall/process`: child processes, and several processes for one server. */
export type { SubprocessOptions, SubprocessStdio, WaitForExitOptions } from "./net/subprocess.js";
export { CalledProcessError, Subprocess } from "./net/subprocess.js";
export type { ForkOptions } from "./net/workers.js";
export { cpuCount, forkProcesses, onWorkerStop, TooManyRestartsError, taskId } from "./net/workers.js";
