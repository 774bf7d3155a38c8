/** The module `Template`: a template as a part of pages. Tornado `web.TemplateModule`. */
import { isDeepStrictEqual } from "node:util";
import { InvalidStateError } from "../../base/errors.js";
import { toUnicode } from "../../base/escape.js";
import type { TemplateNamespace } from "../../text/template/render-scope.js";
import type { ModuleFiles, ModuleText } from "./types.js";
import { UIModule } from "./ui-module.js";

/** What a template adds to its page by `setResources()`; the methods of {@link UIModule} say what each is. */
export interface TemplateResources {
  /** See {@link UIModule.embeddedJavascript}; default none. */
  readonly embeddedJavascript?: ModuleText;
  /** See {@link UIModule.javascriptFiles}; default none. */
  readonly javascriptFiles?: ModuleFiles;
  /** See {@link UIModule.embeddedCss}; default none. */
  readonly embeddedCss?: ModuleText;
  /** See {@link UIModule.cssFiles}; default none. */
  readonly cssFiles?: ModuleFiles;
  /** See {@link UIModule.htmlHead}; default none. */
  readonly htmlHead?: ModuleText;
  /** See {@link UIModule.htmlBody}; default none. */
  readonly htmlBody?: ModuleText;
}

type TextKey = "embeddedJavascript" | "embeddedCss" | "htmlHead" | "htmlBody";
type FilesKey = "javascriptFiles" | "cssFiles";

/**
 * Renders a template in its own namespace, with the names of the handler's and those that it is given:
 * `{% module Template("entry.html", { story }) %}`.
 *
 * Inside, `{{ setResources({ cssFiles: "entry.css" }) }}` says what the page needs for it, once for each
 * template file: later calls have to say the same. Every application has this module.
 */
export class TemplateModule extends UIModule {
  readonly #resources = new Map<string, TemplateResources>();

  /**
   * The text of the template.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) if a file calls `setResources()` with other
   * resources than before.
   */
  override render(path: string, names: TemplateNamespace = {}): string {
    const setResources = (resources: TemplateResources): string => {
      const before = this.#resources.get(path);
      if (before === undefined) this.#resources.set(path, { ...resources });
      else if (!isDeepStrictEqual(before, { ...resources }))
        throw new InvalidStateError(`${path} called setResources() with different resources on one page`);
      return "";
    };
    return this.renderString(path, { setResources, set_resources: setResources, ...names });
  }

  /** The scripts that the templates have set, each on lines of its own. */
  override embeddedJavascript(): string {
    return this.#texts("embeddedJavascript").join("\n");
  }

  /** The files of scripts that the templates have set. */
  override javascriptFiles(): string[] {
    return this.#files("javascriptFiles");
  }

  /** The style rules that the templates have set, each on lines of its own. */
  override embeddedCss(): string {
    return this.#texts("embeddedCss").join("\n");
  }

  /** The files of style rules that the templates have set. */
  override cssFiles(): string[] {
    return this.#files("cssFiles");
  }

  /** The HTML that the templates have set for the head. */
  override htmlHead(): string {
    return this.#texts("htmlHead").join("");
  }

  /** The HTML that the templates have set for the body. */
  override htmlBody(): string {
    return this.#texts("htmlBody").join("");
  }

  #texts(key: TextKey): string[] {
    return [...this.#resources.values()].flatMap(({ [key]: text }) => (text ? [toUnicode(text)] : []));
  }

  #files(key: FilesKey): string[] {
    return [...this.#resources.values()].flatMap(({ [key]: files }) => files ?? []);
  }
}
