/**
 * Signing in with a provider of OpenID Connect, which is offered when one is configured.
 *
 *     GET /sign-in/provider ──▶ the provider's pages ──▶ GET /sign-in/provider?code=…&state=…
 *
 *     the identity is known             its author is signed in
 *     the address is new                an account without a password is made
 *     the address has an account        its password is asked for once, then the two are connected
 *
 * The last is a question and not a conclusion: this blog does not confirm addresses, so whoever signed up first with an
 * address need not be the one whom the provider knows by it.
 */
import { AuthError, type OidcUser, OpenIdConnectMixin } from "squall/auth";
import { isLocalUrl } from "squall/web";
import { AccountHandler, EMAIL } from "./accounts.js";
import type { Author, Identity } from "./authors.js";
import { COOKIES } from "./handlers.js";

/** Where the provider sends people back to, below the site's own address. */
export const PROVIDER_PATH = "/sign-in/provider";

export class ProviderHandler extends OpenIdConnectMixin(AccountHandler) {
  async get(): Promise<void> {
    try {
      if (this.isAuthResponse()) {
        await this.#accept(await this.getAuthenticatedUser({ redirectUri: PROVIDER_PATH }));
      } else {
        this.setShortCookie(COOKIES.next, this.next);
        await this.authorizeRedirect({ redirectUri: PROVIDER_PATH });
      }
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      this.logException(error);
      const denied = error.code === "ERR_SQUALL_AUTH_DENIED";
      await this.#offerAgain(error.statusCode, denied ? "provider.denied" : "provider.failed");
    }
  }

  /** The provider says who it is. */
  async #accept(user: OidcUser): Promise<void> {
    const { authors } = this.blog;
    const next = this.#rememberedNext;
    const { iss: issuer, sub: subject } = user.claims;
    const identity: Identity = { issuer, subject };
    const known = await authors.identified(identity);
    if (known !== undefined) {
      this.#enter(known, next);
      return;
    }
    // Some providers put the address into the ID token, others tell it when they are asked.
    const profile = user.claims.email === undefined ? await this.oidcUserInfo(user) : user.claims;
    const email = profile.email_verified === true && typeof profile.email === "string" ? profile.email : "";
    if (!EMAIL.test(email)) {
      await this.#offerAgain(403, "provider.no-email");
      return;
    }
    const author =
      (await authors.addIdentified(nameOf(profile.name, email), email, identity)) ??
      // Of two answers for one person, at once, the other may have been faster.
      (await authors.identified(identity));
    if (author === undefined) await this.#askForPassword(identity, email, next);
    else this.#enter(author, next);
  }

  /** Where the reader wanted to go when the sign-in began. */
  get #rememberedNext(): string {
    const next = this.getShortCookie(COOKIES.next) ?? "/";
    return isLocalUrl(next) ? next : "/";
  }

  #enter(author: Author, next: string): void {
    this.clearCookie(COOKIES.next);
    this.signIn(author);
    this.redirect(next, { status: 303 });
  }

  async #askForPassword(identity: Identity, email: string, next: string): Promise<void> {
    this.setShortCookie(COOKIES.connecting, JSON.stringify({ ...identity, email: email.toLowerCase() }));
    await this.render("sign-in.html", { next, email, problems: { password: "provider.connect" } });
  }

  async #offerAgain(status: number, problem: string): Promise<void> {
    this.setStatus(status);
    const next = this.#rememberedNext;
    await this.render("sign-in.html", { next, email: "", problems: { provider: problem } });
  }
}

/** The name that a provider gives, if it will do; else what stands before the @. */
function nameOf(claim: unknown, email: string): string {
  const name = typeof claim === "string" ? claim.replace(/\p{Cc}+/gu, " ").trim() : "";
  return name.length > 0 && name.length <= 60 ? name : email.slice(0, email.indexOf("@")).slice(0, 60);
}
