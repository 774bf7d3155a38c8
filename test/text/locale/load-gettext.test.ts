import { runModule } from "../../support/module-program.js";
import "../../support/guard.js";
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import {
  CatalogueError,
  CONTEXT_SEPARATOR,
  type GettextLocale,
  type GettextParser,
  get,
  getSupportedLocales,
  loadGettextTranslations,
  loadTranslations,
  PluralFormsError,
} from "squall/locale";
import { ExpectLog } from "squall/testing";
import { readMo, readPo } from "#room/text/locale/gettext-files";
import { importGettextParser } from "#room/text/locale/gettext-parser";
import { folderOf, type MoMessage, moFile, restoreLocales } from "../../support/catalogues.js";
import { root } from "../../support/root.js";

const parser = await importGettextParser();

const POLISH =
  "Content-Type: text/plain; charset=UTF-8\n" +
  "Plural-Forms: nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;\n";

const MESSAGES: readonly MoMessage[] = [
  { id: "school", forms: ["szkoła"] },
  { id: "file", plural: "files", forms: ["plik", "pliki", "plików"] },
  { context: "law", id: "right", forms: ["prawo"] },
  { context: "team", id: "club", plural: "clubs", forms: ["klub", "kluby", "klubów"] },
  { id: "club", plural: "clubs", forms: ["pałka", "pałki", "pałek"] },
];

const PO = `
# A comment.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;\\n"

#: a.ts:1
msgid "school"
msgstr "szkoła"

msgid "file"
msgid_plural "files"
msgstr[0] "plik"
msgstr[1] "pliki"
msgstr[2] "plików"

msgctxt "law"
msgid "right"
msgstr "pra"
  "wo"

msgctxt "team"
msgid "club"
msgid_plural "clubs"
msgstr[0] "klub"
msgstr[1] "kluby"
msgstr[2] "klubów"

msgid "club"
msgid_plural "clubs"
msgstr[0] "pałka"
msgstr[1] "pałki"
msgstr[2] "pałek"

#, fuzzy, c-format
msgid "doubtful"
msgstr "wątpliwy"

msgid "missing"
msgstr ""

#~ msgid "gone"
#~ msgstr "nie ma"

msgid "quote \\"q\\" and\\nline"
msgstr "cytat \\"q\\"\\\\"
`;

/** Loads one catalogue as that of Polish, in a domain of its own. */
async function loadPolish(
  t: TestContext,
  name: string,
  content: string | Uint8Array,
): Promise<GettextLocale> {
  restoreLocales(t);
  await loadGettextTranslations(folderOf(t, { [`pl/LC_MESSAGES/${name}`]: content }), "app");
  return get("pl") as GettextLocale;
}

function checkPolish(locale: GettextLocale): void {
  assert.equal(locale.translate("school"), "szkoła");
  assert.equal(locale.gettext("school"), "szkoła");
  assert.equal(locale.translate("none"), "none");
  assert.equal(locale.translate("file"), "plik");
  assert.deepEqual(
    [0, 1, 2, 5, 12, 22].map((n) => locale.translate("file", "files", n)),
    ["plików", "plik", "pliki", "plików", "plików", "pliki"],
  );
  assert.equal(locale.ngettext("file", "files", 3), "pliki");
  assert.equal(locale.ngettext("school", "schools", 1), "school");
  assert.equal(locale.ngettext("school", "schools", 2), "schools");
  assert.equal(locale.ngettext("x", "xs", 1), "x");
  assert.equal(locale.pgettext("law", "right"), "prawo");
  assert.equal(locale.pgettext("direction", "right"), "right");
  assert.equal(locale.pgettext("direction", "school"), "school");
  assert.equal(locale.pgettext("team", "club", "clubs", 5), "klubów");
  assert.equal(locale.pgettext("weapon", "club", "clubs", 5), "pałek");
  assert.equal(locale.pgettext("weapon", "x", "xs", 5), "xs");
  assert.equal(locale.translate(""), "");
  assert.throws(() => locale.translate("file", "files", undefined as unknown as number), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
  assert.throws(() => locale.pgettext("team", "club", "clubs", undefined as unknown as number), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
}

describe("loadGettextTranslations()", () => {
  for (const bigEndian of [false, true]) {
    it(`reads .mo files, ${bigEndian ? "big" : "little"} end first`, async (t) => {
      checkPolish(await loadPolish(t, "app.mo", moFile(MESSAGES, { header: POLISH, bigEndian })));
    });
  }

  it("reads .po files, without fuzzy, untranslated and obsolete entries", async (t) => {
    const locale = await loadPolish(t, "app.po", PO);
    checkPolish(locale);
    for (const id of ["doubtful", "missing", "gone"]) assert.equal(locale.translate(id), id);
    assert.equal(locale.translate('quote "q" and\nline'), 'cytat "q"\\');
    assert.ok(locale.translations.entries.has(`law${CONTEXT_SEPARATOR}right`));
  });

  it("reads .po files with a byte order mark, CRLF, and in the charset of their header", async (t) => {
    checkPolish(await loadPolish(t, "app.po", `\ufeff${PO.replaceAll("\n", "\r\n")}`));
    const french =
      'msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-1\\n"\n\nmsgid "school"\nmsgstr "école"\n';
    const locale = await loadPolish(t, "app.po", Buffer.from(french, "latin1"));
    assert.equal(locale.translate("school"), "école");
  });

  it("reads .mo files in the charset of their header", async (t) => {
    const header = "Content-Type: text/plain; charset=ISO-8859-1\n";
    const file = moFile([{ id: "school", forms: ["école"] }], { header, encoding: "latin1" });
    assert.equal((await loadPolish(t, "app.mo", file)).translate("school"), "école");
  });

  it("has two forms where a catalogue has no rule, as in English", async (t) => {
    const locale = await loadPolish(t, "app.mo", moFile([{ id: "a", plural: "b", forms: ["A", "B"] }]));
    assert.deepEqual(
      [0, 1, 2].map((n) => locale.translate("a", "b", n)),
      ["B", "A", "B"],
    );
  });

  it("takes the form for one thing where a message with a plural comes without a number", async (t) => {
    const header = "Plural-Forms: nplurals=2; plural=n==1 ? 1 : 0;\n";
    const locale = await loadPolish(
      t,
      "app.mo",
      moFile([{ id: "a", plural: "b", forms: ["B", "A"] }], { header }),
    );
    assert.equal(locale.translate("a"), "A");
  });

  it("says it in the source's words where a form is missing", async (t) => {
    const locale = await loadPolish(
      t,
      "app.mo",
      moFile([{ id: "a", plural: "b", forms: ["A"] }], { header: POLISH }),
    );
    assert.deepEqual(
      [1, 2].map((n) => locale.translate("a", "b", n)),
      ["A", "b"],
    );
  });

  it("prefers the compiled catalogue, skips files and hidden folders, and logs a folder without catalogue", async (t) => {
    restoreLocales(t);
    const folder = folderOf(t, {
      "pl/LC_MESSAGES/app.mo": moFile([{ id: "a", forms: ["mo"] }]),
      "pl/LC_MESSAGES/app.po": "broken",
      "pt_BR/LC_MESSAGES/app.po": 'msgid "a"\nmsgstr "po"\n',
      "de/LC_MESSAGES/other.mo": "broken",
      "readme.txt": "no",
      ".svn/x": "no",
    });
    using logged = new ExpectLog(
      "squall.general",
      /Cannot load translation for 'de': there is no .*app\.mo or \.po/,
    );
    await loadGettextTranslations(folder, "app");
    assert.equal(logged.matched, 1);
    assert.deepEqual([...getSupportedLocales()].sort(), ["en_US", "pl", "pt_BR"]);
    assert.equal(get("pl").translate("a"), "mo");
    assert.equal(get("pt-br").translate("a"), "po");
  });

  it("takes names like __proto__ for names like any other, as messages and as contexts", async (t) => {
    const names = ["__proto__", "constructor", "toString"];
    const messages = names.flatMap((id) => [
      { id, forms: [`t-${id}`] },
      { context: id, id, forms: [`c-${id}`] },
    ]);
    const po = messages
      .map(
        ({ context, id, forms }: MoMessage) =>
          `${context ? `msgctxt "${context}"\n` : ""}msgid "${id}"\nmsgstr "${forms[0]}"\n`,
      )
      .join("\n");
    for (const [name, content] of [
      ["app.mo", moFile(messages)],
      ["app.po", po],
    ] as const) {
      const locale = await loadPolish(t, name, content);
      for (const id of names) {
        assert.equal(locale.translate(id), `t-${id}`);
        assert.equal(locale.pgettext(id, id), `c-${id}`);
        assert.equal(locale.pgettext(id, "x"), "x");
      }
    }
    assert.equal(({} as Record<string, unknown>).msgstr, undefined);
  });

  it("leaves everything as it was when it rejects, and names the broken file", async (t) => {
    restoreLocales(t);
    loadTranslations(folderOf(t, { "fr.csv": "yes,oui" }));
    const folder = folderOf(t, {
      "de/LC_MESSAGES/app.mo": moFile([]),
      "pl/LC_MESSAGES/app.mo": "not a mo file, but long enough for one",
    });
    await assert.rejects(loadGettextTranslations(folder, "app"), (error) => {
      assert.ok(error instanceof CatalogueError);
      assert.equal(error.code, "ERR_SQUALL_LOCALE_CATALOGUE");
      assert.equal(error.file, join(folder, "pl", "LC_MESSAGES", "app.mo"));
      return error.message.startsWith(error.file);
    });
    assert.equal(get("fr").translate("yes"), "oui");
    assert.equal(get("de").code, "en_US");
  });

  it("uses another parser if it is given one, and none if there is nothing to parse", async (t) => {
    restoreLocales(t);
    const own: GettextParser = {
      mo: { parse: () => ({ translations: { "": { yes: { msgstr: ["own"] } } } }) },
      po: { parse: () => assert.fail("there is no .po file") },
    };
    await loadGettextTranslations(folderOf(t, { "pl/LC_MESSAGES/app.mo": moFile([]) }), "app", {
      parser: own,
    });
    assert.equal(get("pl").translate("yes"), "own");
    await loadGettextTranslations(folderOf(t, {}), "app", { parser: {} as GettextParser });
    assert.deepEqual([...getSupportedLocales()], ["en_US"]);
  });

  it("names the package that is missing", (t) => {
    // A copy of what is needed, in a place from which no package can be found.
    const folder = folderOf(t, {
      "package.json": '{"type":"module"}',
      "l/pl/LC_MESSAGES/app.mo": moFile([]),
    });
    for (const part of ["base", "text", "locale.js"])
      cpSync(join(root, "dist", part), join(folder, part), { recursive: true });
    const program = `
      import { loadGettextTranslations } from ${JSON.stringify(pathToFileURL(join(folder, "locale.js")).href)};
      await loadGettextTranslations(${JSON.stringify(join(folder, "l"))}, "app").catch((error) => {
        console.log(error.code, error.message, error.cause.code);
      });`;
    const { stdout, stderr } = runModule(folder, program);
    assert.match(
      stdout,
      /^ERR_SQUALL_LOCALE_PARSER_MISSING .*"gettext-parser".* ERR_MODULE_NOT_FOUND\n$/,
      stderr,
    );
  });
});

describe("a broken .mo file", () => {
  const whole = moFile(MESSAGES, { header: POLISH });
  const read = (content: Buffer): unknown => readMo("x.mo", content, parser);

  it("is refused wherever it is cut off", () => {
    for (let end = 0; end < whole.length; end++)
      assert.throws(() => read(whole.subarray(0, end)), CatalogueError, `at ${end}`);
    assert.ok(read(whole));
  });

  it("is refused, or is another catalogue, whichever byte of it is changed; nothing else is thrown", () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(whole);
        changed[at] = value;
        try {
          read(changed);
        } catch (error) {
          assert.ok(error instanceof CatalogueError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  for (const [what, content, message] of [
    ["other first bytes", Buffer.alloc(40), /begins with other bytes/],
    ["an unknown revision", moFile([], { revision: 2 << 16 }), /unknown revision 2/],
    [
      "bytes that are not of its charset",
      moFile([{ id: "a", forms: ["\xe9"] }], { header: POLISH, encoding: "latin1" }),
      /not valid utf-8/,
    ],
    [
      "an unknown charset",
      moFile([], { header: "Content-Type: text/plain; charset=klingon\n" }),
      /charset klingon is not known/,
    ],
  ] as const) {
    it(`is refused for ${what}`, () =>
      assert.throws(() => read(content), { code: "ERR_SQUALL_LOCALE_CATALOGUE", message }));
  }

  it("is refused for its rule of plural forms, which is the cause", () => {
    assert.throws(
      () => read(moFile([], { header: "Plural-Forms: nplurals=2; plural=exit(1);\n" })),
      (error) => error instanceof CatalogueError && error.cause instanceof PluralFormsError,
    );
  });

  it("may have the minor revision 1 and the major revision 1", () => {
    for (const revision of [1, 0x10000, 0x10001]) assert.ok(read(moFile(MESSAGES, { revision })));
  });
});

describe("a broken .po file", () => {
  for (const [what, text, line] of [
    ["text without quotes", 'msgid "a"\nmsgstr b\n', 2],
    ["a quote that is not closed", 'msgid "a"\nmsgstr "b\n', 2],
    ["a text over two lines", 'msgid "a\nb"\nmsgstr "c"\n', 1],
    ["a quote too many", 'msgid "a"\n\nmsgstr "b" c"\n', 3],
    ["an unknown keyword", 'msgid "a"\nmsgstring "b"\n', 2],
    ["something else altogether", "\n\n<html>\n", 3],
  ] as const) {
    it(`is refused for ${what}, and the line is named`, () => {
      assert.throws(() => readPo("x.po", Buffer.from(text), parser), {
        code: "ERR_SQUALL_LOCALE_CATALOGUE",
        message: new RegExp(`^x\\.po:${line}: invalid line in a \\.po file`),
        line,
      });
    });
  }

  it("is refused for bytes that are not of its charset, and the line is named", () => {
    const content = Buffer.from('msgid "a"\nmsgstr "\xe9"\n', "latin1");
    assert.throws(() => readPo("x.po", content, parser), { code: "ERR_SQUALL_LOCALE_CATALOGUE", line: 2 });
  });

  it("throws nothing but CatalogueError, wherever it is cut off", () => {
    const bytes = Buffer.from(PO);
    for (let end = 0; end <= bytes.length; end++) {
      try {
        readPo("x.po", bytes.subarray(0, end), parser);
      } catch (error) {
        assert.ok(error instanceof CatalogueError, `at ${end}: ${String(error)}`);
      }
    }
  });
});
