/** True for `/…` and for URLs of http and https: what needs no path put in front. Tornado `is_absolute`. */
export function isAbsolute(path: string): boolean {
  return /^(?:\/|https?:)/.test(path);
}
