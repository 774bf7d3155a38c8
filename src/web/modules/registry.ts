/**
 * The UI modules and UI methods of an application, as its settings name them. Faults are found when the
 * application is made, not when a page is rendered.
 *
 * A whole module (`import * as …`) holds other things too, so of its exports those are taken that fit:
 * classes of UI modules; functions whose names begin in lower case. In an object, what does not fit is a
 * mistake.
 */
import { types } from "node:util";
import type { Chunk } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { type LinkifyOptions, linkify } from "../../text/linkify.js";
import { TemplateModule } from "./template-module.js";
import type { UIMethod, UIModuleClass, UINames } from "./types.js";
import { UIModule } from "./ui-module.js";

/** `{% module linkify(text, options) %}`: plain text as HTML, with its URLs as links. */
class LinkifyModule extends UIModule {
  override render(text: Chunk, options?: LinkifyOptions): string {
    return linkify(text, options);
  }
}

/** `{% module xsrfFormHtml() %}`: the hidden field of a form. */
class XsrfFormModule extends UIModule {
  override render(): string {
    return this.handler.xsrfFormHtml();
  }
}

/** The modules that every application has. Those with an underscore are named as in Tornado. */
const BUILT_IN: readonly (readonly [string, UIModuleClass])[] = [
  ["linkify", LinkifyModule],
  ["xsrfFormHtml", XsrfFormModule],
  ["xsrf_form_html", XsrfFormModule],
  ["Template", TemplateModule],
];

function isModuleClass(value: unknown): value is UIModuleClass {
  return typeof value === "function" && value.prototype instanceof UIModule;
}

/** All names and values of a setting in order, with whether they come from a whole module. */
function* namesOf(
  setting: string,
  given: unknown,
): Generator<[name: string, value: unknown, whole: boolean]> {
  if (given === undefined || given === null) return;
  if (Array.isArray(given)) {
    for (const each of given) yield* namesOf(setting, each);
    return;
  }
  if (typeof given !== "object")
    throw new InvalidArgumentError(
      `${setting} must be an object, a module or a list of those, got ${typeof given}`,
    );
  const whole = types.isModuleNamespaceObject(given);
  for (const [name, value] of Object.entries(given)) yield [name, value, whole];
}

/**
 * The UI modules by name: those that every application has, and those of the `uiModules` setting.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an object with a value that is not a class
 * of UI modules.
 */
export function resolveUIModules(given: UINames | null | undefined): ReadonlyMap<string, UIModuleClass> {
  const modules = new Map<string, UIModuleClass>(BUILT_IN);
  for (const [name, value, whole] of namesOf("uiModules", given)) {
    if (isModuleClass(value)) modules.set(name, value);
    else if (!whole)
      throw new InvalidArgumentError(`uiModules.${name} must be a class that extends UIModule`);
  }
  return modules;
}

/** Tornado's rule: names that begin with an underscore or in upper case are not meant for templates. */
function isMethodName(name: string): boolean {
  const first = name.charAt(0);
  return first !== "_" && first.toLowerCase() === first;
}

/**
 * The UI methods by name, of the `uiMethods` setting. Names that begin with an underscore or in upper case
 * are skipped.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an object with a value that is not a
 * function.
 */
export function resolveUIMethods(given: UINames | null | undefined): ReadonlyMap<string, UIMethod> {
  const methods = new Map<string, UIMethod>();
  for (const [name, value, whole] of namesOf("uiMethods", given)) {
    if (!isMethodName(name)) continue;
    if (typeof value === "function") methods.set(name, value as UIMethod);
    else if (!whole) throw new InvalidArgumentError(`uiMethods.${name} must be a function`);
  }
  return methods;
}
