/**
 * The names of one rendering, as generated code asks for them: those given to `generate()`, then the
 * loader's, then the built-in ones.
 *
 * A namespace is a plain object, or one that inherits from others. The members that every object inherits
 * (`constructor`, `toString`, `__proto__`) count only where a namespace defines them.
 */
import { xhtmlEscape } from "../../base/escape.js";
import { BUILT_IN_NAMES } from "./built-in-names.js";
import { TemplateError, TemplateNameError } from "./errors.js";
import { toEscapedText, toText } from "./to-text.js";

/**
 * Names and values that a template can use: an object whose own members, and inherited ones, are the names.
 */
export type TemplateNamespace = object;

/** What a variable of generated code holds before it is set. No value of a namespace is the same. */
const MISSING: unique symbol = Symbol("a name that is not set");

type Escaper = (value: unknown) => string;

/** The value of a name; MISSING if the namespace does not have it. */
function lookUp(namespace: object, name: string): unknown {
  let holder: object | null = namespace;
  while (holder !== null && holder !== Object.prototype) {
    if (Object.hasOwn(holder, name)) return Reflect.get(holder, name, namespace);
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  return MISSING;
}

function undefinedName(name: string): never {
  throw new TemplateNameError(`${name} is not defined in this template or its namespace`);
}

/** A member of an imported thing. */
function importedMember(source: unknown, member: string): unknown {
  const value = source === null || source === undefined ? MISSING : lookUp(Object(source), member);
  if (value === MISSING) throw new TemplateNameError(`what is imported has no ${member}`);
  return value;
}

/** What generated code calls; the names are those of `HELPER_NAMES` in generate-code.ts. */
export const HELPERS: Readonly<Record<string, unknown>> = Object.freeze({
  missing: MISSING,
  undefined: undefinedName,
  text: toText,
  member: importedMember,
});

/** The names of one rendering. */
export class RenderScope {
  readonly #given: object;
  readonly #shared: object;
  readonly #imports: object;

  constructor(given: object, shared: object, imports: object) {
    this.#given = given;
    this.#shared = shared;
    this.#imports = imports;
  }

  /** The value of a name, or the mark for one that is not set. */
  get(name: string): unknown {
    let value = lookUp(this.#given, name);
    if (value === MISSING) value = lookUp(this.#shared, name);
    if (value === MISSING && BUILT_IN_NAMES.has(name)) value = BUILT_IN_NAMES.get(name);
    return value;
  }

  /** The function that escapes expressions; if the name is not a function, the first use throws. */
  escaper(name: string): Escaper {
    const apply = this.get(name);
    if (apply === xhtmlEscape) return toEscapedText;
    return (value) => {
      if (apply === MISSING) undefinedName(name);
      if (typeof apply !== "function") {
        const message = `${name} is to escape expressions, but is not a function`;
        throw new TemplateError("ERR_SQUALL_TEMPLATE_VALUE", message);
      }
      return toText(apply(toText(value)));
    };
  }

  /** The object of the UI modules, which certainly has the one named. */
  modules(name: string): unknown {
    const modules = this.get("_tt_modules");
    if (typeof modules !== "object" || modules === null)
      throw new TemplateNameError(`there are no modules here: the namespace has no _tt_modules`);
    if (typeof lookUp(modules, name) !== "function")
      throw new TemplateNameError(`there is no module named ${name}`);
    return modules;
  }

  /** What `{% import %}` means by a name: a member of the option `imports`, or a name like any other. */
  imported(source: string): unknown {
    let value = lookUp(this.#imports, source);
    if (value === MISSING) value = this.get(source);
    if (value === MISSING)
      throw new TemplateNameError(`there is nothing named ${source} to import: see the option imports`);
    return value;
  }
}
