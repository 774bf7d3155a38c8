/**
 * Choosing what a client likes best: the preference lists of `Accept`, `Accept-Encoding` and
 * `Accept-Language` (RFC 9110 §12.4, §12.5).
 */

/** One entry of a preference list. */
interface Preference {
  readonly range: string;
  readonly quality: number;
}

/** Entries beyond this many are not read: no client needs more, and each is compared with each offer. */
const MAX_ENTRIES = 64;

/** The entries of a field, in order. A malformed quality counts as 0, a missing one as 1. */
function parsePreferences(field: string): Preference[] {
  const entries: Preference[] = [];
  for (const entry of field.split(",", MAX_ENTRIES)) {
    const [range = "", ...parameters] = entry.split(";");
    const name = range.trim().toLowerCase();
    if (name === "") continue;
    const weight = parameters
      .map((text) => /^\s*q\s*=\s*(.*?)\s*$/i.exec(text)?.[1])
      .find((text) => text !== undefined);
    const quality =
      weight === undefined ? 1 : /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0;
    entries.push({ range: name, quality });
  }
  return entries;
}

/**
 * How exactly a range of the field names an offer, both in lower case: 0 for not at all; of several ranges
 * the most exact one decides.
 */
export type Fits = (range: string, offer: string) => number;

/**
 * The offer with the highest quality, of several the first; `undefined` if the field accepts none of them.
 */
export function preferred(field: string, offers: readonly string[], fits: Fits): string | undefined {
  const preferences = parsePreferences(field);
  let best: string | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    let exactness = 0;
    let quality = 0;
    for (const preference of preferences) {
      const fit = fits(preference.range, offer.toLowerCase());
      if (fit > exactness) [exactness, quality] = [fit, preference.quality];
    }
    if (quality > bestQuality) [best, bestQuality] = [offer, quality];
  }
  return best;
}

/**
 * `text/html` is named by itself, by `text/*` and by `*` + `/*`. Parameters of media types are not compared.
 */
export function fitsType(range: string, offer: string): number {
  if (range === offer.split(";", 1)[0]!.trim()) return 3;
  if (range === "*/*") return 1;
  return range.endsWith("/*") && offer.startsWith(range.slice(0, -1)) ? 2 : 0;
}

/** `de-AT` is named by itself and by `de`, and `de` by `de-AT` as a last resort (RFC 4647 §3.3.1, §3.4). */
export function fitsLanguage(range: string, offer: string): number {
  if (range === offer) return 4;
  if (offer.startsWith(`${range}-`)) return 3;
  if (range.startsWith(`${offer}-`)) return 2;
  return range === "*" ? 1 : 0;
}
