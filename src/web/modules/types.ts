/**
 * What applications and handlers know of UI modules and UI methods. The types say as little as possible of
 * handlers, so that settings can name them without knowing how a handler looks.
 */
import type { Chunk } from "../../base/bytes.js";

/** One or several paths of files; nothing for none. */
export type ModuleFiles = string | readonly string[] | null | undefined;

/** A piece of a page; nothing for none. */
export type ModuleText = Chunk | null | undefined;

/**
 * A part of a page, with what it adds to the head and the body. `UIModule` implements it, and holds the
 * contracts.
 */
export interface PagePart {
  /** See `UIModule.render`. */
  render(...args: never[]): unknown;
  /** See `UIModule.embeddedJavascript`. */
  embeddedJavascript(): ModuleText;
  /** See `UIModule.javascriptFiles`. */
  javascriptFiles(): ModuleFiles;
  /** See `UIModule.embeddedCss`. */
  embeddedCss(): ModuleText;
  /** See `UIModule.cssFiles`. */
  cssFiles(): ModuleFiles;
  /** See `UIModule.htmlHead`. */
  htmlHead(): ModuleText;
  /** See `UIModule.htmlBody`. */
  htmlBody(): ModuleText;
}

/** A class of UI modules: one that extends `UIModule`. */
export type UIModuleClass = new (handler: never) => PagePart;

/** A function for templates. It gets the handler first, then what the template gives it. */
export type UIMethod = (handler: never, ...args: never[]) => unknown;

/**
 * Names and values, such as an object of classes or functions, or a whole module (`import * as modules from
 * …`); or a list of those, of which the last one with a name counts.
 */
export type UINames = object | readonly object[];
