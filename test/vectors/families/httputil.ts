/** The vectors of `httputil`: header fields, start lines, URLs, dates, cookies, parameters, forms. */
import * as httputil from "squall/httputil";
import { HTTPHeaders } from "squall/httputil";
import type { Family, VectorFunction } from "../types.js";
import { attempt, PythonError } from "../values.js";

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
};

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
      return void headers.delete(name!);
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

export const family: Family = { functions };
