/**
 * The names that a handler gives to its templates: itself, the request, the user, the language, and functions
 * for URLs, forms and parts of pages. Names of two words have Tornado's spelling too, so that its templates
 * can be taken over.
 *
 * The user and the language are found out when a template uses them.
 */
import { interpolate } from "../../text/locale/interpolate.js";
import type { Locale } from "../../text/locale/locale.js";
import type { Handler, StaticUrlOptions } from "../types.js";

/** `handler.getTemplateNamespace()`. */
export function defaultNamespace(handler: Handler): Record<string, unknown> {
  const staticUrl = (path: string, options?: StaticUrlOptions): string => handler.staticUrl(path, options);
  const xsrfFormHtml = (): string => handler.xsrfFormHtml();
  const reverseUrl = (name: string, ...args: readonly unknown[]): string => handler.reverseUrl(name, ...args);
  return {
    handler,
    request: handler.request,
    get currentUser(): unknown {
      return handler.currentUser;
    },
    get current_user(): unknown {
      return handler.currentUser;
    },
    get locale(): Locale {
      return handler.locale;
    },
    _: (message: string, plural: string, count: number): string =>
      handler.locale.translate(message, plural, count),
    pgettext: (context: string, message: string, plural: string, count: number): string =>
      handler.locale.pgettext(context, message, plural, count),
    // In place of Python's operator %, which fills values into translated messages.
    interpolate,
    staticUrl,
    static_url: staticUrl,
    xsrfFormHtml,
    xsrf_form_html: xsrfFormHtml,
    reverseUrl,
    reverse_url: reverseUrl,
    ...handler.ui,
  };
}

/** The handler's names, with those for one page before them. */
export function pageNamespace(handler: Handler, names: object | undefined): object {
  const shared = handler.getTemplateNamespace();
  if (names === undefined) return shared;
  // Described, not assigned: a name of the page may hide an accessor of the handler's.
  return Object.create(shared, Object.getOwnPropertyDescriptors(names));
}
