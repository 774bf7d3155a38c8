/** What squall answers itself: the office, signing in and out, and the first page that has moved. */
import { authenticated, isLocalUrl, RequestHandler } from "squall/web";
import { DAYS_SIGNED_IN, USER_COOKIE } from "./sign-in.js";

const LONGEST_NAME = 30;

/** What all pages share: who reads. */
class OfficeHandler extends RequestHandler {
  getCurrentUser(): string | undefined {
    return this.getSignedCookie(USER_COOKIE, { maxAgeDays: DAYS_SIGNED_IN })?.toString();
  }

  getTemplateNamespace(): Record<string, unknown> {
    return { ...super.getTemplateNamespace(), here: this.request.path };
  }
}

/** The first page, whose script asks each application who is signed in. */
export class HomeHandler extends OfficeHandler {
  get(): void {
    this.render("home.html");
  }
}

/** Who is signed in, as the other applications answer it too. */
export class MeHandler extends OfficeHandler {
  get(): void {
    this.write({ user: this.currentUser ?? "" });
  }
}

/**
 * A page of the old application at its old address: its rule stands before that of the container, and the page in Python can
 * go. This is how an application moves, one page after the other.
 */
export class CrewHandler extends OfficeHandler {
  @authenticated
  get(): void {
    this.render("crew.html", { crew: ["Ines (pilot)", "Okan (lines)", "Ruth (radio)"] });
  }
}

/** Lets everybody in under any name. Your check of a password belongs into post(). */
export class SignInHandler extends OfficeHandler {
  /** Where to go afterwards: a page of this site, whatever the form says. */
  get #next(): string {
    const next = this.getArgument("next", "/");
    return isLocalUrl(next) ? next : "/";
  }

  get(): void {
    this.render("sign-in.html", { next: this.#next, name: "", problem: "" });
  }

  post(): void {
    const name = this.getBodyArgument("name", "");
    if (name === "" || name.length > LONGEST_NAME) {
      this.setStatus(422);
      const problem = `A name has 1 to ${LONGEST_NAME} characters.`;
      this.render("sign-in.html", { next: this.#next, name, problem });
      return;
    }
    const secure = this.request.protocol === "https";
    const options = { httponly: true, samesite: "Lax", secure, expiresDays: DAYS_SIGNED_IN } as const;
    this.setSignedCookie(USER_COOKIE, name, options);
    this.redirect(this.#next, { status: 303 });
  }
}

/** Takes the cookie away, and with it the sign-in of all four. */
export class SignOutHandler extends OfficeHandler {
  get(): void {
    this.render("sign-out.html");
  }

  post(): void {
    this.clearCookie(USER_COOKIE);
    this.redirect("/", { status: 303 });
  }
}
