/**
 * What the system says when an address cannot be listened on, completed: what to do about it, and where the
 * program asked for it. Node makes these errors in a turn of the loop of its own, so that their stacks hold
 * nothing of the program.
 */

/** What to do, by the code of the system's error. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another program, or an earlier run of this one, listens there; end it, or listen on another port (0 takes a free one)",
  EACCES:
    "this user may not listen there (ports below 1024 mostly need rights); take a higher port, or let a proxy have the low one",
  EADDRNOTAVAIL:
    "no interface of this machine has the address; leave it out to listen on all, or take 127.0.0.1 for this machine alone",
};

/** The place where `entry` was called, for {@link explainListenError}. */
export function listenSite(entry: (...args: never[]) => unknown): { readonly stack?: string } {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, entry);
  return site;
}

/**
 * Adds to an error of `listen()` what to do and the stack of the call. The error stays the system's, with
 * its `code`, `address` and `port`. Twice is fine; other values are left as they are.
 */
export function explainListenError(error: unknown, site: { readonly stack?: string }): void {
  if (!(error instanceof Error)) return;
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  const advice = ADVICE[code];
  if (advice === undefined || (syscall !== "listen" && syscall !== "bind") || error.message.includes(advice))
    return;
  error.message = `${error.message}: ${advice}`;
  const frames = site.stack?.slice(site.stack.indexOf("\n") + 1) ?? "";
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}\n${frames}`,
    writable: true,
    configurable: true,
  });
}
