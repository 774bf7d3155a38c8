/** The vectors of `options`: command lines, configuration, scripts and the help. */
import { Duration, Integer, type OptionDefinition, OptionParser, type OptionType } from "squall/options";
import type { Family, VectorFunction } from "../types.js";
import { attempt, VectorDate, VectorTimedelta } from "../values.js";

/** The arguments of Tornado's define(). */
interface Definition {
  readonly name: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly help?: string;
  readonly metavar?: string;
  readonly multiple?: boolean;
  readonly group?: string;
}

const TYPES: Readonly<Record<string, OptionType>> = {
  str: String,
  int: Integer,
  float: Number,
  bool: Boolean,
  datetime: Date,
  timedelta: Duration,
};

const isDuration = ({ type, default: preset }: Definition): boolean =>
  type === "timedelta" || preset instanceof VectorTimedelta;

/** A length of time is milliseconds with us; a date without zone is local time. */
function toOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toOurs);
  if (value instanceof VectorTimedelta) return value.seconds * 1000;
  if (!(value instanceof VectorDate)) return value;
  const local = new Date(value.getTime());
  local.setFullYear(value.getUTCFullYear(), value.getUTCMonth(), value.getUTCDate());
  local.setHours(
    value.getUTCHours(),
    value.getUTCMinutes(),
    value.getUTCSeconds(),
    value.getUTCMilliseconds(),
  );
  return local;
}

/** In a configuration a length of time says its unit. */
function toConfig(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toConfig);
  return value instanceof VectorTimedelta ? { seconds: value.seconds } : toOurs(value);
}

function toTheirs(value: unknown, definition: Definition | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => toTheirs(item, definition));
  if (typeof value === "number" && definition !== undefined && isDuration(definition)) {
    return new VectorTimedelta(value / 1000);
  }
  if (!(value instanceof Date)) return value;
  const utc = new Date(0);
  utc.setUTCFullYear(value.getFullYear(), value.getMonth(), value.getDate());
  utc.setUTCHours(value.getHours(), value.getMinutes(), value.getSeconds(), value.getMilliseconds());
  return utc;
}

class Setup {
  readonly parser = new OptionParser();
  readonly #definitions = new Map<string, Definition>();

  constructor(definitions: readonly Definition[], onValue?: (name: string, value: unknown) => void) {
    for (const definition of definitions) this.define(definition, onValue);
  }

  define(definition: Definition, onValue?: (name: string, value: unknown) => void): void {
    const { name, type, default: preset, ...rest } = definition;
    const ours: OptionDefinition = {
      group: "test",
      ...rest,
      ...(preset !== undefined && { default: toOurs(preset) }),
      ...(type !== undefined && { type: TYPES[type]! }),
      ...(preset instanceof VectorTimedelta && { type: Duration }),
    };
    this.parser.define(name, { ...ours, callback: (value: unknown) => onValue?.(name, value) });
    // Only now: a name that is taken is refused, and the definition before it stays.
    this.#definitions.set(name, definition);
  }

  show(name: string, value: unknown): unknown {
    return toTheirs(value, this.#definitions.get(name.replaceAll("-", "_")) ?? this.#definitions.get(name));
  }

  /** All values but that of help. */
  values(): Record<string, unknown> {
    const entries = [...this.parser.items()].filter(([name]) => name !== "help");
    return Object.fromEntries(entries.map(([name, value]) => [name, this.show(name, value)]));
  }
}

/** What an unknown option writes to stderr is of no interest here. */
function quietly<T>(action: () => T): T {
  const { write } = process.stderr;
  process.stderr.write = () => true;
  try {
    return action();
  } finally {
    process.stderr.write = write;
  }
}

const functions: Record<string, VectorFunction> = {
  "options.parse_command_line"([definitions, args]: readonly [Definition[], string[]], { final }) {
    const setup = new Setup(definitions);
    const remaining = quietly(() =>
      setup.parser.parseCommandLine(args, { final: final as boolean | undefined }),
    );
    return { remaining, values: setup.values() };
  },

  "options.parse_command_line.twice"([definitions, first, second]: readonly [
    Definition[],
    string[],
    string[],
  ]) {
    const setup = new Setup(definitions);
    const remaining = [
      setup.parser.parseCommandLine(first, { final: false }),
      setup.parser.parseCommandLine(second),
    ];
    return { remaining, values: setup.values() };
  },

  "options.parse_config"([definitions, config]: readonly [Definition[], Record<string, unknown>]) {
    const setup = new Setup(definitions);
    setup.parser.parseConfig(
      Object.fromEntries(Object.entries(config).map(([name, value]) => [name, toConfig(value)])),
    );
    return { values: setup.values() };
  },

  "options.ops"([definitions, script]: readonly [Definition[], [string, string, unknown?][]]) {
    const setup = new Setup(definitions);
    return script.map(([operation, name, value]) =>
      attempt(() => applyOperation(setup, operation, name, value)),
    );
  },

  "options.callbacks"([definitions, args]: readonly [Definition[], string[]], { final }) {
    const calls: [string, unknown][] = [];
    const { parser } = new Setup(definitions, (name, value) => calls.push([name, value]));
    parser.addParseCallback(() => calls.push(["parse_callback", 1]));
    parser.addParseCallback(() => calls.push(["parse_callback", 2]));
    parser.parseCommandLine(args, { final: final as boolean | undefined });
    return calls;
  },

  "options.print_help"([definitions, program]: readonly [Definition[], string]) {
    let text = "";
    new Setup(definitions).parser.printHelp({
      program,
      file: {
        write(part) {
          text += part;
        },
      },
    });
    return text;
  },
};

/** An operation `define` holds either the definition itself, or its name and the other arguments. */
function definitionOf(first: unknown, rest: unknown): Definition {
  if (typeof first !== "string") return first as Definition;
  return { ...(rest as Omit<Definition, "name"> | undefined), name: first };
}

function applyOperation(setup: Setup, operation: string, name: string, value: unknown): unknown {
  const { parser } = setup;
  const properties = parser as unknown as Record<string, unknown>;
  switch (operation) {
    case "define":
      setup.define(definitionOf(name, value));
      return undefined;
    case "getattr":
      return setup.show(name, properties[name]);
    case "setattr":
      properties[name] = toOurs(value);
      return undefined;
    case "getitem":
      return setup.show(name, parser.get(name));
    case "setitem":
      return parser.set(name, toOurs(value));
    case "contains":
      return parser.has(name);
    case "iter":
      return [...parser];
    case "items":
      return [...parser.items()];
    case "as_dict":
      return parser.asDict();
    case "groups":
      return [...parser.groups()].sort();
    case "group_dict":
      return parser.groupDict(name);
    case "parse":
      return parser.parseCommandLine(name as unknown as string[]);
    default:
      throw new Error(`an operation on options that is not known: ${operation}`);
  }
}

export const family: Family = { functions, errorNames: { Error: "OptionError" } };
