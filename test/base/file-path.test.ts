/** Whatever takes a path of a file or folder takes a `file:` URL as well, and refuses other URLs. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { watch } from "squall/autoreload";
import { AsyncHTTPClient, HTTPRequest } from "squall/httpclient";
import { getSupportedLocales, loadGettextTranslations, loadTranslations } from "squall/locale";
import { FileHandler, LogRecord } from "squall/log";
import { sslOptionsToContext } from "squall/netutil";
import { OptionParser } from "squall/options";
import { Loader } from "squall/template";
import { Application, RequestHandler, StaticFileHandler } from "squall/web";
import { filePath } from "#room/base/file-path";
import { caCerts } from "../support/certs.js";
import { ask } from "../support/fake-exchange.js";
import "../support/guard.js";

const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT", message: /must be a path or a file: URL, got / };
const elsewhere = new URL("https://example.com/folder/");

// A space and a letter beyond ASCII, which a URL spells in another way.
const root = mkdtempSync(join(tmpdir(), "squall ä "));
after(() => rmSync(root, { recursive: true, force: true }));
const url = (name: string): URL => pathToFileURL(join(root, name));

function file(name: string, content: string): URL {
  const path = join(root, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return url(name);
}

describe("filePath()", () => {
  test("returns text as it is, and the path of a file: URL", () => {
    assert.equal(filePath("x", "a/../b c"), "a/../b c");
    assert.equal(filePath("x", url("a b/ü")), join(root, "a b/ü"));
  });

  test("refuses everything else, and names the option", () => {
    assert.throws(() => filePath("certfile", elsewhere), {
      ...refused,
      message: "certfile must be a path or a file: URL, got https://example.com/folder/",
    });
    for (const wrong of [undefined, null, 5, {}, Buffer.from("x")]) {
      assert.throws(() => filePath("x", wrong as never), refused);
    }
    assert.throws(() => filePath("x", new URL("file://other.example/a")), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
      message: /^x cannot be file:\/\/other\.example\/a: /,
    });
  });
});

/** Each place that takes a path: what it does with a good one. */
const places: Readonly<Record<string, (given: string | URL) => unknown>> = {
  "loadTranslations()": (given) => {
    loadTranslations(given);
    return getSupportedLocales().has("fr");
  },
  "loadGettextTranslations()": async (given) => {
    await loadGettextTranslations(given, "app");
    return true;
  },
  "Loader of templates": (given) => new Loader(given).load("page.html").generate().toString() === "<p>",
  "the setting templatePath": async (given) => {
    class Page extends RequestHandler {
      override get(): Promise<void> {
        return this.render("page.html");
      }
      override getTemplatePath(): string | URL {
        return given;
      }
      override logException(error: unknown): void {
        failure = error;
      }
    }
    let failure: unknown;
    const { body } = await ask(new Application([["/", Page]]), "/");
    if (failure !== undefined) throw failure;
    return body === "<p>";
  },
  FileHandler: (given) => {
    const handler = new FileHandler({ path: given instanceof URL ? new URL("log.txt", given) : given });
    handler.handle(new LogRecord("x", 20, "a line", []));
    handler.close();
    return readFileSync(join(root, "all", "log.txt"), "utf8").includes("a line");
  },
  "parseConfigFile()": async (given) => {
    const parser = new OptionParser();
    parser.define("port", { default: 1 });
    await parser.parseConfigFile(given instanceof URL ? new URL("options.json", given) : given);
    return parser.get("port") === 81;
  },
  "caCerts of TLS": (given) => {
    sslOptionsToContext({ caCerts: given instanceof URL ? new URL("ca.pem", given) : given });
    return true;
  },
  "autoreload.watch()": (given) => {
    watch(given);
    return true;
  },
};

describe("a folder or file as a file: URL", () => {
  file("all/fr.csv", '"hello","bonjour"\n');
  file("all/page.html", "<p>");
  file("all/options.json", '{"port": 81}');
  file("all/ca.pem", readFileSync(caCerts, "utf8"));
  file("all/file.txt", "text");

  for (const [place, use] of Object.entries(places)) {
    test(`is taken by ${place}, and an http: URL is refused`, async () => {
      assert.equal(await use(url("all/")), true);
      await assert.rejects(async () => use(elsewhere), refused);
    });
  }

  test("is taken by StaticFileHandler and the setting staticPath", async () => {
    const app = new Application([["/files/(.*)", StaticFileHandler, { path: url("all/") }]], {
      staticPath: url("all/"),
    });
    for (const path of ["/files/file.txt", "/static/file.txt"]) {
      assert.equal((await ask(app, path)).body, "text");
    }
    assert.throws(() => new Application([["/(.*)", StaticFileHandler, { path: elsewhere }]]), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });

  test("is taken by the certificates of a request", async () => {
    const client = new AsyncHTTPClient({ forceInstance: true });
    // Nothing listens on port 1: what is read before is told from what is not.
    for (const [given, message] of [
      [url("all/ca.pem"), /ECONNREFUSED/],
      [elsewhere, /caCerts must be a path or a file: URL/],
    ] as const) {
      const request = new HTTPRequest("https://127.0.0.1:1/", { caCerts: given });
      await assert.rejects(client.fetch(request), { code: "ERR_SQUALL_HTTP_CONNECT", message });
    }
    client.close();
  });
});
