/**
 * Classes whose implementation is chosen at run time: `AsyncHTTPClient.configure(Other)` and from then on
 * `AsyncHTTPClient.create()` makes one of the other kind. The choice belongs to the base class of the family;
 * creating a subclass by its own name ignores it.
 */
import { InvalidArgumentError, InvalidStateError } from "./errors.js";
import { importObject } from "./import-object.js";

/** A class of a family. */
export type ConfigurableClass<T extends Configurable = Configurable> = (abstract new () => T) &
  typeof Configurable;

/** The configuration of a family. */
interface Choice {
  readonly implementation: ConfigurableClass | undefined;
  readonly options: Readonly<Record<string, unknown>>;
}

const choices = new WeakMap<ConfigurableClass, Choice>();

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isClassOf(base: ConfigurableClass, value: unknown): value is ConfigurableClass {
  return typeof value === "function" && (value === base || value.prototype instanceof base);
}

/**
 * Base of such families. The base class of a family overrides {@link Configurable.configurableBase} and
 * {@link Configurable.configurableDefault}; implementations take their arguments in {@link
 * Configurable.initialize}.
 */
export abstract class Configurable {
  /** The family's base class. */
  static configurableBase(): ConfigurableClass {
    throw new InvalidStateError(`${this.name} must override configurableBase()`);
  }

  /** What is used as long as nothing has been chosen. */
  static configurableDefault(): ConfigurableClass {
    throw new InvalidStateError(`${this.name} must override configurableDefault()`);
  }

  /** The implementation that is used now. */
  static configuredClass(): ConfigurableClass {
    return choices.get(this.configurableBase())?.implementation ?? this.configurableDefault();
  }

  /**
   * Chooses the implementation for the whole family and options that every `create()` of the base class
   * starts from. `null` goes back to the default. A name (`module:Class`, see `importObject()`) is imported,
   * and the answer is a promise. Throws an {@link InvalidArgumentError} for a class that does not extend the
   * family's base.
   */
  static configure(
    implementation: ConfigurableClass | null | undefined,
    options?: Readonly<Record<string, unknown>>,
  ): void;
  static configure(implementation: string, options?: Readonly<Record<string, unknown>>): Promise<void>;
  static configure(
    implementation: ConfigurableClass | string | null | undefined,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<void> | void {
    if (typeof implementation === "string") {
      return importObject(implementation).then((found) => choose(this.configurableBase(), found, options));
    }
    choose(this.configurableBase(), implementation ?? undefined, options);
  }

  /** What has been chosen, for {@link Configurable.restoreConfiguration}: so that a test can put it back. */
  static saveConfiguration(): unknown {
    return choices.get(this.configurableBase());
  }

  /** Goes back to what {@link Configurable.saveConfiguration} gave. */
  static restoreConfiguration(saved: unknown): void {
    if (saved === undefined) choices.delete(this.configurableBase());
    else choices.set(this.configurableBase(), saved as Choice);
  }

  /**
   * Makes an instance: of the chosen implementation when called on the family's base class, of the class
   * itself otherwise. The arguments go to `initialize()`; if there are chosen options, the last argument is
   * merged over them.
   */
  static create<T extends Configurable>(this: ConfigurableClass<T>, ...args: unknown[]): T {
    const base = this.configurableBase();
    let implementation: ConfigurableClass = this;
    if (this === base) {
      implementation = this.configuredClass();
      const { options = {} } = choices.get(base) ?? {};
      if (Object.keys(options).length > 0) {
        const last = args.at(-1);
        args = isPlainObject(last)
          ? [...args.slice(0, -1), { ...options, ...last }]
          : [...args, { ...options }];
      }
      // The default may belong to a family of its own.
      if (implementation !== base && implementation.configurableBase() !== base) {
        return implementation.create(...args) as T;
      }
    }
    const instance = Reflect.construct(implementation, []) as T;
    instance.initialize(...args);
    return instance;
  }

  /** Takes the arguments of `create()`, in place of a constructor. Does nothing unless overridden. */
  initialize(..._args: unknown[]): void {}
}

function choose(base: ConfigurableClass, found: unknown, options: Readonly<Record<string, unknown>>): void {
  if (found !== undefined && !isClassOf(base, found)) {
    throw new InvalidArgumentError(`the implementation must be a subclass of ${base.name}`);
  }
  choices.set(base, { implementation: found, options: { ...options } });
}
