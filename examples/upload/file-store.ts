/**
 * Uploaded files in one folder. A file lies under a random id, and beside it a note in JSON holds what its sender
 * said of it:
 *
 *     files/3f0c…        the content
 *     files/3f0c….json   { "name": "holiday.jpg", "type": "image/jpeg", "size": 48213, "at": 1700000000000 }
 *     files/.spool/      uploads that have not ended yet
 *
 * A name that a client sent is data: it is shown, and never becomes part of a path.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { SpooledFile } from "squall/web";

/** A file that is kept. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  /** The media type as the sender's browser had it. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The files of one folder. */
export class FileStore {
  /** The folder, absolute. */
  readonly folder: string;
  /** Where uploads lie until they are whole; on the same disk, so that keeping one is a rename. */
  readonly spoolFolder: string;
  readonly #files = new Map<string, StoredFile>();

  private constructor(folder: string) {
    this.folder = resolve(folder);
    this.spoolFolder = join(this.folder, ".spool");
  }

  /** Makes the folder if need be, reads its notes, and removes what uploads have left behind that a crash cut off. */
  static async open(folder: string): Promise<FileStore> {
    const store = new FileStore(folder);
    await rm(store.spoolFolder, { recursive: true, force: true });
    await mkdir(store.spoolFolder, { recursive: true });
    for (const note of await readdir(store.folder)) {
      const id = note.slice(0, -".json".length);
      if (!note.endsWith(".json") || !ID.test(id)) continue;
      const file = JSON.parse(await readFile(join(store.folder, note), "utf8")) as Omit<StoredFile, "id">;
      const content = await stat(store.pathOf(id)).catch(() => undefined);
      if (content?.isFile() === true) store.#files.set(id, { ...file, id, size: content.size });
    }
    return store;
  }

  /** All files, the newest first. */
  files(): StoredFile[] {
    return [...this.#files.values()].sort((a, b) => b.at - a.at || a.name.localeCompare(b.name));
  }

  /** The file with that id, or undefined. */
  get(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  /** Where the content of a file lies. */
  pathOf(id: string): string {
    return join(this.folder, id);
  }

  /** Keeps a spooled upload. It is listed when both its content and its note are on the disk. */
  async add(spooled: SpooledFile, name: string, type: string, at = Date.now()): Promise<StoredFile> {
    const id = randomUUID();
    const note = { name, type, size: spooled.size, at };
    await rename(spooled.path, this.pathOf(id));
    await writeFile(`${this.pathOf(id)}.json`, JSON.stringify(note));
    const file = { id, ...note };
    this.#files.set(id, file);
    return file;
  }

  /** Removes a file; false if there is none with that id. */
  async remove(id: string): Promise<boolean> {
    if (!this.#files.delete(id)) return false;
    await rm(`${this.pathOf(id)}.json`, { force: true });
    await rm(this.pathOf(id), { force: true });
    return true;
  }
}
