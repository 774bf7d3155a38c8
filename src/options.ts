/** `squall/options`: the command line and configuration files. */
export {
  type AllowedDefault,
  type NewValue,
  Option,
  type OptionDefinition,
  type OptionElement,
  OptionError as Error,
  OptionError,
  type OptionShape,
  type OptionValue,
  type TypedDefinition,
} from "./base/option.js";
export type { ConfigValues } from "./base/option-file.js";
export {
  type Mockable,
  OptionParser,
  type ParseCommandLineOptions,
  type ParseConfigOptions,
  type PrintHelpOptions,
} from "./base/option-parser.js";
export { Duration, datetimeFormats, formatDuration, Integer, type OptionType } from "./base/option-values.js";
export {
  addParseCallback,
  type DefinedOptions,
  define,
  options,
  parseCommandLine,
  parseConfigFile,
  printHelp,
} from "./base/options.js";
