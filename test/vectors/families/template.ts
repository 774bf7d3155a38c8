/**
 * The vectors of `template`. Expressions stand in the vectors as Tornado has them; most mean the same in
 * JavaScript. Of Python's built-in names those that the cases use are put into the namespace.
 */
import {
  DictLoader,
  filterWhitespace,
  type LoaderOptions,
  Template,
  type TemplateOptions,
  type WhitespaceMode,
} from "squall/template";
import type { Family } from "../types.js";
import { PythonError } from "../values.js";

class KeyError extends PythonError {}

/** What the cases use of Python's built-in names. The named function `fail` throws a `PythonError`. */
const PYTHON_NAMES = {
  range: (count: number) => Array.from({ length: count }, (_, i) => i),
  sorted: (dict: object) => Object.keys(dict).sort(),
  Exception: Error,
  ZeroDivisionError: PythonError,
  KeyError,
};

type Options = Readonly<Record<string, unknown>>;

function templateOptions({ compress_whitespace: compressWhitespace, ...same }: Options): TemplateOptions {
  return { ...same, ...(compressWhitespace === undefined ? {} : { compressWhitespace }) } as TemplateOptions;
}

const withPython = (namespace: object): object => Object.assign(Object.create(null), PYTHON_NAMES, namespace);

export const family: Family = {
  functions: {
    "template.Template": ([text, namespace]: readonly [string, object], options) =>
      new Template(text, templateOptions(options)).generate(withPython(namespace)),

    "template.DictLoader": (
      [files, name, namespace]: readonly [Record<string, string>, string, object],
      options,
    ) => new DictLoader(files, options as LoaderOptions).load(name).generate(withPython(namespace)),

    "template.filter_whitespace": ([mode, text]: readonly [WhitespaceMode, string]) =>
      filterWhitespace(mode, text),
  },
};
