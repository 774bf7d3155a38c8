/** The live page of examples/sse in Chromium: two windows, a note, and a server that goes away and comes back. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import {
  type Browser,
  launchBrowser,
  openPage,
  type Page,
  type PageOptions,
  screenshotPath,
} from "../support/browser.js";
import { needsPackages } from "../support/interop.js";
import { needs } from "../support/programs.js";
import { startSse } from "../support/sse.js";

const DESKTOP: PageOptions = { viewport: { width: 1100, height: 860 } };
const PHONE: PageOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
  colorScheme: "dark",
};

const skip = needs("chromium").skip || needsPackages("playwright-core").skip;

describe("the live page", { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  const visit = async (context: TestContext, base: string, options: PageOptions): Promise<Page> => {
    const { page, complaints } = await openPage(browser, context, options);
    context.after(() => assert.deepEqual(complaints, []));
    await page.goto(base);
    await page.locator('#status[data-state="live"]').waitFor();
    return page;
  };
  const watchers = (page: Page, count: number) =>
    page.locator("#watchers output", { hasText: String(count) });

  test("shows the same in two windows, and a note in both", async (context) => {
    const { base } = await startSse(context);
    const desk = await visit(context, base, DESKTOP);
    const phone = await visit(context, base, PHONE);
    await watchers(desk, 2).waitFor();
    await watchers(phone, 2).waitFor();
    await phone.getByLabel("A note for everybody who watches").fill("<b>deploying</b> now");
    await phone.getByRole("button", { name: "Send" }).click();
    for (const page of [desk, phone])
      await page.locator("#notes li", { hasText: "<b>deploying</b> now" }).waitFor();
    assert.equal(await desk.locator("#notes b").count(), 0);
    assert.equal(await phone.getByLabel("A note for everybody who watches").inputValue(), "");
    await desk.locator("#cpu .marks line").first().waitFor({ state: "attached" });
    await desk.screenshot({ path: screenshotPath("sse-desktop") });
    await phone.screenshot({ path: screenshotPath("sse-phone-dark") });
    const width = await phone.evaluate<number>("document.documentElement.scrollWidth");
    assert.ok(width <= 390, `the page is ${width} pixels wide on a phone of 390`);
  });

  test("connects again by itself when the server comes back", async (context) => {
    const first = await startSse(context);
    const page = await visit(context, first.base, DESKTOP);
    await first.child.kill();
    await page.locator('#status[data-state="waiting"]').waitFor();
    await startSse(context, first.port);
    await page.locator('#status[data-state="live"]').waitFor();
    await watchers(page, 1).waitFor();
  });
});
