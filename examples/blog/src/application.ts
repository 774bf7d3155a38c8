/** The blog as an application, ready to listen. */
import { fileURLToPath } from "node:url";
import type { OidcSettings } from "squall/auth";
import { loadTranslations, setDefaultLocale } from "squall/locale";
import { Application, StaticFileHandler } from "squall/web";
import { LanguageHandler, SignInHandler, SignOutHandler, SignUpHandler } from "./accounts.js";
import { Authors } from "./authors.js";
import { ComposeHandler, EditHandler } from "./compose.js";
import type { Database } from "./database.js";
import { Entries } from "./entries.js";
import { uiMethods, uiModules } from "./modules.js";
import { ArchiveHandler, EntryHandler, FeedHandler, HomeHandler, NotFoundHandler } from "./pages.js";
import { PROVIDER_PATH, ProviderHandler } from "./provider.js";

/** What differs from one installation to the next. */
export interface BlogOptions {
  readonly title: string;
  readonly cookieSecret: string;
  /** The blog's address as browsers see it, which a provider sends people back to. */
  readonly publicOrigin: string;
  /** The provider of OpenID Connect that people may sign in with; default none. */
  readonly provider?: (OidcSettings & { readonly name: string }) | undefined;
}

const folder = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

export function makeApplication(database: Database, options: BlogOptions): Application {
  const { title, cookieSecret, publicOrigin, provider } = options;
  loadTranslations(folder("locale"), { intl: true });
  setDefaultLocale("en");
  return new Application(
    [
      ["/", HomeHandler],
      ["/archive", ArchiveHandler],
      ["/feed.xml", FeedHandler],
      ["/entries/:slug", EntryHandler, undefined, "entry"],
      ["/entries/:slug/edit", EditHandler, undefined, "edit"],
      ["/compose", ComposeHandler],
      ["/sign-up", SignUpHandler],
      ["/sign-in", SignInHandler],
      ...(provider === undefined ? [] : ([[PROVIDER_PATH, ProviderHandler]] as const)),
      ["/sign-out", SignOutHandler],
      ["/language", LanguageHandler],
    ],
    {
      blog: {
        title,
        provider: provider?.name,
        authors: new Authors(database),
        entries: new Entries(database),
      },
      cookieSecret,
      publicOrigin,
      oidc: provider,
      loginUrl: "/sign-in",
      xsrfCookies: true,
      xsrfCookieKwargs: { httponly: true, samesite: "Lax" },
      securityHeaders: {
        contentSecurityPolicy:
          "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        frameOptions: "DENY",
        strictTransportSecurity: "max-age=31536000",
      },
      compressResponse: true,
      templatePath: folder("templates"),
      uiModules,
      uiMethods,
      staticPath: folder("static"),
      staticHandlerClass: StaticFileHandler,
      defaultHandlerClass: NotFoundHandler,
    },
  );
}
