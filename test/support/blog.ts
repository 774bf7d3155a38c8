/** The example of a blog as a process of its own, and somebody who reads and writes there without a browser. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HTTPServer } from "squall/httpserver";
import { CLIENT_ID, CLIENT_SECRET, Provider } from "../auth/oidc-provider.js";
import { Child } from "./child.js";
import { root } from "./root.js";

const server = `${root}examples/blog/build/server.js`;

/** Test options that skip where the blog has not been prepared; with `CI=true` that throws instead. */
export function needsBlog(): { skip: string | false } {
  if (existsSync(server) && existsSync(`${root}examples/blog/node_modules/pg`)) return { skip: false };
  const message = "needs the blog's packages (npm run test:e2e installs them and compiles it)";
  if (process.env.CI === "true") throw new Error(message);
  return { skip: message };
}

/** A running blog. */
export interface RunningBlog {
  readonly base: string;
  readonly child: Child;
  /** The folder of the embedded database and the secret. */
  readonly data: string;
  /** Ends it, and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts the blog on a free port; with a URL on that server, otherwise on a database in a folder of its own. `issuer`
 * is a provider that knows the blog as the tests' client.
 */
export async function startBlog({
  url,
  data: given,
  issuer,
}: {
  url?: string | undefined;
  data?: string | undefined;
  issuer?: string | undefined;
} = {}): Promise<RunningBlog> {
  const data = given ?? (await mkdtemp(join(tmpdir(), "squall-blog-")));
  const args = [server, "--port", "0", "--address", "127.0.0.1", "--data", data, "--provider", "Harbour ID"];
  const child = new Child(process.execPath, args, {
    DATABASE_URL: url ?? "",
    COOKIE_SECRET: "",
    OIDC_ISSUER: issuer ?? "",
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
  });
  const stop = async (): Promise<void> => {
    await child.kill("SIGKILL");
    await rm(data, { recursive: true, force: true });
  };
  try {
    const [, port] = await child.prints(/http:\/\/localhost:(\d+)/);
    return { base: `http://127.0.0.1:${port}`, child, data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A provider of OpenID Connect on a port of this machine. */
export interface RunningProvider {
  readonly issuer: string;
  readonly provider: Provider;
  stop(): Promise<void>;
}

/** Starts a provider, in this process. */
export async function startProvider(): Promise<RunningProvider> {
  const server = new HTTPServer((request) => provider.serve(request));
  await server.listen(0, "127.0.0.1");
  const issuer = `http://127.0.0.1:${server.port}`;
  const provider = new Provider(issuer);
  return {
    issuer,
    provider,
    async stop() {
      server.stop();
      await server.closeAllConnections({ timeout: 0 });
    },
  };
}

/** Somebody with cookies and no scripts. */
export class Visitor {
  readonly base: string;
  readonly cookies = new Map<string, string>();
  readonly #headers: Readonly<Record<string, string>>;

  constructor(base: string, headers: Readonly<Record<string, string>> = {}) {
    this.base = base;
    this.#headers = headers;
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...this.#headers, Cookie, ...(init.headers as Record<string, string>) };
    const response = await fetch(this.base + path, { redirect: "manual", ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || value === '""') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** A page: its status, its text and its header fields. */
  async get(path: string): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await this.#fetch(path);
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  /** Opens a page with a form, fills it in and sends it to `action`; resolves with the answer, redirects not followed. */
  async send(
    page: string,
    fields: Readonly<Record<string, string>>,
    action = page,
  ): Promise<{ status: number; location: string | null; text: string }> {
    const form = await this.get(page);
    const [, token = ""] = /name="_xsrf" value="([^"]+)"/.exec(form.text) ?? [];
    return await this.post(action, { _xsrf: token, ...fields });
  }

  /** Sends a form without opening its page. */
  async post(
    action: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<{ status: number; location: string | null; text: string }> {
    const response = await this.#fetch(action, { method: "POST", body: new URLSearchParams(fields) });
    return {
      status: response.status,
      location: response.headers.get("location"),
      text: await response.text(),
    };
  }

  /** Signs up with a name; the password is that name and ` has a long password`. */
  async signUp(name: string): Promise<void> {
    const email = `${name}@example.org`;
    const answer = await this.send("/sign-up", { name, email, password: `${name} has a long password` });
    if (answer.status !== 303) throw new Error(`sign-up: ${answer.status} ${answer.text}`);
  }
}
