/** Where our `web` answers differently from Tornado's, and what it answers instead. */
import { HTTPOutputError } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import type { Outcome, Rule, VectorCase } from "../types.js";

const value = (outcome: Outcome): unknown => ("value" in outcome ? outcome.value : undefined);
const isRefused = (outcome: Outcome): boolean =>
  "error" in outcome && outcome.error instanceof InvalidArgumentError;
const isNothing = (outcome: Outcome): boolean => "value" in outcome && outcome.value === undefined;

/** The text of a signed value. */
const signed = ({ args, fn }: VectorCase): string =>
  String(fn === "web.get_signature_key_version" ? args[0] : args[2]);
/** The fields of a version 2 value without their lengths: key version, timestamp, name, value. */
const fieldsOf = (text: string): string[] =>
  text
    .split("|")
    .slice(1)
    .map((field) => field.replace(/^[^:]*:/, ""));
const timestampOf = (text: string): string =>
  (text.startsWith("2|") ? fieldsOf(text)[1] : text.split("|")[1]) ?? "";
const base64Of = (text: string): string =>
  (text.startsWith("2|") ? fieldsOf(text)[3] : text.split("|")[0]) ?? "";
const isPlainInteger = (text: string): boolean => /^-?[0-9]+$/.test(text);
const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
const found = ({ result, error }: VectorCase): boolean => error === undefined && result !== null;

const locationOf = ({ result }: VectorCase): string =>
  (result as { readonly location?: string } | null)?.location ?? "";
const ourLocation = (outcome: Outcome): unknown =>
  (value(outcome) as { location?: unknown } | undefined)?.location;
const REDIRECTS = ["web.addslash", "web.removeslash", "web.RedirectHandler", "web.RequestHandler.redirect"];

/** RFC 9110's words where CPython has those of older documents. */
const REASONS: Readonly<Record<number, string>> = {
  413: "Content Too Large",
  414: "URI Too Long",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
};

const ifNoneMatch = ({ args }: VectorCase): string => String(args[1]);

export const rules: readonly Rule[] = [
  {
    name: "web/signed-name-octets",
    functions: ["web.create_signed_value"],
    covers: ({ args, kwargs }) => kwargs.version !== 1 && /[^\0-\x7f]/.test(String(args[1])),
    holds: (outcome, { args }) =>
      String(value(outcome)).includes(`|${Buffer.byteLength(args[1] as string)}:${args[1]}|`),
  },
  {
    name: "web/signed-never-throws",
    functions: ["web.decode_signed_value"],
    covers: ({ error, kwargs }) => error !== undefined && ((kwargs.min_version ?? 1) as number) <= 2,
    holds: isNothing,
  },
  {
    name: "web/signed-from-future",
    functions: ["web.decode_signed_value"],
    covers: (vector) => {
      const kwargs = vector.kwargs as { readonly clock?: number };
      const time = timestampOf(signed(vector));
      const now = kwargs.clock ?? 1_500_000_000;
      return found(vector) && isPlainInteger(time) && Number(time) > now + 31 * 86_400;
    },
    holds: isNothing,
  },
  {
    name: "web/signed-strict-base64",
    functions: ["web.decode_signed_value"],
    covers: (vector) => found(vector) && !isBase64(base64Of(signed(vector))),
    holds: isNothing,
  },
  {
    name: "web/plain-integers",
    functions: [
      "web.decode_signed_value",
      "web.get_signature_key_version",
      "web.RequestHandler._decode_xsrf_token",
    ],
    covers: (vector) => {
      if (vector.fn === "web.RequestHandler._decode_xsrf_token") {
        const { version } = vector.result as { readonly version: number | null };
        return version === 2 && !isPlainInteger(String(vector.args[0]).split("|")[3]!);
      }
      const text = signed(vector);
      const number =
        vector.fn === "web.get_signature_key_version" ? (fieldsOf(text)[0] ?? "") : timestampOf(text);
      const length = vector.fn === "web.get_signature_key_version" ? text.split(/[|:]/)[1]! : "1";
      return found(vector) && !(isPlainInteger(number) && isPlainInteger(length));
    },
    holds: (outcome) =>
      isNothing(outcome) || (value(outcome) as { readonly version?: unknown }).version === undefined,
  },
  {
    name: "web/one-slash",
    functions: ["web.addslash", "web.removeslash"],
    covers: (vector) => locationOf(vector).startsWith("//"),
    holds: (outcome, vector) => ourLocation(outcome) === locationOf(vector).slice(1),
  },
  {
    name: "web/location-is-a-uri",
    functions: REDIRECTS,
    covers: (vector) => /[ \x80-\uffff]/.test(locationOf(vector)) && !/\{[^}]*:/.test(String(vector.args[0])),
    holds: (outcome, vector) => {
      const octets = locationOf(vector).replace(
        /[ \x80-\uffff]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      );
      return ourLocation(outcome) === octets;
    },
  },
  {
    name: "web/no-format-specifications",
    functions: ["web.RedirectHandler"],
    covers: ({ args, error }) => error === undefined && /\{\w*[:!][^}]*\}/.test(String(args[0])),
    holds: isRefused,
  },
  {
    name: "web/header-values-of-booleans",
    functions: ["web.RequestHandler._convert_header_value"],
    covers: ({ args, error }) => error === undefined && typeof args[0] === "boolean",
    holds: isRefused,
  },
  {
    name: "web/header-names-are-tokens",
    functions: ["web.RequestHandler.header_ops"],
    covers: ({ args, error }) =>
      error === undefined &&
      (args[0] as [string, string][]).some(([, name]) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)),
    holds: (outcome) => "error" in outcome && outcome.error instanceof HTTPOutputError,
  },
  {
    name: "web/reason-wording",
    functions: ["web.RequestHandler.set_status", "web.RequestHandler.send_error"],
    covers: ({ args, result }) => {
      const reason = Array.isArray(result) ? result[1] : (result as { reason?: string } | null)?.reason;
      const code = args[0] as number;
      return (
        Object.hasOwn(REASONS, code) &&
        reason !== REASONS[code] &&
        !(args[1] as { reason?: string } | undefined)?.reason
      );
    },
    holds: (outcome, { args }) => {
      const ours = value(outcome) as [number, string] | { readonly reason: string };
      return (Array.isArray(ours) ? ours[1] : ours.reason) === REASONS[args[0] as number];
    },
  },
  {
    name: "web/status-ends-a-response",
    functions: ["web.RequestHandler.set_status"],
    covers: ({ args, error }) => {
      const status = args[0] as number;
      return error === undefined && status !== 101 && (status < 200 || status > 999);
    },
    holds: isRefused,
  },
  {
    name: "web/log-message-as-written",
    functions: ["web.HTTPError"],
    covers: ({ args, result }) => {
      const [given] = args as [[number, string?, ...unknown[]]];
      const told = (result as { log_message?: string } | undefined)?.log_message;
      return given.length === 2 && told !== undefined && told !== null && told !== given[1];
    },
    holds: (outcome, { args }) => {
      const ours = value(outcome) as { log_message?: string; get_message?: string };
      const [, given] = (args as [[number, string]])[0];
      return ours.log_message === given && ours.get_message === given;
    },
  },
  {
    name: "web/log-arguments-that-do-not-fit",
    functions: ["web.HTTPError"],
    covers: ({ args, error }) => error !== undefined && (args[0] as unknown[]).length > 2,
    holds: (outcome, { args }) =>
      (value(outcome) as { status_code?: number }).status_code === (args[0] as [number])[0],
  },
  {
    name: "web/cookie-values-are-octets",
    functions: ["web.RequestHandler.set_cookie"],
    covers: ({ args, error }) =>
      error === undefined && (args[0] as [string, string][]).some(([, text]) => /[^\0-\xff]/.test(text)),
    holds: isRefused,
  },
  {
    name: "web/max-age-zero",
    functions: ["web.RequestHandler.set_cookie"],
    covers: ({ args, error }) =>
      error === undefined &&
      (args[0] as [string, string, { max_age?: number }?][]).some(([, , options]) => options?.max_age === 0),
    holds: (outcome) => (value(outcome) as string[]).some((line) => line.includes("Max-Age=0")),
  },
  {
    name: "web/cookies-with-names-of-attributes",
    functions: ["web.RequestHandler.get_cookie"],
    covers: ({ args, result }) =>
      result === null && new RegExp(`(?:^|; )${String(args[1])}=`).test(String(args[0])) && args[2] === null,
    holds: (outcome, { args }) => String(args[0]).includes(`${args[1]}=${value(outcome)}`),
  },
  {
    name: "web/white-space-of-javascript",
    functions: ["web.RequestHandler.arguments"],
    covers: ({ args, result }) => /%C2%85/i.test(String(args[0])) && typeof result === "string",
    holds: (outcome, { result }) => String(value(outcome)).replace(/^\x85+|\x85+$/g, "") === result,
  },
  {
    name: "web/if-none-match-star",
    functions: ["web.RequestHandler.check_etag_header"],
    covers: (vector) => {
      const text = ifNoneMatch(vector);
      return (
        (text.trim() === "*" && vector.result === false) ||
        (text.trim() !== "*" && /(?:^|[\s,])\*/.test(text) && vector.result === true)
      );
    },
    holds: (outcome, vector) => value(outcome) === (ifNoneMatch(vector).trim() === "*"),
  },
  {
    name: "web/json-without-spaces",
    functions: ["web.RequestHandler.write"],
    covers: ({ result }) => {
      const { content_type: type, body } = (result ?? {}) as { content_type?: string; body?: Buffer };
      return type?.startsWith("application/json") === true && /[:,] /.test(String(body));
    },
    holds: (outcome, { result }) => {
      const ours = String((value(outcome) as { body: Buffer }).body);
      const theirs = String((result as { body: Buffer }).body);
      return ours === JSON.stringify(JSON.parse(theirs)).replaceAll("</", "<\\/");
    },
  },
  {
    name: "web/accept-encoding",
    functions: ["web.GZipContentEncoding.transform_first_chunk"],
    covers: ({ args, result }) => {
      const accepted = String(args[0]);
      const { gzipped } = result as { gzipped: boolean };
      return (
        (gzipped && /gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/.test(accepted)) ||
        (!gzipped && /\bgzip\b/i.test(accepted) && !/gzip/.test(accepted))
      );
    },
    holds: (outcome, { result }) =>
      (value(outcome) as { gzipped: boolean }).gzipped !== (result as { gzipped: boolean }).gzipped,
  },
  {
    name: "web/language-weights",
    functions: ["web.RequestHandler.get_browser_locale"],
    covers: ({ args, result }) => {
      const weights = [...String(args[0]).matchAll(/([^,;]+);\s*q=([^,;]*)/g)];
      // Python's float() takes what the grammar of weights does not.
      return weights.some(
        ([, language = "", weight = ""]) =>
          !/^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(weight) &&
          language.trim().replace("-", "_") === result,
      );
    },
    holds: (outcome, { args, result }) =>
      value(outcome) !== result && (args[1] as readonly string[]).includes(String(value(outcome))),
  },
  {
    name: "web/space-before-parameters",
    functions: ["web.GZipContentEncoding.transform_first_chunk"],
    covers: ({ args, result }) =>
      !(result as { gzipped: boolean }).gzipped &&
      (args[2] as [string, string][]).some(([name, text]) => name === "Content-Type" && /\s;/.test(text)),
    holds: (outcome) => (value(outcome) as { gzipped: boolean }).gzipped,
  },
  {
    name: "web/newer-media-types",
    functions: ["web.StaticFileHandler.get_content_type"],
    covers: ({ args, result }) =>
      result === "application/octet-stream" &&
      /\.(?:md|woff2?|mjs|webp|avif|wasm|jsonld)$/.test(String(args[0])),
    holds: (outcome) => /^(?!application\/octet-stream)[a-z]+\/[\w.+-]+$/.test(String(value(outcome))),
  },
];
