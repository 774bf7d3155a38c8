/** The vectors of `routing`: patterns, hosts, and whole applications. */
import { HostMatches, type Matcher, type MatchResult, PathMatches, type RuleInit } from "squall/routing";
import { Application, RequestHandler } from "squall/web";
import { HTTPServerRequest } from "#room/http/request";
import { compilePattern } from "#room/http/routing/pattern";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import type { HandlerDelegate } from "#room/web/application/handler-delegate";
import type { Family, VectorFunction } from "../types.js";

const named = (pattern: string): string => pattern.replaceAll("(?P<", "(?<");

function requestFor(
  path: string,
  host = "example.com",
  headers: Record<string, string> = {},
): HTTPServerRequest {
  return new HTTPServerRequest({
    method: "GET",
    uri: path,
    version: "HTTP/1.1",
    host,
    headers: new HTTPHeaders({ ...headers }),
  });
}

/** Tornado gives both members when there are groups, and none of them otherwise. */
function shown(found: MatchResult | undefined): unknown {
  if (found === undefined) return undefined;
  if (found.pathArgs === undefined && found.pathKwargs === undefined) return {};
  return { path_args: found.pathArgs ?? [], path_kwargs: found.pathKwargs ?? {} };
}

interface ApplicationVector {
  readonly handlers: readonly unknown[][];
  readonly add_handlers?: readonly [string, unknown[][]][];
  readonly default_host?: string;
}

interface RequestVector {
  readonly path: string;
  readonly host: string;
  readonly headers?: Record<string, string>;
}

/** Stands for each handler; its arguments only pass through. */
function handlerNamed(name: string): typeof RequestHandler {
  return {
    [name]: class extends RequestHandler {
      override initialize() {}
    },
  }[name]!;
}

function ruleOf([pattern, target, kwargs, name]: readonly unknown[]): RuleInit {
  const matcher: Matcher | string =
    typeof pattern === "string" ? named(pattern) : new HostMatches((pattern as { host: string }).host);
  const realTarget = Array.isArray(target) ? target.map(ruleOf) : handlerNamed(target as string);
  return [matcher, realTarget, kwargs as Record<string, unknown>, name as string];
}

function applicationOf(vector: ApplicationVector): Application {
  const app = new Application(vector.handlers.map(ruleOf), { defaultHost: vector.default_host });
  for (const [host, handlers] of vector.add_handlers ?? []) app.addHandlers(host, handlers.map(ruleOf));
  return app;
}

const functions: Record<string, VectorFunction> = {
  "routing.PathMatches.match": ([pattern, path]: readonly string[]) =>
    shown(new PathMatches(named(pattern!)).match(requestFor(path!))),

  "routing.PathMatches.reverse": ([pattern, args]: readonly [string, unknown[]]) =>
    new PathMatches(named(pattern)).reverse(...args),

  "routing.PathMatches._find_groups"([pattern]: readonly string[]) {
    const { pieces, groupCount } = compilePattern(named(pattern!));
    return pieces === undefined ? [null, null] : [pieces.join("%s"), groupCount];
  },

  "routing.HostMatches.match": ([pattern, host]: readonly string[]) =>
    shown(new HostMatches(pattern!).match(requestFor("/", host!))),

  "web.Application.find_handler"([app, request]: readonly [ApplicationVector, RequestVector]) {
    const delegate = applicationOf(app).findHandler(requestFor(request.path, request.host, request.headers));
    const { handlerClass, options } = delegate as HandlerDelegate;
    const { statusCode, ...kwargs } = options.targetKwargs ?? {};
    return {
      handler: handlerClass.name,
      kwargs: statusCode === undefined ? kwargs : { ...kwargs, status_code: statusCode },
      path_args: options.pathArgs ?? [],
      path_kwargs: options.pathKwargs ?? {},
    };
  },

  "web.Application.reverse_url": ([app, name, args]: readonly [ApplicationVector, string, unknown[]]) =>
    applicationOf(app).reverseUrl(name, ...args),
};

export const family: Family = { functions };
