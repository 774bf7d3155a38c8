/**
 * Strings that are expressions by their spelling and something else by their meaning: parameters as other
 * routers write them (`{id}`, `{id:int}`, `<int:id>`, `[id]`, `[...rest]`, `*rest`, `$id`), whole addresses,
 * and queries. As expressions they match nothing that anyone asks for, so each is refused at start, with
 * squall's spelling.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { literalPrefix } from "./literal-prefix.js";

/** Letters in order, each at most once. */
const IN_ORDER = "abcdefghijklmnopqrstuvwxyz".replace(/./g, "$&?");

/** A spelling, whose groups `name` and `rest` say what is meant; `rest` takes several segments. */
const SPELLINGS: readonly RegExp[] = [
  // FastAPI, ASP.NET, path-to-regexp 8: {id}, {id:int}, {*rest}. Not \u{…} or \p{…}.
  /(?<!\\[upP]?)\{(?<rest>\*{1,2})?(?<name>[A-Za-z_]\w*)(?::(?<kind>[^{}/]*))?\}/g,
  // Flask, Django: <id>, <int:id>. Not (?<id>…), (?P<id>…) or \k<id>.
  /(?<![?Pk\\])<(?:(?<kind>[a-z]+)(?:\([^()]*\))?:)?(?<name>[A-Za-z_]\w*)>/g,
  // Next.js: [...rest], [[...rest]], [id] as a whole segment. A class lists its characters in order.
  /(?<=\/)\[{1,2}(?<rest>\.{3})(?<name>[A-Za-z_]\w*)\]{1,2}(?=$|\/)/g,
  new RegExp(`(?<=/)\\[(?!${IN_ORDER}\\])(?<name>[a-z]\\w+)\\](?=$|/|\\.\\w)`, "g"),
  // Express 5: *rest at the end.
  /(?<=\/)(?<rest>\*)(?<name>[A-Za-z_]\w*)$/g,
  // TanStack, Remix: $id.
  /(?<=\/)\$(?<name>[A-Za-z_]\w*)(?=$|\/|\.\w)/g,
];

/** The pattern as a template, if it is written in one of the spellings above. */
function asTemplate(pattern: string): string {
  return SPELLINGS.reduce(
    (text, spelling) =>
      text.replace(spelling, (...found) => {
        const { name = "", rest, kind } = found.at(-1) as Record<string, string | undefined>;
        const at = found.at(-3) as number;
        const isLast = at + (found[0] as string).length === text.length;
        return `:${name}${isLast && (rest !== undefined || kind === "path") ? "*" : ""}`;
      }),
    pattern,
  );
}

/**
 * True for a whole address, of which the path alone is a route. Tornado sees the address that a client of a
 * proxy asks for as the path, so `http://.*` is an expression that programs bring along.
 */
export function isAddress(pattern: string): boolean {
  return /^https?:\/\/[\w-][\w.:-]*(?:\/|$)/.test(pattern);
}

/** How to write a pattern that lacks its first slash. */
export function withoutSlash(pattern: string): InvalidArgumentError {
  const path = pattern.replace(/^https?:\/\/[^/]*/, "");
  const own = JSON.stringify(path.startsWith("/") ? path : `/${path}`);
  const host = path === pattern ? "" : "; for one host alone, use addHandlers() or HostMatches";
  return new InvalidArgumentError(
    `the route ${JSON.stringify(pattern)} would match nothing: a path begins with a slash, so write ${own}${host}`,
  );
}

/**
 * Refuses a string that is an expression by its spelling alone.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`), with squall's spelling.
 */
export function checkSpelling(pattern: string): void {
  const template = asTemplate(pattern);
  if (template !== pattern) {
    throw new InvalidArgumentError(
      `the route ${JSON.stringify(pattern)} would not match what it says: a parameter is written ":name", ` +
        `as in ${JSON.stringify(template)}`,
    );
  }
  // "?x=1" behind a letter or a slash: there a quantifier has nothing to do with what follows.
  if (/[\w/.\\-]\?[\w.-]+=|[\w/]#\w/.test(pattern)) {
    throw new InvalidArgumentError(
      `the route ${JSON.stringify(pattern)} would match nothing: a route is matched with the path alone; ` +
        "read the query with getQueryArgument()",
    );
  }
  const { prefix } = literalPrefix(pattern);
  // Every path begins with a slash, but for "*" (OPTIONS) and the authority of CONNECT, which has a colon.
  if (/^[\w.~-]/.test(prefix) && !prefix.includes(":")) throw withoutSlash(pattern);
}
