/** Where our requests answer differently from Tornado's; part of the family `httputil`. */
import { isIPv4 } from "node:net";
import { HTTPInputError, parseCookie } from "squall/httputil";
import type { Rule, VectorCase } from "../types.js";
import { equivalent } from "../values.js";

/** What Python's cookies take for attributes wherever it stands. */
const ATTRIBUTES = /^(?:expires|path|comment|domain|max-age|secure|httponly|version|samesite)$/i;
/** uri-host [ ":" port ], or nothing (RFC 9112 §3.2, RFC 3986 §3.2.2), without the inner grammar of addresses. */
const HOST = /^(?:(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?)?$/;
const ABSOLUTE = /^(https?):\/\/([^/?#]+)([^?]*)/;

interface RequestSpec {
  readonly uri?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

function specOf({ args: [spec] }: VectorCase): RequestSpec {
  return spec as RequestSpec;
}

/** The values of the Cookie fields of a case of either function. */
function cookieLinesOf({ args: [given] }: VectorCase): readonly string[] {
  if (Array.isArray(given)) return given as string[];
  const { headers = [] } = given as RequestSpec;
  return headers.filter(([name]) => name.toLowerCase() === "cookie").map(([, value]) => value);
}

/** What several lines of cookies mean, each line read for itself. */
function cookiesByLine(lines: readonly string[]): Record<string, string> {
  const cookies: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const found = parseCookie(line);
    for (const name of Object.keys(found)) cookies[name] = found[name]!;
  }
  return cookies;
}

/** The pairs of a single Cookie field that are named like attributes. */
function namedLikeAttributes({ args: [fields] }: VectorCase): [name: string, value: string][] {
  if ((fields as string[]).length !== 1) return [];
  const pieces = (fields as string[])[0]!.split(";");
  const pairs = pieces.map((piece): [string, string] => {
    const equals = piece.indexOf("=");
    return [piece.slice(0, Math.max(equals, 0)).trim(), piece.slice(equals + 1).trim()];
  });
  return pairs.filter(([name]) => ATTRIBUTES.test(name));
}

/** The fields that a proxy sent in a case of `httpserver.xheaders`, by name in lower case. */
const proxyFields = ({ args }: VectorCase): Record<string, string> =>
  Object.fromEntries((args[3] as [string, string][]).map(([name, value]) => [name.toLowerCase(), value]));

/** An address with a port, or an IPv6 address in brackets; its first group or the second is the address. */
const NODE_WITH_PORT = /^(?:\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+)$/;

/** The scheme that a proxy named in other letters than lower case; undefined for all others. */
function loudScheme(vector: VectorCase): string | undefined {
  const fields = proxyFields(vector);
  const scheme = fields["x-scheme"] ?? fields["x-forwarded-proto"] ?? "";
  return /^https?$/i.test(scheme) && scheme !== scheme.toLowerCase() ? scheme.toLowerCase() : undefined;
}

export const rules: readonly Rule[] = [
  {
    name: "httputil/forwarded-address-with-port",
    functions: ["httpserver.xheaders"],
    covers: (vector) => NODE_WITH_PORT.test(proxyFields(vector)["x-forwarded-for"] ?? ""),
    holds(outcome, vector) {
      const match = NODE_WITH_PORT.exec(proxyFields(vector)["x-forwarded-for"]!);
      return (
        "value" in outcome &&
        (outcome.value as { remote_ip?: string }).remote_ip === (match?.[1] ?? match?.[2])
      );
    },
  },
  {
    name: "httputil/scheme-in-any-case",
    functions: ["httpserver.xheaders"],
    covers: (vector) =>
      loudScheme(vector) !== undefined &&
      (vector.result as { protocol?: string }).protocol !== loudScheme(vector),
    holds: (outcome, vector) =>
      "value" in outcome && (outcome.value as { protocol?: string }).protocol === loudScheme(vector),
  },
  {
    name: "httputil/cookie-lines",
    functions: ["httputil.HTTPServerRequest", "httputil.HTTPServerRequest.cookies"],
    covers: (vector) => vector.error === undefined && cookieLinesOf(vector).length > 1,
    holds(outcome, vector) {
      const cookies = cookiesByLine(cookieLinesOf(vector));
      const isWhole = !Array.isArray(vector.args[0]);
      const expected = isWhole ? { ...(vector.result as object), cookies } : cookies;
      return "value" in outcome && equivalent(outcome.value, expected);
    },
  },
  {
    name: "httputil/cookie-named-like-an-attribute",
    functions: ["httputil.HTTPServerRequest.cookies"],
    covers: (vector) => namedLikeAttributes(vector).length > 0,
    holds(outcome, vector) {
      if (!("value" in outcome)) return false;
      const expected = Object.assign(Object.create(null), vector.result);
      for (const [name, value] of namedLikeAttributes(vector)) expected[name] = value;
      return equivalent(outcome.value, expected);
    },
  },
  {
    name: "httputil/absolute-form",
    functions: ["httputil.HTTPServerRequest"],
    covers: (vector) => vector.error === undefined && ABSOLUTE.test(specOf(vector).uri ?? ""),
    holds(outcome, vector) {
      const [, , authority, path] = ABSOLUTE.exec(specOf(vector).uri!)!;
      const expected = {
        ...(vector.result as object),
        host: authority,
        host_name: authority!.toLowerCase().replace(/:\d+$/, ""),
        path: path === "" ? "/" : path,
        full_url: specOf(vector).uri,
      };
      return "value" in outcome && equivalent(outcome.value, expected);
    },
  },
  {
    name: "httputil/host-grammar",
    functions: ["httputil.HTTPServerRequest"],
    covers(vector) {
      const host = specOf(vector).headers?.find(([name]) => name.toLowerCase() === "host")?.[1];
      return vector.error === undefined && host !== undefined && !HOST.test(host);
    },
    holds: (outcome) => "error" in outcome && outcome.error instanceof HTTPInputError,
  },
  {
    name: "httputil/address-is-dotted-decimal",
    functions: ["netutil.is_valid_ip"],
    covers: ({ args: [text], portable, result }) =>
      portable === false && result === true && !isIPv4(text as string),
    holds: (outcome) => "value" in outcome && outcome.value === false,
  },
];
