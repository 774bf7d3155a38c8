/**
 * The text that every match of a regular expression begins with.
 *
 * It only has to be true, not complete: a prefix that is too short costs a test that could have been spared,
 * one that is too long would lose a route. So the scan stops at the first character whose meaning it does not
 * know for certain.
 */

const SPECIAL = new Set("^$.*+?()[]{}|\\");
const QUANTIFIERS = new Set("*+?{");

/** True if the expression has an alternative outside all groups and classes. */
function hasTopLevelAlternative(source: string): boolean {
  let depth = 0;
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "|" && depth === 0) return true;
  }
  return false;
}

/**
 * The literal beginning of a flagless expression; `exact` if the expression is that text and its end, nothing
 * else.
 */
export function literalPrefix(source: string): { prefix: string; exact: boolean } {
  if (hasTopLevelAlternative(source)) return { prefix: "", exact: false };
  let at = source.startsWith("^") ? 1 : 0;
  let prefix = "";
  while (at < source.length) {
    const char = source[at] as string;
    let literal = char;
    let next = at + 1;
    if (char === "\\") {
      literal = source[at + 1] ?? "";
      // Escaped letters and digits are classes, boundaries and back-references.
      if (literal === "" || /[A-Za-z0-9]/.test(literal)) break;
      next = at + 2;
    } else if (SPECIAL.has(char)) {
      break;
    }
    if (QUANTIFIERS.has(source[next] ?? "")) break;
    prefix += literal;
    at = next;
  }
  return { prefix, exact: source.slice(at) === "$" };
}
