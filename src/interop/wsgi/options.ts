/** The options of a container, checked. */
import { statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { IOLoop } from "../../async/ioloop.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkInteger, checkLimit, checkMilliseconds, checkString } from "../../base/validate.js";
import { cpuCount } from "../../net/process/workers.js";
import type { CookieSecret } from "../../web/handler/signed-value.js";

/** Options of {@link WSGIContainer}. */
export interface WSGIContainerOptions {
  /** The Python interpreter, 3.8 or later: a path, or a name that is looked up in PATH; default `python3`. */
  readonly python?: string | undefined;
  /** A virtual environment, whose interpreter is used in place of `python`; default none. */
  readonly virtualenv?: string | undefined;
  /** Folders in which modules are looked for first; default none. The working directory comes after them. */
  readonly pythonPath?: readonly string[] | undefined;
  /** Environment variables besides those of this process; undefined takes one away. Default none. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The working directory of the workers; default that of this process. */
  readonly cwd?: string | undefined;
  /** How many processes run the application; default as many as there are processors, at most 4. */
  readonly workers?: number | undefined;
  /** How many threads each worker has. One thread serves one request at a time. Default 1. */
  readonly threads?: number | undefined;
  /**
   * The path at which the application is mounted, such as `/legacy`; it becomes SCRIPT_NAME. Default "", the
   * root.
   */
  readonly scriptName?: string | undefined;
  /** The secret of signed cookies, for `squall_wsgi.signed_cookie` in the application; default none. */
  readonly cookieSecret?: CookieSecret | undefined;
  /**
   * How many requests may wait for a thread; more are answered with 503. Default 1000, `Infinity` for no
   * limit.
   */
  readonly maxQueue?: number | undefined;
  /**
   * How long a request waits for a thread before it is answered with 503, in milliseconds; default 30 s,
   * `Infinity`: no limit.
   */
  readonly queueTimeout?: number | undefined;
  /**
   * How long the application may take for a request, in milliseconds; default 60 s, `Infinity`: no limit.
   * While it waits for the client, for more of the body or for room in the connection, the time stands still.
   * A request that takes longer is answered with 504 or broken off, and its worker is replaced: Python has no
   * way to end a thread.
   */
  readonly requestTimeout?: number | undefined;
  /**
   * How long a worker may take to load the application, in milliseconds; default 30 s, `Infinity`: no limit.
   */
  readonly startTimeout?: number | undefined;
  /**
   * How many workers that ended by themselves are replaced before the container gives up; default 100,
   * `Infinity`: no limit.
   */
  readonly maxRestarts?: number | undefined;
  /** The loop that it belongs to; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set([
  "cookieSecret",
  "cwd",
  "env",
  "ioLoop",
  "maxQueue",
  "maxRestarts",
  "python",
  "pythonPath",
  "queueTimeout",
  "requestTimeout",
  "scriptName",
  "startTimeout",
  "threads",
  "virtualenv",
  "workers",
] satisfies readonly (keyof WSGIContainerOptions)[]);

/** `module:callable`, `package.module:object.callable` or `module:factory()`. */
const APPLICATION =
  /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*:[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*(\(\))?$/u;

/** {@link WSGIContainerOptions}, complete and checked. */
export interface WSGISettings {
  readonly application: string;
  /** The interpreter, and the option that named it. */
  readonly python: string;
  readonly pythonOption: "python" | "virtualenv";
  readonly pythonPath: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly workers: number;
  readonly threads: number;
  readonly scriptName: string;
  readonly cookieSecret: CookieSecret | undefined;
  readonly maxQueue: number;
  readonly queueTimeout: number;
  readonly requestTimeout: number;
  readonly startTimeout: number;
  readonly maxRestarts: number;
  readonly ioLoop: IOLoop;
}

/**
 * Fills defaults in and checks types and ranges; whether folders and programs exist is asked when workers
 * start.
 * @throws InvalidArgumentError for an option that is unknown or of the wrong type or range.
 */
export function resolveWSGIOptions(application: string, options: WSGIContainerOptions): WSGISettings {
  checkNames("option of WSGIContainer", options, OPTION_NAMES, false);
  if (!APPLICATION.test(checkString("application", application))) {
    throw new InvalidArgumentError(
      `application must look like "package.module:callable" or "package.module:factory()", got ${JSON.stringify(application)}`,
    );
  }
  const { python, virtualenv } = options;
  if (python !== undefined && virtualenv !== undefined) {
    throw new InvalidArgumentError("python and virtualenv name two interpreters; give one of them");
  }
  const cwd = resolve(checkString("cwd", options.cwd ?? "."));
  return {
    application,
    python:
      virtualenv === undefined
        ? checkString("python", python ?? "python3")
        : join(resolve(checkString("virtualenv", virtualenv)), "bin", "python"),
    pythonOption: virtualenv === undefined ? "python" : "virtualenv",
    pythonPath: checkFolders(options.pythonPath ?? []).map((folder) => resolve(cwd, folder)),
    env: options.env ?? {},
    cwd,
    workers: checkInteger("workers", options.workers ?? Math.min(cpuCount(), 4), { min: 1 }),
    threads: checkInteger("threads", options.threads ?? 1, { min: 1, max: 1000 }),
    scriptName: checkScriptName(options.scriptName ?? ""),
    cookieSecret: options.cookieSecret,
    maxQueue: checkLimit("maxQueue", options.maxQueue ?? 1000),
    queueTimeout: checkMilliseconds("queueTimeout", options.queueTimeout ?? 30_000),
    requestTimeout: checkMilliseconds("requestTimeout", options.requestTimeout ?? 60_000),
    startTimeout: checkMilliseconds("startTimeout", options.startTimeout ?? 30_000),
    maxRestarts: checkLimit("maxRestarts", options.maxRestarts ?? 100),
    ioLoop: options.ioLoop ?? IOLoop.current(),
  };
}

function checkFolders(folders: readonly string[]): readonly string[] {
  if (typeof folders === "string" || !Array.isArray(folders)) {
    throw new InvalidArgumentError(
      `pythonPath must be a list of folders${typeof folders === "string" ? `, such as ${JSON.stringify(String(folders).split(delimiter))}` : ""}`,
    );
  }
  return folders.map((folder) => checkString("a folder of pythonPath", folder));
}

function checkScriptName(name: string): string {
  if (checkString("scriptName", name) === "" || (/^\/[^?#]*[^/?#]$/.test(name) && !name.includes("%"))) {
    return Buffer.from(name).toString("latin1");
  }
  throw new InvalidArgumentError(
    `scriptName must be empty, or a path such as "/legacy": it begins with a slash, does not end with one and is not percent-encoded, got ${JSON.stringify(name)}`,
  );
}

/** True if there is such a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
