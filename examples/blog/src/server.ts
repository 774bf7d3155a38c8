/**
 * npm start: the blog on http://localhost:8888.
 *
 *     DATABASE_URL=postgres://…                a PostgreSQL server; without it the database lies in the folder data/
 *     COOKIE_SECRET=…                          32 random bytes or more; without it one is made and kept in data/
 *     npm start -- --port 9000 --title "Notes" --address 0.0.0.0
 *     npm start -- --proxied                   behind a proxy that speaks TLS and sets X-Forwarded-For and -Proto
 *
 * Signing in with a provider of OpenID Connect is offered when there is one:
 *
 *     OIDC_ISSUER=https://id.example.com OIDC_CLIENT_ID=… OIDC_CLIENT_SECRET=… \\
 *       npm start -- --public-origin https://notes.example.com --provider "Example ID"
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { define, Integer, parseCommandLine } from "squall/options";
import { type BlogOptions, makeApplication } from "./application.js";
import { openEmbedded, openPostgres } from "./database.js";
import { migrate } from "./migrate.js";

/** How long answers on their way may take when the server stops (ms). */
const GRACE = 3_000;

const port = define("port", { type: Integer, default: 8888, help: "where to listen, 0 for any free port" });
const address = define("address", { default: "localhost", help: "the interface to listen on" });
const title = define("title", { default: "Tidewater Notes", help: "the name of the blog" });
const data = define("data", {
  default: fileURLToPath(new URL("../data", import.meta.url)),
  help: "the folder of the embedded database and the secret",
});
const proxied = define("proxied", {
  type: Boolean,
  default: false,
  help: "trust the fields that a proxy sets",
});
const publicOrigin = define("public-origin", {
  default: "",
  help: "the blog's address as browsers see it, such as https://notes.example.com",
});
const providerName = define("provider", { default: "", help: "what the button calls the provider" });
const { PORT, DATABASE_URL, COOKIE_SECRET, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET } = process.env;
parseCommandLine(["server", ...(PORT ? [`--port=${PORT}`] : []), ...process.argv.slice(2)], { exit: true });

/** The secret of this installation: the same after a restart, so that people stay signed in. */
async function keptSecret(): Promise<string> {
  await mkdir(data.value, { recursive: true });
  const file = join(data.value, "cookie-secret");
  try {
    await writeFile(file, randomBytes(32).toString("base64"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return await readFile(file, "utf8");
}

/** The provider that the environment names, if it does. */
function configuredProvider(): BlogOptions["provider"] {
  if (!OIDC_ISSUER) return undefined;
  if (!OIDC_CLIENT_ID) throw new Error("OIDC_ISSUER needs OIDC_CLIENT_ID, the name of the blog there");
  const { protocol, hostname, host } = new URL(OIDC_ISSUER);
  return {
    name: providerName.value || host,
    issuer: OIDC_ISSUER,
    clientId: OIDC_CLIENT_ID,
    clientSecret: OIDC_CLIENT_SECRET || undefined,
    // A provider on the same machine, to try it out, may do without TLS.
    allowHttp: protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname),
  };
}

const database = DATABASE_URL
  ? await openPostgres(DATABASE_URL)
  : await openEmbedded(join(data.value, "database"));
const ran = await migrate(database, new URL("../migrations/", import.meta.url));
console.log(`${database.name}: ${ran.length === 0 ? "up to date" : `ran ${ran.join(", ")}`}`);

const application = makeApplication(database, {
  title: title.value,
  cookieSecret: COOKIE_SECRET || (await keptSecret()),
  publicOrigin: publicOrigin.value,
  provider: configuredProvider(),
});
const server = await application.listen(port.value, {
  address: address.value,
  maxBodySize: 256 * 1024,
  xheaders: proxied.value,
});
// Unless told otherwise, people come from this machine.
if (publicOrigin.value === "") {
  const host = ["0.0.0.0", "::"].includes(address.value) ? "localhost" : address.value;
  application.settings.publicOrigin = `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`;
}
console.log(`The blog is open on http://localhost:${server.port} (Ctrl-C ends it)`);

let stopping = false;

/**
 * Stops accepting, lets answers on their way arrive, and then closes the database. A second signal changes nothing: one
 * press of Ctrl-C comes from the terminal and from npm.
 */
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  console.log("Closing the blog …");
  server.stop();
  await server.closeAllConnections({ timeout: GRACE });
  await database.close();
}
process.on("SIGINT", stop).on("SIGTERM", stop);
