/** The scripted operations that the vectors' description names are known, whether a folder of vectors uses them or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import { family as escaping } from "./families/escape.js";
import { family as httputil } from "./families/httputil.js";
import { family as locale } from "./families/locale.js";
import { family as options } from "./families/options.js";
import { family as routing } from "./families/routing.js";
import { family as template } from "./families/template.js";
import { family as util } from "./families/util.js";
import { family as web } from "./families/web.js";
import { family as wireWeb } from "./families/wire-web.js";
import type { Family, VectorCase } from "./types.js";
import { equivalent, Thrown } from "./values.js";

const context = { vector: {} as VectorCase, file: { family: "", source: "", cases: [], more: {} } };

function run(family: Family, name: string, args: readonly unknown[]): unknown {
  return family.functions[name]!(args, {}, context);
}

test("a script on an ObjectDict may set, get and ask, by item and by attribute", () => {
  const script = [
    ["setattr", "a", 1],
    ["getitem", "a"],
    ["hasattr", "a"],
    ["hasattr", "b"],
    ["hasattr", "get"],
    ["contains", "a"],
    ["contains", "get"],
    ["getattr", "b"],
    ["setitem", "b", 2],
    ["getattr", "b"],
    ["delitem", "a"],
    ["delitem", "a"],
    ["keys"],
    ["len"],
  ];
  const { results } = run(util, "util.ObjectDict", [{}, script]) as { results: unknown[] };
  const errors = results.flatMap((result, i) => (result instanceof Thrown ? [i] : []));
  assert.deepEqual(errors, [7, 11]);
  const values = results.filter((result) => !(result instanceof Thrown));
  assert.deepEqual(values, [undefined, 1, true, false, true, true, false, undefined, 2, undefined, ["b"], 1]);
});

test("a script on options may define further ones, in either form, and a name that is taken is an error", () => {
  const script = [
    ["define", "port", { default: 80, type: "int" }],
    ["define", { name: "host", default: "a" }],
    ["define", "bare"],
    ["define", "port", { default: 1 }],
    ["getattr", "port"],
    ["getitem", "host"],
    ["contains", "bare"],
  ];
  const results = run(options, "options.ops", [[], script]) as unknown[];
  assert.ok(results[3] instanceof Thrown);
  assert.deepEqual(results.slice(4), [80, "a", true]);
});

test("a script on header fields may delete: an absent field is an error, as it is in Tornado", () => {
  const script = [
    ["add", "a", "1"],
    ["delete", "A"],
    ["delete", "A"],
  ];
  const { results, headers } = run(httputil, "httputil.HTTPHeaders.ops", [script]) as {
    results: unknown[];
    headers: HTTPHeaders;
  };
  assert.deepEqual(results.slice(0, 2), [undefined, undefined]);
  assert.ok(results[2] instanceof Thrown);
  assert.ok(equivalent(headers.size, 0));
  assert.ok(headers instanceof HTTPHeaders);
});

/** The functions that the description names, by family; those of `escape` and `locale` are Tornado's own. */
const NAMED: readonly (readonly [Family, prefix: string, names: string])[] = [
  [
    escaping,
    "escape.",
    `xhtml_escape xhtml_unescape json_encode json_decode squeeze url_escape url_unescape parse_qs_bytes utf8
     to_unicode native_str to_basestring recursive_unicode linkify`,
  ],
  [
    locale,
    "locale.",
    `Locale.get_closest load_translations load_gettext_translations format_date format_day list friendly_number`,
  ],
  [template, "template.", "Template DictLoader"],
  [
    routing,
    "",
    `routing.PathMatches.match routing.PathMatches.reverse routing.PathMatches._find_groups routing.HostMatches.match
     web.Application.find_handler`,
  ],
  [
    web,
    "web.RequestHandler.",
    `xsrf_token check_xsrf_cookie set_cookie clear_cookie clear_all_cookies set_signed_cookie get_signed_cookie
     get_cookie arguments check_etag_header compute_etag get_browser_locale write send_error set_status header_ops
     static_url render_linked_css render_embed_css render_linked_js render_embed_js`,
  ],
  [
    web,
    "web.",
    `create_signed_value decode_signed_value addslash removeslash authenticated RedirectHandler HTTPError
     GZipContentEncoding.transform_first_chunk`,
  ],
  [wireWeb, "wire-web.", "exchange"],
];

test("each function that the description names is known, whether a case uses it or not", () => {
  for (const [family, prefix, names] of NAMED) {
    for (const name of names.split(/\s+/)) {
      assert.equal(typeof family.functions[prefix + name], "function", prefix + name);
    }
  }
});

test("arguments are asked for by each of the six methods, and with each option", () => {
  const ask = (method: string, args: readonly unknown[], kwargs = {}) =>
    web.functions["web.RequestHandler.arguments"]!(
      ["/?a=%201&a=2", method, args, kwargs, "a=%203"],
      {},
      {
        ...context,
        file: { ...context.file, more: { clock: 0 } },
      },
    );
  assert.equal(ask("get_argument", ["a"]), "3");
  assert.equal(ask("get_argument", ["b", "none"]), "none");
  assert.deepEqual(ask("get_arguments", ["a"], { strip: false }), [" 1", "2", " 3"]);
  assert.equal(ask("get_query_argument", ["a", null, false]), "2");
  assert.deepEqual(ask("get_query_arguments", ["a"]), ["1", "2"]);
  assert.equal(ask("get_body_argument", ["a"]), "3");
  assert.deepEqual(ask("get_body_arguments", ["a"]), ["3"]);
});
