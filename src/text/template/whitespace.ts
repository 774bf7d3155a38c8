/**
 * What happens to the white space of a template's text. Expressions and their values are left alone.
 *
 *     all       nothing
 *     single    runs of spaces and tabs become one space, runs with a line feed one line feed
 *     oneline   every run becomes one space
 *
 * Tornado `filter_whitespace`. White space is what Python's `\s` matches, so that pages come out the same.
 */
import { checkOneOf } from "../../base/validate.js";

/** How the white space of a template's text is treated. */
export type WhitespaceMode = "all" | "single" | "oneline";

const MODES: readonly WhitespaceMode[] = ["all", "single", "oneline"];

// Python counts the information separators and NEL as white space, but not the byte order mark.
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Returns `mode` if it is one of the three; otherwise throws an `InvalidArgumentError`. */
export function checkWhitespaceMode(mode: unknown): WhitespaceMode {
  return checkOneOf("whitespace mode", mode, MODES);
}

/**
 * The mode that holds when neither template nor loader name one: `single` for `.html` and `.js`, otherwise
 * `all`.
 */
export function defaultWhitespaceMode(templateName: string): WhitespaceMode {
  return templateName.endsWith(".html") || templateName.endsWith(".js") ? "single" : "all";
}

/**
 * Applies a mode to a piece of text: `all` returns it as it is, `single` collapses runs but keeps line feeds,
 * `oneline` makes one space of each run. Linear in the input.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for any other mode.
 */
export function filterWhitespace(mode: WhitespaceMode, text: string): string {
  switch (checkWhitespaceMode(mode)) {
    case "all":
      return text;
    case "single":
      // One pass over whole runs: a pattern like \s*\n\s* takes quadratic time on a run without a line feed.
      return text.replace(SPACES, (run) => (run.includes("\n") ? "\n" : run.replace(/[\t ]+/g, " ")));
    case "oneline":
      return text.replace(SPACES, " ");
  }
}

/** The filter as it is applied to a text node: text that holds `<pre>` is left as it is. */
export function filterTextNode(mode: WhitespaceMode, text: string): string {
  return text.includes("<pre>") ? text : filterWhitespace(mode, text);
}
