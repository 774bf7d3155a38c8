/**
 * `handler.render()` and its kin: a template, the names that it sees, and the UI modules that it uses.
 *
 *     render(name, names)
 *       → renderString(name, names)       loader → template → text; {% module %} makes and calls modules
 *       → addResources(…)                 what the modules add to head and body
 *       → finish(page)
 *
 * What a response has rendered is kept beside its handler, made with the first page.
 */
import type { BaseLoader } from "../../text/template/base-loader.js";
import { TemplateError } from "../../text/template/errors.js";
import type { Template } from "../../text/template/template.js";
import type { PagePart, UIModuleClass } from "../modules/types.js";
import type { Handler } from "../types.js";
import { stateOf } from "./handler-state.js";
import { checkUnfinished } from "./output.js";
import { addResources } from "./page-resources.js";
import { loaderFor, templateFolder } from "./template-loaders.js";
import { pageNamespace } from "./template-namespace.js";

/** What a handler has rendered. */
class Rendering {
  /** The modules that its pages use, by name; each adds its scripts and styles once. */
  readonly active = new Map<string, PagePart>();
  /** UI methods, and modules as `modules` and `_tt_modules`. */
  readonly ui: Readonly<Record<string, unknown>>;
  /** The folder of the template that is being rendered. */
  folder: string | undefined = undefined;
  /** Loaders that have read their templates anew for this response (`compiledTemplateCache: false`). */
  readonly fresh = new Set<BaseLoader>();

  constructor(handler: Handler) {
    const { uiMethods, uiModules } = handler.application;
    const ui: Record<string, unknown> = Object.create(null);
    for (const [name, method] of uiMethods) {
      const call = method as (handler: Handler, ...args: unknown[]) => unknown;
      ui[name] = (...args: unknown[]) => call(handler, ...args);
    }
    const modules: Record<string, unknown> = Object.create(null);
    for (const [name, moduleClass] of uiModules) {
      modules[name] = (...args: never[]) => this.#module(handler, name, moduleClass).render(...args);
    }
    ui.modules = modules;
    ui._tt_modules = modules;
    this.ui = ui;
  }

  #module(handler: Handler, name: string, moduleClass: UIModuleClass): PagePart {
    let part = this.active.get(name);
    if (part === undefined) {
      part = new moduleClass(handler as never);
      this.active.set(name, part);
    }
    return part;
  }
}

const renderings = new WeakMap<Handler, Rendering>();

function renderingOf(handler: Handler): Rendering {
  let rendering = renderings.get(handler);
  if (rendering === undefined) {
    rendering = new Rendering(handler);
    renderings.set(handler, rendering);
  }
  return rendering;
}

/** `handler.ui`. */
export function uiOf(handler: Handler): Readonly<Record<string, unknown>> {
  return renderingOf(handler).ui;
}

/**
 * An error page takes the place of what was rendered before: modules of the page that failed add nothing to
 * it.
 */
export function forgetModules(handler: Handler): void {
  renderings.get(handler)?.active.clear();
}

/** Loads a template, and notes in the rendering where it is from. */
function load(handler: Handler, rendering: Rendering, name: string, entry: unknown): Template {
  const folder = templateFolder(handler, rendering.folder, entry);
  const loader = loaderFor(handler, folder);
  if (handler.application.settings.compiledTemplateCache === false && !rendering.fresh.has(loader)) {
    rendering.fresh.add(loader);
    loader.reset();
  }
  const template = loader.load(name);
  rendering.folder = folder;
  return template;
}

/** `handler.renderString()`. */
export function renderText(handler: Handler, name: string, names: object | undefined): string {
  const rendering = renderingOf(handler);
  const outer = rendering.folder;
  try {
    const template = load(handler, rendering, name, renderText);
    if (template.isAsync) {
      const message = `${name} holds await: render it with renderAsync() or renderStringAsync()`;
      throw new TemplateError("ERR_SQUALL_TEMPLATE_ASYNC", message);
    }
    return template.generate(pageNamespace(handler, names));
  } finally {
    rendering.folder = outer;
  }
}

/** `handler.renderStringAsync()`. */
export async function renderTextAsync(
  handler: Handler,
  name: string,
  names: object | undefined,
): Promise<string> {
  const rendering = renderingOf(handler);
  const outer = rendering.folder;
  try {
    const template = load(handler, rendering, name, renderTextAsync);
    const namespace = pageNamespace(handler, names);
    return template.isAsync ? await template.generateAsync(namespace) : template.generate(namespace);
  } finally {
    rendering.folder = outer;
  }
}

/** `handler.render()`. */
export function renderPage(handler: Handler, name: string, names: object | undefined): Promise<void> {
  checkUnfinished(handler, "render");
  return finishPage(handler, "render", name, handler.renderString(name, names));
}

/** `handler.renderAsync()`. */
export async function renderPageAsync(
  handler: Handler,
  name: string,
  names: object | undefined,
): Promise<void> {
  checkUnfinished(handler, "renderAsync");
  const html = await handler.renderStringAsync(name, names);
  await finishPage(handler, "renderAsync", name, html);
}

function finishPage(
  handler: Handler,
  method: "render" | "renderAsync",
  name: string,
  html: string,
): Promise<void> {
  const { active } = renderingOf(handler);
  stateOf(handler).finishedBy = `${method}()`;
  return handler.finish(active.size === 0 ? html : addResources(handler, name, html, active.values()));
}
