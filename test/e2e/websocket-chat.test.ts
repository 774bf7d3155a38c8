/** The chat over WebSockets in Chromium: three pages, and a server that is restarted in the middle. */
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
} from "../support/browser.js";
import { Child } from "../support/child.js";
import { needsPackages } from "../support/interop.js";
import { needs } from "../support/programs.js";
import { root } from "../support/root.js";

async function start(context: TestContext, port = 0): Promise<{ child: Child; port: number; base: string }> {
  const program = `${root}build/examples/websocket-chat/server.js`;
  const args = [program, "--port", String(port), "--address", "127.0.0.1"];
  const child = Child.start(context, process.execPath, args);
  const [, found] = await child.prints(/http:\/\/localhost:(\d+)/);
  return { child, port: Number(found), base: `http://127.0.0.1:${found}` };
}

async function join(page: Page, base: string, name: string, room = "lobby"): Promise<void> {
  await page.goto(base);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Room").fill(room);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.locator('#status[data-state="here"]').waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Your message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const message = (page: Page, text: string) => page.locator("#log li:not(.pending)", { hasText: text });

const skip = needs("chromium").skip || needsPackages("playwright-core").skip;

describe("the chat over WebSockets", { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  const visit = async (context: TestContext, options: PageOptions): Promise<Page> =>
    (await openPage(browser, context, options)).page;

  test("three pages talk, lose their server, and go on with the next one", async (context) => {
    const first = await start(context);
    const ada = await visit(context, DESKTOP);
    const jonas = await visit(context, { ...PHONE, colorScheme: "dark" });
    const mira = await visit(context, { ...PHONE, colorScheme: "light" });
    await ada.goto(first.base);
    await ada.screenshot({ path: screenshotPath("websocket-chat-door") });
    await join(ada, first.base, "Ada");
    await join(jonas, first.base, "Jonas");
    await join(mira, first.base, "Mira", "kitchen");
    await ada.locator("#people li", { hasText: "Jonas" }).waitFor();
    assert.deepEqual(await ada.locator("#people li").allTextContents(), ["Ada (you)", "Jonas"]);
    assert.deepEqual(await mira.locator("#people li").allTextContents(), ["Mira (you)"]);

    await say(ada, "Is the kettle on? <b>Tea</b> at four.");
    await message(jonas, "<b>Tea</b> at four").waitFor();
    await jonas.getByLabel("Your message").pressSequentially("It has ");
    await ada.locator("#typing", { hasText: "Jonas is typing" }).waitFor();
    await say(jonas, "It has been on since three.");
    await message(ada, "since three").waitFor();
    assert.equal(await mira.locator("#log li").count(), 0, "another room hears nothing");
    await ada.screenshot({ path: screenshotPath("websocket-chat-desktop") });
    await jonas.screenshot({ path: screenshotPath("websocket-chat-phone") });

    await first.child.kill();
    for (const page of [ada, jonas, mira]) await page.locator('#status[data-state="lost"]').waitFor();
    await say(ada, "Said into the dark.");
    await ada.locator("#log li.pending").waitFor();
    await start(context, first.port);
    for (const page of [ada, jonas, mira]) await page.locator('#status[data-state="here"]').waitFor();
    await message(ada, "Said into the dark.").waitFor();
    await message(jonas, "Said into the dark.").waitFor();
    await ada.locator("#log .note", { hasText: "restarted" }).waitFor();
    assert.equal(await ada.locator("#log li", { hasText: "Said into the dark." }).count(), 1);

    await jonas.reload();
    await join(jonas, first.base, "Jonas");
    await message(jonas, "Said into the dark.").waitFor();
    await ada.screenshot({ path: screenshotPath("websocket-chat-back") });
    for (const page of [ada, jonas, mira]) {
      assert.deepEqual(await page.evaluate<string[]>(NAMELESS), []);
      assert.deepEqual(await page.evaluate<string[]>(PALE), []);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    }
  });
});
