/** The vectors of `util`; with them, in Tornado's file, those of the small parsers of message framing. */
import {
  ArgReplacer,
  MissingItemError,
  ObjectDict,
  reUnescape,
  type Timedelta,
  timedeltaToSeconds,
} from "squall/util";
import type { Family, VectorFunction } from "../types.js";
import { attempt, PythonError } from "../values.js";
import { family as framing } from "./http1connection.js";

/** A function with the parameters of a Python signature. */
function functionOf(signature: string): () => unknown {
  const parameters = signature
    .split(", ")
    .filter((parameter) => !parameter.startsWith("*"))
    .map((parameter) => parameter.replace("None", "undefined"));
  return new Function(...parameters, "") as () => unknown;
}

function applyOperation(dict: ObjectDict, operation: string, name: string, value: unknown): unknown {
  switch (operation) {
    case "setitem":
      dict.set(name, value);
      return undefined;
    case "getitem":
      return dict.get(name);
    case "getattr":
      return dict[name];
    case "setattr":
      dict[name] = value;
      return undefined;
    case "hasattr":
      return hasAttribute(dict, name);
    case "contains":
      return name in dict;
    case "get":
      return dict.get(name, value);
    case "delitem":
      if (!dict.delete(name)) throw new PythonError(`no item ${name}`);
      return undefined;
    case "keys":
      return Object.keys(dict);
    case "len":
      return Object.keys(dict).length;
    default:
      throw new Error(`an operation of ObjectDict that is not known: ${operation}`);
  }
}

function hasAttribute(dict: ObjectDict, name: string): boolean {
  try {
    void dict[name];
    return true;
  } catch (error) {
    if (error instanceof MissingItemError) return false;
    throw error;
  }
}

const functions: Record<string, VectorFunction> = {
  "util.timedelta_to_seconds": ([parts]: readonly Timedelta[]) => timedeltaToSeconds(parts!),

  "util.re_unescape": ([pattern]: readonly string[]) => reUnescape(pattern!),

  "util.ObjectDict"([items, script]: readonly [Record<string, unknown>, [string, string, unknown?][]]) {
    const dict = new ObjectDict(items);
    const results = script.map(([operation, name, value]) =>
      attempt(() => applyOperation(dict, operation, name, value)),
    );
    return { results, final: dict };
  },

  "util.ArgReplacer"([signature, name, value, args, named]: readonly [
    string,
    string,
    unknown,
    unknown[],
    Record<string, unknown>,
  ]) {
    const replacer = new ArgReplacer(functionOf(signature), name);
    return {
      get_old_value: replacer.getOldValue(args, named, "DEFAULT"),
      replace: replacer.replace(value, args, named),
    };
  },
};

export const family: Family = { functions: { ...functions, ...framing.functions } };
