/** The harbour office of examples/migrate in Chromium: one sign-in, four applications, on a desk and on a phone. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Browser,
  DESKTOP,
  launchBrowser,
  NAMELESS,
  openPage,
  PALE,
  type Page,
  PHONE,
  screenshotPath,
} from "../support/browser.js";
import { needsPackages } from "../support/interop.js";
import { needsMigrate, startMigrate } from "../support/migrate.js";
import { needs } from "../support/programs.js";

const skip = needs("chromium").skip || needsPackages("playwright-core").skip || needsMigrate().skip;

describe("the pages of the harbour office", { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  const looksRight = async (page: Page): Promise<void> => {
    assert.deepEqual(await page.evaluate<string[]>(NAMELESS), []);
    assert.deepEqual(await page.evaluate<string[]>(PALE), []);
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  };

  test("know the same person, whichever application answers", async (context) => {
    const { base } = await startMigrate(context);
    const { page, complaints } = await openPage(browser, context, DESKTOP);
    await page.goto(base);
    await page.locator('[data-world="flask"] .sees', { hasText: "sees a guest" }).waitFor();
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Name").fill("Ada Byron");
    await page.screenshot({ path: screenshotPath("migrate-sign-in") });
    await looksRight(page);
    await page.getByRole("button", { name: "Sign in" }).click();
    for (const world of ["squall", "flask", "express", "hono"])
      await page.locator(`.card[data-world="${world}"] .sees`, { hasText: "sees Ada Byron" }).waitFor();
    await page.screenshot({ path: screenshotPath("migrate-home") });
    await looksRight(page);

    await page.getByRole("link", { name: "Logbook" }).first().click();
    await page.getByLabel("New entry").fill("Fog, and a <script> in it.");
    await page.getByRole("button", { name: "Write it down" }).click();
    await page.locator(".entries li", { hasText: "Ada Byron Fog, and a <script> in it." }).waitFor();
    await page.screenshot({ path: screenshotPath("migrate-logbook") });
    await looksRight(page);

    await page.getByRole("link", { name: "Berths" }).click();
    await page.getByRole("button", { name: "Take Fuel dock" }).click();
    await page.locator("tr .taken", { hasText: "Ada Byron" }).waitFor();
    await page.screenshot({ path: screenshotPath("migrate-berths") });
    await looksRight(page);

    await page.getByRole("link", { name: "Crew" }).click();
    await page.locator("li", { hasText: "Ada Byron (you)" }).waitFor();
    await page.getByRole("link", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator('[data-world="hono"] .sees', { hasText: "sees a guest" }).waitFor();
    assert.deepEqual(complaints, []);
  });

  test("fit on a phone in the dark", async (context) => {
    const { base } = await startMigrate(context);
    const { page, complaints } = await openPage(browser, context, { ...PHONE, colorScheme: "dark" });
    for (const [path, name] of [
      ["/", "home"],
      ["/hono/", "tides"],
      ["/express/", "berths"],
    ] as const) {
      await page.goto(base + path);
      if (path === "/") await page.locator('[data-world="hono"] .sees', { hasText: "guest" }).waitFor();
      await looksRight(page);
      await page.screenshot({ path: screenshotPath(`migrate-phone-${name}`), fullPage: true });
    }
    assert.deepEqual(complaints, []);
  });
});
