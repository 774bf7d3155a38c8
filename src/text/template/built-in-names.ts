/**
 * The names that every template has. The loader's namespace comes before them, and what `generate()` is given
 * before that.
 *
 * Tornado's helpers have both spellings. The rest are those globals of ECMAScript (ECMA-262 §19) that only
 * compute, `Intl`, `URL` and `URLSearchParams`. Globals that reach the process or evaluate code (`process`,
 * `globalThis`, `Function`, `eval`) are left out; an application may add them to its namespace.
 */
import { jsonEncode, squeeze, xhtmlEscape } from "../../base/escape.js";
import { urlEscape } from "../../base/url-escape.js";
import { linkify } from "../linkify.js";

const GLOBALS = [
  ...[
    "Array",
    "BigInt",
    "Boolean",
    "Date",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "Promise",
    "Reflect",
  ],
  ...["RegExp", "Set", "String", "Symbol", "URL", "URLSearchParams", "WeakMap", "WeakSet"],
  ...["Error", "AggregateError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"],
  ...["decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent"],
  ...["isFinite", "isNaN", "parseFloat", "parseInt"],
];

const HELPERS = [
  ["escape", xhtmlEscape],
  ["xhtmlEscape", xhtmlEscape],
  ["xhtml_escape", xhtmlEscape],
  ["urlEscape", urlEscape],
  ["url_escape", urlEscape],
  ["jsonEncode", jsonEncode],
  ["json_encode", jsonEncode],
  ["squeeze", squeeze],
  ["linkify", linkify],
] as const;

/** Name → value. */
export const BUILT_IN_NAMES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...GLOBALS.map((name) => [name, Reflect.get(globalThis, name)] as const),
  ...HELPERS,
]);
