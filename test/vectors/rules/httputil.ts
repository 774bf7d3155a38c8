/** Where our `httputil` answers differently from Tornado's, and what it answers instead. */
import { HTTPInputError, parseBodyArguments, parseMultipartFormData } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { unquoteCookieValue } from "#room/protocol/fields/cookie";
import type { Outcome, Rule, VectorCase } from "../types.js";
import { equivalent, Thrown } from "../values.js";
import { rules as serverRules } from "./httputil-server.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** True when the outcome is an {@link HTTPInputError}. */
function isRefused(outcome: Outcome): boolean {
  return "error" in outcome && outcome.error instanceof HTTPInputError;
}

export const rules: readonly Rule[] = [
  {
    name: "httputil/one-line-end",
    functions: ["httputil.HTTPHeaders.parse_line"],
    covers: (vector) =>
      vector.error === undefined && (vector.args[0] as string[]).some((line) => /\n\r?\n$/.test(line)),
    holds: isRefused,
  },
  {
    name: "httputil/set-is-checked",
    functions: ["httputil.HTTPHeaders.ops"],
    covers: (vector) => (vector.args[0] as string[][]).some(isUnsendableSet),
    holds(outcome, vector) {
      const script = vector.args[0] as string[][];
      const { results } = (outcome as { value: { results: unknown[] } }).value;
      return script.every((operation, i) => {
        const result = results[i];
        return (
          !isUnsendableSet(operation) || (result instanceof Thrown && isRefused({ error: result.error }))
        );
      });
    },
  },
  {
    name: "httputil/cookie-whitespace",
    functions: ["httputil.parse_cookie"],
    covers: ({ args: [field] }) =>
      !equivalent(
        cookiesTrimmedOf(field as string, WSP),
        cookiesTrimmedOf(field as string, PYTHON_WHITESPACE),
      ),
    holds: (outcome, { args: [field] }) => gives(outcome, cookiesTrimmedOf(field as string, WSP)),
  },
  {
    name: "httputil/port-is-ascii",
    functions: ["httputil.split_host_and_port"],
    covers: ({ args: [netloc], result }) =>
      (result as [string, number | null])[1] !== null && !/:[0-9]+$/.test(netloc as string),
    holds: (outcome, { args: [netloc] }) => gives(outcome, [netloc, undefined]),
  },
  {
    name: "httputil/range-grammar",
    functions: ["httputil._parse_request_range"],
    covers: ({ args: [field], result }) => result !== null && !isRange(field as string),
    holds: (outcome) => gives(outcome, undefined),
  },
  {
    name: "httputil/range-unit-case",
    functions: ["httputil._parse_request_range"],
    covers: ({ args: [field], result }) =>
      result === null && !(field as string).startsWith("bytes=") && isRange(toLowerUnit(field as string)),
    holds: (outcome) => "value" in outcome && Array.isArray(outcome.value),
  },
  {
    name: "httputil/range-saturates",
    functions: ["httputil._parse_request_range"],
    covers: ({ result }) => Array.isArray(result) && result.some((end) => typeof end === "bigint"),
    holds(outcome, { result }) {
      const largest = Number.MAX_SAFE_INTEGER;
      const clamped = (result as unknown[]).map((end) =>
        typeof end === "bigint" ? Math.max(-largest, Math.min(largest, Number(end))) : end,
      );
      return gives(outcome, clamped);
    },
  },
  {
    name: "httputil/content-range-is-valid",
    functions: ["httputil._get_content_range"],
    covers({ args }) {
      const [start, end, total] = args as [number | null, number | null, number];
      return (start ?? 0) >= (end ?? total) || (end ?? total) > total;
    },
    holds: (outcome) => "error" in outcome && outcome.error instanceof InvalidArgumentError,
  },
  {
    name: "httputil/parameter-is-quoted",
    functions: ["httputil._encode_header"],
    covers: ({ args: [, parameters] }) =>
      Object.values(parameters as Record<string, string | null>).some(
        (value) => value !== null && !TOKEN.test(value),
      ),
    holds(outcome, { args: [value, parameters] }) {
      const quoted = Object.entries(parameters as Record<string, string>).map(([name, text]) =>
        TOKEN.test(text) ? `; ${name}=${text}` : `; ${name}="${text.replace(/(["\\])/g, "\\$1")}"`,
      );
      return gives(outcome, `${value}${quoted.join("")}`);
    },
  },
  {
    name: "httputil/multipart-boundary-length",
    functions: ["httputil.parse_multipart_form_data"],
    covers(vector) {
      const { length } = boundaryText(vector);
      return vector.error === undefined && (length < 1 || length > 70);
    },
    holds: isRefused,
  },
  {
    name: "httputil/multipart-counts-parts",
    functions: ["httputil.parse_multipart_form_data"],
    covers(vector) {
      const maxParts = (vector.kwargs.config as { max_parts?: number } | undefined)?.max_parts ?? 100;
      const tooMany = /too many parts/.test(vector.error?.contains ?? "");
      return tooMany && bodyText(vector).split(`--${boundaryText(vector)}\r\n`).length - 1 <= maxParts;
    },
    holds: (outcome) => "value" in outcome,
  },
  {
    name: "httputil/multipart-delimiter-lines",
    functions: ["httputil.parse_multipart_form_data"],
    covers(vector) {
      if (vector.error === undefined || /too many parts/.test(vector.error.contains ?? "")) return false;
      const form = formOfDelimiterLines(vector);
      return (
        form !== undefined &&
        (form.preamble !== "" || form.parts.some((part) => isCutByTornado(vector, part)))
      );
    },
    holds(outcome, vector) {
      if (!("value" in outcome)) return false;
      const { arguments: args, files } = outcome.value as { arguments: object; files: object };
      const count = [...Object.values(args), ...Object.values(files)].flat().length;
      return count === formOfDelimiterLines(vector)!.parts.length;
    },
  },
  {
    name: "httputil/multipart-epilogue",
    functions: ["httputil.parse_multipart_form_data"],
    covers(vector) {
      const close = firstClose(vector);
      return (
        vector.error === undefined && close !== -1 && bodyText(vector).indexOf("\r\n--", close + 2) !== -1
      );
    },
    holds(outcome, vector) {
      const close = firstClose(vector);
      const end = close + `\r\n--${boundaryText(vector)}--`.length;
      return gives(outcome, parsedFrom(vector, bodyText(vector).slice(0, end)));
    },
  },
  {
    name: "httputil/media-type-case",
    functions: ["httputil.parse_body_arguments"],
    covers({ args: [contentType], error }) {
      const type = (contentType as string).split(";")[0]!;
      return error === undefined && FORM_TYPES.has(type.toLowerCase()) && !FORM_TYPES.has(type);
    },
    holds(outcome, { args }) {
      const [contentType, body] = args as [string, Buffer];
      const form = { arguments: {}, files: {} };
      parseBodyArguments(
        contentType.replace(/^[^;]*/, (type) => type.toLowerCase()),
        body,
        form.arguments,
        form.files,
      );
      return (
        "value" in outcome && JSON.stringify(formShape(outcome.value)) === JSON.stringify(formShape(form))
      );
    },
  },
  {
    name: "httputil/boundary-may-hold-a-semicolon",
    functions: ["httputil.parse_body_arguments"],
    covers: ({ args: [contentType], error }) =>
      error !== undefined && /;[ \t]*boundary="[^"]*;[^"]*"/.test(contentType as string),
    holds: (outcome) => "value" in outcome,
  },
  ...serverRules,
];

const FORM_TYPES = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);
const WSP = /^[ \t]+|[ \t]+$/g;
/** What Python's str.strip() takes away. */
const PYTHON_WHITESPACE =
  /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

function gives(outcome: Outcome, value: unknown): boolean {
  return "value" in outcome && equivalent(outcome.value, value);
}

/** A plain twin of parseCookie(), with the blanks that are trimmed as a parameter. */
function cookiesTrimmedOf(field: string, whitespace: RegExp): Record<string, string> {
  const cookies: Record<string, string> = Object.create(null);
  for (const piece of field.split(";")) {
    const equals = piece.indexOf("=");
    const name = piece.slice(0, Math.max(0, equals)).replace(whitespace, "");
    const value = piece.slice(equals + 1).replace(whitespace, "");
    if (name !== "" || value !== "") cookies[name] = unquoteCookieValue(value);
  }
  return cookies;
}

/** One range as RFC 9110 §14.1.1 and §14.1.2 spell it, the last position not before the first. */
function isRange(field: string): boolean {
  const match = /^bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-[0-9]+)[ \t]*$/.exec(field);
  if (match === null) return false;
  return match[1] === undefined || match[2] === "" || BigInt(match[2]!) >= BigInt(match[1]);
}

function toLowerUnit(field: string): string {
  return field.replace(/^[^=]*/, (unit) => unit.toLowerCase());
}

function boundaryText({ args: [boundary] }: VectorCase): string {
  return (boundary as Buffer).toString("latin1").replace(/^"(.*)"$/s, "$1");
}

function bodyText({ args: [, body] }: VectorCase): string {
  return (body as Buffer).toString("latin1");
}

/**
 * A body as RFC 2046 §5.1.1 reads it, cut at whole delimiter lines; undefined when it has no closing one, or when a
 * part has no name, since then everybody refuses it. The value of a part keeps its line end.
 */
function formOfDelimiterLines(vector: VectorCase): { preamble: string; parts: string[] } | undefined {
  const boundary = boundaryText(vector).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const [text, ...after] = `\r\n${bodyText(vector)}`.split(new RegExp(`(?<=\r\n)--${boundary}--`));
  if (after.length === 0) return undefined;
  const [preamble, ...parts] = text!.split(new RegExp(`(?<=\r\n)--${boundary}[ \t]*\r\n`));
  const filled = parts.filter((part) => part !== "");
  return filled.every(isNamedPart) ? { preamble: preamble!.replace(/^\r\n/, ""), parts: filled } : undefined;
}

/** A head of well-formed lines in UTF-8 with a disposition and a name, an empty line, a value. */
function isNamedPart(part: string): boolean {
  const match =
    /^((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*(?:\r\n?[ \t][\t\x20-\x7e]*)*\r?\n)+)\r\n/.exec(
      part,
    );
  if (match === null) return false;
  const isUtf8 = !Buffer.from(match[1]!, "latin1").toString("utf8").includes("\ufffd");
  return isUtf8 && /^content-disposition:[ \t]*form-data[ \t]*;.*\bname="?[^";\s]/im.test(match[1]!);
}

/** Tornado cuts at the text of a delimiter line wherever it stands; the line end may be the next delimiter's. */
function isCutByTornado(vector: VectorCase, part: string): boolean {
  return part.includes(`--${boundaryText(vector)}\r\n`);
}

function firstClose(vector: VectorCase): number {
  return bodyText(vector).indexOf(`\r\n--${boundaryText(vector)}--`);
}

/** What we make of another body with the same boundary. */
function parsedFrom(vector: VectorCase, body: string): unknown {
  const form = { arguments: Object.create(null), files: Object.create(null) };
  parseMultipartFormData(boundaryText(vector), Buffer.from(body, "latin1"), form.arguments, form.files);
  return formShape(form);
}

/** Files in the form that the vectors have. */
function formShape(form: unknown): unknown {
  const { arguments: values, files } = form as {
    arguments: Record<string, Buffer[]>;
    files: Record<string, { filename: string; body: Buffer; contentType?: string; content_type?: string }[]>;
  };
  const shown = Object.entries(files).map(([name, list]) => [
    name,
    list.map((file) => ({
      filename: file.filename,
      body: file.body,
      content_type: file.contentType ?? file.content_type,
    })),
  ]);
  return { arguments: values, files: Object.fromEntries(shown) };
}

function isUnsendableSet([operation, name, value]: readonly string[]): boolean {
  return operation === "set" && (!TOKEN.test(name!) || /[^\t\x20-\x7e\x80-\xff]/.test(value!));
}
