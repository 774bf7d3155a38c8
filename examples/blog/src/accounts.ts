/** Signing up, in and out, and the language of the pages. */
import { get as getLocale } from "squall/locale";
import { isLocalUrl } from "squall/web";
import type { Author, Identity } from "./authors.js";
import { LANGUAGES } from "./entries.js";
import { hasLength, line, type Problems } from "./forms.js";
import { BlogHandler, COOKIES } from "./handlers.js";
import { PASSWORD_LENGTH } from "./passwords.js";

/** Whether mail arrives there, only a mail can tell; this finds slips. */
export const EMAIL: RegExp = /^[^\s@]{1,64}@[^\s@]{1,190}$/;
const DAYS_OF_A_CHOICE = 365;

export class AccountHandler extends BlogHandler {
  /** Where to go afterwards: a page of this site, whatever the form says. */
  protected get next(): string {
    const next = this.getArgument("next", "/");
    return isLocalUrl(next) ? next : "/";
  }
}

export class SignUpHandler extends AccountHandler {
  async get(): Promise<void> {
    await this.render("sign-up.html", { next: this.next, name: "", email: "", problems: {} });
  }

  async post(): Promise<void> {
    const [name, email] = [line(this, "name"), line(this, "email")];
    const password = this.getBodyArgument("password", { default: "", strip: false });
    const problems: Record<string, string> = {};
    if (!hasLength(name, { max: 60 })) problems.name = "name.rules";
    if (!EMAIL.test(email)) problems.email = "email.rules";
    if (!hasLength(password, PASSWORD_LENGTH)) problems.password = "password.rules";
    if (Object.keys(problems).length === 0) {
      const author = await this.blog.authors.add(name, email, password);
      if (author !== undefined) {
        this.signIn(author);
        this.redirect(this.next, { status: 303 });
        return;
      }
      problems.email = "email.taken";
    }
    this.setStatus(422);
    await this.render("sign-up.html", { next: this.next, name, email, problems });
  }
}

export class SignInHandler extends AccountHandler {
  async get(): Promise<void> {
    await this.render("sign-in.html", { next: this.next, email: "", problems: {} });
  }

  async post(): Promise<void> {
    const email = line(this, "email");
    const password = this.getBodyArgument("password", { default: "", strip: false });
    const known = hasLength(password, { max: PASSWORD_LENGTH.max })
      ? await this.blog.authors.signIn(email, password)
      : undefined;
    if (known !== undefined) {
      await this.#connect(known);
      this.signIn(known);
      this.redirect(this.next, { status: 303 });
      return;
    }
    // The message does not say which of the two is wrong: that would tell who has an account.
    const problems: Problems = { password: "sign-in.wrong" };
    this.setStatus(422);
    await this.render("sign-in.html", { next: this.next, email, problems });
  }

  /** The password was asked for because somebody came from the provider with this author's address. */
  async #connect(author: Author): Promise<void> {
    const text = this.getShortCookie(COOKIES.connecting);
    if (text === undefined) return;
    this.clearCookie(COOKIES.connecting);
    const { email, issuer, subject } = JSON.parse(text) as Identity & { readonly email: string };
    if (email === author.email) await this.blog.authors.connect(author, { issuer, subject });
  }
}

export class SignOutHandler extends AccountHandler {
  post(): void {
    this.clearCookie(COOKIES.session);
    this.redirect("/", { status: 303 });
  }
}

export class LanguageHandler extends AccountHandler {
  post(): void {
    const choice = line(this, "language");
    if (LANGUAGES.some((language) => language === choice)) {
      const options = { httponly: true, samesite: "Lax", expiresDays: DAYS_OF_A_CHOICE } as const;
      this.setCookie(COOKIES.language, getLocale(choice).code, options);
    }
    this.redirect(this.next, { status: 303 });
  }
}
