/**
 * A site, a provider and a browser on a network in memory, in virtual time. After each test no line of the log may hold a
 * secret of the sign-in, whatever happened in it.
 */
import assert from "node:assert/strict";
import { AuthError } from "squall/auth";
import { SimpleAsyncHTTPClient } from "squall/httpclient";
import { HTTPServer, type HTTPServerCallback } from "squall/httpserver";
import { accessLog, genLog, LogHandler, type LogRecord } from "squall/log";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, type ApplicationSettings, RequestHandler, type Routes } from "squall/web";
import type { HTTPHeaders } from "#room/protocol/fields/headers";

export const SITE = "http://site.example";
export const PROVIDER = "http://id.example";
export const SECRET = "a secret of the site that has more than 32 bytes";

/** A response, as the browser sees it. */
export interface Page {
  readonly url: string;
  readonly code: number;
  readonly headers: HTTPHeaders;
  readonly text: string;
}

interface Cookie {
  readonly value: string;
  readonly attributes: string;
  readonly until: number;
}

/** A browser: it keeps cookies for each host, and goes where redirects lead. */
export class Browser {
  readonly #client: SimpleAsyncHTTPClient;
  readonly #loop: VirtualLoop;
  readonly cookies = new Map<string, Map<string, Cookie>>();
  /** Goes on sending cookies that it was asked to forget, or that have expired. */
  keepsCookies = false;

  constructor(loop: VirtualLoop) {
    this.#loop = loop;
    this.#client = new SimpleAsyncHTTPClient({ ioLoop: loop, forceInstance: true });
  }

  /** One request, without redirects. */
  async get(url: string): Promise<Page> {
    const { host } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map<string, Cookie>();
    this.cookies.set(host, jar);
    const now = this.#loop.wallTime();
    const sent = [...jar].filter(([, { until }]) => this.keepsCookies || until > now);
    const headers =
      sent.length === 0 ? {} : { Cookie: sent.map(([name, { value }]) => `${name}=${value}`).join("; ") };
    const {
      code,
      headers: fields,
      body,
    } = await this.#client.fetch(url, {
      headers,
      followRedirects: false,
      raiseError: false,
      requestTimeout: 0,
    });
    for (const line of fields.getList("Set-Cookie")) this.#keep(jar, line);
    return { url, code, headers: fields, text: body.toString() };
  }

  #keep(jar: Map<string, Cookie>, line: string): void {
    const [, name = "", value = "", attributes = ""] = /^([^=]*)=([^;]*);?(.*)$/.exec(line) ?? [];
    const maxAge = /max-age=(-?\d+)/i.exec(attributes)?.[1];
    const expires = /expires=([^;]*)/i.exec(attributes)?.[1];
    const until =
      maxAge !== undefined
        ? this.#loop.wallTime() + Number(maxAge) * 1000
        : expires !== undefined
          ? Date.parse(expires)
          : Number.POSITIVE_INFINITY;
    if (until <= this.#loop.wallTime() && this.keepsCookies) return;
    jar.set(name, { value: value.replace(/^"|"$/g, ""), attributes, until });
  }

  /** Follows redirects, and gives each page on the way. `until` ends the way before a URL is asked for. */
  async visit(url: string, until?: (url: string) => boolean): Promise<Page[]> {
    const pages: Page[] = [];
    for (let next: string | undefined = url; next !== undefined && until?.(next) !== true; ) {
      const page: Page = await this.get(next);
      pages.push(page);
      const location: string | undefined = page.headers.get("Location");
      next =
        page.code >= 300 && page.code < 400 && location !== undefined
          ? new URL(location, next).href
          : undefined;
    }
    return pages;
  }

  close(): void {
    this.#client.close();
  }
}

/** What a test gets. */
export interface World {
  readonly loop: VirtualLoop;
  readonly network: MemoryNetwork;
  readonly browser: Browser;
  /** Another browser, with no cookies. */
  newBrowser(): Browser;
  /** Goes from the site's page to the answer of the provider, and gives the answer's URL without asking for it. */
  answerTo(browser?: Browser): Promise<string>;
  /** Signs in from the site's page to the end. */
  signIn(browser?: Browser): Promise<Page>;
  /** All lines of the log. */
  readonly lines: readonly string[];
  /** What `handler.logException()` got. */
  readonly errors: readonly AuthError[];
}

/** A provider: an HTTP server, and the secrets that it has given out. */
export interface FakeProvider {
  readonly serve: HTTPServerCallback;
  readonly secrets: ReadonlySet<string>;
}

/** Errors are answered with their code, so that tests see it. */
export class SiteHandler extends RequestHandler {
  declare seen: AuthError[];

  override initialize({ seen }: { seen: AuthError[] }): void {
    this.seen = seen;
  }

  override logException(error: unknown): void {
    if (error instanceof AuthError) this.seen.push(error);
    super.logException(error);
  }

  override writeError(status: number, { error }: { readonly error?: unknown }): void {
    this.finish({ status, code: (error as { code?: string } | undefined)?.code ?? "none" });
  }
}

/** Sets the site and the provider up, runs `test`, and looks for secrets in the log. */
export async function withSite(
  login: typeof SiteHandler,
  provider: FakeProvider,
  settings: ApplicationSettings,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const lines: string[] = [];
  const errors: AuthError[] = [];
  const network = new MemoryNetwork({ hosts: { "site.example": "10.0.0.1", "id.example": "10.0.0.2" } });
  const restore = captureLog(lines);
  try {
    await VirtualLoop.run(
      async (loop) => {
        const routes: Routes = [["/login", login, { seen: errors }]];
        const site = new HTTPServer(new Application(routes, { cookieSecret: SECRET, ...settings }));
        const other = new HTTPServer(provider.serve);
        await site.listen(80, "10.0.0.1");
        await other.listen(80, "10.0.0.2");
        const browsers: Browser[] = [];
        const newBrowser = (): Browser => {
          const browser = new Browser(loop);
          browsers.push(browser);
          return browser;
        };
        const browser = newBrowser();
        const answerTo = async (by = browser): Promise<string> => {
          let answer = "";
          const pages = await by.visit(`${SITE}/login`, (url) => {
            if (!url.startsWith(`${SITE}/login?`)) return false;
            answer = url;
            return true;
          });
          assert.notEqual(answer, "", `no answer: ${pages.at(-1)?.code} ${pages.at(-1)?.text}`);
          return answer;
        };
        const signIn = async (by = browser): Promise<Page> => by.get(await answerTo(by));
        try {
          await test({ loop, network, browser, newBrowser, answerTo, signIn, lines, errors });
        } finally {
          for (const each of browsers) each.close();
          for (const server of [site, other]) {
            await server.stop();
            await server.closeAllConnections({ timeout: 0 });
          }
        }
      },
      { network },
    );
  } finally {
    restore();
  }
  for (const secret of provider.secrets) {
    for (const line of lines) assert.ok(!line.includes(secret), `a secret is in the log: ${line}`);
  }
}

class Capture extends LogHandler {
  readonly #lines: string[];

  constructor(lines: string[]) {
    super();
    this.#lines = lines;
  }

  override emit(record: LogRecord): void {
    this.#lines.push(this.formatter.format(record));
  }
}

/** Lets all lines of the log come here, those of information as well; returns the function that undoes it. */
function captureLog(lines: string[]): () => void {
  const handler = new Capture(lines);
  const restore = [accessLog, genLog].map((logger) => {
    const { level, propagate } = logger;
    logger.setLevel("info");
    logger.propagate = false;
    logger.addHandler(handler);
    return () => {
      logger.removeHandler(handler);
      logger.propagate = propagate;
      logger.setLevel(level);
    };
  });
  return () => {
    for (const undo of restore) undo();
  };
}

/** The page of a refusal. */
export function assertRefused(page: Page, status: number, code: string): void {
  assert.deepEqual(JSON.parse(page.text), { status, code });
  assert.equal(page.code, status);
}

/** The URL with an argument replaced, added or (undefined) taken away. */
export function withArgument(url: string, name: string, value: string | undefined): string {
  const changed = new URL(url);
  if (value === undefined) changed.searchParams.delete(name);
  else changed.searchParams.set(name, value);
  return changed.href;
}
