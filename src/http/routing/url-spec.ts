/**
 * `url(pattern, Handler, kwargs, name)`: the route of a handler class, checked by the compiler.
 *
 * A template's parameters are known to the type system (`PathParams<"/story/:id">` is `{ id: string }`), so
 * a verb which wants something else does not compile. The groups of a regular expression are not known, and
 * nothing is said about them.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import type { HTTPServerConnectionDelegate } from "../delegates.js";
import type { HTTPServerRequest } from "../request.js";
import { PathMatches } from "./matchers.js";
import type { Router } from "./router.js";
import { Rule, type TargetKwargs } from "./rule.js";
import type { RuleInit } from "./rule-router.js";
import type { IsTemplate, PathParams } from "./template.js";

/** The verbs that get a route's parameters. */
export type Verb = "get" | "head" | "post" | "delete" | "patch" | "put" | "options";

/** Any class of request handlers; routing does not know what a handler is. */
// biome-ignore lint/complexity/noBannedTypes: a constructor of any shape; the application calls it.
export type HandlerConstructor = Function & { readonly prototype: object };

/** The verbs of an instance that cannot take `Params`. */
type Misfits<Instance, Params> = {
  [V in Verb]: V extends keyof Instance
    ? Instance[V] extends (...args: infer Args) => unknown
      ? Args extends never[]
        ? never
        : Instance[V] extends (params: Params) => unknown
          ? never
          : V
      : never
    : never;
}[Verb];

type InstanceOf<Handler> = Handler extends { readonly prototype: infer Instance } ? Instance : never;

/** A class of request handlers, as far as routing can tell: its instances have a request. */
type HandlerClassType = abstract new (...args: never) => { readonly request: HTTPServerRequest };

/**
 * `unknown` if the handler is a class of request handlers whose verbs can take the pattern's parameters;
 * otherwise a type that says what is wrong.
 */
export type TakesParams<Pattern, Handler> = [Handler] extends [HandlerClassType]
  ? VerbsTakeParams<Pattern, Handler>
  : { readonly "a handler is a class that extends RequestHandler": never };

type VerbsTakeParams<Pattern, Handler> = Pattern extends string
  ? string extends Pattern
    ? unknown
    : IsTemplate<Pattern> extends true
      ? [Misfits<InstanceOf<Handler>, PathParams<Pattern>>] extends [never]
        ? unknown
        : {
            readonly "these methods cannot take the route's parameters": Misfits<
              InstanceOf<Handler>,
              PathParams<Pattern>
            >;
          }
      : unknown
  : unknown;

/** A rule that leads from a path to a handler class. */
export class URLSpec<Handler extends HandlerConstructor = HandlerConstructor> extends Rule<Handler> {
  /** The pattern, compiled. */
  declare readonly matcher: PathMatches;

  /**
   * @param pattern a template or regular expression; see {@link PathMatches}.
   * @param kwargs passed to the handler's `initialize`.
   * @param name for `reverseUrl`.
   */
  constructor(
    pattern: string | RegExp,
    handler: Handler,
    kwargs?: TargetKwargs | null | undefined,
    name?: string | null | undefined,
  ) {
    super(new PathMatches(pattern), handler, kwargs, name);
    if (typeof handler !== "function") {
      throw new InvalidArgumentError(
        `the handler of ${String(pattern)} must be a class, got ${typeof handler}`,
      );
    }
  }

  /** The path's expression, anchored at the start. */
  get regex(): RegExp {
    return this.matcher.regex;
  }

  /** The class that answers: the rule's target. */
  get handlerClass(): Handler {
    return this.target;
  }

  /** The arguments of its `initialize`. */
  get kwargs(): TargetKwargs {
    return this.targetKwargs;
  }
}

/**
 * A route of a list, whose handler must be able to take the parameters of its template. Of a union each
 * member is checked.
 */
export type CheckedRoute<Route> = Route extends readonly [infer Pattern, infer Handler, ...infer More]
  ? [Handler] extends [HandlerConstructor]
    ? readonly [Pattern, Handler & TakesParams<Pattern, Handler>, ...More]
    : [Handler] extends [OtherTarget]
      ? Route
      : Router extends Handler // an unknown or any object, which is looked at when the program runs
        ? Route
        : readonly [Pattern, Handler & TakesParams<Pattern, Handler>, ...More]
  : Route;

/** What an application takes as a target besides classes of handlers. */
type OtherTarget = Router | HTTPServerConnectionDelegate | readonly unknown[];

/** A list of routes, each of which must fit its handler; other iterables are not checked. */
export type CheckedRoutes<List> = List extends readonly unknown[]
  ? { readonly [Index in keyof List]: CheckedRoute<List[Index]> }
  : unknown;

/**
 * The list itself, checked as one inside `new Application([…])` is: with templates, compilation fails if a
 * verb of a handler cannot take its parameters. For lists that are written elsewhere, whose types it keeps.
 *
 *     const stories = routes([["/story/:id", StoryHandler], ["/stories", StoriesHandler]]);
 *     new Application([...stories, ["/", MainHandler]]);
 */
export function routes<const List extends readonly RuleInit[]>(list: List & CheckedRoutes<List>): List {
  return list;
}

/**
 * Makes the {@link URLSpec} of a handler class. With a template, compilation fails if a verb of the handler
 * cannot take the template's parameters.
 *
 *     url("/story/:id", StoryHandler, undefined, "story")
 */
export function url<const Pattern extends string | RegExp, Handler extends HandlerConstructor>(
  pattern: Pattern,
  handler: Handler & TakesParams<Pattern, Handler>,
  kwargs?: TargetKwargs | null,
  name?: string | null,
): URLSpec<Handler> {
  return new URLSpec<Handler>(pattern, handler, kwargs, name);
}
