/** The vectors of `locale`: catalogues in real folders; and dates, lists and numbers in a language. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as door from "squall/locale";
import { genLog } from "squall/log";
import type { Family, VectorFile, VectorFunction } from "../types.js";
import { attempt } from "../values.js";

/** A query is [code, method, arguments…] on the closest locale. */
type Query = readonly [code: string, method: string, ...args: unknown[]];

const SETTINGS = ["gmt_offset", "relative", "shorter", "full_format", "now"] as const;

/** A locale that was loaded without translations. */
const untranslated = (code: string): door.Locale => new door.CSVLocale(code, {});

/** Dates come as `Date`, or as the seconds of Tornado. */
const date = (value: unknown): Date =>
  value instanceof Date ? value : new Date(Math.round((value as number) * 1000));

function formatDate(
  locale: door.Locale,
  when: unknown,
  kwargs: Readonly<Record<string, unknown>>,
  file: VectorFile,
): string {
  for (const name of Object.keys(kwargs)) {
    if (!(SETTINGS as readonly string[]).includes(name))
      throw new Error(`format_date has an argument that is not known: ${name}`);
  }
  return locale.formatDate(date(when), {
    now: date(kwargs.now ?? file.more.now),
    gmtOffset: kwargs.gmt_offset as number | undefined,
    relative: kwargs.relative as boolean | undefined,
    shorter: kwargs.shorter as boolean | undefined,
    fullFormat: kwargs.full_format as boolean | undefined,
  });
}

function answer([code, method, ...args]: Query, file: VectorFile): unknown {
  const locale = door.get(code);
  const [first, second, third, fourth, fifth] = args;
  switch (method) {
    case "code":
      return locale.code;
    case "name":
      return locale.name;
    case "rtl":
      return locale.rtl;
    case "translate":
      return locale.translate(first as string, second as string, third as number);
    case "pgettext":
      return locale.pgettext(first as string, second as string, third as string, fourth as number);
    case "format_date":
      return formatDate(
        locale,
        first,
        { gmt_offset: second, relative: third, shorter: fourth, full_format: fifth },
        file,
      );
    case "format_day":
      return locale.formatDay(date(first), {
        gmtOffset: second as number | undefined,
        dow: third as boolean | undefined,
      });
    case "list":
      return locale.list(first as string[]);
    case "friendly_number":
      return locale.friendlyNumber(first as number);
    default:
      throw new Error(`a method of a locale that is not known: ${method}`);
  }
}

/** Writes the files into a folder, lets `load` read them, and returns the supported codes and the answers. */
async function loaded(
  files: Readonly<Record<string, Uint8Array>>,
  load: (folder: string) => void | Promise<void>,
  queries: readonly Query[],
  file: VectorFile,
): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "squall-locale-"));
  // Loaders and pgettext() log what they skip; their own tests check those lines.
  const silence = (): boolean => false;
  genLog.addFilter(silence);
  try {
    door.setDefaultLocale("en_US");
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    await load(folder);
    return {
      supported: [...door.getSupportedLocales()].sort(),
      results: queries.map((query) => attempt(() => answer(query, file))),
    };
  } finally {
    genLog.removeFilter(silence);
    rmSync(folder, { recursive: true });
  }
}

const functions: Record<string, VectorFunction> = {
  "locale.format_date": ([code, when]: readonly [string, unknown], kwargs, { file }) =>
    formatDate(untranslated(code), when, kwargs, file),

  "locale.format_day": ([code, when]: readonly [string, unknown], { gmt_offset, dow }) =>
    untranslated(code).formatDay(date(when), {
      gmtOffset: gmt_offset as number | undefined,
      dow: dow as boolean | undefined,
    }),

  "locale.list": ([code, parts]: readonly [string, string[]]) => untranslated(code).list(parts),

  "locale.friendly_number": ([code, value]: readonly [string, number]) =>
    untranslated(code).friendlyNumber(value),

  "locale.info"([code]: readonly string[]) {
    const locale = untranslated(code!);
    return { code: locale.code, name: locale.name, rtl: locale.rtl };
  },

  "locale.Locale.get_closest": (
    [codes, standard, wanted]: readonly [string[], string, string[]],
    _,
    { file },
  ) =>
    loaded(
      Object.fromEntries(codes.map((code) => [`${code}.csv`, new Uint8Array()])),
      (folder) => {
        door.setDefaultLocale(standard);
        door.loadTranslations(folder);
      },
      [],
      file,
    ).then(() => door.Locale.getClosest(...wanted).code),

  "locale.load_translations": (
    [files, queries]: readonly [Record<string, Uint8Array>, Query[]],
    { encoding },
    { file },
  ) =>
    loaded(
      files,
      (folder) => door.loadTranslations(folder, { encoding: (encoding ?? undefined) as string | undefined }),
      queries,
      file,
    ),

  "locale.load_gettext_translations": (
    [content, domain, queries]: readonly [Record<string, Uint8Array>, string, Query[]],
    _,
    { file },
  ) =>
    loaded(
      Object.fromEntries(
        Object.entries(content).map(([code, bytes]) => [`${code}/LC_MESSAGES/${domain}.mo`, bytes]),
      ),
      (folder) => door.loadGettextTranslations(folder, domain),
      queries,
      file,
    ),
};

export const family: Family = { functions };
