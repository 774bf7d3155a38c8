import "../../support/guard.js";
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { getBrowserLocale, loadTranslations, parseAcceptLanguage, setDefaultLocale } from "squall/locale";
import { folderOf, restoreLocales } from "../../support/catalogues.js";

describe("parseAcceptLanguage()", () => {
  for (const [field, codes] of [
    ["da, en-gb;q=0.8, en;q=0.7", ["da", "en-gb", "en"]],
    ["en;q=0.2,fr;q=0.9,de", ["de", "fr", "en"]],
    ["fr;q=0.8,de;q=0.8,en;q=0.8", ["fr", "de", "en"]],
    ["fr;q=0, de;q=0.0, en", ["en"]],
    ["fr;q=abc, de;q=-1, es;q=, it;q=nan, nl;q=inf, en;q=0.1", ["en"]],
    ["fr;q=1e-3, de;q=0.01", ["de", "fr"]],
    ["de ; q = 0.5, fr;Q=0.6", ["de", "fr"]],
    ["de ;q= 0.5 , fr;Q=0.6", ["fr", "de"]],
    ["de;q=0.5;x, fr;level=1", ["fr", "de"]],
    ["*", ["*"]],
    ["", [""]],
    [",,", ["", "", ""]],
  ] as const) {
    it(`reads ${JSON.stringify(field)}`, () => assert.deepEqual(parseAcceptLanguage(field), codes));
  }
});

it("parseAcceptLanguage() looks at the first 100 elements only", () => {
  assert.equal(parseAcceptLanguage("a,".repeat(50_000)).length, 100);
  assert.deepEqual(parseAcceptLanguage(`${"a;q=0,".repeat(100)}fr`), []);
  assert.deepEqual(parseAcceptLanguage(`${"a;q=0,".repeat(99)}fr`), ["fr"]);
});

describe("getBrowserLocale()", () => {
  const load = (t: TestContext, ...codes: string[]): void => {
    restoreLocales(t);
    loadTranslations(folderOf(t, Object.fromEntries(codes.map((code) => [`${code}.csv`, ""]))));
  };

  it("chooses as Tornado does", (t) => {
    load(t, "fr_FR", "es_LA", "pt_BR", "de", "en_GB", "zh_CN");
    for (const [field, code] of [
      [undefined, "en_US"],
      ["en", "en_US"],
      ["en-US", "en_US"],
      ["en-GB", "en_GB"],
      ["fr_FR", "fr_FR"],
      ["DE", "de"],
      ["es-LA", "es_LA"],
      ["pt-BR,pt;q=0.9", "pt_BR"],
      ["da, en-gb;q=0.8, en;q=0.7", "en_GB"],
      ["fr;q=0, de", "de"],
      ["fr;q=1e-3, de;q=0.01", "de"],
      [",,", "en_US"],
      ["fr-FR;", "fr_FR"],
      ["de;q=0.5;x, fr-FR;q=0.4", "de"],
      ["de-de-de", "en_US"],
      ["fr-FR;q=0.8,de;q=0.8,en-GB;q=0.8", "fr_FR"],
    ] as const)
      assert.equal(getBrowserLocale(field).code, code, field);
  });

  it("falls back to the given code without a field, and to the program's default with one", (t) => {
    load(t, "fr", "de");
    setDefaultLocale("fr");
    assert.equal(getBrowserLocale(undefined, "de").code, "de");
    assert.equal(getBrowserLocale("ja", "de").code, "fr");
    assert.equal(getBrowserLocale("ja;q=0", "de").code, "de");
  });

  it("takes whatever a client sends", (t) => {
    load(t, "fr");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (field) => {
        assert.ok(["fr", "en_US"].includes(getBrowserLocale(field).code));
      }),
    );
    for (const code of ["__proto__", "constructor", "toString", "en__", "_", "-", "ﬁ", "\0"])
      assert.equal(getBrowserLocale(code).code, "en_US");
  });
});
