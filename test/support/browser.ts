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
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
  press(key: string): Promise<void>;
  pressSequentially(text: string): Promise<void>;
  setInputFiles(files: readonly { name: string; mimeType: string; buffer: Buffer }[]): Promise<void>;
  textContent(): Promise<string | null>;
  waitFor(options?: { state?: "attached" | "hidden" | "visible"; timeout?: number }): Promise<void>;
}

/** A request that the page makes and the test may hold back. */
export interface Route {
  continue(): Promise<void>;
}

export interface Page {
  context(): {
    newCDPSession(page: Page): Promise<{ send(method: string, params: object): Promise<unknown> }>;
  };
  evaluate<T>(expression: string): Promise<T>;
  getByLabel(text: string, options?: { exact?: boolean }): Locator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
  goto(url: string): Promise<unknown>;
  locator(selector: string, options?: { hasText?: string | RegExp }): Locator;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  reload(): Promise<unknown>;
  route(url: string, handler: (route: Route) => void): Promise<void>;
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
  unroute(url: string): Promise<void>;
}

export interface PageOptions {
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  readonly isMobile?: boolean;
  readonly hasTouch?: boolean;
  readonly deviceScaleFactor?: number;
  readonly javaScriptEnabled?: boolean;
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

/** Makes the page's line slow for what it sends, in bytes a second; -1 for as fast as it can. */
export async function slowUploads(page: Page, uploadThroughput: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput };
  await session.send("Network.emulateNetworkConditions", conditions);
}

/** A window on a desk. */
export const DESKTOP: PageOptions = { viewport: { width: 1100, height: 760 } };
/** A telephone, held upright. */
export const PHONE: PageOptions = {
  viewport: { width: 390, height: 760 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
};

/** Controls that a screen reader would have no name for. */
export const NAMELESS: string = `[...document.querySelectorAll("button, input, textarea")]
  .filter((control) => !control.labels?.length && !control.innerText.trim() && !control.ariaLabel && control.checkVisibility())
  .map((control) => control.outerHTML)`;

/** Visible texts whose contrast with what is behind them is below 4.5 : 1 (WCAG 2.2, success criterion 1.4.3). */
export const PALE: string = `(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const luminance = ([r, g, b]) => { const f = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (node) => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .map((node) => { const [a, b] = [luminance(rgb(getComputedStyle(node).color)), luminance(behind(node))]; return [node, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; })
    .filter(([, contrast]) => contrast < 4.5)
    .map(([node, contrast]) => node.className + " " + node.textContent.trim().slice(0, 30) + ": " + contrast.toFixed(2));
})()`;
