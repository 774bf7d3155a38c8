/** The options of the program: one parser for all, which knows the options of logging from the beginning. */

import type { Logger } from "./log.js";
import { rootLogger } from "./log.js";
import { applyLoggingOptions, defineLoggingOptions } from "./log-options.js";
import type { Option, OptionShape, OptionValue, TypedDefinition } from "./option.js";
import type { ParseCommandLineOptions, ParseConfigOptions, PrintHelpOptions } from "./option-parser.js";
import { defineFrom, OptionParser } from "./option-parser.js";
import type { OptionType } from "./option-values.js";

/**
 * The types of the options on {@link options}, for the compiler. A program adds its own:
 *
 *     declare module "squall/options" {
 *       interface DefinedOptions { port: number }
 *     }
 */
export interface DefinedOptions {
  /** The least level to log: `debug`, `info`, `warning`, `error`, or `none` to leave logging alone. */
  logging: string;
}

/** The program's options. Each is a property: `options.port`. */
export const options: OptionParser & DefinedOptions = new OptionParser() as OptionParser & DefinedOptions;
defineLoggingOptions(options);

/** Defines an option of the program, see {@link OptionParser.define}. */
export function define<
  const V = undefined,
  Ty extends OptionType = OptionType,
  const M extends boolean = false,
>(name: string, definition?: TypedDefinition<V, Ty, M>): Option<OptionValue<OptionShape<V, Ty, M>>> {
  return defineFrom(options, name, definition, define);
}

/** Reads the program's options from the command line, see {@link OptionParser.parseCommandLine}. */
export function parseCommandLine(
  args: readonly string[],
  more?: Omit<ParseCommandLineOptions, "args">,
): string[];
export function parseCommandLine(how?: ParseCommandLineOptions): string[];
export function parseCommandLine(
  first?: readonly string[] | ParseCommandLineOptions,
  second?: Omit<ParseCommandLineOptions, "args">,
): string[] {
  return options.parseCommandLine(first as readonly string[], second);
}

/** Reads the program's options from a file, see {@link OptionParser.parseConfigFile}. */
export function parseConfigFile(path: string | URL, how?: ParseConfigOptions): Promise<void> {
  return options.parseConfigFile(path, how);
}

/** Prints the program's options, see {@link OptionParser.printHelp}. */
export function printHelp(how?: PrintHelpOptions): void {
  options.printHelp(how);
}

/** Adds a function that runs when the program's options have been read. */
export function addParseCallback(callback: () => void): void {
  options.addParseCallback(callback);
}

/** Options of {@link enablePrettyLogging}. */
export interface PrettyLoggingOptions {
  /** Where the options of logging are read; default the program's {@link options}. */
  readonly options?: OptionParser | undefined;
  /** The logger to set up; default the root. */
  readonly logger?: Logger | undefined;
}

/**
 * Sets logging up as the options say: the level, files with rotation, and stderr with colours if it is a
 * terminal, unless there are files or handlers already. `parseCommandLine()` does it by itself; a program
 * without options calls it once. With `--logging=none` it does nothing. Calling it again replaces what it did
 * before.
 */
export function enablePrettyLogging(how: PrettyLoggingOptions = {}): void {
  applyLoggingOptions(how.options ?? options, how.logger ?? rootLogger);
}
