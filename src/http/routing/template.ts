/**
 * Route templates: `"/story/:id"`, `"/files/:path*"`.
 *
 * A route written as a string is a template if one of its segments is `:identifier` (or, at the end,
 * `:identifier*`); every other string, and every `RegExp`, is a regular expression. A template holds literals
 * and parameters only. A character which means something in a regular expression is refused there instead of
 * being taken for one or the other, because a route that silently matches something else is worse than an
 * error at start.
 */
import { InvalidArgumentError } from "../../base/errors.js";

const PARAMETER = /^:([A-Za-z_]\w*)(\*?)$/;
const SPECIAL = /[\\^$.*+?()[\]{}|]/;

/** The parameters of a template by name; those of a regular expression are not known to the compiler. */
export type PathParams<Pattern extends string> = string extends Pattern
  ? Record<string, string | undefined>
  : IsTemplate<Pattern> extends true
    ? { [Name in SegmentNames<Pattern>]: string }
    : Record<string, string | undefined>;

type Special = "\\" | "^" | "$" | "." | "*" | "+" | "?" | "(" | ")" | "[" | "]" | "{" | "}" | "|";

/** The identifier of a segment `:name` or `:name*`, `never` for a literal. */
type SegmentName<Segment extends string> = Segment extends `:${infer Name}*`
  ? Identifier<Name>
  : Segment extends `:${infer Name}`
    ? Identifier<Name>
    : never;

type Identifier<Name extends string> = Name extends ""
  ? never
  : Name extends `${string}${Special | "-" | ":" | " "}${string}`
    ? never
    : Name;

type SegmentNames<Pattern extends string> = Pattern extends `${infer Head}/${infer Tail}`
  ? SegmentName<Head> | SegmentNames<Tail>
  : SegmentName<Pattern>;

/** True if the string is a template: some segment is `:identifier`. */
export type IsTemplate<Pattern extends string> = [SegmentNames<Pattern>] extends [never] ? false : true;

/** A template taken apart. */
export interface ParsedTemplate {
  /** The regular expression it stands for, without anchors. */
  readonly source: string;
  /** What stands before, between and after the parameters. */
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

function escapeLiteral(text: string): string {
  return text.replace(/[/-]|[\\^$.*+?()[\]{}|]/g, (char) =>
    char === "/" || char === "-" ? char : `\\${char}`,
  );
}

/** The regular expression which says the same as a template, special characters read as literals. */
function asRegex(segments: readonly string[]): string {
  return segments
    .map((segment) => {
      const parameter = PARAMETER.exec(segment);
      if (parameter === null) return escapeLiteral(segment);
      return parameter[2] === "*" ? `(?<${parameter[1]}>.*)` : `(?<${parameter[1]}>[^/]+)`;
    })
    .join("/");
}

/** The parts of a segment that is meant as parameter and more: `:id([0-9]+)`, `:id?`, `:id.json`, `:a-:b`. */
const PARAMETER_PART = /:([A-Za-z_]\w*)(\((?:[^()]|\\.)*\))?|[\\^$.*+?()[\]{}|]/g;

/** The segments of a string, cut at slashes outside groups and classes of an expression. */
function outerSegments(pattern: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let inClass = false;
  let start = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at++;
    else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "/" && depth === 0) {
      segments.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  segments.push(pattern.slice(start));
  return segments;
}

/** A segment as part of an expression, with its parameters as named groups. */
function segmentAsRegex(segment: string): string {
  return segment.replace(PARAMETER_PART, (part, name: string | undefined, group: string | undefined) => {
    if (name === undefined) return `\\${part}`;
    return group === undefined ? `(?<${name}>[^/]+)` : `(?<${name}>${group.slice(1, -1)})`;
  });
}

/** The expression for a whole pattern; `:name?` as its own segment makes that segment optional. */
function patternAsRegex(segments: readonly string[]): string {
  return segments
    .map((segment, index) => {
      const slash = index === 0 ? "" : "/";
      const optional = /^:([A-Za-z_]\w*)\?$/.exec(segment);
      if (optional !== null) return `(?:${slash}(?<${optional[1]}>[^/]+))?`;
      const parameter = PARAMETER.exec(segment);
      return slash + (parameter === null ? segmentAsRegex(segment) : asRegex([segment]));
    })
    .join("");
}

/**
 * A segment that begins like a parameter and goes on as something else is the spelling of another router. As
 * a regular expression it would match a colon and match nothing that anyone asks for.
 */
function checkSegments(pattern: string): void {
  const segments = outerSegments(pattern);
  for (const segment of segments) {
    if (!/^:[A-Za-z_]/.test(segment) || PARAMETER.test(segment)) continue;
    const camel = segment.replace(/-([A-Za-z])/g, (_, letter: string) => letter.toUpperCase());
    const renamed =
      camel !== segment && PARAMETER.test(camel) ? ` A name is an identifier: ${JSON.stringify(camel)}.` : "";
    throw new InvalidArgumentError(
      `the route ${JSON.stringify(pattern)} would match nothing: a parameter is a whole segment, ":name", and ` +
        `${JSON.stringify(segment)} is more than that.${renamed} As a regular expression: ` +
        JSON.stringify(patternAsRegex(segments)),
    );
  }
}

/**
 * Takes a template apart; `undefined` for a string that is a regular expression.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if a template holds a regular expression's
 * character, uses a name twice or has `:name*` before the end.
 */
export function parseTemplate(pattern: string): ParsedTemplate | undefined {
  const segments = pattern.split("/");
  checkSegments(pattern);
  const parameters = segments.map((segment) => PARAMETER.exec(segment));
  if (parameters.every((parameter) => parameter === null)) return undefined;
  const names: string[] = [];
  const literals: string[] = [];
  let literal = "";
  segments.forEach((segment, index) => {
    if (index > 0) literal += "/";
    const parameter = parameters[index];
    if (parameter === null || parameter === undefined) {
      const special = SPECIAL.exec(segment);
      if (special !== null) {
        throw new InvalidArgumentError(
          `the route ${JSON.stringify(pattern)} is a template, because it has the parameter ` +
            `":${parameters.find((found) => found !== null)?.[1]}", but ${JSON.stringify(special[0])} in ` +
            `${JSON.stringify(segment)} belongs to regular expressions. Write it as a template of literals, ":name" and a ` +
            `final ":name*", or as a regular expression: ${JSON.stringify(asRegex(segments))}`,
        );
      }
      literal += segment;
      return;
    }
    const name = parameter[1] as string;
    if (names.includes(name)) {
      throw new InvalidArgumentError(`the route ${JSON.stringify(pattern)} has two parameters ":${name}"`);
    }
    if (parameter[2] === "*" && index < segments.length - 1) {
      throw new InvalidArgumentError(
        `the route ${JSON.stringify(pattern)} has ":${name}*" before its end; only the last segment may match several`,
      );
    }
    names.push(name);
    literals.push(literal);
    literal = "";
  });
  literals.push(literal);
  return { source: asRegex(segments), literals, names };
}
