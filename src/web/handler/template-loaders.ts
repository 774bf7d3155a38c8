/**
 * Where the templates of handlers come from: one loader for each folder of an application, so that each
 * template is compiled once. Loaders that different implementations of `createTemplateLoader()` make are kept
 * apart. With `compiledTemplateCache: false`, each response reads its templates anew.
 */
import { dirname, isAbsolute } from "node:path";
import { foreignCallSite } from "../../base/call-site.js";
import { InvalidStateError } from "../../base/errors.js";
import { filePath } from "../../base/file-path.js";
import type { BaseLoader } from "../../text/template/base-loader.js";
import { Loader } from "../../text/template/loader.js";
import type { App, Handler } from "../types.js";

type Maker = Handler["createTemplateLoader"];

const caches = new WeakMap<App, WeakMap<Maker, Map<string, BaseLoader>>>();

/** `handler.createTemplateLoader()`: the setting `templateLoader`, else a loader of the folder. */
export function createLoader(handler: Handler, folder: string): BaseLoader {
  const { templateLoader, autoescape, templateWhitespace } = handler.application.settings;
  if (templateLoader !== undefined && templateLoader !== null) return templateLoader;
  if (folder === "") {
    throw new InvalidStateError(
      "it is unknown where the templates are: set templatePath (a folder) or templateLoader in the settings",
    );
  }
  return new Loader(folder, { autoescape, whitespace: templateWhitespace });
}

/** The loader of the handler's templates in a folder, made when it is first needed. */
export function loaderFor(handler: Handler, folder: string): BaseLoader {
  const { application, createTemplateLoader } = handler;
  let byMaker = caches.get(application);
  if (byMaker === undefined) {
    byMaker = new WeakMap();
    caches.set(application, byMaker);
  }
  let byFolder = byMaker.get(createTemplateLoader);
  if (byFolder === undefined) {
    byFolder = new Map();
    byMaker.set(createTemplateLoader, byFolder);
  }
  let loader = byFolder.get(folder);
  if (loader === undefined) {
    loader = handler.createTemplateLoader(folder);
    byFolder.set(folder, loader);
  }
  return loader;
}

/**
 * The folder of a handler's templates: `getTemplatePath()`, else the folder of the source file that renders,
 * as in Tornado. A template that renders another one stands for the file that rendered it, whose folder is
 * `outer`. Empty if unknown.
 */
export function templateFolder(handler: Handler, outer: string | undefined, entry: unknown): string {
  const path = handler.getTemplatePath();
  if (path !== undefined && path !== null) return filePath("the template path", path);
  const { templateLoader } = handler.application.settings;
  if (templateLoader !== undefined && templateLoader !== null) return "";
  const caller = foreignCallSite(entry).path;
  return isAbsolute(caller) ? dirname(caller) : (outer ?? "");
}
