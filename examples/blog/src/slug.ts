/** Addresses made of titles: `Über den Deich!` becomes `ueber-den-deich`. */

const LONGEST = 60;
const GERMAN: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue", ß: "ss" };

/** Lower-case letters, digits and hyphens; `entry` for a title that has none of them. */
export function slugOf(title: string): string {
  const words = title
    .normalize("NFC")
    .toLowerCase()
    .replace(/[äöüß]/g, (letter) => GERMAN[letter] ?? letter)
    // Other accents are taken off: what is left of é is e.
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-");
  const slug = [...words]
    .slice(0, LONGEST)
    .join("")
    .replace(/^-+|-+$/g, "");
  return slug === "" ? "entry" : slug;
}
