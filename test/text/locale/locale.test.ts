import "../../support/guard.js";
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import {
  CSVLocale,
  type FormatDateOptions,
  get,
  getSupportedLocales,
  LOCALE_NAMES,
  Locale,
  loadTranslations,
  setDefaultLocale,
  setLocaleClock,
  supportLocales,
} from "squall/locale";
import { folderOf, restoreLocales } from "../../support/catalogues.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Tuesday. */
const NOW = Date.UTC(2023, 10, 14, 22, 13, 20);

const english = new Locale("en_US");
const ago = (ms: number, options: FormatDateOptions = {}, locale = english): string =>
  locale.formatDate(NOW - ms, { now: NOW, ...options });

/** A catalogue with these translations. */
const withWords = (code: string, words: Record<string, string>, intl = false): Locale =>
  new CSVLocale(code, { unknown: new Map(Object.entries(words)) }, { intl });

describe("Locale.formatDate()", () => {
  for (const [ms, expected, shorter] of [
    [0, "0 seconds ago"],
    [SECOND, "1 second ago"],
    [49_999, "49 seconds ago"],
    [50 * SECOND, "1 minute ago"],
    [150 * SECOND, "2 minutes ago"],
    [151 * SECOND, "3 minutes ago"],
    [50 * MINUTE - 1, "50 minutes ago"],
    [50 * MINUTE, "1 hour ago"],
    [DAY - 1, "24 hours ago"],
    [DAY, "yesterday at 10:13 pm", "yesterday"],
    [DAY + 23 * HOUR, "Sunday at 11:13 pm", "Sunday"],
    [5 * DAY - 1, "Thursday at 10:13 pm", "Thursday"],
    [5 * DAY, "November 9 at 10:13 pm", "November 9"],
    [32 * DAY, "October 13 at 10:13 pm", "October 13"],
    [334 * DAY - 1, "December 15 at 10:13 pm", "December 15"],
    [334 * DAY, "December 15, 2022 at 10:13 pm", "December 15, 2022"],
    [-59_999, "0 seconds ago"],
    [-MINUTE, "November 14, 2023 at 10:14 pm", "November 14, 2023"],
    [-DAY, "November 15, 2023 at 10:13 pm", "November 15, 2023"],
  ] as const) {
    it(`says "${expected}" for what was ${ms} ms ago`, () => {
      assert.equal(ago(ms), expected);
      assert.equal(ago(ms, { shorter: true }), shorter ?? expected);
      assert.equal(english.formatDate(new Date(NOW - ms), { now: new Date(NOW) }), expected);
    });
  }

  it("shows the time alone for today, and the weekday for yesterday, unless it is relative", () => {
    assert.equal(ago(HOUR, { relative: false }), "9:13 pm");
    assert.equal(ago(DAY, { relative: false }), "Monday at 10:13 pm");
    assert.equal(ago(-1, { relative: false }), "November 14, 2023 at 10:13 pm");
    assert.equal(ago(HOUR, { fullFormat: true }), "November 14, 2023 at 9:13 pm");
  });

  it("shows local time, gmtOffset minutes behind UTC", () => {
    assert.equal(ago(2 * DAY, { gmtOffset: 300 }), "Sunday at 5:13 pm");
    assert.equal(ago(2 * DAY, { gmtOffset: -330 }), "Monday at 3:43 am");
    // 28 hours ago: yesterday in UTC, but the day before yesterday in New Delhi, where it is tomorrow already.
    assert.equal(ago(DAY + 4 * HOUR), "yesterday at 6:13 pm");
    assert.equal(ago(DAY + 4 * HOUR, { gmtOffset: -330 }), "Monday at 11:43 pm");
  });

  it("takes the present from the clock where none is given", () => {
    const before = setLocaleClock(() => NOW);
    try {
      assert.equal(english.formatDate(NOW - 3 * SECOND), "3 seconds ago");
    } finally {
      assert.notEqual(setLocaleClock(before), before);
    }
    assert.equal(english.formatDate(Date.now() - HOUR), "1 hour ago");
  });

  it("shows the clock with 24 hours but in American English, and with its own words in China", () => {
    const time = (code: string, hours: number): string =>
      new Locale(code).formatDate(Date.UTC(2023, 10, 14, hours, 5), { now: NOW, relative: false });
    assert.deepEqual([time("en", 0), time("en_US", 12)], ["12:05 am", "12:05 pm"]);
    assert.deepEqual([time("en_GB", 0), time("fr", 13)], ["0:05", "13:05"]);
    assert.deepEqual(
      [time("zh_CN", 0), time("zh_CN", 12), time("zh_TW", 12)],
      ["上午12:05", "下午12:05", "12:05"],
    );
  });

  it("says it in the words and the order of the catalogue", () => {
    const french = withWords("fr", {
      November: "novembre",
      Monday: "lundi",
      "%(month_name)s %(day)s at %(time)s": "le %(day)s %(month_name)s à %(time)s",
      "yesterday at %(time)s": "hier à %(time)s",
    });
    assert.equal(ago(6 * DAY, {}, french), "le 8 novembre à 22:13");
    assert.equal(ago(DAY, {}, french), "hier à 22:13");
    assert.equal(ago(DAY, { relative: false }, french), "lundi at 22:13");
    assert.equal(ago(5 * MINUTE, {}, french), "5 minutes ago");
    const plural = new CSVLocale("fr", {
      plural: new Map([["%(minutes)d minutes ago", "il y a %(minutes)d min"]]),
      singular: new Map([["1 minute ago", "il y a une minute"]]),
    });
    assert.deepEqual(
      [ago(MINUTE, {}, plural), ago(5 * MINUTE, {}, plural)],
      ["il y a une minute", "il y a 5 min"],
    );
  });

  it("is never wrong by more than its words allow, whatever the date", () => {
    const day = 8.64e15 / DAY;
    fc.assert(
      fc.property(
        fc.integer({ min: -day + 2, max: day - 2 }),
        fc.nat(DAY - 1),
        fc.boolean(),
        (days, ms, shorter) => {
          const text = english.formatDate(days * DAY + ms, { now: NOW, shorter });
          assert.match(text, /ago$|^yesterday|day|^[A-Z][a-z]+ \d+/);
          assert.ok(!text.includes("%") && !text.includes("undefined") && !text.includes("NaN"), text);
        },
      ),
    );
  });

  for (const [what, date, options] of [
    ["an invalid date", new Date(Number.NaN), {}],
    ["no number", Number.NaN, {}],
    ["a date out of range", 9e15, {}],
    ["a text", "yesterday" as unknown as Date, {}],
    ["an invalid present", NOW, { now: Number.POSITIVE_INFINITY }],
    ["an invalid offset", NOW, { now: NOW, gmtOffset: Number.NaN }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => english.formatDate(date, options), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    });
  }
});

describe("Locale.formatDay(), list() and friendlyNumber()", () => {
  it("shows a day with or without its weekday, in local time", () => {
    const day = Date.UTC(2013, 3, 28);
    assert.equal(english.formatDay(day), "Sunday, April 28");
    assert.equal(english.formatDay(new Date(day), { dow: false }), "April 28");
    assert.equal(english.formatDay(day, { gmtOffset: 1 }), "Saturday, April 27");
    assert.throws(() => english.formatDay(Number.NaN), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  it("joins texts, which are no messages and have no places", () => {
    assert.deepEqual(
      [[], ["a"], ["a", "b"], ["a", "b", "c"]].map((parts) => english.list(parts)),
      ["", "a", "a and b", "a, b and c"],
    );
    assert.equal(english.list(["%(last)s", "%"]), "%(last)s and %");
    assert.equal(new Locale("fa_IR").list(["a", "b", "c"]), "a و b and c");
    assert.equal(
      withWords("fr", { "%(commas)s and %(last)s": "%(commas)s et %(last)s" }).list(["a", "b"]),
      "a et b",
    );
  });

  it("groups digits in American English alone, and never signs and fractions", () => {
    for (const [value, expected] of [
      [0, "0"],
      [999, "999"],
      [1000, "1,000"],
      [-123, "-123"],
      [-123_456, "-123,456"],
      [1234.5678, "1,234.5678"],
      [12_345_678_901_234_567_890n, "12,345,678,901,234,567,890"],
    ] as const) {
      assert.equal(english.friendlyNumber(value), expected);
      assert.equal(new Locale("en").friendlyNumber(value), expected);
      assert.equal(new Locale("en_GB").friendlyNumber(value), String(value));
    }
    assert.equal(english.friendlyNumber(Number.NaN), "NaN");
    assert.throws(() => english.friendlyNumber("1000" as unknown as number), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });

  it("groups the digits of a number of any length, in linear time", () => {
    const text = english.friendlyNumber(10n ** 100_000n);
    assert.match(text, /^10(,000){33333}$/);
  });
});

describe("a locale with the words of Intl", () => {
  const german = new Locale("de_DE", { intl: true });
  const french = new Locale("fr_FR", { intl: true });

  it("says dates in its language", () => {
    assert.equal(ago(5 * MINUTE, {}, german), "vor 5 Minuten");
    assert.equal(ago(SECOND, {}, french), "il y a 1 seconde");
    assert.equal(ago(DAY, { shorter: true }, german), "gestern");
    assert.match(ago(DAY, {}, german), /^gestern\b.*\b22:13$/);
    assert.match(ago(DAY, {}, french), /^hier\b.*\b22:13$/);
    assert.equal(ago(HOUR, { relative: false }, german), "21:13");
    assert.equal(ago(2 * DAY, { shorter: true }, german), "Sonntag");
    assert.match(ago(2 * DAY, {}, german), /^Sonntag\b.*\b22:13/);
    assert.equal(ago(6 * DAY, { shorter: true }, german), "8. November");
    assert.match(ago(6 * DAY, {}, french), /^8 novembre\b.*\b22:13/);
    assert.equal(ago(400 * DAY, { shorter: true }, german), "10. Oktober 2022");
    assert.match(ago(400 * DAY, {}, german), /^10\. Oktober 2022\b.*\b22:13/);
    assert.equal(ago(6 * DAY, { shorter: true }, new Locale("ja_JP", { intl: true })), "11月8日");
  });

  it("keeps the time when yesterday takes the date's place, in every language", () => {
    for (const code of [
      "ar_EG",
      "bg_BG",
      "fa_IR",
      "he_IL",
      "hu_HU",
      "ja_JP",
      "ko_KR",
      "th_TH",
      "vi_VN",
      "zh_TW",
    ]) {
      const locale = new Locale(code, { intl: true });
      const word = ago(DAY, { shorter: true }, locale);
      const whole = ago(DAY, {}, locale);
      assert.ok(whole.includes(word) && whole.length > word.length + 3, `${code}: ${whole}`);
      assert.doesNotMatch(whole, /2023|\u0662\u0660\u0662\u0663/);
    }
  });

  it("says days, lists and numbers in its language", () => {
    assert.equal(german.formatDay(Date.UTC(2013, 3, 28)), "Sonntag, 28. April");
    assert.equal(german.formatDay(Date.UTC(2013, 3, 28), { dow: false }), "28. April");
    assert.equal(german.list(["a", "b", "c"]), "a, b und c");
    assert.equal(german.list(["a"]), "a");
    assert.equal(german.friendlyNumber(1_234_567.5), "1.234.567,5");
    assert.equal(german.friendlyNumber(12_345_678_901_234_567_890n), "12.345.678.901.234.567.890");
    assert.equal(new Locale("hi_IN", { intl: true }).friendlyNumber(1_234_567), "12,34,567");
  });

  it("lets the catalogue have the first word, message by message", () => {
    const words = {
      "%(month_name)s %(day)s": "der %(day)s. %(month_name)s",
      April: "Ostermond",
      "%(weekday)s, %(month_name)s %(day)s": "%(weekday)s %(day)s. %(month_name)s",
      "yesterday at %(time)s": "gestern um %(time)s",
    };
    const locale = withWords("de_DE", words, true);
    assert.equal(locale.formatDay(Date.UTC(2013, 3, 28), { dow: false }), "der 28. Ostermond");
    assert.equal(locale.formatDay(Date.UTC(2013, 4, 28)), "Dienstag 28. Mai");
    assert.equal(ago(DAY, {}, locale), "gestern um 22:13");
    assert.equal(ago(5 * MINUTE, {}, locale), "vor 5 Minuten");
    assert.equal(locale.list(["a", "b"]), "a und b");
    assert.equal(
      withWords("de", { "%(commas)s and %(last)s": "%(commas)s & %(last)s" }, true).list(["a", "b"]),
      "a & b",
    );
    const korean = withWords("ko_KR", { "yesterday at %(time)s": "어제 %(time)s" }, true);
    assert.match(ago(DAY, {}, korean), /^어제 (오후|PM)\s10:13$/);
  });

  it("changes nothing for English, nor for what is no language", () => {
    for (const code of ["en", "en_US", "en_GB", "_", "no language"]) {
      const plain = new Locale(code);
      const intl = new Locale(code, { intl: true });
      for (const ms of [MINUTE, DAY, 3 * DAY, 6 * DAY, 400 * DAY])
        assert.equal(ago(ms, {}, intl), ago(ms, {}, plain));
      assert.equal(intl.friendlyNumber(12345), plain.friendlyNumber(12345));
    }
  });

  it("answers in English for a language that Intl does not have, whatever the machine's is", () => {
    assert.equal(ago(5 * MINUTE, {}, new Locale("qaa", { intl: true })), "5 minutes ago");
  });
});

describe("what is known of a language", () => {
  it("has the names of Tornado, of Intl, or none", () => {
    const name = (code: string): string => new Locale(code).name;
    assert.equal(name("pt_BR"), "Português (Brasil)");
    assert.equal(name("fr"), "Français");
    assert.equal(name("he"), "עברית");
    assert.equal(name("qaa"), "Unknown");
    assert.equal(name("__proto__"), "Unknown");
    assert.equal(LOCALE_NAMES.de_DE?.nameEn, "German");
    assert.equal(LOCALE_NAMES.toString, undefined);
    assert.equal(Object.keys(LOCALE_NAMES).length, 62);
  });

  it("knows which way its script runs, and its tag", () => {
    const rtl = (code: string): boolean => new Locale(code).rtl;
    assert.deepEqual(["ar_AR", "fa", "he_IL", "ur_PK", "yi", "dv"].map(rtl), Array(6).fill(true));
    assert.deepEqual(["de_DE", "fao_FO", "hen", "en", "qaa", "\0"].map(rtl), Array(6).fill(false));
    assert.equal(new Locale("pt_BR").languageTag, "pt-BR");
    assert.equal(new Locale("PT-br").languageTag, "pt-BR");
    assert.equal(new Locale("x y").languageTag, "und");
  });

  it("has a name for codes with extensions", () => {
    assert.equal(new Locale("aa_a_aa").name, new Locale("aa").name);
    assert.equal(new Locale("de_DE_u_co_phonebk").name, "Deutsch (Deutschland)");
  });

  it("is made for any code", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."aAzZ0_-") })), (code) => {
        const locale = new Locale(code, { intl: true });
        assert.equal(locale.code, code);
        assert.equal(typeof ago(DAY, {}, locale), "string");
        assert.equal(typeof locale.name, "string");
      }),
    );
    assert.throws(() => new Locale(undefined as unknown as string), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});

describe("get(), setDefaultLocale() and supportLocales()", () => {
  const load = (t: TestContext, ...codes: string[]): void => {
    restoreLocales(t);
    loadTranslations(folderOf(t, Object.fromEntries(codes.map((code) => [`${code}.csv`, ""]))));
  };

  it("finds the first supported code, whole or by its language", (t) => {
    load(t, "fr_FR", "es", "pt_BR", "de", "en_GB");
    for (const [codes, expected] of [
      [["fr_FR"], "fr_FR"],
      [["fr-fr"], "fr_FR"],
      [["fr"], "en_US"],
      [["DE"], "de"],
      [["de-at"], "de"],
      [["de_AT_x"], "en_US"],
      [["fr", "de", "es"], "de"],
      [[undefined, null, "", "es-419"], "es"],
      [["_"], "en_US"],
      [[], "en_US"],
    ] as const) {
      assert.equal(get(...codes).code, expected);
      assert.equal(Locale.getClosest(...codes), get(expected));
    }
  });

  it("gives the same object until something is loaded", (t) => {
    load(t, "fr");
    const locale = Locale.get("fr");
    assert.equal(get("fr-CA"), locale);
    loadTranslations(folderOf(t, { "fr.csv": "" }));
    assert.notEqual(Locale.get("fr"), locale);
    assert.throws(() => Locale.get("de"), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
      message: /"de" is not supported/,
    });
  });

  it("always supports the default", (t) => {
    load(t, "fr");
    setDefaultLocale("de");
    assert.deepEqual([...getSupportedLocales()].sort(), ["de", "fr"]);
    assert.equal(get("xx").code, "de");
    assert.equal(get("de_DE").code, "de");
    assert.throws(() => setDefaultLocale(null as unknown as string), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    setDefaultLocale("es");
    assert.equal(get("de").code, "es");
    getSupportedLocales().add("xx");
    assert.equal(getSupportedLocales().has("xx"), false);
  });

  it("adds languages without catalogue, whose dates are those of Intl", (t) => {
    restoreLocales(t);
    loadTranslations(folderOf(t, { "fr.csv": "yes,oui" }));
    supportLocales(["de", "fr"]);
    assert.equal(get("fr").translate("yes"), "oui");
    assert.equal(get("de").translate("yes"), "yes");
    assert.equal(ago(5 * MINUTE, {}, get("de")), "vor 5 Minuten");
    assert.equal(ago(5 * MINUTE, {}, get("fr")), "5 minutes ago");
    loadTranslations(folderOf(t, { "fr.csv": "yes,oui" }), { intl: true });
    assert.equal(get("de").code, "en_US");
    assert.equal(ago(5 * MINUTE, {}, get("fr")), "il y a 5 minutes");
  });

  it("can be given a locale with words of its own", () => {
    class Shouting extends Locale {
      protected override lookUp(message: string, plural?: string, count?: number): string {
        return (count === undefined || count === 1 ? message : (plural ?? message)).toUpperCase();
      }
    }
    const locale = new Shouting("xx");
    assert.equal(locale.translate("a", "b", 2), "B");
    assert.equal(locale.pgettext("c", "a"), "A");
    assert.equal(ago(DAY, { shorter: true }, locale), "YESTERDAY");
    assert.throws(() => locale.translate("a", "b", undefined as unknown as number), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
});
