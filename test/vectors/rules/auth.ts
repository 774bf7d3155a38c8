/** Where our signatures of OAuth 1.0 differ from Tornado's: it signs the text of a URL, and we sign the request that is sent. */
import { createHmac } from "node:crypto";
import type { Outcome, Rule, VectorCase } from "../types.js";
import { equivalent } from "../values.js";

type Token = { readonly secret: string };
type Parameters = Readonly<Record<string, string | number>>;

const urlOf = ({ args }: VectorCase): string => args[2] as string;

const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Tornado's algorithm, for a URL without query whose text is what is sent. */
function signature(vector: VectorCase, url: string, more: Parameters): Buffer {
  const [consumer, method, , parameters, token] = vector.args as [
    Token,
    string,
    string,
    Parameters,
    Token | null,
  ];
  const pairs = Object.entries({ ...more, ...parameters })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${escaped(String(value))}`);
  const base = [method.toUpperCase(), url, pairs.join("&")].map(escaped).join("&");
  const secrets = [consumer.secret, token?.secret ?? ""];
  const key = (vector.fn === "auth._oauth_signature" ? secrets : secrets.map(escaped)).join("&");
  return Buffer.from(createHmac("sha1", key).update(base).digest("base64"));
}

/** Whether our signature is Tornado's for another text of the URL. */
const signs = (outcome: Outcome, vector: VectorCase, url: string, more: Parameters = {}): boolean =>
  "value" in outcome && equivalent(outcome.value, signature(vector, url, more));

const SIGNATURES = ["auth._oauth_signature", "auth._oauth10a_signature"];

export const rules: readonly Rule[] = [
  {
    name: "auth/default-port",
    functions: SIGNATURES,
    covers: (vector) => /^(?:https:\/\/[^/?#]*:443|http:\/\/[^/?#]*:80)(?=[/?#]|$)/i.test(urlOf(vector)),
    holds: (outcome, vector) => {
      const [, scheme = "", host = "", path = ""] = /^(\w+:\/\/)([^/]*):\d+(.*)$/.exec(urlOf(vector)) ?? [];
      return signs(outcome, vector, `${(scheme + host).toLowerCase()}${path}`);
    },
  },
  {
    name: "auth/path-and-query",
    functions: SIGNATURES,
    covers: (vector) => /^[^#?;]*[?;]/.test(urlOf(vector)),
    holds: (outcome, vector) => {
      const [, path = "", query = ""] = /^([^?#]*)\??([^#]*)/.exec(urlOf(vector)) ?? [];
      return signs(
        outcome,
        vector,
        path,
        Object.fromEntries(query.split("&").map((pair) => pair.split("="))),
      );
    },
  },
  {
    name: "auth/empty-path",
    functions: SIGNATURES,
    covers: (vector) => /^\w+:\/\/[^/?#]*$/.test(urlOf(vector)),
    holds: (outcome, vector) => signs(outcome, vector, `${urlOf(vector)}/`),
  },
  {
    name: "auth/uri-is-ascii",
    functions: SIGNATURES,
    covers: (vector) => /[^\0-\x7f]/.test(urlOf(vector)),
    holds: (outcome, vector) => signs(outcome, vector, encodeURI(urlOf(vector))),
  },
];
