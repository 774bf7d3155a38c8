/**
 * What has changed while a program was starting, before it could watch its files.
 *
 * Such a file may have been loaded as it was before, so the program is started again. But a program may write
 * one of its own files each time it starts, and must not be started again each time. So the next start knows
 * the files because of which it happens, and their content: a file that is written once more with the same
 * content is what the program was started with, and no reason.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

/** How many files are kept, the newest: the list travels in a variable of the environment. */
const MOST = 1000;

/** Files that changed early, each with its content as it was when the program was started again. */
export class EarlyChanges {
  readonly #contents: Map<string, string> = new Map();

  /** Takes what {@link EarlyChanges.toString} has written; undefined or the empty string is an empty list. */
  constructor(text: string | undefined) {
    for (const entry of (text ?? "").split(" ")) {
      const [path, content] = entry.split(":");
      if (path !== undefined && content !== undefined) this.#contents.set(path, content);
    }
  }

  /** True if this file is listed and its content is the same now. */
  isAsListed(path: string): boolean {
    const content = this.#contents.get(digest(path));
    return content !== undefined && content === contentOf(path);
  }

  /** Lists this file with its content as it is now, in place of an older one. */
  add(path: string): void {
    this.delete(path);
    const content = contentOf(path);
    if (content !== undefined) this.#contents.set(digest(path), content);
  }

  /** The program has seen another content of this file: the one that is listed says nothing any more. */
  delete(path: string): void {
    this.#contents.delete(digest(path));
  }

  /** The list as one word for the environment. */
  toString(): string {
    return Array.from(this.#contents, (entry) => entry.join(":"))
      .slice(-MOST)
      .join(" ");
  }
}

/** When a file was last written, in milliseconds of the calendar; undefined for a folder and for nothing. */
export function timeOfWriting(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.mtimeMs : undefined;
}

function contentOf(path: string): string | undefined {
  try {
    return digest(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** Base64 has neither a space nor a colon. */
function digest(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64").slice(0, 16);
}
