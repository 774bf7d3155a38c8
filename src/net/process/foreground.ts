/**
 * A child process in the place of this one: it has our terminal, gets our signals, and we end as it ends.
 *
 * Node cannot replace a running process on all systems and versions (`exec`), so a parent that has nothing
 * more to do stays and passes things on. `SIGINT` is the exception: a terminal sends it to all processes of
 * the foreground itself, and twice would mean "at once" to many programs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import cluster from "node:cluster";
import { Socket as UdpSocket } from "node:dgram";
import { Server, Socket } from "node:net";
import { constants } from "node:os";
import { isatty } from "node:tty";

/** How a process ended: with a status, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Options of {@link startInForeground}. */
export interface ForegroundOptions {
  /** Variables on top of those of this process; undefined takes one away; default none. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Gets what the child sends by `process.send()`, which it has only if this is given; default: no channel.
   */
  readonly onMessage?: ((message: unknown) => void) | undefined;
}

/** A child with our standard input and outputs. */
export interface ForegroundProcess {
  /** Resolves when it is gone and all its messages are here; rejects if it cannot be started. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends it a signal; harmless when it is gone. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts a Node.js program in the foreground; `args` are Node's options, the script, and its arguments. */
export function startInForeground(
  args: readonly string[],
  options: ForegroundOptions = {},
): ForegroundProcess {
  const { env, onMessage } = options;
  const child: ChildProcess = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: onMessage === undefined ? "inherit" : ["inherit", "inherit", "inherit", "ipc"],
  });
  if (onMessage !== undefined) child.on("message", onMessage);
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once("error", (error) => {
      if (child.pid === undefined) reject(error);
    });
    child.once("exit", (code, signal) => {
      const end = { code, signal };
      // What it has sent last may still be on its way.
      if (child.connected) child.once("disconnect", () => resolve(end));
      else resolve(end);
    });
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}

const FORWARDED: readonly NodeJS.Signals[] =
  process.platform === "win32"
    ? ["SIGINT", "SIGTERM"]
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];

/**
 * Catches the signals by which processes are controlled, and calls `deliver` with those that the terminal has
 * not sent to the child already; `onSignal` is called for all. Returns the function that restores their usual
 * effect.
 */
export function forwardSignals(
  deliver: (signal: NodeJS.Signals) => void,
  onSignal: (signal: NodeJS.Signals) => void = () => {},
): () => void {
  const onTerminal = isatty(0) || isatty(1) || isatty(2);
  const listener = (signal: NodeJS.Signals): void => {
    onSignal(signal);
    if (!(onTerminal && (signal === "SIGINT" || signal === "SIGQUIT"))) deliver(signal);
  };
  for (const signal of FORWARDED) process.on(signal, listener);
  return () => {
    for (const signal of FORWARDED) process.off(signal, listener);
  };
}

/**
 * Calls back when the process that has started this one, with a channel for messages, is gone without notice,
 * for example killed. Does not keep this process alive.
 */
export function onParentGone(callback: () => void): void {
  if (process.send === undefined || !process.connected) return;
  process.once("disconnect", callback);
  process.channel?.unref();
}

/**
 * Calls back when standard input ends, which is a pipe to the process that has started this one: that is
 * gone, or does not need this one any more. What comes is dropped. Does not keep this process alive.
 */
export function whenInputEnds(callback: () => void): void {
  process.stdin.once("end", callback).resume();
  if (process.stdin instanceof Socket) process.stdin.unref();
}

/** Ends this process as another one ended, so that the parent process sees no difference. */
export function endLike({ code, signal }: ProcessEnd): void {
  if (signal === null) {
    process.exit(code ?? 1);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // A signal that cannot be sent to oneself here: the status that a shell would show.
  process.exitCode = 128 + constants.signals[signal];
}

/** True in a process that `node:cluster` has made. */
export function isClusterWorker(): boolean {
  return cluster.isWorker;
}

/** Says of a process that has handed its work over that some code of it wanted to end it. */
class ExitAfterHandover extends Error {}

/**
 * Turns this process into the empty shell of its successor: listening ports and connections are closed,
 * workers are stopped, and nothing that is left of the program receives signals or errors or can end the
 * process. Its own timers are the one thing that cannot be found.
 */
export function becomeShell(): () => void {
  for (const name of process.eventNames()) {
    if (typeof name === "string" && name.startsWith("SIG")) process.removeAllListeners(name);
  }
  for (const name of ["uncaughtException", "unhandledRejection"]) {
    process.removeAllListeners(name);
    process.on(name, () => {});
  }
  const { exit } = process;
  process.exit = () => {
    throw new ExitAfterHandover("this process has handed over to another one and waits for it");
  };
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill();
  // There is no list of open handles that Node documents; without this one, ports could only be closed by a
  // reload hook.
  const { _getActiveHandles } = process as { _getActiveHandles?: () => unknown[] };
  for (const handle of _getActiveHandles?.call(process) ?? []) closeHandle(handle);
  return () => {
    process.exit = exit;
  };
}

function closeHandle(handle: unknown): void {
  if (handle instanceof Server || handle instanceof UdpSocket) {
    handle.close();
  } else if (handle instanceof Socket) {
    const { fd } = handle as { fd?: unknown };
    if (fd === 0) handle.pause();
    else if (fd !== 1 && fd !== 2) handle.destroy();
  }
}
