/** What all pages share: who reads, in which language, and how errors look. */
import { STATUS_CODES } from "node:http";
import { get as getLocale, type Locale } from "squall/locale";
import { type ErrorPageOptions, RequestHandler } from "squall/web";
import type { Author, Authors } from "./authors.js";
import type { Entries } from "./entries.js";

/** What the blog's handlers work with. */
export interface Blog {
  readonly title: string;
  /** What the provider that people may sign in with is called; undefined for none. */
  readonly provider: string | undefined;
  readonly authors: Authors;
  readonly entries: Entries;
}

declare module "squall/web" {
  interface ApplicationSettings {
    blog?: Blog;
  }
}

/** A cookie for each choice; `Lax` lets links from elsewhere find people signed in, and forms from elsewhere not. */
export const COOKIES = {
  session: "blog_session",
  language: "blog_language",
  /** Where to go when a sign-in with the provider is done. */
  next: "blog_next",
  /** Who came from the provider, until the password of the account has been given. */
  connecting: "blog_connecting",
} as const;
const DAYS_SIGNED_IN = 14;
/** How long a sign-in with the provider may take. */
const MINUTES_OF_A_SIGN_IN = 10;

export class BlogHandler extends RequestHandler {
  get blog(): Blog {
    const { blog } = this.settings;
    if (blog === undefined) throw new Error("the application has no setting blog");
    return blog;
  }

  getCurrentUser(): Author | undefined {
    return undefined; // Known after prepare(), which asks the database.
  }

  getUserLocale(): Locale | undefined {
    const choice = this.getCookie(COOKIES.language);
    return choice === undefined ? undefined : getLocale(choice);
  }

  async prepare(): Promise<void> {
    // What is on a page depends on who reads it.
    this.setHeader("Cache-Control", "private, no-cache");
    const id = this.getSignedCookie(COOKIES.session, { maxAgeDays: DAYS_SIGNED_IN })?.toString();
    if (id !== undefined && /^\d{1,9}$/.test(id)) this.currentUser = await this.blog.authors.get(Number(id));
  }

  protected signIn(author: Author): void {
    const secure = this.request.protocol === "https";
    const options = { httponly: true, samesite: "Lax", secure, expiresDays: DAYS_SIGNED_IN } as const;
    this.setSignedCookie(COOKIES.session, String(author.id), options);
  }

  /** Keeps a value in the browser for the time of a sign-in; it can be read there, and not changed. */
  protected setShortCookie(name: string, value: string): void {
    const secure = this.request.protocol === "https";
    const expiresDays = MINUTES_OF_A_SIGN_IN / 1440;
    this.setSignedCookie(name, value, { httponly: true, samesite: "Lax", secure, expiresDays });
  }

  protected getShortCookie(name: string): string | undefined {
    return this.getSignedCookie(name, { maxAgeDays: MINUTES_OF_A_SIGN_IN / 1440 })?.toString();
  }

  getTemplateNamespace(): Record<string, unknown> {
    return { ...super.getTemplateNamespace(), site: this.blog.title };
  }

  async writeError(status: number, _options: ErrorPageOptions): Promise<void> {
    const messages: Record<number, string> = {
      403: "error.forbidden",
      404: "error.not-found",
      405: "error.not-found",
    };
    const message = this.locale.translate(
      messages[status] ?? (status < 500 ? "error.request" : "error.server"),
    );
    await this.render("error.html", { status, reason: STATUS_CODES[status] ?? "", message });
  }
}
