/** Parts of pages, and functions for templates. */
import { interpolate } from "squall/locale";
import { UIModule } from "squall/web";
import type { Entry } from "./entries.js";
import type { BlogHandler } from "./handlers.js";

/** An entry: `{% module Article(entry) %}`; on pages of several its title is a link. */
class Article extends UIModule<BlogHandler> {
  render(entry: Entry, alone = false): string {
    const own = entry.authorId === this.currentUser?.id;
    return this.renderString("modules/article.html", { entry, alone, own });
  }
}

/** The field for Markdown, with a script that makes it as high as its text and asks before a text is lost. */
class Editor extends UIModule<BlogHandler> {
  render(markdown: string, problem = ""): string {
    return this.renderString("modules/editor.html", { markdown, problem });
  }

  javascriptFiles(): string {
    return "editor.js";
  }
}

/** A line of a form: label, field, and what is wrong with it. */
class Field extends UIModule<BlogHandler> {
  render(name: string, label: string, options: Readonly<Record<string, string>> = {}): string {
    const { problem = "", hint = "", value = "", type = "text", autocomplete = "off" } = options;
    return this.renderString("modules/field.html", { name, label, problem, hint, value, type, autocomplete });
  }
}

/** The choice of languages. */
class Languages extends UIModule<BlogHandler> {
  render(): string {
    return this.renderString("modules/languages.html", { next: this.request.uri });
  }
}

/** The way to the provider of OpenID Connect; nothing if none is configured. */
class Provider extends UIModule<BlogHandler> {
  render(next: string, problem = ""): string {
    const { provider } = this.handler.blog;
    if (provider === undefined) return "";
    const label = interpolate(this.locale.translate("Sign in with %(provider)s"), { provider });
    return this.renderString("modules/provider.html", { label, next, problem });
  }
}

export const uiModules = { Article, Editor, Field, Languages, Provider };

export const uiMethods = {
  /** A day in the reader's language. */
  day: (handler: BlogHandler, date: Date): string =>
    new Intl.DateTimeFormat(handler.locale.languageTag, { dateStyle: "long", timeZone: "UTC" }).format(date),
  /** A day without its year. */
  shortDay: (handler: BlogHandler, date: Date): string =>
    new Intl.DateTimeFormat(handler.locale.languageTag, {
      day: "numeric",
      month: "short",
      timeZone: "UTC",
    }).format(date),
  /** A number of entries, in words. */
  howMany: (handler: BlogHandler, count: number): string =>
    interpolate(handler.locale.translate("%(count)d entry", "%(count)d entries", count), { count }),
};
