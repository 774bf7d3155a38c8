/** The frame that the applications of Express and Hono put around their pages. Flask and squall have templates for it. */
import { xhtmlEscape } from "squall/escape";

/** One page. */
export interface Page {
  readonly title: string;
  /** Who is signed in, "" for a guest. */
  readonly user: string;
  /** Which application answers, for the badge and the menu. */
  readonly world: "Express" | "Hono";
  /** HTML. */
  readonly body: string;
}

const PLACES = [
  ["/", "Office"],
  ["/legacy/", "Logbook"],
  ["/legacy/crew", "Crew"],
  ["/express/", "Berths"],
  ["/hono/", "Tides"],
] as const;

/** The page as HTML. */
export function page({ title, user, world, body }: Page): string {
  const here = world === "Express" ? "/express/" : "/hono/";
  const links = PLACES.map(
    ([path, name]) => `<a href="${path}"${path === here ? ' aria-current="page"' : ""}>${name}</a>`,
  );
  const account =
    user === ""
      ? `<a href="/sign-in?next=${here}">Sign in</a>`
      : `<span class="who">${xhtmlEscape(user)}</span> <a href="/sign-out">Sign out</a>`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${xhtmlEscape(title)} – Harbour office</title>
    <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/static/harbour.css">
  </head>
  <body>
    <header>
      <nav aria-label="Pages">${links.join("\n")}</nav>
      <p class="account">${account}</p>
    </header>
    <main>
      <p class="badge" data-world="${world.toLowerCase()}">answered by ${world}</p>
      <h1>${xhtmlEscape(title)}</h1>
      ${body}
    </main>
  </body>
</html>
`;
}
