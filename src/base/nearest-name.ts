/**
 * Misspelt names of options and settings: the known name that the writer most likely meant.
 *
 * Two spellings count: Python's (`cookie_secret` for `cookieSecret`), and a slip of the finger, measured as
 * the number of insertions, deletions, substitutions and swaps of neighbours (Damerau 1964). A short name
 * allows one slip, a longer one two, so that an application's own names are not mistaken for ours.
 */
import { InvalidArgumentError } from "./errors.js";

/** `cookie_secret` as `cookieSecret`; a name without an underscore stays as it is. */
export function camelCase(name: string): string {
  return name.replace(/[_-]+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** How many slips lie between two names; more than `limit` counts as `limit + 1`. */
function slips(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let before: number[] = [];
  let row: number[] = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let l = 1; l <= left.length; l++) {
    const next: number[] = [l];
    for (let r = 1; r <= right.length; r++) {
      const same = left[l - 1] === right[r - 1];
      let best = Math.min(next[r - 1]! + 1, row[r]! + 1, row[r - 1]! + (same ? 0 : 1));
      if (l > 1 && r > 1 && left[l - 1] === right[r - 2] && left[l - 2] === right[r - 1]) {
        best = Math.min(best, before[r - 2]! + 1);
      }
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[right.length]!;
}

/** The known name that `name` most likely stands for, or `undefined` if none is near. Case does not count. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = camelCase(name).toLowerCase();
  const limit = wanted.length < 5 ? 1 : 2;
  let nearest: string | undefined;
  let distance = limit + 1;
  for (const candidate of known) {
    const found = slips(wanted, candidate.toLowerCase(), limit);
    if (found < distance) [nearest, distance] = [candidate, found];
  }
  return nearest;
}

/** The end of a message about the unknown `name`: the name that was probably meant, or nothing. */
export function hintOf(name: string, known: Iterable<string>): string {
  const candidates = [...known];
  // `abortSignal` for `signal`
  const nearest =
    nearestName(name, candidates) ??
    candidates.find((candidate) => candidate.length > 4 && camelCase(name).toLowerCase().endsWith(candidate));
  return nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}

/** The names of `Options` as a set; a list that lacks one of them, or has another, does not compile. */
export function optionNames<Options>(names: Record<keyof Options, 1>): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Checks the names in an options object. What is no object passes: whoever reads the options refuses it.
 * @param what how the message names such an option, for example `setting`.
 * @param own true if names that resemble none of ours are the caller's own and allowed; default false.
 * @throws InvalidArgumentError for an unknown name, with the nearest known one.
 */
export function checkNames(what: string, options: unknown, known: ReadonlySet<string>, own = false): void {
  if (typeof options !== "object" || options === null) return;
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue;
    if (own && nearestName(name, known) === undefined) continue;
    throw new InvalidArgumentError(`unknown ${what} ${JSON.stringify(name)}${hintOf(name, known)}`);
  }
}
