/** The command `squall autoreload`. */
import { enablePrettyLogging } from "../base/options.js";
import { endLike } from "../net/process/foreground.js";
import { type SupervisedProgram, supervise } from "./supervisor.js";

/** Options of {@link main}. */
export interface AutoreloadMainOptions {
  /** The arguments, without the command's own name; default those of the process, `process.argv.slice(2)`. */
  readonly args?: readonly string[] | undefined;
}

const USAGE = `usage: squall autoreload [options] script.js [arg …]
       squall autoreload [options] -m package [arg …]

Runs a program and starts it again when one of its source files changes, also after it has failed.

options:
  -m package       run the main module of a package, found from the current folder
  --until-success  stop when the program has ended with status 0
  --node=OPTION    an option for node, such as --node=--inspect; may be given several times
  -h, --help       show this text
`;

/**
 * Runs a package by its name, which is looked for from the current folder: there text from `--eval` is at
 * home.
 */
const RUN_PACKAGE = "await import(process.argv[1])";

/** What the command line asks for; undefined if it asks for nothing that we know. */
function parseArguments(args: readonly string[]): SupervisedProgram | "help" | undefined {
  const nodeOptions: string[] = [];
  let untilSuccess = false;
  let isPackage = false;
  let index = 0;
  for (; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "-h" || arg === "--help") return "help";
    if (arg === "--until-success") untilSuccess = true;
    else if (arg.startsWith("--node=")) nodeOptions.push(arg.slice("--node=".length));
    else if (arg === "-m") {
      isPackage = true;
      index++;
      break;
    } else if (arg === "--") {
      index++;
      break;
    } else if (arg.startsWith("-")) return undefined;
    else break;
  }
  const [name, ...rest] = args.slice(index);
  if (name === undefined) return undefined;
  const how = isPackage ? ["--input-type=module", "--eval", RUN_PACKAGE, "--"] : [];
  const nodeArgs = [...ownNodeOptions(), ...nodeOptions, ...how, name, ...rest];
  return { name, nodeArgs, untilSuccess };
}

/**
 * The options that this process was started with, for the program, too; but there is one port for a debugger.
 */
function ownNodeOptions(): string[] {
  return process.execArgv.filter((option) => !option.startsWith("--inspect"));
}

/**
 * The command `squall autoreload`: runs a program as long as there is something to run, see {@link
 * supervise}, and then ends this process as the program ended. With arguments that it does not understand it
 * prints how it is used and sets the exit status 2. Tornado: `autoreload.main`.
 */
export async function main(options: AutoreloadMainOptions = {}): Promise<void> {
  const program = parseArguments(options.args ?? process.argv.slice(2));
  if (program === "help") {
    process.stdout.write(USAGE);
    return;
  }
  if (program === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  enablePrettyLogging();
  endLike(await supervise(program));
}
