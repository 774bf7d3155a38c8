import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { get, type Locale, supportLocales } from "squall/locale";
import { DictLoader } from "squall/template";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { ask, type FakeConnection } from "../../support/fake-exchange.js";
import "../../support/guard.js";

supportLocales(["fr_FR", "de", "es_LA"]);

class Page extends RequestHandler {
  override get() {
    this.write(this.locale.code);
  }
}

const answer = (Handler: typeof RequestHandler, acceptLanguage?: string): Promise<FakeConnection> =>
  ask(new Application([["/", Handler]]), "/", {
    headers: acceptLanguage === undefined ? {} : { "Accept-Language": acceptLanguage },
  });

describe("locale", () => {
  test("is what the browser prefers of the supported languages, and caches learn of it", async () => {
    const connection = await answer(Page, "da, fr-FR;q=0.5, de;q=0.8");
    assert.equal(connection.body, "de");
    assert.equal(connection.header("Vary"), "Accept-Language");
  });

  test("is en_US if the browser does not say, or another default", async () => {
    assert.equal((await answer(Page)).body, "en_US");
    class Spanish extends Page {
      override get() {
        this.write(this.getBrowserLocale("es_LA").code);
      }
    }
    assert.equal((await answer(Spanish)).body, "es_LA");
    assert.equal((await answer(Spanish, "fr")).body, "en_US");
  });

  test("is what the user has chosen, before what the browser says, asked once", async () => {
    let asked = 0;
    class Chosen extends RequestHandler {
      override getUserLocale(): Locale {
        asked++;
        return get("fr_FR");
      }
      override get() {
        this.write(this.locale.code + this.locale.code);
      }
    }
    const connection = await answer(Chosen, "de");
    assert.equal(connection.body, "fr_FRfr_FR");
    assert.equal(connection.header("Vary"), undefined);
    assert.equal(asked, 1);
  });

  test("may be assigned", async () => {
    class Assigned extends Page {
      override async prepare() {
        this.locale = await Promise.resolve(get("es_LA"));
      }
    }
    assert.equal((await answer(Assigned, "de")).body, "es_LA");
  });

  test("must be a Locale; a promise gets a hint", async () => {
    class Later extends Page {
      override getUserLocale() {
        return Promise.resolve(get("de")) as unknown as Locale;
      }
    }
    class Text extends Page {
      override prepare() {
        this.locale = "de" as unknown as Locale;
      }
    }
    const errors: [typeof RequestHandler, RegExp][] = [
      [Later, /getUserLocale\(\) must return a Locale.*prepare\(\)/],
      [Text, /locale must be a Locale/],
    ];
    for (const [Handler, message] of errors)
      await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
        const app = new Application([["/", Handler]], { serveTraceback: true });
        assert.match((await ask(app, "/")).body, message);
      });
  });

  test("translates in templates, by _ and pgettext", async () => {
    class French extends RequestHandler {
      override getUserLocale(): Locale {
        const locale = get("fr_FR");
        const words: Record<string, string> = {
          Hello: "Bonjour",
          "%d file": "fichier",
          "%d files": "fichiers",
        };
        return Object.create(locale, {
          translate: {
            value: (one: string, many?: string, n?: number) =>
              words[n === undefined || n === 1 ? one : many!],
          },
          pgettext: { value: (context: string, message: string) => `${context}: ${words[message]}` },
        });
      }
      override get() {
        this.render("page.html");
      }
    }
    const templateLoader = new DictLoader({
      "page.html":
        "{{ _('Hello') }} {{ _('%d file', '%d files', 2) }} {{ pgettext('x', 'Hello') }} {{ locale.code }} {{ interpolate('%(n)d', { n: 3 }) }}",
    });
    const { body } = await ask(new Application([["/", French]], { templateLoader }), "/");
    assert.equal(body, "Bonjour fichiers x: Bonjour fr_FR 3");
  });
});
