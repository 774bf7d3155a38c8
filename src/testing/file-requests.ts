/**
 * The files that Node reads right now, where its list of active resources does not show them: from Node 26
 * on, `readFile()` is one job of a thread, which `process.getActiveResourcesInfo()` leaves out. The hooks of
 * `node:async_hooks` see it begin and end. They cost each promise something unless they can leave promises
 * out (`trackPromises`), and a runtime that cannot shows its reads in the list.
 */
import { type AsyncHook, createHook } from "node:async_hooks";

/** Node's names of requests to the file system, which end by themselves and soon. */
const FILE_REQUEST = /^FSREQ/;

const pending: Set<number> = new Set();
let hook: AsyncHook | undefined;
let users = 0;

function makeHook(): AsyncHook {
  const ends = (id: number): void => {
    pending.delete(id);
  };
  return createHook({
    trackPromises: false,
    init(id: number, type: string) {
      if (FILE_REQUEST.test(type)) pending.add(id);
    },
    before: ends,
    destroy: ends,
  } as Parameters<typeof createHook>[0]);
}

/** True if hooks can leave promises out: other versions ignore the option instead of checking it. */
function leavesPromisesOut(): boolean {
  try {
    createHook({ trackPromises: "" } as Parameters<typeof createHook>[0]);
    return false;
  } catch {
    return true;
  }
}

/** Looks at requests from now on, until `unwatchFileRequests()` has been called as often. */
export function watchFileRequests(): void {
  users += 1;
  if (users > 1 || !leavesPromisesOut()) return;
  hook ??= makeHook();
  hook.enable();
}

/** See {@link watchFileRequests}. */
export function unwatchFileRequests(): void {
  users -= 1;
  if (users > 0) return;
  hook?.disable();
  pending.clear();
}

/** True while a request to the file system is under way that began while requests were watched. */
export function fileRequestsPending(): boolean {
  return pending.size > 0;
}
