/** Programs that tests start: found ready by what they print, and gone when the test is over. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { TestContext } from "node:test";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Child {
  readonly #child: ChildProcessWithoutNullStreams;
  #output = "";
  /** Resolves with the next output; made when somebody waits for it. */
  #more: Promise<"more"> | undefined = undefined;
  #onMore: ((more: "more") => void) | undefined = undefined;
  /** How the program ended, once it has. */
  readonly ended: Promise<Ended>;

  constructor(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>> = {},
    cwd?: string,
  ) {
    this.#child = spawn(command, args, { cwd, env: { ...process.env, NODE_OPTIONS: "", ...env } });
    const hear = (text: string): void => {
      this.#output += text;
      this.#onMore?.("more");
      this.#more = undefined;
    };
    this.#child.stdout.setEncoding("utf8").on("data", hear);
    this.#child.stderr.setEncoding("utf8").on("data", hear);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => resolve({ code, signal }));
    });
    // A program that could not be started rejects for whoever waits; nobody has to.
    this.ended.catch(() => {});
  }

  /** Starts a program that is killed, if it still runs, when the test is over. */
  static start(
    context: TestContext,
    command: string,
    args: readonly string[],
    env?: Readonly<Record<string, string | undefined>>,
    cwd?: string,
  ): Child {
    const child = new Child(command, args, env, cwd);
    context.after(() => child.kill("SIGKILL"));
    return child;
  }

  /** All that it has printed so far, on both channels. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves when what was printed matches; rejects when the program ends before it does. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      this.#more ??= new Promise((resolve) => {
        this.#onMore = resolve;
      });
      if ((await Promise.race([this.#more, this.ended])) !== "more" && !pattern.test(this.#output)) {
        throw new Error(`the program ended without printing ${pattern}:\n${this.#output}`);
      }
    }
  }

  /** Writes to its standard input and closes that. */
  input(text: string): void {
    // A program that ends without reading its input closes the pipe; how it ended is what the test looks at.
    this.#child.stdin.on("error", () => {});
    this.#child.stdin.end(text);
  }

  /** Sends a signal and resolves with how the program ended. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.#child.kill(signal);
    return await this.ended;
  }
}

/** Runs a program to its end; resolves with its exit code and everything it printed. */
export async function run(
  context: TestContext,
  command: string,
  args: readonly string[],
  input = "",
): Promise<{ code: number | null; output: string }> {
  const child = Child.start(context, command, args);
  child.input(input);
  const { code } = await child.ended;
  return { code, output: child.output };
}
