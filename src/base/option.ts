/** One option: its definition, its value, and how text becomes the value. */
import { inspect } from "node:util";
import { SquallError, type SquallErrorOptions } from "./errors.js";
import { Integer, kindOf, type OptionType, typeOfValue, type ValueKind } from "./option-values.js";

/**
 * An option was defined twice, is unknown, lacks its value, or has an invalid one (`ERR_SQUALL_OPTION`). The
 * door `squall/options` calls it `Error`, as Tornado does.
 */
export class OptionError extends SquallError {
  static {
    this.prototype.name = "OptionError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_OPTION", message, options);
  }
}

/** What an option is like. */
export interface OptionDefinition {
  /**
   * The value until another is set; it also gives the type if `type` does not. Default undefined, or `[]` if
   * `multiple`.
   */
  readonly default?: unknown;
  /**
   * `String`, `Number`, `Integer`, `BigInt`, `Boolean`, `Date`, `Duration` or a function from text to value.
   * Without it the default's type counts (an integer means `Integer`), and text if there is no default.
   */
  readonly type?: OptionType | undefined;
  /** What the option is for. */
  readonly help?: string | undefined;
  /** What stands for the value in the help, `--name=METAVAR`. */
  readonly metavar?: string | undefined;
  /**
   * The value is a list; its text is separated by commas, and integers may be ranges `from:to`, both ends
   * included.
   */
  readonly multiple?: boolean | undefined;
  /** Where the help lists the option; default the file that defines it. */
  readonly group?: string | undefined;
}

type Widened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends bigint
        ? bigint
        : T;

type ElementOfDefault<D> = D extends { readonly default: readonly (infer E)[] }
  ? [E] extends [never]
    ? string
    : Widened<E>
  : D extends { readonly default: infer V }
    ? [V] extends [null | undefined]
      ? string
      : Widened<NonNullable<V>>
    : string;

/** One value of an option so defined, of a list its element. */
export type OptionElement<D> = D extends { readonly type: DateConstructor }
  ? Date
  : D extends { readonly type: (text: string) => infer T }
    ? unknown extends T
      ? ElementOfDefault<D> // no type was given
      : T
    : ElementOfDefault<D>;

/** The type of an option's value by its definition. */
export type OptionValue<D> = D extends { readonly multiple: true }
  ? OptionElement<D>[]
  : D extends { readonly default: infer V }
    ? [V] extends [null | undefined]
      ? OptionElement<D> | undefined
      : OptionElement<D>
    : OptionElement<D> | undefined;

/**
 * What a default may be, by the option's type: `define("port", { type: Integer, default: "five" })` does not
 * compile.
 */
export type AllowedDefault<Ty, M> = M extends true
  ? readonly AllowedElement<Ty>[] | null | undefined
  : AllowedElement<Ty> | null | undefined;

type AllowedElement<Ty> = Ty extends DateConstructor
  ? Date
  : Ty extends (text: string) => infer T
    ? T
    : unknown;

/** The part of a definition that implies the type of its value. */
export interface OptionShape<V, Ty, M> {
  /** The value until another is set. */
  readonly default: V;
  /** How text becomes the value. */
  readonly type: Ty;
  /** Whether the value is a list. */
  readonly multiple: M;
}

/** The type of a value that was set, by the definition. */
export type NewValue<D> = D extends { readonly multiple: true } ? OptionElement<D>[] : OptionElement<D>;

/** A definition whose callback gets what the rest of it implies. */
export interface TypedDefinition<V, Ty extends OptionType | undefined, M extends boolean>
  extends OptionDefinition {
  readonly default?: (V & AllowedDefault<Ty, M>) | undefined;
  readonly type?: Ty | undefined;
  readonly multiple?: M | undefined;
  /**
   * Called with each new value; not when the value is taken away by `set(undefined)`. The command line waits
   * for a promise that it returns, see {@link OptionParser.ready}.
   */
  readonly callback?: ((value: NewValue<OptionShape<V, Ty, M>>) => unknown) | undefined;
}

/** More integers than this in one range are a typing error. */
const LARGEST_RANGE = 1_000_000;

/** A defined option, as {@link OptionParser.define} gives it: a typed way to its value. */
export class Option<T = unknown> {
  /** The name as it was defined. */
  readonly name: string;
  /** The value until another is set. */
  readonly default: T;
  /** What it is for, as the help says; empty by default. */
  readonly help: string;
  /** What stands for the value in the help. */
  readonly metavar: string | undefined;
  /** Whether the value is a list. */
  readonly multiple: boolean;
  /** Where the help lists it. */
  readonly group: string;
  /** The file that defines it. */
  readonly file: string;
  /** How text becomes its value, or an element of it. */
  readonly type: OptionType;
  readonly #kind: ValueKind;
  readonly #callback: ((value: T) => void) | undefined;
  readonly #mayRead: (() => void) | undefined;
  #value: T | undefined;
  #isSet = false;

  /** @internal Options come from {@link OptionParser.define}. */
  constructor(
    name: string,
    definition: OptionDefinition,
    callback: ((value: T) => void) | undefined,
    file: string,
    mayRead?: () => void,
  ) {
    const { default: preset, multiple = false } = definition;
    this.name = name;
    this.multiple = multiple;
    this.default = (preset ?? (multiple ? [] : undefined)) as T;
    this.help = definition.help ?? "";
    this.metavar = definition.metavar;
    this.group = definition.group ?? file;
    this.file = file;
    this.type = definition.type ?? typeOfValue(Array.isArray(preset) && multiple ? preset[0] : preset);
    this.#kind = kindOf(this.type);
    this.#callback = callback;
    this.#mayRead = mayRead;
    if (preset !== undefined) this.#check(preset);
  }

  /**
   * The value that was set, or the default.
   *
   * @throws OptionError (`ERR_SQUALL_OPTION`) while a configuration file is being read, see {@link
   * OptionParser.ready}
   */
  get value(): T {
    this.#mayRead?.();
    return this.#isSet ? (this.#value as T) : this.default;
  }

  /** Sets the value, see {@link Option.set}. */
  set value(value: T) {
    this.set(value);
  }

  /** True for options that are true when they stand alone, `--debug`. */
  get isFlag(): boolean {
    return this.type === Boolean;
  }

  /**
   * Sets the value and calls the option's callback. null and undefined always fit. Throws an {@link
   * OptionError} if the value is not of the option's type.
   */
  set(value: unknown): void {
    this.#check(value);
    this.#store((value ?? undefined) as T);
  }

  /** @internal Sets a value from a configuration file: text is read as on the command line. */
  configure(value: unknown): void {
    const { configured } = this.#kind;
    if (typeof value === "string" && (this.multiple || this.type !== String)) this.parse(value);
    else if (configured === undefined) this.set(value);
    else this.set(this.multiple && Array.isArray(value) ? value.map(configured) : configured(value));
  }

  /** Reads the value from text, sets it, calls the callback and returns it. Throws an {@link OptionError}. */
  parse(text: string): T {
    const value = this.multiple
      ? text.split(",").flatMap((part) => this.#parsePart(part))
      : this.#parseOne(text);
    this.#store(value as T);
    return value as T;
  }

  /** A value of this option as it would be written on a command line. */
  show(value: unknown): string {
    if (!Array.isArray(value)) return this.#kind.show(value);
    return value.map((item) => this.#kind.show(item)).join(",");
  }

  /** @internal What {@link Option.restore} brings back. */
  save(): { readonly value: T | undefined; readonly isSet: boolean } {
    return { value: this.#value, isSet: this.#isSet };
  }

  /** @internal Goes back to what was saved, without calling the callback. */
  restore({ value, isSet }: { readonly value: unknown; readonly isSet: boolean }): void {
    this.#value = value as T | undefined;
    this.#isSet = isSet;
  }

  #store(value: T): void {
    this.#value = value;
    this.#isSet = true;
    if (value !== undefined) this.#callback?.(value);
  }

  #check(value: unknown): void {
    if (this.multiple) {
      if (Array.isArray(value) && value.every((item) => this.#fits(item))) return;
      this.#refuse(`a list, each item ${this.#kind.description}`, value);
    }
    if (!this.#fits(value)) this.#refuse(this.#kind.description, value);
  }

  #fits(value: unknown): boolean {
    return value === null || value === undefined || this.#kind.accepts(value);
  }

  #refuse(expected: string, value: unknown): never {
    throw new OptionError(
      `option ${this.name} must be ${expected}, got ${inspect(value, { depth: 1, maxStringLength: 80 })}`,
    );
  }

  #parseOne(text: string): unknown {
    try {
      return this.#kind.parse(text);
    } catch (cause) {
      throw new OptionError(
        `option ${this.name}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  }

  #parsePart(text: string): unknown[] {
    if (this.type !== Integer) return [this.#parseOne(text)];
    const colon = text.indexOf(":");
    if (colon < 0) return [this.#parseOne(text)];
    const from = this.#parseOne(text.slice(0, colon)) as number;
    const to = this.#parseOne(text.slice(colon + 1)) as number;
    if (to - from >= LARGEST_RANGE) {
      throw new OptionError(`option ${this.name}: the range ${text} has more than ${LARGEST_RANGE} integers`);
    }
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  }
}
