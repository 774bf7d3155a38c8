/**
 * Matchers decide whether a request belongs to a rule, by host, by path or by anything else they can see of
 * it.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import type { HTTPServerRequest } from "../request.js";
import { percentEncodePath, unquoteBytes } from "./escape-path.js";
import { type CompiledPattern, compilePattern } from "./pattern.js";

/**
 * A path group, percent-decoded (a plus sign stays one); `undefined` if the group took no part in the match.
 */
export type PathGroup = Buffer | undefined;

/** What a match found. Tornado's `path_args` and `path_kwargs`; at most one of them has entries. */
export interface MatchResult {
  /** The groups of a pattern without names, in order. */
  readonly pathArgs?: readonly PathGroup[] | undefined;
  /** The groups of a pattern with names; without prototype. */
  readonly pathKwargs?: Readonly<Record<string, PathGroup>> | undefined;
}

/** What a matcher without groups has found: always the same object. */
export const NOTHING_FOUND: MatchResult = Object.freeze({});

/** Decides whether a request matches. The base class for your own: override {@link Matcher.match}. */
export abstract class Matcher {
  /**
   * Returns what was found, perhaps an empty object, or `undefined` if the request does not match. Must not
   * throw.
   */
  abstract match(request: HTTPServerRequest): MatchResult | undefined;

  /**
   * The path that would match with these arguments in the groups, or `undefined` if the matcher knows none.
   */
  reverse(..._args: readonly unknown[]): string | undefined {
    return undefined;
  }

  /**
   * Text that the path of every matching request begins with. A router uses it to leave rules out which
   * cannot match; the empty text, which is the default, is always true.
   */
  get literalPrefix(): string {
    return "";
  }

  /** True if `literalPrefix` is the only path that matches; default false. */
  get matchesPrefixOnly(): boolean {
    return false;
  }
}

/** Matches every request. */
export class AnyMatches extends Matcher {
  override match(_request: HTTPServerRequest): MatchResult {
    return NOTHING_FOUND;
  }
}

/**
 * Matches requests by host name: without port, in lower case, from its start to its end (a `$` is
 * appended to a string that has none; a `RegExp` is taken as written).
 */
export class HostMatches extends Matcher {
  /** Anchored at the start of the name. */
  readonly hostPattern: RegExp;

  constructor(hostPattern: string | RegExp) {
    super();
    this.hostPattern = compileHost(hostPattern);
  }

  override match(request: HTTPServerRequest): MatchResult | undefined {
    return this.hostPattern.test(request.hostName) ? NOTHING_FOUND : undefined;
  }
}

function compileHost(pattern: string | RegExp): RegExp {
  // A host has no segments, so no host is a template: a string goes in as an expression.
  if (typeof pattern !== "string") return compilePattern(pattern).regex;
  return compilePattern(new RegExp(pattern.endsWith("$") ? pattern : `${pattern}$`)).regex;
}

/**
 * Matches if the application's default host fits the pattern, unless the request came through a proxy that
 * said where it came from (`X-Real-Ip`).
 */
export class DefaultHostMatches extends Matcher {
  /** Whose default host is asked for, at each request. */
  readonly application: { readonly defaultHost: string | undefined };
  /** What that host has to match, from its first character to its last. */
  readonly hostPattern: RegExp;

  constructor(application: { readonly defaultHost: string | undefined }, hostPattern: RegExp) {
    super();
    this.application = application;
    this.hostPattern = compileHost(hostPattern);
  }

  override match(request: HTTPServerRequest): MatchResult | undefined {
    if (request.headers.has("X-Real-Ip")) return undefined;
    return this.hostPattern.test(this.application.defaultHost ?? "") ? NOTHING_FOUND : undefined;
  }
}

/**
 * Matches requests by path (without the query): a regular expression as in Tornado (`"/story/([0-9]+)"`) or a
 * template (`"/story/:id"`). Groups are all named or all positional.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a pattern that is neither.
 */
export class PathMatches extends Matcher {
  readonly #pattern: CompiledPattern;

  constructor(pathPattern: string | RegExp) {
    super();
    this.#pattern = compilePattern(pathPattern);
  }

  /** The expression, anchored at the start. */
  get regex(): RegExp {
    return this.#pattern.regex;
  }

  /** The pattern as it was written. */
  get pattern(): string {
    return this.#pattern.spelling;
  }

  /** How many groups the pattern has, named or positional. */
  get groupCount(): number {
    return this.#pattern.groupCount;
  }

  override get literalPrefix(): string {
    return this.#pattern.prefix;
  }

  override get matchesPrefixOnly(): boolean {
    return this.#pattern.exact;
  }

  override match(request: HTTPServerRequest): MatchResult | undefined {
    const pattern = this.#pattern;
    if (pattern.exact) return request.path === pattern.prefix ? NOTHING_FOUND : undefined;
    if (pattern.groupCount === 0) return pattern.regex.test(request.path) ? NOTHING_FOUND : undefined;
    const found = pattern.regex.exec(request.path);
    return found === null ? undefined : groupsOf(found, pattern.groupNames);
  }

  /**
   * The path with the arguments in place of the groups, percent-encoded. Slashes stay, except in a group that
   * takes one segment (`:name` or `([^/]+)`), where a slash is `%2F`; and in `:a-:b` a `-` of the first one
   * is `%2D`. Numbers and booleans are written out.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if the pattern is more than literals and
   * flat groups, or the number of arguments is not that of the groups.
   */
  override reverse(...args: readonly unknown[]): string {
    const { pieces, spelling, groupCount, stops } = this.#pattern;
    if (pieces === undefined) {
      throw new InvalidArgumentError(
        `Cannot reverse url regex ${spelling}: it is more than literals and groups`,
      );
    }
    if (args.length !== groupCount) {
      throw new InvalidArgumentError(
        `required number of arguments not found: the route ${spelling} takes ${groupCount}, got ${args.length}`,
      );
    }
    let path = pieces[0] as string;
    args.forEach((arg, index) => {
      let text = percentEncodePath(arg);
      for (const stop of stops[index] ?? "") text = text.replaceAll(stop, percentByte(stop));
      path += text + pieces[index + 1];
    });
    return path;
  }
}

/** An ASCII character, percent-encoded whatever it is. */
function percentByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function groupsOf(found: RegExpExecArray, names: readonly string[]): MatchResult {
  if (names.length === 0) {
    const pathArgs: PathGroup[] = [];
    for (let index = 1; index < found.length; index++) pathArgs.push(unquoteBytes(found[index]));
    return { pathArgs };
  }
  // Groups are numbered whether they are named or not, and here all are named.
  const pathKwargs: Record<string, PathGroup> = Object.create(null);
  for (let index = 0; index < names.length; index++) {
    pathKwargs[names[index] as string] = unquoteBytes(found[index + 1]);
  }
  return { pathKwargs };
}
