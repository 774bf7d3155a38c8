/** The vectors of `httputil`: header fields, start lines, URLs, dates, cookies, parameters, forms. */

import * as httputil from "squall/httputil";
import { HTTPHeaders } from "squall/httputil";
import { formatContentRange, parseRange } from "#room/protocol/fields/range";
import type { Family, VectorFunction } from "../types.js";
import { attempt, PythonError, VectorHeaders } from "../values.js";
import { shownFiles } from "./httputil-form.js";
import { functions as serverFunctions } from "./httputil-server.js";

const functions: Record<string, VectorFunction> = {
  "httputil.HTTPHeaders.parse_line"([lines]: readonly string[][], options) {
    const headers = new HTTPHeaders();
    for (const line of lines!) headers.parseLine(line, parseOptions(options));
    return shown(headers);
  },

  "httputil.HTTPHeaders.parse": ([text]: readonly string[], options) =>
    shown(HTTPHeaders.parse(text!, parseOptions(options))),

  "httputil.HTTPHeaders"([kind, init]: readonly [string, [string, string][]]) {
    switch (kind) {
      case "copy": {
        const original = new HTTPHeaders();
        for (const [name, value] of init) original.add(name, value);
        const copy = original.copy();
        copy.add("X-Added", "1");
        return [shown(original), shown(copy)];
      }
      case "update": {
        const [lines, more] = init as unknown as [[string, string][], Record<string, string>];
        const headers = new HTTPHeaders(lines);
        headers.update(more);
        return shown(headers);
      }
      case "dict":
      case "pairs":
      case "kwargs":
        return shown(new HTTPHeaders(init));
      default:
        throw new Error(`a kind of HTTPHeaders that is not known: ${kind}`);
    }
  },

  "httputil.HTTPHeaders.ops"([script]: readonly (readonly string[])[][]) {
    const headers = new HTTPHeaders();
    const results = script!.map(([operation, ...args]) =>
      attempt(() => applyOperation(headers, operation!, args)),
    );
    return { results, headers };
  },

  "httputil.parse_request_start_line": ([line]: readonly string[]) => httputil.parseRequestStartLine(line!),

  "httputil.parse_response_start_line"([line]: readonly string[]) {
    const { version, code, reason } = httputil.parseResponseStartLine(line!);
    // Tornado has None for an empty reason, we have the empty text.
    return { version, code, reason: reason === "" ? undefined : reason };
  },

  "httputil.url_concat": ([url, args]: readonly [string, httputil.QueryArguments | null]) =>
    httputil.urlConcat(url, args),

  "httputil.format_timestamp"([time]: readonly [unknown]) {
    // Numbers are seconds there and milliseconds here.
    return httputil.formatTimestamp(typeof time === "number" ? time * 1000 : (time as Date));
  },

  "httputil.format_timestamp.timetuple": ([time]: readonly [number[]]) => httputil.formatTimestamp(time),

  "httputil.parse_cookie": ([field]: readonly [string]) => httputil.parseCookie(field),

  "httputil.split_host_and_port": ([netloc]: readonly [string]) => httputil.splitHostAndPort(netloc),

  "httputil.qs_to_qsl": ([args]: readonly [Record<string, unknown[]>]) => httputil.qsToQsl(args),

  "httputil.encode_username_password": ([username, password]: readonly [string, string]) =>
    httputil.encodeUsernamePassword(username, password),

  "httputil._parse_request_range"([field]: readonly [string]) {
    const range = parseRange(field);
    if (range === undefined) return undefined;
    // Tornado answers with the ends of a slice: [-5, None] are the last five bytes, [None, 0] none of them.
    if (range.kind === "suffix") return range.length === 0 ? [undefined, 0] : [-range.length, undefined];
    return [range.first, range.last === undefined ? undefined : range.last + 1];
  },

  "httputil._get_content_range": ([start, end, total]: readonly [number | null, number | null, number]) =>
    formatContentRange(start ?? undefined, end ?? undefined, total),

  "httputil._parse_header"([field]: readonly [string]) {
    const { value, parameters } = httputil.parseParameters(field);
    return [value, parameters];
  },

  "httputil._encode_header": ([value, parameters]: readonly [string, Record<string, string>]) =>
    httputil.formatParameters(value, parameters),

  "httputil.parse_multipart_form_data"([boundary, body]: readonly [Buffer, Buffer], { config }) {
    const form = emptyForm();
    const multipart = multipartConfig(config as Record<string, unknown> | undefined);
    httputil.parseMultipartFormData(boundary, body, form.arguments, form.files, { config: multipart });
    return shownForm(form);
  },

  "httputil.parse_body_arguments"(
    [contentType, body, lines]: readonly [string, Buffer, [string, string][] | null],
    { config },
  ) {
    const form = emptyForm();
    const headers = lines === null ? undefined : new VectorHeaders(lines).toHeaders();
    const multipart = multipartConfig(config as Record<string, unknown> | undefined);
    httputil.parseBodyArguments(contentType, body, form.arguments, form.files, {
      headers,
      ...(multipart === undefined ? {} : { config: { multipart } }),
    });
    return shownForm(form);
  },
};

function emptyForm(): httputil.BodyArguments {
  return { arguments: Object.create(null), files: Object.create(null) };
}

function shownForm({ arguments: values, files }: httputil.BodyArguments): unknown {
  return { arguments: values, files: shownFiles(files) };
}

function multipartConfig(
  config: Readonly<Record<string, unknown>> | undefined,
): httputil.ParseMultipartConfig | undefined {
  if (config === undefined) return undefined;
  const names = {
    enabled: "enabled",
    max_parts: "maxParts",
    max_part_header_size: "maxPartHeaderSize",
  } as const;
  const entries = Object.entries(config).map(([name, value]) => {
    if (!(name in names)) throw new Error(`a setting that is not known: ${name}`);
    return [names[name as keyof typeof names], value];
  });
  return Object.fromEntries(entries) as httputil.ParseMultipartConfig;
}

function parseOptions(options: Readonly<Record<string, unknown>>): httputil.HTTPHeadersParseOptions {
  return { unicode: options._chars_are_bytes === false };
}

function shown(headers: HTTPHeaders): { headers: HTTPHeaders; str: string } {
  return { headers, str: headers.toString() };
}

function applyOperation(headers: HTTPHeaders, operation: string, [name, value]: readonly string[]): unknown {
  switch (operation) {
    case "add":
      return headers.add(name!, value!);
    case "set":
      return headers.set(name!, value!);
    case "parse_line":
      return headers.parseLine(name!);
    case "get":
      return headers.get(name!, value);
    case "getitem":
      return present(headers.get(name!));
    case "pop":
      return present(headers.pop(name!, value));
    case "get_list":
      return headers.getList(name!);
    case "delete":
      // Python raises KeyError where ours answers false.
      if (!headers.delete(name!)) throw new PythonError("no such field");
      return undefined;
    case "contains":
      return headers.has(name!);
    case "len":
      return headers.size;
    case "keys":
      return [...headers.keys()];
    case "items":
      return [...headers.entries()];
    case "get_all":
      return [...headers.getAll()];
    case "str":
      return headers.toString();
    case "setdefault":
      return headers.setDefault(name!, value!);
    case "clear":
      return headers.clear();
    default:
      throw new Error(`an operation that is not known: ${operation}`);
  }
}

/** Python raises KeyError where our maps answer undefined. */
function present(value: string | undefined): string {
  if (value === undefined) throw new PythonError("no such field");
  return value;
}

export const family: Family = { functions: { ...functions, ...serverFunctions } };
