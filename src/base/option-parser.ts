/**
 * A set of options: defined where they are used, read from the command line and from configuration files.
 *
 *     const port = define("port", { default: 8888, help: "where to listen" });
 *     const rest = parseCommandLine();      // --port=80 -debug file.txt
 *     port.value;                           // 80, a number for the compiler too
 *     options.port;                         // the same, by name
 *
 * In names `log_file`, `log-file` and `logFile` are the same.
 *
 * Options take effect in the order of the command line. The callback of an option may read a configuration
 * file, and a file that is a module takes a promise; the options behind it wait. Until then no value may be
 * read, because it could still change: that is an error, and `await parser.ready()` the remedy.
 */
import { basename } from "node:path";
import { callSite } from "./call-site.js";
import { filePath } from "./file-path.js";
import { camelCase, checkNames, nearestName, optionNames } from "./nearest-name.js";
import {
  Option,
  type OptionDefinition,
  OptionError,
  type OptionShape,
  type OptionValue,
  type TypedDefinition,
} from "./option.js";
import { type ConfigFile, type ConfigValues, readConfigFile } from "./option-file.js";
import { helpText } from "./option-help.js";
import type { OptionType } from "./option-values.js";

/** One spelling for each name: words in lower case with hyphens between. */
function normaliseName(name: string): string {
  return name
    .replaceAll("_", "-")
    .replace(/([a-z\d])([A-Z])/g, (_, a: string, b: string) => `${a}-${b.toLowerCase()}`);
}

/** Options of {@link OptionParser.parseCommandLine}. */
export interface ParseCommandLineOptions {
  /** The arguments, the program's name first; default those of the process, `process.argv.slice(1)`. */
  readonly args?: readonly string[] | undefined;
  /**
   * `false` leaves the parse callbacks for later, when a configuration file is still to be read; default
   * `true`.
   */
  readonly final?: boolean | undefined;
  /**
   * Whether a mistake of the user ends the process, with one line on stderr and status 2, instead of
   * throwing. Default: if the arguments are those of the process.
   */
  readonly exit?: boolean | undefined;
}

const DEFINITION: ReadonlySet<string> = new Set([
  "callback",
  ...optionNames<OptionDefinition>({ default: 1, type: 1, help: 1, metavar: 1, multiple: 1, group: 1 }),
]);

const PARSE_COMMAND_LINE_OPTIONS = optionNames<ParseCommandLineOptions>({ args: 1, final: 1, exit: 1 });

/** Options of {@link OptionParser.parseConfigFile}. */
export interface ParseConfigOptions {
  /** `false` leaves the parse callbacks for later; default `true`. */
  readonly final?: boolean | undefined;
}

const PARSE_CONFIG_OPTIONS = optionNames<ParseConfigOptions>({ final: 1 });

interface ArgumentList {
  readonly assignments: readonly { readonly option: Option; readonly text: string }[];
  readonly rest: string[];
}

/** Options of {@link OptionParser.printHelp}. */
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
  /** The promises of callbacks that have not been waited for. */
  readonly pending: PromiseLike<unknown>[];
  /** The command line whose options are still taking effect. */
  unfinished: Promise<void> | undefined;
}

// Beside the objects and not in them: no name of an option can collide with it, and parser and proxy share
// it.
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
    const state: State = { options: new Map(), parseCallbacks: [], pending: [], unfinished: undefined };
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
   * Defines an option and returns it; `option.value` has the type that the definition implies. The callback
   * gets each new value. Throws an {@link OptionError} if the name is taken, in any spelling, and an
   * `InvalidArgumentError` for an unknown part of the definition.
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

  /**
   * Sets an option as {@link Option.set} does. Throws an {@link OptionError} for a name that is not defined.
   */
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

  /**
   * Names and values of one group; of the group "" all. For handing options on: `new Application(routes,
   * options.groupDict("app"))`.
   */
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
   * Reads arguments `--name=value` or `--name value` (or with one hyphen; a boolean may stand alone) up to
   * the first that is not an option, or `--`, and returns the rest. Then the parse callbacks run, unless
   * `final` is false.
   *
   * Without `args` it reads those of the process, and a mistake there ends the process with one line on
   * stderr and status 2. An option whose callback returns a promise makes the options behind it wait: {@link
   * OptionParser.ready}.
   *
   * @throws OptionError (`ERR_SQUALL_OPTION`) with `args` (or `exit: false`), for an unknown option, a
   * missing or an invalid value; of an unknown or incomplete option nothing has taken effect
   */
  parseCommandLine(args: readonly string[], options?: Omit<ParseCommandLineOptions, "args">): string[];
  parseCommandLine(options?: ParseCommandLineOptions): string[];
  parseCommandLine(
    first?: readonly string[] | ParseCommandLineOptions,
    second?: Omit<ParseCommandLineOptions, "args">,
  ): string[] {
    const options: ParseCommandLineOptions = isList(first) ? { ...second, args: first } : (first ?? {});
    checkNames("option of parseCommandLine()", options, PARSE_COMMAND_LINE_OPTIONS);
    const exit = options.exit ?? options.args === undefined;
    try {
      const { assignments, rest } = scan(this, options.args ?? process.argv.slice(1));
      applyAll(this, assignments, options.final ?? true, exit);
      return rest;
    } catch (error) {
      if (exit) endProcess(error);
      throw error;
    }
  }

  /**
   * Resolves when all options of the command line have taken effect: at once, unless the callback of one
   * returned a promise, as `parseConfigFile` does for a module. Rejects with the error of such a callback, or
   * of an option behind it.
   */
  ready(): Promise<void> {
    return stateOf(this).unfinished ?? Promise.resolve();
  }

  /**
   * Reads a configuration file (a path or a `file:` URL), JSON or a JavaScript module, and sets the
   * options that it names, see {@link OptionParser.parseConfig}. The values of a JSON file are set when
   * the call returns, those of a module when the promise resolves. So it can be the callback of an option:
   *
   *     define("config", { callback: (path: string) => parseConfigFile(path, { final: false }) });
   *
   * @throws OptionError (`ERR_SQUALL_OPTION`, as a rejection) with file and line, if the file cannot be read,
   * a value is invalid or a name misspelt
   */
  parseConfigFile(path: string | URL, options: ParseConfigOptions = {}): Promise<void> {
    checkNames("option of parseConfigFile()", options, PARSE_CONFIG_OPTIONS);
    const take = (file: ConfigFile): void => {
      for (const [name, value] of Object.entries(file.values)) {
        try {
          configure(this, name, value);
        } catch (cause) {
          throw new OptionError(`${file.placeOf(name)}: ${(cause as Error).message}`, { cause });
        }
      }
      if (options.final ?? true) this.runParseCallbacks();
    };
    // Not an async function: what JSON says is set before this returns.
    try {
      const file = readConfigFile(filePath("path", path));
      if (file instanceof Promise) return file.then(take);
      take(file);
      return DONE;
    } catch (error) {
      return failed(error);
    }
  }

  /**
   * Sets options from an object. A name that is not defined is ignored, unless it resembles one that is and
   * is not in capitals, as constants are. Text is read as on the command line unless the option's type is
   * text. A length of time is text or an object such as `{ minutes: 5 }`; a bare number is refused, because
   * it does not say its unit. Then the parse callbacks run, unless `final` is false.
   *
   * @throws OptionError (`ERR_SQUALL_OPTION`) for an invalid value or a misspelt name
   */
  parseConfig(values: ConfigValues, options: ParseConfigOptions = {}): void {
    for (const [name, value] of Object.entries(values)) configure(this, name, value);
    if (options.final ?? true) this.runParseCallbacks();
  }

  /** Prints the options with their help. */
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

/** `; did you mean --port?`, or nothing. */
function hint(parser: OptionParser, name: string, prefix = ""): string {
  const names = [...stateOf(parser).options.values()].map((option) => option.name);
  const nearest = nearestName(name, names.map(camelCase));
  const found = names.find((candidate) => camelCase(candidate) === nearest);
  return found === undefined ? "" : `; did you mean ${prefix}${found}?`;
}

function find(parser: OptionParser, name: string): Option {
  const option = stateOf(parser).options.get(normaliseName(name));
  if (option === undefined) {
    throw new OptionError(
      `there is no option ${JSON.stringify(name)}${hint(parser, name) || "; define it first"}`,
    );
  }
  return option;
}

function configure(parser: OptionParser, name: string, value: unknown): void {
  const option = stateOf(parser).options.get(normaliseName(name));
  if (option === undefined) {
    // A file may be there for several programs, or have constants of its own, as those of Tornado do. A slip
    // of the finger is meant for this one.
    const meant = name === name.toUpperCase() ? "" : hint(parser, name);
    if (meant !== "") throw new OptionError(`there is no option ${JSON.stringify(name)}${meant}`);
    return;
  }
  try {
    option.configure(value);
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    throw new OptionError(`option ${option.name}: ${(cause as Error).message}`, { cause });
  }
}

function addOption<T>(
  parser: OptionParser,
  name: string,
  definition: OptionDefinition,
  callback: ((value: T) => unknown) | undefined,
  file: string,
): Option<T> {
  const state = stateOf(parser);
  const key = normaliseName(name);
  const earlier = state.options.get(key);
  if (earlier !== undefined) {
    throw new OptionError(
      `option ${JSON.stringify(name)} is already defined in ${earlier.file || "squall itself"}`,
    );
  }
  const onValue =
    callback &&
    ((value: T): void => {
      const result = callback(value);
      if (!isPromise(result) || result === DONE) return;
      throwIfFailed(result);
      state.pending.push(result);
    });
  const mayRead = (): void => {
    if (state.unfinished === undefined) return;
    throw new OptionError(
      `option ${name} may still change: a configuration file is being read; await ready() of the options first`,
    );
  };
  const option = new Option<T>(name, definition, onValue, file, mayRead);
  state.options.set(key, option as Option);
  return option;
}

/** What reading a JSON file returns: its values are set, so there is nothing to wait for. */
const DONE: Promise<void> = Promise.resolve();

const failures = new WeakMap<object, unknown>();

/** A rejection that {@link throwIfFailed} recognises without waiting. */
function failed(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  failures.set(promise, error);
  return promise;
}

/** Throws the error of a file that could not be read, at the option that named it. */
function throwIfFailed(result: PromiseLike<unknown>): void {
  if (!failures.has(result)) return;
  result.then(undefined, () => {});
  throw failures.get(result);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

/** @internal `define` for functions that stand before it: `entry` is the one that the user called. */
export function defineFrom<const V, Ty extends OptionType, const M extends boolean>(
  parser: OptionParser,
  name: string,
  definition: TypedDefinition<V, Ty, M> | undefined,
  entry: unknown,
): Option<OptionValue<OptionShape<V, Ty, M>>> {
  checkNames("part of a definition", definition, DEFINITION);
  const { callback, ...rest }: TypedDefinition<V, Ty, M> = definition ?? {};
  // The callback never gets undefined, which the value may be.
  const onValue = callback as ((value: OptionValue<OptionShape<V, Ty, M>>) => unknown) | undefined;
  return addOption(parser, name, rest, onValue, callSite(entry).path);
}

/** Finds out what each argument is for, before any of them takes effect. */
function scan(parser: OptionParser, args: readonly string[]): ArgumentList {
  const assignments: { option: Option; text: string }[] = [];
  let index = 1;
  while (index < args.length) {
    const arg = args[index] as string;
    if (!arg.startsWith("-")) break;
    index++;
    if (arg === "--") break;
    const body = arg.replace(/^-+/, "");
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    const option = stateOf(parser).options.get(normaliseName(name));
    if (option === undefined) {
      throw new OptionError(`there is no command line option --${name}${hint(parser, name, "--")}`);
    }
    let text = equals < 0 ? undefined : body.slice(equals + 1);
    if (text === undefined && option.isFlag) text = "true";
    if (text === undefined && isValue(args[index])) text = args[index++];
    if (text === undefined) {
      throw new OptionError(`option --${name} needs a value, as in --${name}=${option.metavar ?? "VALUE"}`);
    }
    assignments.push({ option, text });
  }
  return { assignments, rest: args.slice(index) };
}

/**
 * Lets the options take effect one after the other; behind one whose callback returns a promise the others
 * wait.
 */
function applyAll(
  parser: OptionParser,
  assignments: ArgumentList["assignments"],
  final: boolean,
  exit: boolean,
): void {
  const state = stateOf(parser);
  const step = (from: number): Promise<void> | undefined => {
    for (let index = from; index < assignments.length; index++) {
      const { option, text } = assignments[index]!;
      option.parse(text);
      if (state.pending.length > 0) return Promise.all(state.pending.splice(0)).then(() => step(index + 1));
    }
    state.unfinished = undefined;
    if (final) parser.runParseCallbacks();
    return undefined;
  };
  // What set() called before is not part of this command line.
  state.pending.length = 0;
  state.unfinished = step(0);
  state.unfinished?.catch((error: unknown) => {
    // A failed command line stays unfinished: every read says so, and ready() says why.
    if (exit) endProcess(error);
  });
}

/** Whether an argument can be the value of the option before it: anything but another option. */
function isValue(arg: string | undefined): arg is string {
  return arg !== undefined && (!arg.startsWith("-") || /^-\.?\d/.test(arg));
}

/**
 * Ends the program with one line: a mistake on its command line is no fault of its code, and needs no stack.
 */
function endProcess(error: unknown): void {
  if (!(error instanceof OptionError)) return;
  const program = basename(process.argv[1] ?? "node");
  process.stderr.write(`${program}: ${error.message} (--help lists the options)\n`);
  process.exit(2);
}

/** The parser's own methods: an option of such a name is reached by `get()` alone. */
const isMethod = (key: string): boolean =>
  key !== "constructor" && Object.hasOwn(OptionParser.prototype, key);

/** Options as properties of the parser. Its methods come first; what every object inherits comes last. */
const PROPERTIES: ProxyHandler<OptionParser> = {
  get(target, key) {
    if (typeof key === "symbol" || isMethod(key)) return Reflect.get(target, key);
    const option = stateOf(target).options.get(normaliseName(key));
    if (option !== undefined) return option.value;
    if (key in target) return Reflect.get(target, key);
    // Inspecting or awaiting an object asks for these; anything else is a misspelt name.
    if (key === "then" || key === "toJSON" || key === "inspect") return undefined;
    throw new OptionError(
      `there is no option ${JSON.stringify(key)}${hint(target, key) || "; define it first"}`,
    );
  },
  set(target, key, value) {
    find(target, String(key)).set(value);
    return true;
  },
  has: (target, key) => (typeof key === "string" ? isMethod(key) || target.has(key) : key in target),
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
