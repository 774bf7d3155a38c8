/** The blog in Chromium: sign up, write, edit, switch the language, sign out; on a desk and on a phone. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  needsBlog,
  type RunningBlog,
  type RunningProvider,
  startBlog,
  startProvider,
} from "../support/blog.js";
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
import { needs } from "../support/programs.js";

const skip = needs("chromium").skip || needsPackages("playwright-core").skip || needsBlog().skip;

const STORY = `The harbour is **quiet** before six. A gull walks along the wall as if it owned it, and perhaps it does.

## What the tide left

- a shoe, left
- a message without a bottle
- 200 metres of rope

> All the rivers run into the sea; yet the sea is not full.

| hour | level |
| ---- | ----- |
| 06:12 | 1.2 m |
| 12:31 | 4.8 m |

\`\`\`
const tide = (hours) => Math.sin(hours / 12.42 * 2 * Math.PI);
\`\`\`

More at https://example.org/tides.`;

describe("the blog's pages", { skip }, () => {
  let browser: Browser;
  let blog: RunningBlog;
  let harbour: RunningProvider;
  before(async () => {
    harbour = await startProvider();
    [browser, blog] = await Promise.all([launchBrowser(), startBlog({ issuer: harbour.issuer })]);
  });
  after(async () => {
    await blog?.stop();
    await harbour?.stop();
    await browser?.close();
  });

  const looksRight = async (page: Page): Promise<void> => {
    assert.deepEqual(await page.evaluate<string[]>(NAMELESS), []);
    assert.deepEqual(await page.evaluate<string[]>(PALE), []);
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  };

  test("somebody signs up, writes with a preview, edits, reads in German, and signs out", async (context) => {
    const { page, complaints } = await openPage(browser, context, DESKTOP);
    await page.goto(blog.base);
    await page.screenshot({ path: screenshotPath("blog-empty") });
    await page.getByRole("link", { name: "Sign up" }).click();
    await page.getByLabel("Name").fill("Ada Byron");
    await page.getByLabel("E-mail address").fill("ada@example.org");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.locator('.problem[role="alert"]', { hasText: "10 characters or more" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-sign-up") });
    await looksRight(page);
    await page.getByLabel("Password").fill("the tide is coming in");
    await page.getByRole("button", { name: "Sign up" }).click();

    await page.getByRole("link", { name: "Write", exact: true }).click();
    await page.getByLabel("Title").fill("Low water");
    await page.getByLabel("Text").fill(STORY);
    await page.getByRole("button", { name: "Preview" }).click();
    await page.locator(".preview h2", { hasText: "What the tide left" }).waitFor();
    assert.equal(await page.getByLabel("Text").inputValue(), STORY);
    await page.screenshot({ path: screenshotPath("blog-preview"), fullPage: true });
    await looksRight(page);
    await page.getByRole("button", { name: "Publish" }).click();
    await page.locator("article h1", { hasText: "Low water" }).waitFor();
    assert.equal(await page.locator("article .text li").count(), 3);

    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Title").fill("Low water, high hopes");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("article h1", { hasText: "Low water, high hopes" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-entry"), fullPage: true });
    await looksRight(page);

    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByRole("link", { name: "Ändern" }).waitFor();
    assert.equal(await page.evaluate("document.documentElement.lang"), "de");
    await page.getByRole("link", { name: "Archiv" }).click();
    await page.locator(".year", { hasText: "1 Eintrag" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-archive-de") });
    await looksRight(page);
    await page.getByRole("button", { name: "Abmelden" }).click();
    await page.getByRole("link", { name: "Anmelden" }).click();
    await page.getByLabel("E-Mail-Adresse").fill("ada@example.org");
    await page.getByLabel("Passwort").fill("the tide is coming in");
    await page.getByRole("button", { name: "Anmelden" }).click();
    await page.getByRole("link", { name: "Schreiben" }).waitFor();
    // That the form was refused is an error of the network to the console, and was meant.
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes("422")),
      [],
    );
  });

  test("on a phone in the dark everything is there, and nothing sticks out", async (context) => {
    const { page, complaints } = await openPage(browser, context, {
      ...PHONE,
      colorScheme: "dark",
      locale: "de-AT",
    });
    await page.goto(blog.base);
    await page.getByRole("link", { name: "Konto anlegen" }).waitFor();
    await looksRight(page);
    await page.screenshot({ path: screenshotPath("blog-phone-dark"), fullPage: true });
    await page.goto(`${blog.base}/nowhere`);
    await page.locator("h1", { hasText: "Diese Seite gibt es nicht" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-phone-404") });
    await looksRight(page);
    await page.goto(`${blog.base}/compose`);
    await page.getByRole("heading", { name: "Anmelden" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-phone-sign-in") });
    await looksRight(page);
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes("404")),
      [],
    );
  });

  test("the sign-in page leads to the provider and back, and says so when the provider refuses", async (context) => {
    const { provider } = harbour;
    const { page, complaints } = await openPage(browser, context, { ...PHONE, colorScheme: "dark" });
    provider.claims = (claims) => ({
      ...claims,
      sub: "grace",
      name: "Grace Hopper",
      email: "grace@example.org",
    });
    await page.goto(`${blog.base}/compose`);
    await page.getByRole("link", { name: "Sign in with Harbour ID" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-provider"), fullPage: true });
    await looksRight(page);
    provider.answer = { error: "access_denied" };
    await page.getByRole("link", { name: "Sign in with Harbour ID" }).click();
    await page.locator('.problem[role="alert"]', { hasText: "did not confirm who you are" }).waitFor();
    await page.screenshot({ path: screenshotPath("blog-provider-denied"), fullPage: true });
    await looksRight(page);
    provider.answer = {};
    await page.getByRole("link", { name: "Sign in with Harbour ID" }).click();
    await page.getByLabel("Title").waitFor();
    assert.equal(await page.evaluate("location.pathname + location.search"), "/compose");
    await page.getByRole("button", { name: "Sign out" }).click();
    // That the answer was refused is an error of the network to the console, and was meant.
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes("403")),
      [],
    );
  });

  test("a blog without a provider does not offer one", async (context) => {
    const alone = await startBlog();
    context.after(() => alone.stop());
    assert.doesNotMatch(await (await fetch(`${alone.base}/sign-in`)).text(), /provider/);
    assert.equal((await fetch(`${alone.base}/sign-in/provider`)).status, 404);
  });
});
