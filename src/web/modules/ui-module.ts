/** Parts of pages that bring their scripts and styles along. Tornado `web.UIModule`. */
import { InvalidStateError } from "../../base/errors.js";
import type { HTTPServerRequest } from "../../http/request.js";
import type { Locale } from "../../text/locale/locale.js";
import type { TemplateNamespace } from "../../text/template/render-scope.js";
import type { Handler } from "../types.js";
import type { ModuleFiles, ModuleText, PagePart } from "./types.js";

/**
 * A reusable part of pages. Templates use it as `{% module Entry(story) %}`, once it is in the `uiModules`
 * setting:
 *
 *     class Entry extends UIModule {
 *       override render(story: Story) {
 *         return this.renderString("entry.html", { story });
 *       }
 *       override cssFiles() {
 *         return "entry.css";
 *       }
 *     }
 *
 * A response has one object of each module, however often its pages use it. What the module adds to head and
 * body, by the other methods, is asked when the page has been rendered, and stands on the page once.
 *
 * The type parameter is the class of the handlers that the module works with; default what every handler has.
 */
export class UIModule<H extends Handler = Handler> implements PagePart {
  /** The handler that answers. */
  readonly handler: H;
  /** The request being answered. */
  readonly request: HTTPServerRequest;
  /** UI methods by name, and the modules as `modules`. */
  readonly ui: Readonly<Record<string, unknown>>;

  /** Made when a page first uses the module. */
  constructor(handler: H) {
    this.handler = handler;
    this.request = handler.request;
    this.ui = handler.ui;
  }

  /** The reader's language. */
  get locale(): Locale {
    return this.handler.locale;
  }

  /** Who asks. */
  get currentUser(): H["currentUser"] {
    return this.handler.currentUser;
  }

  /**
   * Returns the HTML of the part, which the page shows as it is. Gets what the template passes. A module that
   * waits returns a promise, and is used as `{% module await Entry(story) %}`, in templates for
   * `renderAsync()`.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) unless it is overridden.
   */
  render(..._args: never[]): unknown {
    throw new InvalidStateError(`${this.constructor.name} must override render()`);
  }

  /** A script for the end of the body. Default none. */
  embeddedJavascript(): ModuleText {
    return undefined;
  }

  /** Files of scripts for the end of the body: URLs, or paths below `staticPath`. Default none. */
  javascriptFiles(): ModuleFiles {
    return undefined;
  }

  /** Style rules for the head. Default none. */
  embeddedCss(): ModuleText {
    return undefined;
  }

  /** Files of style rules for the head: URLs, or paths below `staticPath`. Default none. */
  cssFiles(): ModuleFiles {
    return undefined;
  }

  /** HTML for the end of the head. Default none. */
  htmlHead(): ModuleText {
    return undefined;
  }

  /** HTML for the end of the body. Default none. */
  htmlBody(): ModuleText {
    return undefined;
  }

  /** The text of a template; see `RequestHandler.renderString`. */
  renderString(templateName: string, names?: TemplateNamespace): string {
    return this.handler.renderString(templateName, names);
  }

  /** As {@link UIModule.renderString}, for a template that may hold `await`. */
  renderStringAsync(templateName: string, names?: TemplateNamespace): Promise<string> {
    return this.handler.renderStringAsync(templateName, names);
  }
}
