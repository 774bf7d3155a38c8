/** The shelf for uploads in Chromium: progress, limits, a cancel, and the same form without scripts. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import {
  type Browser,
  DESKTOP,
  launchBrowser,
  NAMELESS,
  openPage,
  PALE,
  type Page,
  type PageOptions,
  PHONE,
  screenshotPath,
  slowUploads,
} from "../support/browser.js";
import { needsPackages } from "../support/interop.js";
import { needs } from "../support/programs.js";
import { startShelf } from "../support/upload.js";

const skip = needs("chromium").skip || needsPackages("playwright-core").skip;
const fileOf = (name: string, size: number) => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.alloc(size, 65),
});

describe("the page for uploads", { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  const visit = async (context: TestContext, options: PageOptions): Promise<Page> => {
    const { page, complaints } = await openPage(browser, context, options);
    context.after(() => assert.deepEqual(complaints, []));
    return page;
  };
  const choose = (page: Page, ...files: readonly ReturnType<typeof fileOf>[]) =>
    page.getByLabel("Choose files").setInputFiles(files);

  test("files that are chosen go at once, and stand on the list when they have arrived", async (context) => {
    const shelf = await startShelf(context);
    const page = await visit(context, DESKTOP);
    await page.goto(shelf.base);
    await page.screenshot({ path: screenshotPath("upload-empty") });
    await choose(page, fileOf("minutes of the meeting.pdf", 182_000), fileOf("holiday.jpg", 930_000));
    await page.locator("#files .name", { hasText: "holiday.jpg" }).waitFor();
    await page.locator('.batch[data-state="done"]', { hasText: "2 files uploaded." }).waitFor();
    assert.equal((await shelf.kept()).length, 2);
    await page.getByRole("button", { name: "Remove holiday.jpg" }).click();
    await page.locator("#files .name", { hasText: "holiday.jpg" }).waitFor({ state: "hidden" });
    assert.equal((await shelf.kept()).length, 1);
  });

  test("a bar shows how far an upload is; a cancelled one leaves nothing, and can be tried again", async (context) => {
    const shelf = await startShelf(context);
    const page = await visit(context, { ...PHONE, colorScheme: "dark" });
    await page.goto(shelf.base);
    await choose(page, fileOf("first.bin", 700_000));
    await page.locator("#files .name", { hasText: "first.bin" }).waitFor();
    // A slow line: a second and a half for what follows.
    await slowUploads(page, 400_000);
    await choose(page, fileOf("a video of the harbour.mp4", 900_000));
    const batch = page.locator(".batch", { hasText: "a video of the harbour.mp4" });
    await page.locator('.batch[data-state="sending"]', { hasText: /[1-9]\d? %/ }).waitFor();
    assert.ok(
      await page.evaluate<boolean>("document.querySelector('.batch[data-state=sending] progress').value > 0"),
    );
    await page.screenshot({ path: screenshotPath("upload-phone-dark") });
    await batch.getByRole("button", { name: "Cancel" }).click();
    await page.locator('.batch[data-state="failed"]', { hasText: "Cancelled. Nothing was kept." }).waitFor();
    await shelf.nothingSpooled();
    assert.equal((await shelf.kept()).length, 1);
    await slowUploads(page, -1);
    await batch.getByRole("button", { name: "Try again" }).click();
    await page.locator("#files .name", { hasText: "a video of the harbour.mp4" }).waitFor();
    assert.equal((await shelf.kept()).length, 2);
  });

  test("what is too large is refused before it is sent", async (context) => {
    const shelf = await startShelf(context);
    const page = await visit(context, DESKTOP);
    await page.goto(shelf.base);
    await choose(page, fileOf("large.iso", 1_200_000));
    await page
      .locator('.batch[data-state="refused"]', { hasText: "large.iso has 1.2 MB; a file may have 1 MB." })
      .waitFor();
    await choose(page, ...["a", "b", "c"].map((name) => fileOf(name, 900_000)));
    await page.locator('.batch[data-state="refused"]', { hasText: "Together they have 2.7 MB" }).waitFor();
    await choose(page, fileOf("minutes of the meeting.pdf", 182_000));
    await page.locator("#files .name", { hasText: "minutes" }).waitFor();
    await page.screenshot({ path: screenshotPath("upload-refused") });
    assert.deepEqual(await page.evaluate<string[]>(NAMELESS), []);
    assert.deepEqual(await page.evaluate<string[]>(PALE), []);
  });

  test("the server's refusal is shown when the page's own limits are out of date", async (context) => {
    const shelf = await startShelf(context);
    const { page } = await openPage(browser, context, DESKTOP);
    await page.goto(shelf.base);
    // The page of a server that has become stricter since.
    await page.evaluate("document.querySelector('#upload').dataset.fileLimit = '1e9'");
    await choose(page, fileOf("large.iso", 1_300_000));
    await page.locator('.batch[data-state="failed"]', { hasText: "a file may have 1 MB" }).waitFor();
    await shelf.nothingSpooled();
    assert.deepEqual(await shelf.kept(), []);
  });

  test("without scripts the form uploads, and says what is wrong", async (context) => {
    const shelf = await startShelf(context);
    const page = await visit(context, { ...PHONE, javaScriptEnabled: false });
    await page.goto(shelf.base);
    await page.screenshot({ path: screenshotPath("upload-phone-plain") });
    await choose(page, fileOf("plain.txt", 5_000));
    await page.getByRole("button", { name: "Upload" }).click();
    await page.locator("#files .name", { hasText: "plain.txt" }).waitFor();
    assert.equal((await shelf.kept()).length, 1);
  });
});
