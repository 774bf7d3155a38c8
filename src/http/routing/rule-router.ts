/**
 * Routers made of rules. The first rule that matches and has a delegate for the request wins; a rule which
 * leads to a router that knows no answer is passed over.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import { isClass } from "../../base/validate.js";
import { CallableDelegate, type RequestCallback } from "../delegates/callable.js";
import type { HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../delegates.js";
import type { HTTPServerRequest } from "../request.js";
import { Matcher, NOTHING_FOUND, PathMatches } from "./matchers.js";
import { RouteIndex } from "./route-index.js";
import { ReversibleRouter, Router, type TargetParams } from "./router.js";
import { Rule, type TargetKwargs } from "./rule.js";

/** A rule, or the arguments of one: `[matcher or pattern, target, targetKwargs, name]`. */
export type RuleInit =
  | Rule
  | readonly [
      matcher: Matcher | string | RegExp,
      target: unknown,
      targetKwargs?: TargetKwargs | null | undefined,
      name?: string | null | undefined,
    ];

/** True for what has `startRequest()`: a connection delegate. */
export function isConnectionDelegate(target: unknown): target is HTTPServerConnectionDelegate {
  return (
    typeof target === "object" &&
    target !== null &&
    typeof (target as Partial<HTTPServerConnectionDelegate>).startRequest === "function"
  );
}

/**
 * A router that tries rules in order. Targets are routers, connection delegates, and functions of the request
 * (which get it with its whole body and answer through `request.connection`). Subclasses take more by
 * overriding {@link RuleRouter.getTargetDelegate}.
 */
export class RuleRouter extends Router {
  /** In order. Add with {@link RuleRouter.addRules}; a rule put in between afterwards is not seen. */
  readonly rules: Rule[] = [];
  #index: RouteIndex | undefined = undefined;
  #indexed = 0;

  constructor(rules?: Iterable<RuleInit> | null | undefined) {
    super();
    if (rules !== undefined && rules !== null) this.addRules(rules);
  }

  /**
   * Appends rules. A pattern in place of a matcher becomes a {@link PathMatches}.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if an entry is no rule or a pattern is
   * refused.
   */
  addRules(rules: Iterable<RuleInit>): void {
    checkRoutes(rules);
    for (const entry of rules) {
      const rule = toRule(entry);
      this.checkTarget(rule);
      this.rules.push(this.processRule(rule));
    }
    this.rulesChanged();
  }

  /** For subclasses that put rules elsewhere than at the end: call it afterwards. */
  protected rulesChanged(): void {
    this.#index = undefined;
  }

  /**
   * Called for each rule before it is added. A router that takes other targets overrides it together with
   * {@link RuleRouter.getTargetDelegate}.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a target that this router cannot use.
   */
  protected checkTarget(rule: Rule): void {
    const { target } = rule;
    if (this.getTargetDelegate !== RuleRouter.prototype.getTargetDelegate) return;
    if (isConnectionDelegate(target) || target instanceof Router) return;
    if (typeof target === "function" && !isClass(target)) return;
    throw new InvalidArgumentError(
      `the target of ${String(rule)} must be a router, a connection delegate or a function of the request` +
        (typeof target === "function" ? "; a class of handlers needs an Application" : ""),
    );
  }

  /** Called for each rule that is added; returns it or another in its place. */
  processRule(rule: Rule): Rule {
    return rule;
  }

  override findHandler(request: HTTPServerRequest, _params?: TargetParams): HTTPMessageDelegate | undefined {
    const rules = this.rules;
    if (this.#index === undefined || this.#indexed !== rules.length) this.#buildIndex();
    const candidates = (this.#index as RouteIndex).candidates(request.path);
    for (let at = 0; at < candidates.length; at++) {
      const rule = rules[candidates[at] as number] as Rule;
      const found = rule.matcher.match(request);
      if (found === undefined) continue;
      const params =
        found === NOTHING_FOUND
          ? rule.plainParams
          : {
              targetKwargs: rule.targetKwargs,
              pathArgs: found.pathArgs,
              pathKwargs: found.pathKwargs,
            };
      const delegate = this.getTargetDelegate(rule.target, request, params);
      if (delegate !== undefined) return delegate;
    }
    return undefined;
  }

  /**
   * The message delegate of a rule's target for a request, or `undefined` to go on with the next rule.
   * Override it to support other kinds of targets.
   */
  getTargetDelegate(
    target: unknown,
    request: HTTPServerRequest,
    params: TargetParams,
  ): HTTPMessageDelegate | undefined {
    if (target instanceof Router) return target.findHandler(request, params);
    const { connection, serverConnection } = request;
    if (connection === undefined) return undefined;
    if (isConnectionDelegate(target)) return target.startRequest(serverConnection, connection);
    if (typeof target === "function") {
      return new CallableDelegate(target as RequestCallback, serverConnection, connection);
    }
    return undefined;
  }

  #buildIndex(): void {
    this.#index = new RouteIndex(
      this.rules.map(({ matcher }) => ({
        prefix: trusted(matcher) ? matcher.literalPrefix : "",
        exact: trusted(matcher) && matcher.matchesPrefixOnly,
      })),
    );
    this.#indexed = this.rules.length;
  }
}

/** A subclass that overrides `match` of {@link PathMatches} may match other paths than its pattern says. */
function trusted(matcher: Matcher): boolean {
  return !(matcher instanceof PathMatches) || matcher.match === PathMatches.prototype.match;
}

const SHAPE = 'a route looks like ["/story/:id", StoryHandler] or url("/story/:id", StoryHandler)';

function shownRoute(entry: unknown): string {
  return inspect(entry, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 80 });
}

/**
 * Refuses what is not a list of routes: an object of handlers by path, a single route.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`), with what a route looks like.
 */
export function checkRoutes(rules: unknown): void {
  const iterable = (rules as { [Symbol.iterator]?: unknown } | null)?.[Symbol.iterator];
  if (typeof rules !== "object" || typeof iterable !== "function") {
    throw new InvalidArgumentError(`routes are a list, got ${shownRoute(rules)}; ${SHAPE}`);
  }
  if (Array.isArray(rules) && typeof rules[0] === "string") {
    throw new InvalidArgumentError(
      `routes are a list of routes, got one route: ${shownRoute(rules)}; ${SHAPE}`,
    );
  }
}

function toRule(entry: RuleInit): Rule {
  if (entry instanceof Rule) return entry;
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 4) {
    throw new InvalidArgumentError(
      `a rule is a Rule or a list [pattern, target, targetKwargs, name] of two to four entries, got ${shownRoute(entry)}; ${SHAPE}`,
    );
  }
  const [matcher, target, targetKwargs, name] = entry as unknown as Exclude<RuleInit, Rule>;
  if (targetKwargs !== undefined && targetKwargs !== null && typeof targetKwargs !== "object") {
    throw new InvalidArgumentError(
      `the third entry of a route is an object of arguments for initialize(), got ${shownRoute(targetKwargs)} in ${shownRoute(entry)}`,
    );
  }
  if (
    !(matcher instanceof Matcher || typeof matcher === "string" || (matcher as unknown) instanceof RegExp)
  ) {
    throw new InvalidArgumentError(
      `a route begins with a pattern, a RegExp or a matcher, got ${matcher === null ? "null" : typeof matcher} in ${shownRoute(entry)}; ${SHAPE}`,
    );
  }
  return new Rule(
    matcher instanceof Matcher ? matcher : new PathMatches(matcher),
    target,
    targetKwargs,
    name,
  );
}

/** A {@link RuleRouter} that builds paths from the names of its rules, and of the routers they lead to. */
export class ReversibleRuleRouter extends RuleRouter implements ReversibleRouter {
  /** Rules by name; of two with the same name the later. */
  readonly namedRules: Map<string, Rule> = new Map();

  constructor(rules?: Iterable<RuleInit> | null | undefined) {
    super(); // without the rules: processRule() needs the map, which is not there before
    if (rules !== undefined && rules !== null) this.addRules(rules);
  }

  override processRule(rule: Rule): Rule {
    const processed = super.processRule(rule);
    if (processed.name !== undefined) {
      const earlier = this.namedRules.get(processed.name);
      if (earlier !== undefined) {
        appLog.warning(
          "Multiple handlers named %s; replacing previous value %s",
          processed.name,
          String(earlier),
        );
      }
      this.namedRules.set(processed.name, processed);
    }
    return processed;
  }

  /**
   * The path of the rule `name`, or of one in a nested router; `undefined` if there is none.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if the arguments do not fit the pattern.
   */
  reverseUrl(name: string, ...args: readonly unknown[]): string | undefined {
    const own = this.namedRules.get(name);
    if (own !== undefined) return own.reverse(...args);
    for (const rule of this.rules) {
      if (!(rule.target instanceof ReversibleRouter)) continue;
      const path = rule.target.reverseUrl(name, ...args);
      if (path !== undefined) return path;
    }
    return undefined;
  }
}
