/** Where our requests answer differently from Tornado's; part of the family `httputil`. */
import { isIPv4 } from "node:net";
import { HTTPInputError } from "squall/httputil";
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

/** The pairs of Cookie fields that are named like attributes. */
function namedLikeAttributes({ args: [fields] }: VectorCase): [name: string, value: string][] {
  const pieces = (fields as string[]).join(",").split(";");
  const pairs = pieces.map((piece): [string, string] => {
    const equals = piece.indexOf("=");
    return [piece.slice(0, Math.max(equals, 0)).trim(), piece.slice(equals + 1).trim()];
  });
  return pairs.filter(([name]) => ATTRIBUTES.test(name));
}

export const rules: readonly Rule[] = [
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
        path,
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
