/** Chromium for tests of pages: the part of playwright-core that they use, and a browser that ends with the test. */
import { mkdirSync } from "node:fs";
import type { SuiteContext, TestContext } from "node:test";
import { loadPackage } from "./interop.js";
import { pathOf } from "./programs.js";
import { root } from "./root.js";

/** What a test may wait for or ask of a part of a page. */
export interface Locator {
  click(): Promise<void>;
  count(): Promise<number>;
  fill(text: string): Promise<void>;
  first(): Locator;
  getAttribute(name: string): Promise<string | null>;
  inputValue(): Promise<string>;
  last(): Locator;
  locator(selector: string): Locator;
  allTextContents(): Promise<string[]>;
  press(key: string): Promise<void>;
  pressSequentially(text: string): Promise<void>;
  textContent(): Promise<string | null>;
  waitFor(options?: { state?: "attached" | "hidden" | "visible"; timeout?: number }): Promise<void>;
}

/** A request that the page makes and the test may hold back. */
export interface Route {
  continue(): Promise<void>;
}

export interface Page {
  evaluate<T>(expression: string): Promise<T>;
  getByLabel(text: string): Locator;
  getByRole(role: string, options?: { name?: string | RegExp }): Locator;
  goto(url: string): Promise<unknown>;
  locator(selector: string, options?: { hasText?: string }): Locator;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  reload(): Promise<unknown>;
  route(url: string, handler: (route: Route) => void): Promise<void>;
  screenshot(options: { path: string }): Promise<unknown>;
  unroute(url: string): Promise<void>;
}

export interface PageOptions {
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  readonly isMobile?: boolean;
  readonly hasTouch?: boolean;
  readonly deviceScaleFactor?: number;
  readonly locale?: string;
  readonly timezoneId?: string;
}

export interface Browser {
  newContext(options: PageOptions): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Flags that keep Chromium from talking to anybody but the page's server. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-quic",
];

/** Starts the system's Chromium without a window; close it when done. */
export async function launchBrowser(): Promise<Browser> {
  const { chromium } = await loadPackage<{
    chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
  }>("playwright-core");
  return await chromium.launch({ executablePath: pathOf("chromium"), args: FLAGS });
}

/**
 * A page of its own profile. What it says on its console at level error, and scripts that fail, are collected in
 * `complaints`; a refused connection is left out, because tests stop servers on purpose.
 */
export async function openPage(
  browser: Browser,
  context: TestContext | SuiteContext,
  options: PageOptions,
): Promise<{ page: Page; complaints: string[] }> {
  const profile = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
  if ("after" in context) context.after(() => profile.close());
  const page = await profile.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("net::ERR_")) complaints.push(message.text());
  });
  return { page, complaints };
}

/** Where a screenshot of that name goes: build/screenshots. */
export function screenshotPath(name: string): string {
  mkdirSync(`${root}build/screenshots`, { recursive: true });
  return `${root}build/screenshots/${name}.png`;
}
