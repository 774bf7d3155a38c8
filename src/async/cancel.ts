/**
 * Cancellation of everything that waits.
 *
 * Whatever waits takes `{ signal, timeout }` ({@link WaitOptions}) and rejects with the signal's reason, or
 * with a {@link TimeoutError}. `cancellable()` is that contract in one function: it starts an operation,
 * watches signal and time, and takes its listener and its timer away whichever way the operation ends. A
 * listener that stays on a long-lived signal is the classic leak of this style, and here it has one place to
 * be avoided.
 *
 * {@link CancelScope} is the other side: something that can be cancelled (a request, a connection, a server)
 * and makes an `AbortSignal` only when one is asked for, because most never need one.
 */
import { TimeoutError } from "../base/errors.js";
import { type Abortable, unwatchAbort, watchAbort } from "./abort-hub.js";
import { ignore } from "./deferred.js";
import type { Timeout } from "./timers/timeout.js";
import { boundsOf, type WaitOptions } from "./wait-options.js";

export type { WaitOptions } from "./wait-options.js";

/** What waiting needs of a loop. */
export interface TimerHost {
  callLater(delay: number, callback: () => void): Timeout;
  removeTimeout(timeout: Timeout): void;
}

/**
 * Calls `fn(reason)` once when the signal is aborted; at once, inside this call, if it already is. Returns
 * the function that takes it away again; calling that twice or afterwards is fine. `fn` must not throw.
 * However many watch a signal, it has one listener (`abort-hub.ts`).
 */
export function onAbort(signal: AbortSignal | null | undefined, fn: (reason: unknown) => void): () => void {
  if (signal === undefined || signal === null) return ignore;
  if (signal.aborted) {
    fn(signal.reason);
    return ignore;
  }
  const member: Abortable = { onAbort: fn };
  watchAbort(signal, member);
  return () => unwatchAbort(signal, member);
}

/** How an operation under {@link cancellable} ends. Only the first call counts. */
export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * A promise for an operation that can be given up.
 *
 * `begin(settle)` starts it and returns what to do when the wait is given up before the operation has
 * settled: take a waiter from a list, close a socket. After that the operation's own `settle` calls mean
 * ignore. With a signal that is already aborted `begin` is not called at all.
 *
 * `what` completes the sentence "… did not finish within 100 ms".
 */
export function cancellable<T>(
  loop: TimerHost,
  what: string,
  options: WaitOptions | undefined,
  begin: (settle: Settle<T>) => ((reason: unknown) => void) | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { signal, timeout } = boundsOf(options);
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    let settled = false;
    let timer: Timeout | undefined;
    let unlisten = ignore;
    let giveUp: ((reason: unknown) => void) | undefined;
    const finish = (): boolean => {
      if (settled) return false;
      settled = true;
      unlisten();
      if (timer !== undefined) loop.removeTimeout(timer);
      return true;
    };
    const cancel = (reason: unknown): void => {
      if (!finish()) return;
      reject(reason);
      giveUp?.(reason);
    };
    try {
      giveUp = begin({
        resolve: (value) => {
          if (finish()) resolve(value);
        },
        reject: (error) => {
          if (finish()) reject(error);
        },
      });
    } catch (error) {
      if (finish()) reject(error);
      return;
    }
    if (settled) return;
    if (timeout !== Number.POSITIVE_INFINITY) {
      timer = loop.callLater(timeout, () =>
        cancel(new TimeoutError(`${what} did not finish within ${timeout} ms`)),
      );
    }
    if (signal !== undefined) unlisten = onAbort(signal, cancel);
  });
}

/**
 * Something that can be cancelled once, with a reason: the life of a request, a connection, a server.
 *
 * It costs two fields until {@link CancelScope.signal} is asked for. A scope may have a parent; then it is
 * cancelled together with it, until it is closed.
 */
export class CancelScope {
  #state: "open" | "cancelled" | "closed" = "open";
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #listeners: Set<(reason: unknown) => void> | undefined = undefined;
  #unlink: (() => void) | undefined = undefined;

  /** With a parent that is already cancelled, the scope is cancelled from the beginning. */
  constructor(parent?: CancelScope | AbortSignal | undefined) {
    if (parent !== undefined) this.link(parent);
  }

  /** True after {@link CancelScope.abort}, also if no signal exists. */
  get aborted(): boolean {
    return this.#state === "cancelled";
  }

  /** What it was cancelled with; undefined while it is not. */
  get reason(): unknown {
    return this.#reason;
  }

  /** The scope's signal, made when first asked for: already aborted if the scope is. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === "cancelled") this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  throwIfAborted(): void {
    if (this.#state === "cancelled") throw this.#reason;
  }

  /**
   * Cancels the scope: listeners are called, and the signal is aborted if there is one. Only the first call
   * counts; after {@link CancelScope.close} none does. Without a reason it is the `AbortError` that
   * `AbortSignal` has.
   */
  abort(reason: unknown = new DOMException("This operation was aborted", "AbortError")): void {
    if (this.#state !== "open") return;
    this.#state = "cancelled";
    this.#reason = reason;
    this.#release();
    const listeners = this.#listeners;
    this.#listeners = undefined;
    this.#controller?.abort(reason);
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
  }

  /**
   * Ends the scope without cancelling: what it guarded is done. It lets go of its parent and of its
   * listeners, and its signal will never be aborted. Calling twice is fine.
   */
  close(): void {
    if (this.#state === "open") this.#state = "closed";
    this.#release();
    this.#listeners = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Calls `fn(reason)` when the scope is cancelled, at once if it already is. It needs no signal. `fn` must
   * not throw. Returns the function that takes it away again.
   */
  onAbort(fn: (reason: unknown) => void): () => void {
    if (this.#state === "cancelled") {
      fn(this.#reason);
      return ignore;
    }
    if (this.#state === "closed") return ignore;
    this.#listeners ??= new Set();
    // A function of our own, so that the same `fn` may be added twice.
    const listener = (reason: unknown): void => fn(reason);
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }

  /** Cancels this scope together with `parent`, in addition to what it is linked to already. */
  link(parent: CancelScope | AbortSignal): void {
    if (this.#state !== "open") return;
    const abort = (reason: unknown): void => this.abort(reason);
    const unlink = parent instanceof CancelScope ? parent.onAbort(abort) : onAbort(parent, abort);
    if (this.#state !== "open") return;
    const before = this.#unlink;
    this.#unlink =
      before === undefined
        ? unlink
        : () => {
            before();
            unlink();
          };
  }

  #release(): void {
    const unlink = this.#unlink;
    this.#unlink = undefined;
    unlink?.();
  }
}
