/** One server for four worlds. The first rule that matches answers. */
import { fileURLToPath } from "node:url";
import { FetchContainer } from "squall/fetch";
import { NodeContainer } from "squall/node";
import { Application } from "squall/web";
import type { WSGIContainer } from "squall/wsgi";
import { makeBerths } from "./berths.js";
import { CrewHandler, HomeHandler, MeHandler, SignInHandler, SignOutHandler } from "./handlers.js";
import { makeTides } from "./tides.js";

/** The application, with `logbook` (logbook/logbook.py) under `/legacy`; all four sign and read cookies with `secret`. */
export function makeApplication(logbook: WSGIContainer, secret: string): Application {
  const folder = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
  return new Application(
    [
      ["/", HomeHandler],
      ["/me", MeHandler],
      ["/sign-in", SignInHandler],
      ["/sign-out", SignOutHandler],
      // A page of the logbook that has moved already.
      ["/legacy/crew", CrewHandler],
      ["/legacy(?:/.*)?", logbook],
      ["/express(?:/.*)?", new NodeContainer(makeBerths(secret))],
      ["/hono(?:/.*)?", new FetchContainer(makeTides(secret).fetch)],
    ],
    {
      cookieSecret: secret,
      loginUrl: "/sign-in",
      xsrfCookies: true,
      xsrfCookieKwargs: { httponly: true, samesite: "Lax" },
      securityHeaders: {
        contentSecurityPolicy:
          "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        frameOptions: "DENY",
      },
      templatePath: folder("templates"),
      staticPath: folder("static"),
    },
  );
}
