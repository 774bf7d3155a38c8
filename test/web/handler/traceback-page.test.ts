import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, type ApplicationOptions, HTTPError, RequestHandler } from "squall/web";
import { ask, type FakeConnection } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

class Fails extends RequestHandler {
  override get() {
    if (this.request.path === "/403") throw new HTTPError(403, "not <you>");
    const cause = new TypeError("the <root> of it");
    throw new Error("cannot <script>alert(1)</script>", { cause }); // this line is shown
  }
}

async function page(
  headers: Record<string, string>,
  settings: ApplicationOptions = { serveTraceback: true },
): Promise<FakeConnection> {
  using _log = new ExpectLog("squall.application", /Uncaught exception/);
  return await ask(new Application([["/.*", Fails]], settings), "/<b>?q=1", {
    headers: { Host: "h", ...headers },
  });
}

describe("serveTraceback", () => {
  test("shows a browser the error, its causes, the lines of the source and the request", async () => {
    const connection = await page({ Accept: BROWSER, "X-Own": "<i>", Cookie: "sid=secret" });
    assert.equal(connection.status, 500);
    assert.equal(connection.header("Content-Type"), "text/html; charset=UTF-8");
    assert.equal(connection.header("Vary"), "Accept");
    const { body } = connection;
    for (const part of [
      "Error: cannot &lt;script&gt;alert(1)&lt;/script&gt;",
      "Caused by",
      "TypeError: the &lt;root&gt; of it",
      "// this line is shown",
      "/&lt;b&gt;?q=1",
      "&lt;i&gt;",
    ]) {
      assert.ok(body.includes(part), part);
    }
    assert.match(body, /<details open><summary><code>at (?:Fails\.)?get/);
  });

  test("case 87: escapes everything that came from outside, and keeps credentials to itself", async () => {
    const { body } = await page({
      Accept: BROWSER,
      "X-Own": "<i>",
      Cookie: "sid=secret",
      Authorization: "Basic secret",
    });
    assert.doesNotMatch(body, /<script>alert|<i>|<b>\?/);
    assert.doesNotMatch(body.slice(body.indexOf("<h2>Request")), /secret/);
    assert.doesNotMatch(body, /(?:src|href)=/);
  });

  test("gives everybody else the stacks as text", async () => {
    for (const headers of [
      {},
      { Accept: "*/*" },
      { Accept: "application/json" },
      { Accept: "text/plain, text/html" },
    ]) {
      const { body } = await page(headers);
      assert.match(body, /^Error: cannot <script>.*\n +at (?:Fails\.)?get/);
      assert.match(body, /\ncaused by: TypeError: the <root> of it\n/);
    }
    assert.equal((await page({})).header("Content-Type"), "text/plain");
  });

  test("an HTTPError has its status on the page", async () => {
    using _log = new ExpectLog("squall.general", /not <you>/);
    const app = new Application([["/.*", Fails]], { serveTraceback: true });
    const connection = await ask(app, "/403", { headers: { Host: "h", Accept: BROWSER } });
    assert.equal(connection.status, 403);
    assert.match(connection.body, /<h1>403: Forbidden<\/h1>/);
  });

  test("is off without the setting: no stack, no source", async () => {
    const { body } = await page({ Accept: BROWSER }, {});
    assert.equal(
      body,
      "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>",
    );
  });
});
