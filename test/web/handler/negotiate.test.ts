import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Application, RequestHandler } from "squall/web";
import { fitsLanguage, fitsType, preferred } from "#room/web/handler/negotiate";
import { ask } from "../../support/fake-exchange.js";
import "../../support/guard.js";

describe("preferred()", () => {
  const offers = ["application/json", "text/html", "text/plain"];
  const cases: readonly (readonly [accept: string, chosen: string | undefined])[] = [
    ["*/*", "application/json"],
    ["text/html", "text/html"],
    ["TEXT/HTML", "text/html"],
    ["text/*", "text/html"],
    ["text/*;q=0.5, text/plain", "text/plain"],
    ["text/html;q=0, text/*", "text/plain"],
    ["*/*;q=0.1, text/html;q=0.2", "text/html"],
    ["image/png", undefined],
    ["text/html;q=2", undefined],
    ["text/html;q=", undefined],
    ["text/html;level=1;q=0.3, text/plain;q=0.4", "text/plain"],
    ["", undefined],
    [",,;,", undefined],
  ];

  test("the most exact range decides about an offer, and of equal offers the first wins", () => {
    for (const [accept, chosen] of cases) assert.equal(preferred(accept, offers, fitsType), chosen, accept);
  });

  test("languages fit by prefix", () => {
    const languages = ["en", "de-AT", "pt-BR"];
    for (const [accepted, chosen] of [
      ["de", "de-AT"],
      ["de-AT", "de-AT"],
      ["en-GB", "en"],
      ["fr, pt;q=0.5", "pt-BR"],
      ["*", "en"],
      ["fr", undefined],
    ] as const) {
      assert.equal(preferred(accepted, languages, fitsLanguage), chosen, accepted);
    }
  });

  test("takes time in proportion to the field", () => {
    const began = performance.now();
    preferred("a/b;q=0.1,".repeat(100_000), offers, fitsType);
    preferred(`a/b;q=${" ".repeat(100_000)}`, offers, fitsType);
    assert.ok(performance.now() - began < 1000);
  });
});

test("preferredType() and preferredLanguage() choose, and say in Vary that they did", async () => {
  class Chooses extends RequestHandler {
    override get() {
      this.write(
        `${this.preferredType(["text/html", "application/json"])} ${this.preferredLanguage(["en", "de"])}`,
      );
    }
  }
  const app = new Application([["/", Chooses]]);
  const asked = await ask(app, "/", {
    headers: { Host: "h", Accept: "application/json", "Accept-Language": "de" },
  });
  assert.equal(asked.body, "application/json de");
  assert.equal(asked.header("Vary"), "Accept, Accept-Language");
  assert.equal((await ask(app, "/")).body, "text/html en");
});
