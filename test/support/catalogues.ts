/** Folders with catalogues, for tests of locales. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { loadTranslations, setDefaultLocale } from "squall/locale";

/** A folder with these files, by their paths in it; it is gone after the test. */
export function folderOf(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "squall-locale-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Puts the languages of the process back as they are in a new one, once the test is over. */
export function restoreLocales(t: TestContext): void {
  t.after(() => {
    setDefaultLocale("en_US");
    const empty = mkdtempSync(join(tmpdir(), "squall-locale-"));
    loadTranslations(empty);
    rmSync(empty, { recursive: true });
  });
}

/** A message, its translations by form, and what makes it special. */
export interface MoMessage {
  readonly context?: string;
  readonly id: string;
  readonly plural?: string;
  readonly forms: readonly string[];
}

/** The bytes of a `.mo` file, in either order of bytes, without a hash table. */
export function moFile(
  messages: readonly MoMessage[],
  { header = "", bigEndian = false, encoding = "utf8" as BufferEncoding, revision = 0 } = {},
): Buffer {
  const all = header === "" ? [...messages] : [{ id: "", forms: [header] }, ...messages];
  const keys = all.map(({ context, id, plural }: MoMessage) =>
    Buffer.from(
      (context === undefined ? "" : `${context}\x04`) + id + (plural === undefined ? "" : `\0${plural}`),
      encoding,
    ),
  );
  const values = all.map(({ forms }) => Buffer.from(forms.join("\0"), encoding));
  const tables = Buffer.alloc(28 + 16 * all.length);
  const write = (value: number, at: number): void =>
    void (bigEndian ? tables.writeUInt32BE(value, at) : tables.writeUInt32LE(value, at));
  [0x950412de, revision, all.length, 28, 28 + 8 * all.length, 0, tables.length].forEach((value, i) => {
    write(value, 4 * i);
  });
  let end = tables.length;
  const texts = [...keys, ...values].map((text, i) => {
    write(text.length, 28 + 8 * i);
    write(end, 32 + 8 * i);
    end += text.length + 1;
    return Buffer.concat([text, Buffer.alloc(1)]);
  });
  return Buffer.concat([tables, ...texts]);
}
