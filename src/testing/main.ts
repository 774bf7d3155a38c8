/**
 * A test runner for the command line: Node's own, with Tornado's options and the terse report of Python's
 * `unittest`.
 *
 *     import { main } from "squall/testing";
 *     await main();          //  node run-tests.mjs [--verbose] [--failfast] [FILE | FOLDER | NAME …]
 *
 * Each file runs in a process of its own, as with `node --test`.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { OptionParser } from "../base/option-parser.js";

/** Options of {@link main}. */
export interface MainOptions {
  /** The command line, program first; default that of the process, `process.argv.slice(1)`. */
  readonly args?: readonly string[] | undefined;
  /** What is run when the command line names nothing: files and folders; default the current folder. */
  readonly all?: readonly string[] | undefined;
  /** Where the report goes; default stdout. */
  readonly output?: { write(text: string): unknown } | undefined;
}

const TEST_FILE = /\.test\.[cm]?js$/;

interface Outcome {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly error?: unknown };
}

/**
 * The test files in a folder and below, or the file itself; folders of packages and hidden ones are left out.
 */
function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [resolve(path)];
  const found: string[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const inner = join(path, entry.name);
    if (entry.isDirectory()) found.push(...testFiles(inner));
    else if (TEST_FILE.test(entry.name)) found.push(resolve(inner));
  }
  return found.sort();
}

/**
 * Counts what happened and writes it down: a dot a test, or a line with `verbose`, and the failures at the
 * end.
 */
class Report {
  passed = 0;
  skipped = 0;
  readonly failures: Outcome[] = [];
  readonly #write: (text: string) => void;
  readonly #style: "quiet" | "dots" | "lines";
  readonly #held: Map<string, string[]> | undefined;
  #begun = false;

  constructor(write: (text: string) => void, style: "quiet" | "dots" | "lines", buffer: boolean) {
    this.#write = write;
    this.#style = style;
    this.#held = buffer ? new Map() : undefined;
  }

  onPass(outcome: Outcome): void {
    if (outcome.details.type === "suite") return;
    const skipped = outcome.skip !== undefined && outcome.skip !== false;
    if (skipped) this.skipped++;
    else this.passed++;
    this.#report(outcome, skipped ? "s" : ".", skipped ? "skipped" : "ok");
  }

  onFail(outcome: Outcome): void {
    // A suite fails because a test in it did, which was reported; one that failed itself has its own error.
    if (outcome.details.type === "suite" && isAboutSubtests(outcome.details.error)) return;
    this.failures.push(outcome);
    this.#report(outcome, "F", "FAILED");
  }

  /** What a test file printed. */
  onOutput(file: string, text: string): void {
    if (this.#held === undefined) {
      this.#write(text);
      return;
    }
    const held = this.#held.get(file);
    if (held === undefined) this.#held.set(file, [text]);
    else held.push(text);
  }

  finish(milliseconds: number): void {
    if (this.#begun && this.#style === "dots") this.#write("\n");
    for (const { name, file, details } of this.failures) {
      this.#write(
        `\nFAILED: ${name}${file === undefined ? "" : ` (${file})`}\n${shownError(details.error)}\n`,
      );
    }
    for (const file of new Set(this.failures.map((failure) => failure.file ?? ""))) {
      const printed = this.#held?.get(file)?.join("");
      if (printed !== undefined) this.#write(`\nprinted by ${file}:\n${printed}`);
    }
    const count = this.passed + this.failures.length;
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : "";
    const verdict =
      this.failures.length > 0 ? `FAILED (${this.failures.length})` : count > 0 ? "OK" : "no tests";
    this.#write(
      `\nran ${count} ${count === 1 ? "test" : "tests"} in ${(milliseconds / 1000).toFixed(2)} s${skipped}: ${verdict}\n`,
    );
  }

  #report(outcome: Outcome, dot: string, word: string): void {
    this.#begun = true;
    if (this.#style === "dots") this.#write(dot);
    else if (this.#style === "lines") {
      this.#write(`${"  ".repeat(outcome.nesting)}${outcome.name} ... ${word}\n`);
    }
  }
}

function isAboutSubtests(error: unknown): boolean {
  return (error as { failureType?: unknown } | undefined)?.failureType === "subtestsFailed";
}

function shownError(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error;
  return inspect(cause)
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function defineOptions(): OptionParser {
  const parser = new OptionParser();
  const flag = (name: string, value: boolean, help: string): void => {
    parser.define(name, { type: Boolean, default: value, help });
  };
  flag("verbose", false, "a line for each test");
  flag("quiet", false, "nothing but failures and the summary");
  flag("failfast", false, "stop at the first failure");
  flag("catch", false, "finish the file that runs on Ctrl-C; a second one ends at once");
  flag("buffer", false, "hide what passing test files print");
  flag("exceptionOnInterrupt", true, "on Ctrl-C report what has been run; false ends at once");
  return parser;
}

/**
 * Runs tests and reports them. The command line may name test files, folders (every `*.test.js`, `.mjs` and
 * `.cjs` in them) and parts of test names; without files and folders all are run. Options: `--verbose`,
 * `--quiet`, `--failfast`, `--catch`, `--buffer`, `--exception-on-interrupt`, `--help`.
 *
 * Resolves with the exit status (0 when all passed, 1 when not, 130 when interrupted) and sets
 * `process.exitCode` to it. Must not be called inside a test. Tornado: `testing.main`.
 */
export async function main(options: MainOptions = {}): Promise<number> {
  const parser = defineOptions();
  const rest = parser.parseCommandLine({ args: options.args });
  const is = (name: string): boolean => parser.get(name) === true;
  const paths = rest.filter((name) => existsSync(name));
  const names = rest.filter((name) => !existsSync(name));
  const chosen = paths.length > 0 ? paths : (options.all ?? ["."]);
  const output = options.output ?? process.stdout;
  const style = is("quiet") ? "quiet" : is("verbose") ? "lines" : "dots";
  const report = new Report((text) => void output.write(text), style, is("buffer"));
  const end = new AbortController();
  const interrupts = listenForInterrupt(is("exceptionOnInterrupt"), is("catch"), () => {
    output.write("\ninterrupted; again ends at once\n");
    if (!is("catch")) end.abort();
  });
  const started = performance.now();
  try {
    const files = [...new Set(chosen.flatMap(testFiles))];
    for (const batch of is("catch") || is("failfast") ? files.map((file) => [file]) : [files]) {
      if (interrupts.count > 0 || end.signal.aborted) break;
      await runFiles(batch, names, report, end, is("failfast"));
    }
  } finally {
    interrupts.stop();
  }
  report.finish(performance.now() - started);
  const status = interrupts.count > 0 ? 130 : report.failures.length > 0 ? 1 : 0;
  process.exitCode = status;
  return status;
}

async function runFiles(
  files: readonly string[],
  names: readonly string[],
  report: Report,
  end: AbortController,
  failfast: boolean,
): Promise<void> {
  const stream = process.getBuiltinModule("node:test").run({
    files,
    concurrency: false,
    signal: end.signal,
    ...(names.length > 0 ? { testNamePatterns: names.map((name) => new RegExp(escapeRegExp(name))) } : {}),
  });
  const unlessEnded =
    <T>(tell: (event: T) => void) =>
    (event: T): void => {
      if (!end.signal.aborted) tell(event);
    };
  stream.on(
    "test:pass",
    unlessEnded((event: Outcome) => report.onPass(event)),
  );
  stream.on(
    "test:fail",
    unlessEnded((event: Outcome) => {
      report.onFail(event);
      if (failfast && report.failures.length > 0) end.abort();
    }),
  );
  const print = ({ file, message }: { file?: string | undefined; message: string }): void =>
    report.onOutput(file ?? "", message);
  stream.on("test:stdout", print);
  stream.on("test:stderr", print);
  for await (const _event of stream);
}

/** Ctrl-C: the first one ends the run softly, as the options say; the second one has its usual effect. */
function listenForInterrupt(
  report: boolean,
  finishFile: boolean,
  onInterrupt: () => void,
): { readonly count: number; stop(): void } {
  let count = 0;
  const listener = (): void => {
    count++;
    process.removeListener("SIGINT", listener);
    onInterrupt();
  };
  if (report || finishFile) process.on("SIGINT", listener);
  return {
    get count() {
      return count;
    },
    stop: () => void process.removeListener("SIGINT", listener),
  };
}
