/**
 * A set of options: defined where they are used, read from the command line and from configuration files.
 *
 *     const port = define("port", { default: 8888, help: "where to listen" });
 *     const rest = parseCommandLine();      // --port=80 -debug file.txt
 *     port.value;                           // 80, a number for the compiler too
 *     options.port;                         // the same, by name
 *
 * In names `log_file`, `log-file` and `logFile` are the same.
 */
import { basename } from "node:path";
import { callSite } from "./call-site.js";
import {
  Option,
  type OptionDefinition,
  OptionError,
  type OptionShape,
  type OptionValue,
  type TypedDefinition,
} from "./option.js";
import { type ConfigValues, readConfigFile } from "./option-file.js";
import { helpText } from "./option-help.js";
import type { OptionType } from "./option-values.js";

/** One spelling for each name: words in lower case with hyphens between. */
export function normaliseName(name: string): string {
  return name
    .replaceAll("_", "-")
    .replace(/([a-z\d])([A-Z])/g, (_, a: string, b: string) => `${a}-${b.toLowerCase()}`);
}

/** What {@link OptionParser.parseCommandLine} can be told. */
export interface ParseCommandLineOptions {
  /** The arguments, the program's name first; default those of the process, `process.argv.slice(1)`. */
  readonly args?: readonly string[] | undefined;
  /** `false` leaves the parse callbacks for later, when a configuration file is still to be read; default `true`. */
  readonly final?: boolean | undefined;
}

/** What {@link OptionParser.parseConfigFile} can be told. */
export interface ParseConfigOptions {
  /** `false` leaves the parse callbacks for later; default `true`. */
  readonly final?: boolean | undefined;
}

/** What {@link OptionParser.printHelp} can be told. */
export interface PrintHelpOptions {
  /** Where to print; default stderr. */
  readonly file?: { write(text: string): unknown } | undefined;
  /** The program's name in the first line; default the name of the script. */
  readonly program?: string | undefined;
}

/** A place to change options for the time of a test, see {@link OptionParser.mockable}. */
export interface Mockable extends Disposable {
  [name: string]: unknown;
}

interface State {
  /** By normalised name. */
  readonly options: Map<string, Option>;
  readonly parseCallbacks: (() => void)[];
}

// Beside the objects and not in them: no name of an option can collide with it, and parser and proxy share it.
const states = new WeakMap<OptionParser, State>();

function stateOf(parser: OptionParser): State {
  const state = states.get(parser);
  if (state === undefined) throw new TypeError("this is not an OptionParser");
  return state;
}

/** A set of options. Besides the methods, each option is a property: `parser.port`. */
export class OptionParser implements Iterable<string> {
  /** A parser knows `--help` from the beginning. */
  constructor() {
    const proxy = new Proxy<OptionParser>(this, PROPERTIES);
    const state: State = { options: new Map(), parseCallbacks: [] };
    states.set(this, state).set(proxy, state);
    addOption(
      this,
      "help",
      { type: Boolean, help: "show this help information", group: "" },
      (value) => {
        if (!value) return;
        proxy.printHelp();
        process.exit(0);
      },
      "",
    );
    // biome-ignore lint/correctness/noConstructorReturn: the proxy gives options as properties
    return proxy;
  }

  /**
   * Defines an option and returns it; `option.value` has the type that the definition implies. The callback gets each
   * new value. Throws an {@link OptionError} if the name is taken, in any spelling.
   */
  define<const V = undefined, Ty extends OptionType = OptionType, const M extends boolean = false>(
    name: string,
    definition?: TypedDefinition<V, Ty, M>,
  ): Option<OptionValue<OptionShape<V, Ty, M>>> {
    return defineFrom(this, name, definition, this.define);
  }

  /** The value of an option. Throws an {@link OptionError} for a name that is not defined. */
  get(name: string): unknown {
    return find(this, name).value;
  }

  /** Sets an option as {@link Option.set} does. Throws an {@link OptionError} for a name that is not defined. */
  set(name: string, value: unknown): void {
    find(this, name).set(value);
  }

  /** Whether an option of that name is defined. */
  has(name: string): boolean {
    return stateOf(this).options.has(normaliseName(name));
  }

  /** The names, as defined, in the order of definition. */
  *[Symbol.iterator](): IterableIterator<string> {
    for (const option of stateOf(this).options.values()) yield option.name;
  }

  /** Names and values, in the order of definition. */
  *items(): IterableIterator<[name: string, value: unknown]> {
    for (const option of stateOf(this).options.values()) yield [option.name, option.value];
  }

  /** The names of the groups. */
  groups(): Set<string> {
    return new Set(Array.from(stateOf(this).options.values(), (option) => option.group));
  }

  /** Names and values of one group; of the group "" all. For handing options on: `new Application(routes, options.groupDict("app"))`. */
  groupDict(group: string): Record<string, unknown> {
    const options = [...stateOf(this).options.values()];
    return Object.fromEntries(
      options
        .filter((option) => group === "" || option.group === group)
        .map(({ name, value }) => [name, value]),
    );
  }

  /** All names and values. */
  asDict(): Record<string, unknown> {
    return Object.fromEntries(this.items());
  }

  /**
   * Reads arguments `--name=value` (or with one hyphen; a boolean may stand alone) up to the first that is no option, or
   * `--`, and returns the rest. Afterwards the parse callbacks run, unless `final` is false. An option that is not known
   * prints the help and throws, as does a missing or wrong value ({@link OptionError}).
   */
  parseCommandLine(args: readonly string[], options?: { readonly final?: boolean | undefined }): string[];
  parseCommandLine(options?: ParseCommandLineOptions): string[];
  parseCommandLine(
    first?: readonly string[] | ParseCommandLineOptions,
    second?: { readonly final?: boolean | undefined },
  ): string[] {
    const options: ParseCommandLineOptions = isList(first) ? { ...second, args: first } : (first ?? {});
    const args = options.args ?? process.argv.slice(1);
    let index = 1;
    for (; index < args.length; index++) {
      const arg = args[index] as string;
      if (!arg.startsWith("-")) break;
      if (arg === "--") {
        index++;
        break;
      }
      parseArgument(this, arg);
    }
    if (options.final ?? true) this.runParseCallbacks();
    return args.slice(index);
  }

  /**
   * Reads a configuration file, JSON or a JavaScript module, and sets what it names of the defined options, see
   * {@link OptionParser.parseConfig}.
   */
  async parseConfigFile(path: string, options: ParseConfigOptions = {}): Promise<void> {
    this.parseConfig(await readConfigFile(path), options);
  }

  /**
   * Sets options from an object; names that are not defined are passed over. Text is read as on the command line unless
   * the option's type is text. Afterwards the parse callbacks run, unless `final` is false. Throws an
   * {@link OptionError} for a value that does not fit.
   */
  parseConfig(values: ConfigValues, options: ParseConfigOptions = {}): void {
    for (const [name, value] of Object.entries(values)) {
      const option = stateOf(this).options.get(normaliseName(name));
      if (option === undefined) continue;
      if (typeof value === "string" && (option.multiple || option.type !== String)) option.parse(value);
      else option.set(value);
    }
    if (options.final ?? true) this.runParseCallbacks();
  }

  /** Prints what options there are. */
  printHelp(options: PrintHelpOptions = {}): void {
    const program = options.program ?? basename(process.argv[1] ?? "node");
    (options.file ?? process.stderr).write(helpText(program, stateOf(this).options));
  }

  /** Adds a function that runs when everything has been read. */
  addParseCallback(callback: () => void): void {
    stateOf(this).parseCallbacks.push(callback);
  }

  /** Runs the parse callbacks, in the order in which they were added. */
  runParseCallbacks(): void {
    for (const callback of stateOf(this).parseCallbacks) callback();
  }

  /**
   * An object whose properties are the options: setting one lasts until it is deleted or the object disposed.
   *
   *     using mock = options.mockable();
   *     mock.port = 0;
   *
   * Throws an {@link OptionError} for an option that is changed a second time.
   */
  mockable(): Mockable {
    return new Proxy<Mockable>({ [Symbol.dispose]() {} }, new MockHandler(this));
  }
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

function find(parser: OptionParser, name: string): Option {
  const option = stateOf(parser).options.get(normaliseName(name));
  if (option === undefined)
    throw new OptionError(`there is no option ${JSON.stringify(name)}; define it first`);
  return option;
}

function addOption<T>(
  parser: OptionParser,
  name: string,
  definition: OptionDefinition,
  callback: ((value: T) => void) | undefined,
  file: string,
): Option<T> {
  const { options } = stateOf(parser);
  const key = normaliseName(name);
  const earlier = options.get(key);
  if (earlier !== undefined) {
    throw new OptionError(
      `option ${JSON.stringify(name)} is already defined in ${earlier.file || "squall itself"}`,
    );
  }
  const option = new Option<T>(name, definition, callback, file);
  options.set(key, option as Option);
  return option;
}

/** @internal `define` for functions that stand before it: `entry` is the one that the user called. */
export function defineFrom<const V, Ty extends OptionType, const M extends boolean>(
  parser: OptionParser,
  name: string,
  definition: TypedDefinition<V, Ty, M> | undefined,
  entry: unknown,
): Option<OptionValue<OptionShape<V, Ty, M>>> {
  const { callback, ...rest }: TypedDefinition<V, Ty, M> = definition ?? {};
  return addOption(parser, name, rest, callback, callSite(entry).path);
}

function parseArgument(parser: OptionParser, arg: string): void {
  const text = arg.replace(/^-+/, "");
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const option = stateOf(parser).options.get(normaliseName(name));
  if (option === undefined) {
    parser.printHelp();
    throw new OptionError(`there is no command line option ${JSON.stringify(name)}`);
  }
  if (equals < 0 && !option.isFlag) throw new OptionError(`option ${JSON.stringify(name)} needs a value`);
  option.parse(equals < 0 ? "true" : text.slice(equals + 1));
}

/** Options as properties of the parser; its own members come first. */
const PROPERTIES: ProxyHandler<OptionParser> = {
  get(target, key) {
    if (typeof key === "symbol" || key in target) return Reflect.get(target, key);
    const option = stateOf(target).options.get(normaliseName(key));
    if (option !== undefined) return option.value;
    // Whoever inspects or awaits an object asks for these; everybody else has misspelt a name.
    if (key === "then" || key === "toJSON" || key === "inspect") return undefined;
    throw new OptionError(`there is no option ${JSON.stringify(key)}; define it first`);
  },
  set(target, key, value) {
    find(target, String(key)).set(value);
    return true;
  },
  has: (target, key) => key in target || (typeof key === "string" && target.has(key)),
};

class MockHandler implements ProxyHandler<Mockable> {
  readonly #parser: OptionParser;
  readonly #saved = new Map<Option, ReturnType<Option["save"]>>();

  constructor(parser: OptionParser) {
    this.#parser = parser;
  }

  get(_target: Mockable, key: string | symbol): unknown {
    if (key === Symbol.dispose) return () => this.#restoreAll();
    return typeof key === "string" ? this.#parser.get(key) : undefined;
  }

  set(_target: Mockable, key: string | symbol, value: unknown): boolean {
    const option = find(this.#parser, String(key));
    if (this.#saved.has(option)) {
      throw new OptionError(
        `option ${option.name} is replaced already; use another mockable() for the second time`,
      );
    }
    const before = option.save();
    option.set(value);
    this.#saved.set(option, before);
    return true;
  }

  deleteProperty(_target: Mockable, key: string | symbol): boolean {
    const option = find(this.#parser, String(key));
    const saved = this.#saved.get(option);
    if (saved !== undefined) option.restore(saved);
    this.#saved.delete(option);
    return true;
  }

  #restoreAll(): void {
    for (const [option, saved] of this.#saved) option.restore(saved);
    this.#saved.clear();
  }
}
