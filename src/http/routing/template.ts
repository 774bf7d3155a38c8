/**
 * Route templates: `"/story/:id"`, `"/files/:path*"`, `"/story/:id.json"`, `"/:from-:to"`.
 *
 * A route written as a string is a template if one of its segments is a parameter, `:identifier`; every other
 * string, and every `RegExp`, is a regular expression. A segment may hold several parameters with punctuation
 * between them, and an extension behind the last. The last segment may be `:identifier*`. A template holds
 * literals and parameters only. A character which means something in a regular expression is refused there
 * instead of being taken for one or the other, because a route that silently matches something else is worse
 * than an error at start. `":user-id"` is refused as well: it could be a name or a name and a literal.
 *
 * A parameter before punctuation takes no character that the punctuation begins with, and the last one of a
 * segment takes the rest of it. So there is one way to match a path, and it takes linear time.
 */
import { InvalidArgumentError } from "../../base/errors.js";

const PARAMETER = /^:([A-Za-z_]\w*)(\*?)$/;
/** Parameters with punctuation between them, and an extension: `:id.json`, `:from-:to`, `:a.:b.tar.gz`. */
const COMPOUND = /^:[A-Za-z_]\w*(?:[-.,;=@~]+:[A-Za-z_]\w*)*(?:\.\w+)*$/;
const SPECIAL = /[\\^$.*+?()[\]{}|]/;

/** The parameters of a template by name; those of a regular expression are not known to the compiler. */
export type PathParams<Pattern extends string> = string extends Pattern
  ? Record<string, string | undefined>
  : IsTemplate<Pattern> extends true
    ? { [Name in SegmentNames<Pattern>]: string }
    : Record<string, string | undefined>;

type Special = "\\" | "^" | "$" | "." | "*" | "+" | "?" | "(" | ")" | "[" | "]" | "{" | "}" | "|";

type Separator = "-" | "." | "," | ";" | "=" | "@" | "~";

/** The identifiers of a segment: `:name`, `:name*`, `:name.ext`, `:a-:b`; `never` for a literal. */
type SegmentName<Segment extends string> = Segment extends `:${infer Name}*`
  ? Identifier<Name>
  : Segment extends `:${infer Names}`
    ? ListedNames<Names>
    : never;

/** What follows the first colon of a segment: names with separators and colons between them. */
type ListedNames<Names extends string> = Names extends `${infer Head}:${infer Tail}`
  ? SeparatedName<Head> | ListedNames<Tail>
  : Names extends `${infer Name}.${string}`
    ? Identifier<Name>
    : Identifier<Names>;

type SeparatedName<Head extends string> = Head extends `${infer Name}${Separator}`
  ? SeparatedName<Name>
  : Identifier<Head>;

type Identifier<Name extends string> = Name extends ""
  ? never
  : Name extends `${string}${Special | Separator | ":" | " "}${string}`
    ? never
    : Name;

type SegmentNames<Pattern extends string> = Pattern extends `${infer Head}/${infer Tail}`
  ? SegmentName<Head> | SegmentNames<Tail>
  : SegmentName<Pattern>;

/** True if the string is a template: some segment begins with a parameter, `:identifier`. */
export type IsTemplate<Pattern extends string> = [SegmentNames<Pattern>] extends [never] ? false : true;

/** A template taken apart. */
export interface ParsedTemplate {
  /** The regular expression it stands for, without anchors. */
  readonly source: string;
  /** What stands before, between and after the parameters. */
  readonly literals: readonly string[];
  readonly names: readonly string[];
  /** For each parameter the characters that end it, which its value can hold only in their encoded form. */
  readonly stops: readonly string[];
}

/** A parameter of a template, or the literal text between two of them. */
interface Parameter {
  readonly name: string;
  readonly takesRest: boolean;
  readonly stops: string;
}

/** The parts of a segment; `undefined` if it has no parameter. */
function partsOf(segment: string): readonly (string | Parameter)[] | undefined {
  const parameter = PARAMETER.exec(segment);
  if (parameter !== null) {
    const takesRest = parameter[2] === "*";
    return [{ name: parameter[1] as string, takesRest, stops: takesRest ? "" : "/" }];
  }
  if (!COMPOUND.test(segment)) return undefined;
  const parts: (string | Parameter)[] = [];
  for (const found of segment.matchAll(/:(\w+)([^:]*)/g)) {
    const [all, name = "", literal = ""] = found;
    const isLast = found.index + all.length === segment.length;
    parts.push({ name, takesRest: false, stops: isLast ? "/" : `/${literal[0]}` });
    if (literal !== "") parts.push(literal);
  }
  return parts;
}

function escapeLiteral(text: string): string {
  return text.replace(/[/-]|[\\^$.*+?()[\]{}|]/g, (char) =>
    char === "/" || char === "-" ? char : `\\${char}`,
  );
}

function partAsRegex(part: string | Parameter): string {
  if (typeof part === "string") return escapeLiteral(part);
  return part.takesRest ? `(?<${part.name}>.*)` : `(?<${part.name}>[^${part.stops}]+)`;
}

/** The regular expression which says the same as a template, special characters read as literals. */
function asRegex(segments: readonly string[]): string {
  return segments.map((segment) => (partsOf(segment) ?? [segment]).map(partAsRegex).join("")).join("/");
}

/** The parts of a segment in the spelling of another router: `:id([0-9]+)`, `:id?`, `:user-id`. */
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
      return slash + (partsOf(segment) === undefined ? segmentAsRegex(segment) : asRegex([segment]));
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
    if (!/^:[A-Za-z_]/.test(segment) || partsOf(segment) !== undefined) continue;
    const camel = segment.replace(/-([A-Za-z])/g, (_, letter: string) => letter.toUpperCase());
    const renamed =
      camel !== segment && PARAMETER.test(camel) ? ` A name is an identifier: ${JSON.stringify(camel)}.` : "";
    throw new InvalidArgumentError(
      `the route ${JSON.stringify(pattern)} is not clear: a segment is a parameter, ":name", or several with ` +
        `punctuation between them, ":a-:b", and an extension, ":name.json"; ${JSON.stringify(segment)} is ` +
        `something else.${renamed} As a regular expression: ` +
        JSON.stringify(patternAsRegex(segments)),
    );
  }
}

/**
 * Takes a template apart; `undefined` for a string that is a regular expression.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if a template holds a regular expression's
 * character, uses a name twice, has `:name*` before the end, or a segment that could mean two things.
 */
export function parseTemplate(pattern: string): ParsedTemplate | undefined {
  checkSegments(pattern);
  const segments = pattern.split("/");
  const found = segments.map(partsOf);
  const first = found.find((parts) => parts !== undefined)?.[0] as Parameter | undefined;
  if (first === undefined) return undefined;
  const names: string[] = [];
  const stops: string[] = [];
  const literals: string[] = [];
  let literal = "";
  segments.forEach((segment, index) => {
    if (index > 0) literal += "/";
    const parts = found[index];
    if (parts === undefined) {
      const special = SPECIAL.exec(segment);
      if (special !== null) {
        throw new InvalidArgumentError(
          `the route ${JSON.stringify(pattern)} is a template, because it has the parameter ` +
            `":${first.name}", but ${JSON.stringify(special[0])} in ` +
            `${JSON.stringify(segment)} belongs to regular expressions. Write it as a template of literals, ":name" and a ` +
            `final ":name*", or as a regular expression: ${JSON.stringify(asRegex(segments))}`,
        );
      }
      literal += segment;
      return;
    }
    for (const part of parts) {
      if (typeof part === "string") {
        literal += part;
        continue;
      }
      const { name } = part;
      if (names.includes(name)) {
        throw new InvalidArgumentError(`the route ${JSON.stringify(pattern)} has two parameters ":${name}"`);
      }
      if (part.takesRest && index < segments.length - 1) {
        throw new InvalidArgumentError(
          `the route ${JSON.stringify(pattern)} has ":${name}*" before its end; only the last segment may match several`,
        );
      }
      names.push(name);
      stops.push(part.stops);
      literals.push(literal);
      literal = "";
    }
  });
  literals.push(literal);
  return { source: asRegex(segments), literals, names, stops };
}
