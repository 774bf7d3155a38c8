/**
 * The router inside an application: targets may be handler classes and lists of rules, besides what every
 * router takes.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import type { HTTPMessageDelegate } from "../../http/delegates.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { PathMatches } from "../../http/routing/matchers.js";
import { Router, type TargetParams } from "../../http/routing/router.js";
import type { Rule } from "../../http/routing/rule.js";
import { isConnectionDelegate, ReversibleRuleRouter, type RuleInit } from "../../http/routing/rule-router.js";
import { removesSlashes } from "../handler/decorators.js";
import { RequestHandler } from "../handler/request-handler.js";
import type { App } from "../types.js";
import type { RequestHandlerClass } from "./handler-delegate.js";

/** True for classes of request handlers. */
export function isHandlerClass(target: unknown): target is RequestHandlerClass {
  return (
    typeof target === "function" && (target === RequestHandler || target.prototype instanceof RequestHandler)
  );
}

/**
 * `/foo/*` as an expression is `/foo` and any number of slashes, which only {@link removeslash} wants.
 */
function checkManySlashes({ pattern }: PathMatches, handlerClass: RequestHandlerClass): void {
  // The source of a RegExp has its slashes escaped: there the writer has meant an expression.
  if (!/[^\\]\/\*$/.test(pattern) || removesSlashes(handlerClass)) return;
  const base = pattern.slice(0, -2);
  throw new InvalidArgumentError(
    `the route ${JSON.stringify(pattern)} matches ${JSON.stringify(base)} followed by slashes only. For everything below it ` +
      `write ${JSON.stringify(`${base}/:path*`)} or ${JSON.stringify(`${base}/(.*)`)}`,
  );
}

/** Arguments that no `initialize()` of the class takes would be dropped at each request. */
function checkKwargs({ target, targetKwargs, matcher }: Rule<RequestHandlerClass>): void {
  if (target.prototype.initialize !== RequestHandler.prototype.initialize) return;
  const names = Object.keys(targetKwargs);
  if (names.length === 0) return;
  const hint = names.includes("name") ? "; the name of a route comes fourth, after the arguments" : "";
  throw new InvalidArgumentError(
    `the route of ${String(matcher)} has arguments (${names.join(", ")}) for initialize(), which ${target.name} does not have${hint}`,
  );
}

/** See the file's head. */
export class ApplicationRouter extends ReversibleRuleRouter {
  /** Makes the delegates of handler classes. */
  readonly application: App;

  constructor(application: App, rules?: Iterable<RuleInit>) {
    super();
    this.application = application;
    if (rules !== undefined) this.addRules(rules);
  }

  /** Targets are handler classes, lists of rules, routers and connection delegates. */
  protected override checkTarget(rule: Rule): void {
    const { target, matcher } = rule;
    if (isHandlerClass(target)) {
      if (matcher instanceof PathMatches) checkManySlashes(matcher, target);
      target.checkRoute?.(rule as Rule<RequestHandlerClass>);
      checkKwargs(rule as Rule<RequestHandlerClass>);
      return;
    }
    if (Array.isArray(target) || target instanceof Router || isConnectionDelegate(target)) return;
    const wanted = 'a class that extends RequestHandler, as in ["/story/:id", StoryHandler]';
    const hint =
      typeof target === "function"
        ? " A plain function is called by a RuleRouter, or by a FallbackHandler of this application."
        : "";
    throw new InvalidArgumentError(`the target of ${String(rule)} must be ${wanted}.${hint}`);
  }

  /** A list of rules becomes a router of its own. */
  override processRule(rule: Rule): Rule {
    const processed = super.processRule(rule);
    if (Array.isArray(processed.target)) {
      processed.target = new ApplicationRouter(this.application, processed.target as RuleInit[]);
    }
    return processed;
  }

  override getTargetDelegate(
    target: unknown,
    request: HTTPServerRequest,
    params: TargetParams,
  ): HTTPMessageDelegate | undefined {
    if (isHandlerClass(target)) return this.application.getHandlerDelegate(request, target, params);
    return super.getTargetDelegate(target, request, params);
  }

  /** Puts a rule before the last one. */
  insertBeforeLast(rule: Rule): void {
    this.rules.splice(-1, 0, this.processRule(rule));
    this.rulesChanged();
  }
}
