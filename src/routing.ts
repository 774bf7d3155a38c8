/** `squall/routing`: who answers a request. */
export {
  AnyMatches,
  DefaultHostMatches,
  HostMatches,
  Matcher,
  type MatchResult,
  type PathGroup,
  PathMatches,
} from "./http/routing/matchers.js";
export { ReversibleRouter, Router, type TargetParams } from "./http/routing/router.js";
export { Rule, type TargetKwargs } from "./http/routing/rule.js";
export { ReversibleRuleRouter, type RuleInit, RuleRouter } from "./http/routing/rule-router.js";
export type { IsTemplate, PathParams } from "./http/routing/template.js";
export {
  type CheckedRoute,
  type CheckedRoutes,
  type HandlerConstructor,
  routes,
  type TakesParams,
  URLSpec,
  url,
  type Verb,
} from "./http/routing/url-spec.js";
