/** The berths of the harbour: an Express application, as it stood before squall came. */
import express, { type Express } from "express";
import { xhtmlEscape } from "squall/escape";
import { page } from "./page.js";
import { expressSignIn } from "./sign-in.js";

const BERTHS = ["North pier 1", "North pier 2", "North pier 3", "Town quay 1", "Town quay 2", "Fuel dock"];

/** The application, for the path `/express`. */
export function makeBerths(secret: string): Express {
  const taken = new Map([["Town quay 1", "Harbour pilot"]]);
  const app = express();
  const berths = express.Router();
  berths.use(expressSignIn(secret));

  berths.get("/", (_request, response) => {
    const { user } = response.locals as { user: string };
    const rows = BERTHS.map((berth) => {
      const by = taken.get(berth);
      const state =
        by !== undefined
          ? `<span class="taken">${xhtmlEscape(by)}</span>`
          : user === ""
            ? `<span class="free">free</span>`
            : `<form method="post"><button name="berth" value="${berth}" aria-label="Take ${berth}">Take it</button></form>`;
      return `<tr><th scope="row">${berth}</th><td>${state}</td></tr>`;
    });
    const invitation = user === "" ? `<p class="note">Sign in to take a berth.</p>` : "";
    const body = `<table><tbody>${rows.join("")}</tbody></table>${invitation}`;
    response.send(page({ title: "Berths", user, world: "Express", body }));
  });

  // The cookie of the sign-in is SameSite=Lax: a form of another site comes without it.
  berths.post("/", express.urlencoded({ extended: false }), (request, response) => {
    const { user } = response.locals as { user: string };
    const { berth } = request.body as { berth?: unknown };
    if (user === "") response.status(403).send("Sign in to take a berth.");
    else if (typeof berth !== "string" || !BERTHS.includes(berth))
      response.status(400).send("There is no such berth.");
    else if (taken.has(berth)) response.status(409).send("That berth is taken.");
    else {
      taken.set(berth, user);
      response.redirect(303, "/express/");
    }
  });

  berths.get("/me", (_request, response) => {
    response.json(response.locals);
  });

  app.use("/express", berths);
  return app;
}
