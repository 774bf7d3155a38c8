/** A rule of a router: a matcher, what it leads to, and the name by which its path can be built. */
import { InvalidArgumentError } from "../../base/errors.js";
import { Matcher, PathMatches } from "./matchers.js";

/** Arguments for a target, such as a handler's `initialize`. */
export type TargetKwargs = Readonly<Record<string, unknown>>;

/**
 * One entry of a router.
 *
 * What a target may be is the router's business: {@link RuleRouter} takes routers, connection delegates and
 * functions of the request; an `Application` also takes handler classes and lists of rules. A target is an
 * object, not the name of one: import it.
 */
export class Rule<Target = unknown> {
  /** Which requests it is for. */
  readonly matcher: Matcher;
  /** Replaced by routers that turn a list of rules into a router. */
  target: Target;
  /** What its target is given beside the request: for a handler class the arguments of `initialize`. */
  readonly targetKwargs: TargetKwargs;
  /** For `reverseUrl`; undefined if it has none. */
  readonly name: string | undefined;
  /** @internal What the target is given for a match without groups: one object for all such requests. */
  readonly plainParams: { readonly targetKwargs: TargetKwargs };

  constructor(
    matcher: Matcher,
    target: Target,
    targetKwargs?: TargetKwargs | null | undefined,
    name?: string | null | undefined,
  ) {
    if (!(matcher instanceof Matcher)) {
      throw new InvalidArgumentError("a rule begins with a Matcher, a pattern (string) or a RegExp");
    }
    if (typeof target === "string") {
      throw new InvalidArgumentError(
        `the target of the route ${describe(matcher)} must be the thing itself, not its name: import ${JSON.stringify(target)} and pass it`,
      );
    }
    if (target === undefined || target === null) {
      throw new InvalidArgumentError(
        `the route ${describe(matcher)} has no target; do two modules import each other, so that the class is not there yet?`,
      );
    }
    this.matcher = matcher;
    this.target = target;
    this.targetKwargs = targetKwargs ?? {};
    this.plainParams = Object.freeze({
      targetKwargs: this.targetKwargs,
      pathArgs: undefined,
      pathKwargs: undefined,
    });
    this.name = name ?? undefined;
  }

  /** The path for these arguments; see {@link Matcher.reverse}. */
  reverse(...args: readonly unknown[]): string | undefined {
    return this.matcher.reverse(...args);
  }

  /** For messages and debuggers. */
  toString(): string {
    return `${this.constructor.name}(${describe(this.matcher)}, ${describe(this.target)}, name=${this.name})`;
  }
}

function describe(thing: unknown): string {
  if (thing instanceof PathMatches) return JSON.stringify(thing.pattern);
  if (typeof thing === "function") return thing.name === "" ? "function" : thing.name;
  return (thing as object).constructor?.name ?? typeof thing;
}
