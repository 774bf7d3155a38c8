/**
 * The router inside an application: targets may be handler classes and lists of rules, besides what every
 * router takes.
 */
import type { HTTPMessageDelegate } from "../../http/delegates.js";
import type { HTTPServerRequest } from "../../http/request.js";
import type { TargetParams } from "../../http/routing/router.js";
import type { Rule } from "../../http/routing/rule.js";
import { ReversibleRuleRouter, type RuleInit } from "../../http/routing/rule-router.js";
import { RequestHandler } from "../handler/request-handler.js";
import type { HandlerDelegateOptions, RequestHandlerClass } from "./handler-delegate.js";

/** What the router needs of its application. */
export interface DelegateMaker {
  getHandlerDelegate(
    request: HTTPServerRequest,
    handlerClass: RequestHandlerClass,
    options: HandlerDelegateOptions,
  ): HTTPMessageDelegate;
}

/** True for classes of request handlers. */
export function isHandlerClass(target: unknown): target is RequestHandlerClass {
  return (
    typeof target === "function" && (target === RequestHandler || target.prototype instanceof RequestHandler)
  );
}

/** See the file's head. */
export class ApplicationRouter extends ReversibleRuleRouter {
  /** Who makes the delegates of handler classes. */
  readonly application: DelegateMaker;

  constructor(application: DelegateMaker, rules?: Iterable<RuleInit>) {
    super();
    this.application = application;
    if (rules !== undefined) this.addRules(rules);
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
