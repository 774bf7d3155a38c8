/**
 * Cookies of a client, through an interface: the jar of the package `tough-cookie` has it, and a program may
 * bring its own. Which cookies may be stored and sent where (RFC 6265) is the jar's business.
 */

/** Where cookies are kept. `new CookieJar()` of `tough-cookie` is one. */
export interface CookieJar {
  /** The `Cookie` field for a request to this URL; empty for none. May return a promise. */
  getCookieString(url: string): string | Promise<string>;
  /** Stores one `Set-Cookie` field of a response from this URL. What it throws or rejects with is ignored. */
  setCookie(cookie: string, url: string): unknown;
}

/** Hands the `Set-Cookie` lines of a response over; a promise if the jar takes its time. */
export function storeCookies(
  jar: CookieJar,
  lines: readonly string[],
  url: string,
): Promise<void> | undefined {
  const pending: Promise<unknown>[] = [];
  for (const line of lines) {
    try {
      const stored = jar.setCookie(line, url);
      if (isPromise(stored)) pending.push(stored);
    } catch {
      // A cookie that the jar refuses is not stored; the response is good all the same (RFC 6265 §5.3).
    }
  }
  return pending.length === 0 ? undefined : Promise.allSettled(pending).then(() => undefined);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
