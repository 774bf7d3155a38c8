/**
 * One listener per signal, however many wait for it.
 *
 * A request's or a server's signal may have ten thousand waiters. As event listeners they would cost a linear
 * search each to remove, and Node warns of a leak from the eleventh. So each signal gets one listener and a
 * set; the listener goes with the last member, and nothing of ours stays on a signal that lives for long.
 */
import { reportError } from "./report-error.js";

/**
 * A member of a hub: `onAbort` is called once, synchronously, when the signal aborts; the member has left by
 * then. An error of one member is logged and does not keep the others from being called.
 */
export interface Abortable {
  onAbort(reason: unknown): void;
}

interface Hub {
  readonly members: Set<Abortable>;
  readonly listener: () => void;
}

const hubs = new WeakMap<AbortSignal, Hub>();

/** Calls `member.onAbort` when `signal` aborts. The signal must not have aborted yet. */
export function watchAbort(signal: AbortSignal, member: Abortable): void {
  let hub = hubs.get(signal);
  if (hub === undefined) {
    const members = new Set<Abortable>();
    const listener = (): void => {
      for (const each of [...members]) {
        // One member's end may have taken another one away meanwhile.
        if (!members.delete(each)) continue;
        try {
          each.onAbort(signal.reason);
        } catch (error) {
          reportError("a listener of an AbortSignal failed", error);
        }
      }
      hubs.delete(signal);
    };
    hub = { members, listener };
    hubs.set(signal, hub);
    signal.addEventListener("abort", listener, { once: true });
  }
  hub.members.add(member);
}

/** Forgets `member`; harmless if it was not watching. */
export function unwatchAbort(signal: AbortSignal, member: Abortable): void {
  const hub = hubs.get(signal);
  if (hub === undefined || !hub.members.delete(member) || hub.members.size > 0) return;
  hubs.delete(signal);
  signal.removeEventListener("abort", hub.listener);
}
