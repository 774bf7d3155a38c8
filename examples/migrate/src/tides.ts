/** The tides of the day: a Hono application, which has a page and the same as JSON. */
import { Hono } from "hono";
import { page } from "./page.js";
import { honoSignIn, type SignedIn } from "./sign-in.js";

const MEAN = 2.4;
const RANGE = 1.9;
/** From one high water to the next, in hours. */
const PERIOD = 12.42;

/** The level at an hour of the day, in metres. */
function levelAt(hour: number): number {
  return Math.round((MEAN + RANGE * Math.cos(((hour - 4.2) / PERIOD) * 2 * Math.PI)) * 10) / 10;
}

const hours = Array.from({ length: 12 }, (_, index) => index * 2);
const tides = hours.map((hour) => ({ time: `${String(hour).padStart(2, "0")}:00`, metres: levelAt(hour) }));

/** The application, for the path `/hono`. */
export function makeTides(secret: string): Hono<{ Variables: SignedIn }> {
  const app = new Hono<{ Variables: SignedIn }>({ strict: false }).basePath("/hono");
  app.use(honoSignIn(secret));

  app.get("/", (context) => {
    const rows = tides.map(
      ({ time, metres }) =>
        `<tr><th scope="row">${time}</th><td><meter min="0" max="5" value="${metres}">${metres} m</meter></td><td>${metres.toFixed(1)} m</td></tr>`,
    );
    const body = `<table class="tides"><tbody>${rows.join("")}</tbody></table>
      <p class="note">The same <a href="/hono/tides.json">as JSON</a>.</p>`;
    return context.html(page({ title: "Tides", user: context.get("user"), world: "Hono", body }));
  });

  app.get("/tides.json", (context) => context.json(tides));

  app.get("/me", (context) => context.json({ user: context.get("user") }));
  return app;
}
