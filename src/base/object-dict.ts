/** A dictionary whose items are properties, and which complains about the ones that are not there. */
import { SquallError } from "./errors.js";

/** An item that is not there was asked for (`ERR_SQUALL_MISSING_ITEM`). */
export class MissingItemError extends SquallError {
  static {
    this.prototype.name = "MissingItemError";
  }

  /** What was asked for. */
  readonly item: string;

  constructor(item: string) {
    super("ERR_SQUALL_MISSING_ITEM", `there is no item ${JSON.stringify(item)}`);
    this.item = item;
  }
}

/** What the language itself asks objects for; everything else is a name of an item. */
const ASKED_BY_LANGUAGE = new Set(["then", "toJSON", "toString", "valueOf", "hasOwnProperty"]);

const HANDLER: ProxyHandler<ObjectDict> = {
  get(target, key) {
    // As in Python, methods come before items of the same name; get() reaches those.
    if (typeof key === "symbol") return Reflect.get(target, key);
    if (isMethod(key)) return Reflect.get(ObjectDict.prototype, key);
    if (Object.hasOwn(target, key)) return target[key];
    if (ASKED_BY_LANGUAGE.has(key)) return Reflect.get(target, key);
    throw new MissingItemError(key);
  },
  set(target, key, value) {
    defineKey(target, String(key), value);
    return true;
  },
  has: (target, key) => Object.hasOwn(target, key),
};

function isMethod(key: string): boolean {
  return key !== "constructor" && Object.hasOwn(ObjectDict.prototype, key);
}

/** Defines instead of assigning, so that `__proto__` is an item like any other. */
function defineKey(target: ObjectDict, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * A dictionary with its items as properties: `dict.name` is `dict.get("name")`. What is not there throws
 * instead of being undefined. Spread, `Object.keys`, `in` and `JSON.stringify` see the items. Tornado
 * `ObjectDict`.
 */
export class ObjectDict {
  [name: string]: unknown;

  constructor(items: Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]> = {}) {
    const entries = Symbol.iterator in items ? items : Object.entries(items);
    for (const [name, value] of entries as Iterable<readonly [string, unknown]>) defineKey(this, name, value);
    // biome-ignore lint/correctness/noConstructorReturn: the proxy makes properties of the items
    return new Proxy(this, HANDLER);
  }

  /** An item. Without a second argument, throws a {@link MissingItemError} if it is not there. */
  get(name: string, ...otherwise: [unknown?]): unknown {
    if (Object.hasOwn(this, name)) return Reflect.getOwnPropertyDescriptor(this, name)?.value;
    if (otherwise.length > 0) return otherwise[0];
    throw new MissingItemError(name);
  }

  /** Sets an item. */
  set(name: string, value: unknown): void {
    defineKey(this, name, value);
  }

  /** Takes an item out; false if it was not there. */
  delete(name: string): boolean {
    return Object.hasOwn(this, name) && Reflect.deleteProperty(this, name);
  }
}
