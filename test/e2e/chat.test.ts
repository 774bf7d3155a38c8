/** The chat's page in Chromium: two people, a reload, a server that goes away and comes back; large and small. */
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
import { say, startChat } from "../support/chat.js";
import { needsPackages } from "../support/interop.js";
import { needs } from "../support/programs.js";

const SMALL: PageOptions = {
  viewport: { width: 320, height: 568 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
};

const message = (page: Page, text: string) => page.locator("#log .message", { hasText: text });

async function join(page: Page, base: string, name: string): Promise<void> {
  await page.goto(base);
  await page.getByLabel("What shall we call you?").fill(name);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.locator('#status[data-state="connected"]').waitFor();
}

async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel("Your message").fill(text);
  await page.getByRole("button", { name: /Send/ }).click();
}

const skip = needs("chromium").skip || needsPackages("playwright-core").skip;

describe("the chat page", { skip }, () => {
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

  test("two people talk, on a desk and on a phone; markup stays text and links work", async (context) => {
    const { base } = await startChat(context);
    const [ada, jonas] = [
      await visit(context, DESKTOP),
      await visit(context, { ...PHONE, colorScheme: "dark" }),
    ];
    await join(ada, base, "Ada");
    await ada.screenshot({ path: screenshotPath("chat-desktop-quiet") });
    await join(jonas, base, "Jonas");

    await send(ada, "Good morning! Did the long polls survive the night?");
    await message(jonas, "Good morning!").waitFor();
    await send(jonas, "They did: eleven thousand, and the little box is not even warm.");
    await send(jonas, "<b>Notes</b> <img src=x onerror=alert(1)> are at https://example.org/notes?a=1&b=2.");
    await message(ada, "<b>Notes</b>").waitFor();
    await send(ada, "Splendid.");
    await message(jonas, "Splendid.").waitFor();

    assert.equal(await ada.locator("#log b, #log img").count(), 0);
    const link = ada.locator("#log a");
    assert.equal(await link.getAttribute("href"), "https://example.org/notes?a=1&b=2");
    assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
    assert.equal(await ada.locator(".message.mine").count(), 2);
    assert.equal(await jonas.locator(".message.mine").count(), 2);
    await ada.screenshot({ path: screenshotPath("chat-desktop") });
    await jonas.screenshot({ path: screenshotPath("chat-phone-dark") });
  });

  test("one's own message stands on the page before the server has answered", async (context) => {
    const { base } = await startChat(context);
    const ada = await visit(context, DESKTOP);
    await join(ada, base, "Ada");
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await ada.route("**/messages", (route) => void held.then(() => route.continue()));
    await send(ada, "Can you see me?");
    await ada.locator(".message.pending", { hasText: "Can you see me?" }).waitFor();
    release();
    await ada.locator(".message.mine:not(.pending)", { hasText: "Can you see me?" }).waitFor();
    assert.equal(await ada.locator(".message").count(), 1);
  });

  test("Enter sends, Shift + Enter begins a line, and an empty message is none", async (context) => {
    const { base } = await startChat(context);
    const ada = await visit(context, DESKTOP);
    await join(ada, base, "Ada");
    const field = ada.getByLabel("Your message");
    await field.press("Enter");
    await field.pressSequentially("first");
    await field.press("Shift+Enter");
    await field.pressSequentially("second");
    await field.press("Enter");
    await ada.locator(".message.mine:not(.pending)").waitFor();
    assert.deepEqual(await ada.locator(".text").allTextContents(), ["first\nsecond"]);
    assert.equal(await field.inputValue(), "");
  });

  test("after a reload the name is known, and what came meanwhile is there", async (context) => {
    const { base } = await startChat(context);
    const ada = await visit(context, DESKTOP);
    await join(ada, base, "Ada");
    await send(ada, "before");
    await ada.locator(".message.mine:not(.pending)").waitFor();
    await ada.goto("about:blank");
    await say(base, { id: "id-000002", name: "Jonas", text: "meanwhile" });
    await ada.goto(base);
    await message(ada, "meanwhile").waitFor();
    assert.deepEqual(await ada.locator(".text").allTextContents(), ["before", "meanwhile"]);
    assert.equal(await ada.locator(".message.mine").count(), 1, "one's own is still one's own");
    assert.equal(await ada.locator("#who").textContent(), "Ada");
  });

  test("when the server goes away the page says so, and it finds the server again", async (context) => {
    const first = await startChat(context);
    const ada = await visit(context, PHONE);
    await join(ada, first.base, "Ada");
    await send(ada, "before the storm");
    await ada.locator(".message.mine:not(.pending)").waitFor();
    await first.child.kill();
    await ada.locator('#status[data-state="lost"]').waitFor();
    await ada.locator("#trouble").waitFor();
    await send(ada, "lost in the storm");
    await ada.locator(".message.failed", { hasText: "lost in the storm" }).waitFor();
    await ada.screenshot({ path: screenshotPath("chat-phone-offline") });

    const second = await startChat(context, first.port);
    await say(second.base, { id: "id-000003", name: "Jonas", text: "after the storm" });
    await message(ada, "after the storm").waitFor();
    await ada.locator("#trouble").waitFor({ state: "hidden" });
    await ada.getByRole("button", { name: "Try again" }).click();
    await ada.locator(".message.mine:not(.pending)", { hasText: "lost in the storm" }).waitFor();
    assert.deepEqual(await ada.locator(".text").allTextContents(), [
      "before the storm",
      "after the storm",
      "lost in the storm",
    ]);
    assert.equal(await ada.locator(".note").count(), 1, "the page tells of the restart");
    await ada.screenshot({ path: screenshotPath("chat-phone-back") });
  });

  test("someone who reads further up is not torn away, but told of what is new", async (context) => {
    const { base } = await startChat(context);
    for (let n = 0; n < 40; n++) await say(base, { id: `id-long-${n}`, name: "Jonas", text: `line ${n}` });
    const ada = await visit(context, DESKTOP);
    await join(ada, base, "Ada");
    await message(ada, "line 39").waitFor();
    await ada.evaluate("document.getElementById('scroller').scrollTo({ top: 0, behavior: 'instant' })");
    await say(base, { id: "id-news-1", name: "Jonas", text: "the news" });
    await ada.getByRole("button", { name: /New messages/ }).click();
    await ada.locator("#newer").waitFor({ state: "hidden" });
    await ada.evaluate(AT_END);
  });

  test("nothing sticks out on a phone of 320 pixels, however long the words are", async (context) => {
    const { base } = await startChat(context);
    await say(base, { id: "id-000004", name: "W".repeat(40), text: "x".repeat(300) });
    const page = await visit(context, SMALL);
    await join(page, base, "Ada");
    await message(page, "xxx").waitFor();
    await page.screenshot({ path: screenshotPath("chat-small") });
    assert.equal(
      await page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && scroller.scrollWidth <= innerWidth",
      ),
      true,
    );
  });

  test("all that can be pressed or filled has a name, and text has contrast", async (context) => {
    const { base } = await startChat(context);
    for (const [device, colorScheme] of [
      [DESKTOP, "light"],
      [DESKTOP, "dark"],
      [PHONE, "dark"],
    ] as const) {
      const page = await visit(context, { ...device, colorScheme });
      await join(page, base, "Ada");
      await send(page, "How readable am I?");
      await page.locator(".message.mine:not(.pending)").waitFor();
      await say(base, { id: `id-color-${colorScheme}`, name: "Jonas", text: "And I?" });
      await message(page, "And I?").first().waitFor();
      assert.deepEqual(await page.evaluate<string[]>(NAMELESS), []);
      assert.deepEqual(await page.evaluate<string[]>(PALE), []);
    }
  });
});

/** Resolves when the conversation has been scrolled to its end. */
const AT_END = `new Promise((resolve) => {
  const look = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2 ? resolve() : requestAnimationFrame(look);
  look();
})`;
