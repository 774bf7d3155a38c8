import "../../support/guard.js";
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import {
  CatalogueError,
  type CSVLocale,
  get,
  getSupportedLocales,
  type LoadTranslationsOptions,
  Locale,
  loadTranslations,
} from "squall/locale";
import { ExpectLog } from "squall/testing";
import { csvRows } from "#room/text/locale/csv-rows";
import { folderOf, restoreLocales } from "../../support/catalogues.js";

function load(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
  options?: LoadTranslationsOptions,
): string {
  restoreLocales(t);
  const folder = folderOf(t, files);
  loadTranslations(folder, options);
  return folder;
}

const SPANISH = [
  '"I love you","Te amo"',
  '"%(name)s liked this","A %(name)s les gustó esto","plural"',
  '"%(name)s liked this","A %(name)s le gustó esto","singular"',
].join("\n");

describe("loadTranslations()", () => {
  it("reads source, translation and an optional plural or singular; other indicators are logged and skipped", (t) => {
    using logged = new ExpectLog(
      "squall.general",
      /Unrecognized plural indicator 'many' in .*es_LA\.csv line 4/,
    );
    load(t, { "es_LA.csv": `${SPANISH}\n"x","y","many"\nonly one cell\n\n"z","Z",\n` });
    const locale = get("es_LA");
    assert.equal(locale.translate("I love you"), "Te amo");
    const liked = "%(name)s liked this";
    assert.equal(locale.translate(liked, liked, 1), "A %(name)s le gustó esto");
    assert.equal(locale.translate(liked, liked, 2), "A %(name)s les gustó esto");
    assert.equal(locale.translate(liked, liked, 0), "A %(name)s les gustó esto");
    assert.equal(locale.translate(liked), liked);
    assert.equal(locale.translate("x"), "x");
    assert.equal(locale.translate("z"), "Z");
    assert.equal(locale.translate("one", "some", 1), "one");
    assert.equal(locale.translate("one", "some", 3), "some");
    assert.equal((locale as CSVLocale).translations.plural?.size, 1);
    assert.equal(logged.matched, 1);
  });

  for (const [encoding, bytes, options] of [
    ["UTF-8", Buffer.from(SPANISH), {}],
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${SPANISH}`), {}],
    ["UTF-16, little end first", Buffer.from(`\ufeff${SPANISH}`, "utf16le"), {}],
    ["UTF-16, big end first", Buffer.from(`\ufeff${SPANISH}`, "utf16le").swap16(), {}],
    ["utf-16", Buffer.from(`\ufeff${SPANISH}`, "utf16le").swap16(), { encoding: "utf-16" }],
    ["utf-16-le", Buffer.from(SPANISH, "utf16le"), { encoding: "utf-16-le" }],
    ["UTF_16_BE", Buffer.from(SPANISH, "utf16le").swap16(), { encoding: "UTF_16_BE" }],
    ["utf-8-sig", Buffer.from(`\ufeff${SPANISH}`), { encoding: "utf-8-sig" }],
    ["latin1", Buffer.from(SPANISH, "latin1"), { encoding: "latin1" }],
    ["cp1252", Buffer.from(SPANISH, "latin1"), { encoding: "cp1252" }],
  ] as const) {
    it(`decodes ${encoding}`, (t) => {
      load(t, { "es.csv": bytes }, options);
      assert.equal(
        get("es").translate("%(name)s liked this", "%(name)s liked this", 1),
        "A %(name)s le gustó esto",
      );
      assert.equal(get("es").translate("I love you"), "Te amo");
    });
  }

  it("finds out the encoding of each file by itself", (t) => {
    load(t, {
      "de.csv": Buffer.from("\ufeffyes,ja", "utf16le"),
      "fr.csv": "yes,oui",
      "pl.csv": Buffer.from("\ufeffyes,tak", "utf16le").swap16(),
    });
    assert.deepEqual(
      ["de", "fr", "pl"].map((code) => get(code).translate("yes")),
      ["ja", "oui", "tak"],
    );
  });

  it("takes every byte of latin1 for the character of its number", (t) => {
    load(t, { "fr.csv": Buffer.from([0x61, 0x2c, 0x80, 0x9f, 0xe9]) }, { encoding: "ISO-8859-1" });
    assert.equal(get("fr").translate("a"), "\x80\x9fé");
  });

  it("refuses bytes that the encoding does not have, and names the line", (t) => {
    const folder = folderOf(t, { "fr.csv": Buffer.from("a,b\r\nc,d\r\ne,\xe9\r\n", "latin1") });
    assert.throws(() => loadTranslations(folder), {
      code: "ERR_SQUALL_LOCALE_CATALOGUE",
      message: /fr\.csv:3: the bytes are not valid utf-8/,
      line: 3,
    });
    const odd = folderOf(t, { "fr.csv": Buffer.from("\ufeffa,b\nc,d\n\x00", "utf16le").subarray(0, -1) });
    assert.throws(() => loadTranslations(odd), { code: "ERR_SQUALL_LOCALE_CATALOGUE", line: 3 });
  });

  it("refuses a quote that is not closed, and names its line", (t) => {
    const folder = folderOf(t, { "fr.csv": 'a,"b\nb"\n\nc,"d\ne,f\n' });
    assert.throws(
      () => loadTranslations(folder),
      (error) => error instanceof CatalogueError && error.line === 4 && error.file.endsWith("fr.csv"),
    );
  });

  it("leaves everything as it was when it throws", (t) => {
    load(t, { "fr.csv": "yes,oui" });
    const before = get("fr");
    const folder = folderOf(t, { "de.csv": "yes,ja", "pl.csv": 'yes,"tak' });
    assert.throws(() => loadTranslations(folder), CatalogueError);
    assert.throws(() => loadTranslations(folder, { encoding: "klingon" }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
    assert.throws(() => loadTranslations(`${folder}/none`), { code: "ENOENT" });
    assert.deepEqual([...getSupportedLocales()].sort(), ["en_US", "fr"]);
    assert.equal(get("fr"), before);
  });

  it("replaces what was loaded before", (t) => {
    load(t, { "fr.csv": "yes,oui" });
    const before = get("fr");
    loadTranslations(folderOf(t, { "fr.csv": "yes,ouais" }));
    assert.equal(get("fr").translate("yes"), "ouais");
    assert.equal(before.translate("yes"), "oui");
    loadTranslations(folderOf(t, { "de.csv": "yes,ja" }));
    assert.equal(get("fr").code, "en_US");
  });

  it("logs and skips files that are not named by a code, and looks at no others", (t) => {
    using logged = new ExpectLog("squall.general", /Unrecognized locale '(FR|fr_fr|fr-FR|a\.b|)' \(path: /);
    load(t, {
      "FR.csv": "a,b",
      "fr_fr.csv": "a,b",
      "fr-FR.csv": "a,b",
      "a.b.csv": "a,b",
      ".csv": "a,b",
      "fr.txt": '"',
      "pt_BR.csv": "a,b",
    });
    assert.equal(logged.matched, 5);
    assert.deepEqual([...getSupportedLocales()].sort(), ["en_US", "pt_BR"]);
  });

  it("takes names like __proto__ for names like any other", (t) => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    load(t, { "fr.csv": names.map((name) => `${name},t-${name}\n${name},p-${name},plural\n`).join("") });
    const locale = get("fr");
    for (const name of names) {
      assert.equal(locale.translate(name), `t-${name}`);
      assert.equal(locale.translate("x", name, 2), `p-${name}`);
      assert.equal(locale.translate("x", `${name}2`, 1), "x");
    }
    assert.equal(get("__proto__").code, "en_US");
    assert.throws(() => Locale.get("__proto__"), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    assert.equal(({} as Record<string, unknown>)["t-__proto__"], undefined);
  });

  it("warns that there are no contexts, and translates without", (t) => {
    load(t, { "fr.csv": "club,cercle\nclubs,cercles,plural\n", "de.csv": "" });
    using logged = new ExpectLog(
      "squall.general",
      /pgettext\(\) is not supported by CSV catalogues: .* 'sport'/,
    );
    assert.equal(get("fr").pgettext("sport", "club"), "cercle");
    assert.equal(get("fr").pgettext("sport", "club", "clubs", 2), "cercles");
    assert.equal(get("de").pgettext("sport", "club"), "club");
    assert.equal(logged.matched, 2);
  });
});

describe("csvRows()", () => {
  const rows = (text: string): unknown[] =>
    [...csvRows("x.csv", text)].map(({ cells, line }) => [line, ...cells]);

  for (const [text, expected] of [
    ["", []],
    ["a", [[1, "a"]]],
    ["a,", [[1, "a", ""]]],
    [",", [[1, "", ""]]],
    ["\n\na,b\n\n", [[3, "a", "b"]]],
    [
      "a,b\rc,d\r\ne,f\n",
      [
        [1, "a", "b"],
        [2, "c", "d"],
        [3, "e", "f"],
      ],
    ],
    ['"a","b"', [[1, "a", "b"]]],
    ['"a ""q""",x', [[1, 'a "q"', "x"]]],
    [
      '"a\r\nb",c\nd,e',
      [
        [1, "a\nb", "c"],
        [3, "d", "e"],
      ],
    ],
    ['"a" ,b', [[1, "a ", "b"]]],
    ['"a"b"c,d', [[1, 'ab"c', "d"]]],
    ['a"b,c"d', [[1, 'a"b', 'c"d']]],
    [' "a",b', [[1, ' "a"', "b"]]],
    ['""', [[1, ""]]],
    ['"","""",","', [[1, "", '"', ","]]],
    ["a,b\0c", [[1, "a", "b\0c"]]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(rows(text), expected));
  }

  it("reads back whatever is written with quotes", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", " ", "é") });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1 })), (table) => {
        const text = table
          .map((cells) => cells.map((one) => `"${one.replaceAll('"', '""')}"`).join(","))
          .join("\n");
        assert.deepEqual(
          [...csvRows("x.csv", text)].map(({ cells }) => cells),
          table,
        );
      }),
    );
  });
});
