/**
 * The messages between a program and the supervisor that has started it: the supervisor passes its process
 * id, by the environment, and the program what follows, by `process.send()`.
 */

/**
 * The variable that holds the supervisor's process id. Only its own children are meant, not what those start.
 */
export const SUPERVISOR = "SQUALL_AUTORELOAD_SUPERVISOR";

/**
 * The variable that lists the files because of which the program was started again, if they had changed
 * before the program could watch them: see {@link EarlyChanges}.
 */
export const EARLY_CHANGES = "SQUALL_AUTORELOAD_EARLY_CHANGES";

/** What the program says. */
export interface ReloadMessage {
  readonly squallAutoreload: {
    /** It watches its files itself from now on. */
    readonly watching?: boolean | undefined;
    /** Files that it watches besides its imports. */
    readonly files?: readonly string[] | undefined;
    /** It is about to exit in order to be started again. */
    readonly restart?: boolean | undefined;
    /** What {@link EARLY_CHANGES} is to be. */
    readonly earlyChanges?: string | undefined;
  };
}

/** True in a process that a supervisor has started. */
export function hasSupervisor(): boolean {
  return process.send !== undefined && process.env[SUPERVISOR] === String(process.ppid);
}

/** Sends a message to the supervisor; resolves when it is on its way. Does nothing without a supervisor. */
export function notifySupervisor(content: ReloadMessage["squallAutoreload"]): Promise<void> {
  if (!hasSupervisor()) return Promise.resolve();
  const message: ReloadMessage = { squallAutoreload: content };
  return new Promise((resolve) => {
    // The supervisor has ended: no message is needed.
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

/** The content of a program's message if it is of this kind: programs may send others, too. */
export function readReloadMessage(message: unknown): ReloadMessage["squallAutoreload"] | undefined {
  if (typeof message !== "object" || message === null || !("squallAutoreload" in message)) return undefined;
  return (message as ReloadMessage).squallAutoreload;
}
