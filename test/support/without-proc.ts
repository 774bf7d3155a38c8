/** A system without `/proc`, for tests of the plain paths behind it. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { bun, deno } = process.versions;
/** Whether there is a `/proc` to hide, and a way to hide it: other runtimes bind built-in modules for good. */
export const canHideProc: boolean = process.platform === "linux" && bun === undefined && deno === undefined;

function isProc(path: unknown): boolean {
  return String(path).startsWith("/proc/");
}

function refuse(path: unknown): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, '${String(path)}'`), { code: "ENOENT" });
}

/**
 * Runs `body` while nothing below `/proc` can be read. `asked` counts how often it was tried, so that a test
 * can show that the path it means was taken.
 */
export async function withoutProc(body: (asked: () => number) => Promise<void>): Promise<void> {
  const { readFileSync } = fs;
  const { readFile, readlink } = fs.promises;
  let count = 0;
  const refused = (path: unknown): boolean => {
    if (!isProc(path)) return false;
    count++;
    return true;
  };
  const changed = {
    readFileSync(path: unknown, ...rest: unknown[]): unknown {
      if (refused(path)) throw refuse(path);
      return (readFileSync as (...args: unknown[]) => unknown)(path, ...rest);
    },
  };
  const promises = {
    readFile(path: unknown, ...rest: unknown[]): unknown {
      if (refused(path)) return Promise.reject(refuse(path));
      return (readFile as (...args: unknown[]) => unknown)(path, ...rest);
    },
    readlink(path: unknown, ...rest: unknown[]): unknown {
      if (refused(path)) return Promise.reject(refuse(path));
      return (readlink as (...args: unknown[]) => unknown)(path, ...rest);
    },
  };
  Object.assign(fs, changed);
  Object.assign(fs.promises, promises);
  syncBuiltinESMExports();
  try {
    await body(() => count);
  } finally {
    fs.readFileSync = readFileSync;
    Object.assign(fs.promises, { readFile, readlink });
    syncBuiltinESMExports();
  }
}
