/**
 * Programs of other people that whole-server tests talk to. A test that needs one says so:
 *
 *     test("curl sees …", needs("curl"), async () => { … });
 *
 * Where the program is missing the test is skipped and says why; with `CI=true` that is a failure instead,
 * because a check that silently did not run is worse than one that failed.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The programs that tests may ask for, and the Debian package that brings each. */
const PACKAGES = {
  chromium: "chromium",
  curl: "curl",
  gunicorn: "gunicorn",
  nc: "netcat-openbsd",
  nginx: "nginx-light",
  postgres: "postgresql",
  python3: "python3",
  "python3-autobahn": "python3-autobahn",
  "python3-django": "python3-django",
  "python3-flask": "python3-flask",
  "python3-tornado": "python3-tornado",
  "redis-server": "redis-server",
  tinyproxy: "tinyproxy",
  wrk: "wrk",
} as const;

/** The name of a program that tests may ask for. */
export type Program = keyof typeof PACKAGES;

const found = new Map<Program, string | undefined>();

/** Where the program lies, or undefined. For `python3-tornado`: a Python that can import Tornado; others alike. */
export function locate(program: Program): string | undefined {
  if (!found.has(program)) {
    const [, module] = /^python3-(.+)$/.exec(program) ?? [];
    found.set(program, module === undefined ? which(program) : pythonWith(module));
  }
  return found.get(program);
}

/** Like {@link locate}, for use inside a test that declared its need: throws when the program is missing. */
export function pathOf(program: Program): string {
  const path = locate(program);
  if (path === undefined) throw new Error(missing([program]));
  return path;
}

/** Test options that skip when a program is missing; with `CI=true` it throws, which fails the test file. */
export function needs(...programs: Program[]): { skip: string | false } {
  const absent = programs.filter((program) => locate(program) === undefined);
  if (absent.length === 0) return { skip: false };
  if (process.env.CI === "true") throw new Error(missing(absent));
  return { skip: missing(absent) };
}

function missing(programs: Program[]): string {
  return `needs ${programs.join(", ")} (apt-get install ${programs.map((name) => PACKAGES[name]).join(" ")})`;
}

/** Debian's folders for programs that are not on every user's PATH: daemons, and each version of PostgreSQL. */
function debianFolders(): string[] {
  const versions = "/usr/lib/postgresql";
  const postgres = existsSync(versions) ? readdirSync(versions).sort().reverse() : [];
  return ["/usr/sbin", "/sbin", ...postgres.map((version) => join(versions, version, "bin"))];
}

function which(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), ...debianFolders()]) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Debian's own Python first: another one found on the PATH does not see Debian's packages. */
function pythonWith(module: string): string | undefined {
  return ["/usr/bin/python3", which("python3")].find(
    (python) => python !== undefined && spawnSync(python, ["-c", `import ${module}`]).status === 0,
  );
}
