/**
 * How a field name is shown: `content-type` becomes `Content-Type`, as in Tornado. Names are compared without
 * regard to case (RFC 9110 §5.1), so the spelling is for people only; one spelling keeps maps and logs tidy.
 */

import { isToken } from "./abnf.js";

/** Names remembered at most; beyond that the memory is emptied and begins anew. */
const CACHE_LIMIT = 1024;
/**
 * A name longer than this is not remembered: peers could fill the memory with names that never come again.
 */
const CACHED_NAME_LENGTH = 64;

/** Spelling → normal form; only of names that are tokens, so that to be in here is to be checked. */
let cache = new Map<string, string>();

/**
 * The name with each word between dashes capitalised: `ETAG` → `Etag`, `x-xss-protection` →
 * `X-Xss-Protection`. Looks names up in a bounded memory, because the same few come with each request. Does
 * not check the name.
 */
export function normalizeHeaderName(name: string): string {
  return normalizeIfToken(name) ?? capitalizeWords(name);
}

/** The normal form of a name that is a token (RFC 9110 §5.1); undefined for every other text. */
export function normalizeIfToken(name: string): string | undefined {
  const known = cache.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) return undefined;
  const normal = capitalizeWords(name);
  if (name.length <= CACHED_NAME_LENGTH) {
    if (cache.size >= CACHE_LIMIT) cache = new Map();
    cache.set(name, normal);
  }
  return normal;
}

function capitalizeWords(name: string): string {
  const words = name.toLowerCase().split("-");
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    words[i] = word.charAt(0).toUpperCase() + word.slice(1);
  }
  return words.join("-");
}
