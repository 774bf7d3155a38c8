/**
 * What a route's pattern says: the regular expression to test, its groups, the text every match begins with,
 * and how to build a path back from arguments.
 *
 * As in Tornado a pattern is matched from the start of the path, and a `$` is appended to a string that has
 * none. A `RegExp` is taken as written, but for the start. Expressions are the application's own words and
 * run on every path of its length; the server's limit on the request line (8 KiB) bounds what an expression
 * with nested quantifiers can cost, it does not make one safe.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkSpelling, isAddress, withoutSlash } from "./foreign-spelling.js";
import { literalPrefix } from "./literal-prefix.js";
import { parseTemplate } from "./template.js";

/** A compiled pattern. */
export interface CompiledPattern {
  /** Anchored at the start. */
  readonly regex: RegExp;
  /** The pattern as the application wrote it. */
  readonly spelling: string;
  readonly groupCount: number;
  /** The groups' names, in order; empty if the groups are positional. */
  readonly groupNames: readonly string[];
  /** Every path that matches begins with this text. */
  readonly prefix: string;
  /** True if `prefix` is the only text that matches. */
  readonly exact: boolean;
  /** Text before, between and after the groups, or `undefined` if paths cannot be built from the pattern. */
  readonly pieces: readonly string[] | undefined;
  /**
   * For each group the characters that it cannot take: a slash if it is `:name` or `[^/]+`, and what stands
   * behind it in its segment.
   */
  readonly stops: readonly string[];
}

function endsWithAnchor(source: string): boolean {
  if (!source.endsWith("$")) return false;
  let backslashes = 0;
  for (let at = source.length - 2; at >= 0 && source[at] === "\\"; at--) backslashes++;
  return backslashes % 2 === 0;
}

function compile(source: string, flags: string, spelling: string): RegExp {
  try {
    return new RegExp(`^(?:${source})`, flags);
  } catch (cause) {
    const hint = source.includes("(?P<") ? '; named groups are written "(?<name>…)" here, without the P' : "";
    throw new InvalidArgumentError(
      `the pattern ${spelling} is not a regular expression: ${(cause as Error).message}${hint}`,
      { cause },
    );
  }
}

function groupsOf(regex: RegExp): { count: number; names: string[] } {
  // An alternative which matches the empty text makes every group show up in the result.
  const everything = new RegExp(`${regex.source}|`, regex.flags).exec("") as RegExpExecArray;
  return { count: everything.length - 1, names: Object.keys(everything.groups ?? {}) };
}

/**
 * The text of a pattern with its groups cut out, as pieces, or `undefined` if it is more than literals and
 * flat groups. A quantifier after a literal stays in the text, as in Tornado: "/foo/?" gives the path
 * "/foo/?".
 */
export function reversePieces(source: string, groupCount: number): string[] | undefined {
  let start = source.startsWith("^") ? 1 : 0;
  const end = endsWithAnchor(source) ? source.length - 1 : source.length;
  const pieces: string[] = [];
  let literal = "";
  for (; start < end; start++) {
    const char = source[start] as string;
    if (char === "(") {
      const close = source.indexOf(")", start);
      const group = source.slice(start + 1, close);
      if (close < 0 || close >= end || /[(\\]\(|\(/.test(group) || group.endsWith("\\")) return undefined;
      if (group.startsWith("?") && !/^\?<[A-Za-z_]/.test(group)) return undefined;
      pieces.push(literal);
      literal = "";
      start = close;
    } else if (char === ")") {
      return undefined;
    } else if (char === "\\") {
      const escaped = source[++start];
      if (escaped === undefined || /[A-Za-z0-9()]/.test(escaped)) return undefined;
      literal += escaped;
    } else {
      literal += char;
    }
  }
  pieces.push(literal);
  return pieces.length - 1 === groupCount ? pieces : undefined;
}

/** The groups of a reversible expression, without their parentheses. */
function groupSources(source: string): string[] {
  return [...source.matchAll(/\\.|\(((?:[^()\\]|\\.)*)\)/g)].flatMap((match) =>
    match[1] === undefined ? [] : [match[1].replace(/^\?<[A-Za-z_]\w*>/, "")],
  );
}

/** A group that stands for one whole segment takes no slash, and anything else. */
function stopsOf(group: string): string {
  return /^\[\^\\?\/\][*+]\??$/.test(group) ? "/" : "";
}

/**
 * Compiles a route's pattern.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an expression that does not compile, an
 *   invalid template, a string in the spelling of another router, or groups of both kinds, named and
 *   positional.
 */
export function compilePattern(pattern: string | RegExp): CompiledPattern {
  if (typeof pattern !== "string" && !(pattern instanceof RegExp)) {
    throw new InvalidArgumentError(
      `a route's pattern must be a string or a RegExp, got ${pattern === null ? "null" : typeof pattern}`,
    );
  }
  if (typeof pattern === "string" && isAddress(pattern)) throw withoutSlash(pattern);
  const spelling = typeof pattern === "string" ? JSON.stringify(pattern) : String(pattern);
  const template = typeof pattern === "string" ? parseTemplate(pattern) : undefined;
  if (typeof pattern === "string") {
    if (template === undefined) checkSpelling(pattern);
    else if (!pattern.startsWith("/")) throw withoutSlash(pattern);
  }
  let source: string;
  let flags = "";
  if (template !== undefined) {
    source = `${template.source}$`;
  } else if (typeof pattern === "string") {
    source = endsWithAnchor(pattern) ? pattern : `${pattern}$`;
  } else {
    source = pattern.source;
    flags = pattern.flags.replace(/[gy]/g, "");
  }
  const regex = compile(source, flags, spelling);
  const { count, names } = groupsOf(regex);
  if (names.length > 0 && names.length !== count) {
    throw new InvalidArgumentError(
      `groups in url regexes must either be all named or all positional: ${spelling}`,
    );
  }
  const pieces = template?.literals ?? reversePieces(source, count);
  const { prefix, exact } = flags === "" ? literalPrefix(source) : { prefix: "", exact: false };
  return {
    regex,
    spelling: typeof pattern === "string" ? pattern : pattern.source,
    groupCount: count,
    groupNames: names,
    prefix,
    exact,
    pieces,
    stops: template?.stops ?? (pieces === undefined ? [] : groupSources(source).map(stopsOf)),
  };
}
