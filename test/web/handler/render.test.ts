import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type BaseLoader, DictLoader, Loader } from "squall/template";
import { ExpectLog } from "squall/testing";
import { Application, type ApplicationOptions, RequestHandler } from "squall/web";
import { ask, type FakeConnection, type FakeRequest } from "../../support/fake-exchange.js";
import "../../support/guard.js";

/** Renders a page of these files, as the answer to a GET. */
function page(
  files: Record<string, string>,
  names?: object,
  settings: ApplicationOptions = {},
  request: FakeRequest = {},
): Promise<FakeConnection> {
  class Page extends RequestHandler {
    override get() {
      this.render("page.html", names);
    }
  }
  const templateLoader = new DictLoader(files);
  return ask(new Application([["/", Page, null, "home"]], { templateLoader, ...settings }), "/", request);
}

/** A folder with files, which is gone after `body`. */
async function withFolder(
  files: Record<string, string>,
  body: (folder: string, write: (name: string, text: string) => void) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "squall-render-"));
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  try {
    await body(folder, write);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("render()", () => {
  test("finishes the response with the page, in one piece and with its length and tag", async () => {
    const connection = await page({ "page.html": "<p>{{ x }}</p>" }, { x: "ü<" });
    assert.deepEqual(connection.calls, ["respond"]);
    assert.equal(connection.body, "<p>ü&lt;</p>");
    assert.equal(connection.header("Content-Type"), "text/html; charset=UTF-8");
    assert.equal(connection.header("Content-Length"), "13");
    assert.match(connection.header("Etag") ?? "", /^"[0-9a-f]{40}"$/);
  });

  test("keeps what was written before, in front of the page", async () => {
    class Page extends RequestHandler {
      override get() {
        this.write("before ");
        return this.render("page.html");
      }
    }
    const app = new Application([["/", Page]], { templateLoader: new DictLoader({ "page.html": "page" }) });
    assert.equal((await ask(app, "/")).body, "before page");
  });

  test("throws after finish()", async () => {
    class Page extends RequestHandler {
      override async get() {
        this.finish("done");
        assert.throws(() => this.render("page.html"), {
          code: "ERR_SQUALL_INVALID_STATE",
          message: /render\(\)/,
        });
        await assert.rejects(this.renderAsync("page.html"), { code: "ERR_SQUALL_INVALID_STATE" });
      }
    }
    const app = new Application([["/", Page]], { templateLoader: new DictLoader({ "page.html": "page" }) });
    assert.equal((await ask(app, "/")).body, "done");
  });

  test("gives a page of its own to a client that has it: 304", async () => {
    const files = { "page.html": "same" };
    const etag = (await page(files)).header("Etag") ?? "";
    const again = await page(files, {}, {}, { headers: { "If-None-Match": etag } });
    assert.deepEqual([again.status, again.body], [304, ""]);
  });
});

describe("what a template of a handler sees", () => {
  const seen = async (template: string, names?: object, settings: ApplicationOptions = {}): Promise<string> =>
    (await page({ "page.html": template }, names, settings)).body;

  test("the handler and the request", async () => {
    assert.equal(await seen("{{ handler.request === request }} {{ request.path }}"), "true /");
  });

  test("the user, asked for only if the page shows it", async () => {
    let asked = 0;
    class Page extends RequestHandler {
      override getCurrentUser() {
        asked++;
        return { name: "Ann" };
      }
      override get() {
        this.render(this.getArgument("page"));
      }
    }
    const files = { user: "{{ currentUser.name }} {{ current_user.name }}", nobody: "-" };
    const app = new Application([["/", Page]], { templateLoader: new DictLoader(files) });
    assert.equal((await ask(app, "/?page=nobody")).body, "-");
    assert.equal(asked, 0);
    assert.equal((await ask(app, "/?page=user")).body, "Ann Ann");
    assert.equal(asked, 1);
  });

  test("URLs of routes and files, in both spellings", async () => {
    assert.equal(await seen("{{ reverseUrl('home') }} {{ reverse_url('home') }}"), "/ /");
    await withFolder({ "site.css": "a {}" }, async (staticPath) => {
      const text = await seen("{{ staticUrl('site.css') }} {{ static_url('site.css') }}", {}, { staticPath });
      assert.match(text, /^(\/static\/site\.css\?v=[0-9a-f]+) \1$/);
    });
  });

  test("the hidden field of forms, with the cookie that goes with it", async () => {
    const connection = await page({ "page.html": "{% raw xsrfFormHtml() %}{% module xsrf_form_html() %}" });
    assert.match(connection.body, /^(<input type="hidden" name="_xsrf" value="2\|[0-9a-f|]+"\/>)\1$/);
    assert.match(connection.header("Set-Cookie") ?? "", /^_xsrf=2\|/);
  });

  test("names for the page come before all others, also before those that are found out on demand", async () => {
    assert.equal(await seen("{{ locale }} {{ handler }} {{ _ }}", { locale: 1, handler: 2, _: 3 }), "1 2 3");
    const names = Object.defineProperty({ a: 1 }, "__proto__", { value: 5, enumerable: true });
    assert.equal(await seen("{{ a }} {{ __proto__ }}", names), "1 5");
  });

  test("what getTemplateNamespace() adds", async () => {
    class Page extends RequestHandler {
      override getTemplateNamespace() {
        return { ...super.getTemplateNamespace(), site: "Shop" };
      }
      override get() {
        this.render("page.html", { x: 1 });
      }
    }
    const templateLoader = new DictLoader({
      "page.html": "{{ site }} {{ x }} {{ request.path }} {{ locale.code }}",
    });
    assert.equal((await ask(new Application([["/", Page]], { templateLoader }), "/")).body, "Shop 1 / en_US");
  });

  test("a name that nothing defines is a 500", async () => {
    await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
      assert.equal((await page({ "page.html": "{{ nothing }}" })).status, 500);
    });
  });
});

describe("values on a page", () => {
  test("case 90: are escaped in text, in quoted attributes and in scripts, unless the template says otherwise", async () => {
    const x = "&<>\"'</script><!--\u2028\u2029";
    const files = {
      "page.html":
        "<p title=\"{{ x }}\">{{ x }}</p><p title='{{ x }}'><script>x = {% raw jsonEncode(x) %}</script>",
    };
    const { body } = await page(files, { x });
    const escaped = "&amp;&lt;&gt;&quot;&#x27;&lt;/script&gt;&lt;!--\u2028\u2029";
    const [, one = "", two = "", three = "", script = ""] =
      /^<p title="([^"]*)">([^<]*)<\/p><p title='([^']*)'><script>x = (.*)<\/script>$/s.exec(body) ?? [];
    assert.deepEqual([one, two, three], [escaped, escaped, escaped]);
    assert.doesNotMatch(script, /<\/|<!--|[\u2028\u2029]/);
    assert.equal(JSON.parse(script), x);
    assert.equal((await page({ "page.html": "{% raw x %}" }, { x })).body, x);
  });

  test("case 91: are never templates, name none outside of the folder, and cannot make one endless", async () => {
    const tags = "{{ 1 + 1 }}{% raw 2 %}{# #}{% include 'secret.html' %}";
    assert.equal((await page({ "page.html": "{% raw x %}" }, { x: tags })).body, tags);
    await withFolder(
      { "in/a.html": "{% include '../secret.html' %}", "secret.html": "secret" },
      async (folder) => {
        for (const name of ["../secret.html", "a.html", join(folder, "secret.html"), "in\0/secret.html"])
          assert.throws(() => new Loader(join(folder, "in")).load(name), {
            code: "ERR_SQUALL_TEMPLATE_NOT_FOUND",
          });
      },
    );
    for (const files of [{ a: "{% include 'a' %}" }, { a: "{% extends 'b' %}", b: "{% extends 'a' %}" }])
      assert.throws(() => new DictLoader(files).load("a"), { code: "ERR_SQUALL_TEMPLATE_DEPTH" });
  });
});

describe("uiMethods", () => {
  const body = async (uiMethods: object, template: string): Promise<string> =>
    (await page({ "page.html": template }, {}, { uiMethods })).body;

  test("get the handler first", async () => {
    const path = (handler: RequestHandler, suffix: string) => handler.request.path + suffix;
    assert.equal(await body({ path }, "{{ path('x') }} {{ handler.ui.path('y') }}"), "/x /y");
  });

  test("of a list count all, and the last one with a name", async () => {
    assert.equal(await body([{ a: () => 1, b: () => 2 }, { b: () => 3 }], "{{ a() }}{{ b() }}"), "13");
  });

  test("are skipped if their names begin with an underscore or in upper case", async () => {
    const text = "{{ typeof Upper }} {{ typeof _under }} {{ typeof lower }}";
    assert.equal(
      await body({ Upper: () => 1, _under: () => 1, lower: () => 1 }, text),
      "undefined undefined function",
    );
  });

  test("of a module are its functions", async () => {
    const text = "{{ typeof join }} {{ typeof sep }}";
    assert.equal(await body(await import("node:path"), text), "function undefined");
  });

  test("must be functions", () => {
    for (const uiMethods of [{ a: 1 }, 5, "x", [{ a: {} }]])
      assert.throws(() => new Application([], { uiMethods: uiMethods as object }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
        message: /uiMethods/,
      });
  });
});

describe("renderString()", () => {
  test("gives the text and ends nothing", async () => {
    class Page extends RequestHandler {
      override get() {
        const text = this.renderString("page.html", { x: 1 });
        this.write({ text });
      }
    }
    const templateLoader = new DictLoader({ "page.html": "x is {{ x }}" });
    const connection = await ask(new Application([["/", Page]], { templateLoader }), "/");
    assert.equal(connection.body, '{"text":"x is 1"}');
  });
});

describe("templates that wait", () => {
  const files = {
    "page.html": "{% set user = await load(7) %}Hello, {{ user }}",
    "plain.html": "plain {{ x }}",
  };
  const load = async (id: number): Promise<string> => `user ${id}`;

  function answer(body: (handler: RequestHandler) => Promise<void>): Promise<FakeConnection> {
    class Page extends RequestHandler {
      override get() {
        return body(this);
      }
    }
    return ask(new Application([["/", Page]], { templateLoader: new DictLoader(files) }), "/");
  }

  test("are rendered by renderAsync() and renderStringAsync(), as are those that do not", async () => {
    assert.equal(
      (await answer((handler) => handler.renderAsync("page.html", { load }))).body,
      "Hello, user 7",
    );
    assert.equal((await answer((handler) => handler.renderAsync("plain.html", { x: 1 }))).body, "plain 1");
    const connection = await answer(async (handler) => {
      handler.write(`[${await handler.renderStringAsync("page.html", { load })}]`);
    });
    assert.equal(connection.body, "[Hello, user 7]");
  });

  test("are refused by render(), whose error names what renders them", async () => {
    await answer(async (handler) => {
      assert.throws(() => handler.render("page.html", { load }), {
        code: "ERR_SQUALL_TEMPLATE_ASYNC",
        message: /renderAsync/,
      });
    });
  });
});

describe("where templates come from", () => {
  class Page extends RequestHandler {
    override get() {
      this.render(this.getArgument("page", "page.html"));
    }
  }

  test("templatePath is a folder, by its path or URL", async () => {
    await withFolder({ "page.html": "from a file", "sub/x.html": "below" }, async (folder) => {
      for (const templatePath of [folder, pathToFileURL(`${folder}/`)]) {
        const app = new Application([["/", Page]], { templatePath });
        assert.equal((await ask(app, "/")).body, "from a file");
        assert.equal((await ask(app, "/?page=sub/x.html")).body, "below");
      }
    });
  });

  test("a name that leads out of the folder is a 500, not a file", async () => {
    await withFolder({ "inside/page.html": "", "secret.html": "secret" }, async (folder) => {
      await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
        const app = new Application([["/", Page]], { templatePath: join(folder, "inside") });
        const connection = await ask(app, "/?page=../secret.html");
        assert.equal(connection.status, 500);
        assert.doesNotMatch(connection.body, /secret/);
      });
    });
  });

  test("a compiled template is kept; with compiledTemplateCache false each response reads it anew, once", async () => {
    await withFolder({ "page.html": "one" }, async (templatePath, write) => {
      let loads = 0;
      class Twice extends Page {
        override createTemplateLoader(path: string): BaseLoader {
          const loader = super.createTemplateLoader(path);
          const reset = loader.reset.bind(loader);
          loader.reset = () => {
            loads++;
            reset();
          };
          return loader;
        }
        override get() {
          this.write(this.renderString("page.html"));
          super.get();
        }
      }
      const kept = new Application([["/", Twice]], { templatePath });
      const fresh = new Application([["/", Twice]], { templatePath, compiledTemplateCache: false });
      assert.equal((await ask(kept, "/")).body, "oneone");
      assert.equal((await ask(fresh, "/")).body, "oneone");
      assert.equal(loads, 1);
      write("page.html", "two");
      assert.equal((await ask(kept, "/")).body, "oneone");
      assert.equal((await ask(fresh, "/")).body, "twotwo");
      assert.equal(loads, 2);
    });
  });

  test("debug reads them anew, unless compiledTemplateCache is set", () => {
    const settings = { debug: true, autoreload: false };
    assert.equal(new Application([], settings).settings.compiledTemplateCache, false);
    assert.equal(
      new Application([], { ...settings, compiledTemplateCache: true }).settings.compiledTemplateCache,
      true,
    );
  });

  test("autoescape and templateWhitespace are the loader's; loaders of two applications are apart", async () => {
    await withFolder({ "page.html": "<p>{{ '<' }}\n\n  {% raw '>' %}</p>" }, async (templatePath) => {
      const body = async (settings: ApplicationOptions): Promise<string> =>
        (await ask(new Application([["/", Page]], { templatePath, ...settings }), "/")).body;
      assert.equal(await body({}), "<p>&lt;\n></p>");
      assert.equal(await body({ autoescape: null }), "<p><\n></p>");
      assert.equal(await body({ templateWhitespace: "all" }), "<p>&lt;\n\n  ></p>");
      assert.equal(await body({ templateWhitespace: "oneline", autoescape: "url_escape" }), "<p>%3C ></p>");
    });
  });

  test("a loader by templateLoader ignores them", async () => {
    const connection = await page({ "page.html": "{{ '<' }}" }, {}, { autoescape: null });
    assert.equal(connection.body, "&lt;");
  });

  test("a handler may have a folder and a loader of its own, each made once", async () => {
    await withFolder({ "a/page.html": "{{ who }} a", "b/page.html": "{{ who }} b" }, async (folder) => {
      const made: string[] = [];
      class Own extends Page {
        override getTemplatePath() {
          return join(folder, this.getArgument("folder"));
        }
        override createTemplateLoader(path: string) {
          made.push(path.slice(-1));
          return new Loader(path, { namespace: { who: "own" } });
        }
      }
      class Other extends Own {
        override createTemplateLoader(path: string) {
          return new Loader(path, { namespace: { who: "other" } });
        }
      }
      const app = new Application([
        ["/own", Own],
        ["/other", Other],
      ]);
      const bodies = [];
      for (const uri of ["/own?folder=a", "/own?folder=b", "/own?folder=a", "/other?folder=a"])
        bodies.push((await ask(app, uri)).body);
      assert.deepEqual(bodies, ["own a", "own b", "own a", "other a"]);
      assert.deepEqual(made, ["a", "b"]);
    });
  });

  test("without a setting it is the folder of the source file that renders", async () => {
    await withFolder({}, async (folder, write) => {
      write("page.html", "beside the code{% module Template('part.html') %}");
      write("part.html", ", and its part");
      write("handlers.mjs", 'export const pages = (handler) => handler.renderString("page.html");');
      const { pages } = (await import(pathToFileURL(join(folder, "handlers.mjs")).href)) as {
        pages(handler: RequestHandler): string;
      };
      class Beside extends RequestHandler {
        override get() {
          this.write(pages(this));
        }
      }
      assert.equal((await ask(new Application([["/", Beside]]), "/")).body, "beside the code, and its part");
    });
  });

  test("settings that cannot work are refused when the application is made", () => {
    const wrong: readonly Record<string, unknown>[] = [
      { templateLoader: {} },
      { templatePath: 5 },
      { templateWhitespace: "some" },
      { autoescape: "a b" },
      { autoescape: true },
      { compiledTemplateCache: "no" },
      { template_path: "templates" },
    ];
    for (const settings of wrong)
      assert.throws(
        () => new Application([], settings),
        { code: "ERR_SQUALL_INVALID_ARGUMENT" },
        JSON.stringify(settings),
      );
  });
});

describe("a faulty template", () => {
  const files = {
    "page.html": "<h1>Orders</h1>\n{% include 'row.html' %}",
    "row.html": "<p>\n  {{ order.customer.name }}</p>",
  };
  const html = { headers: { Accept: "text/html,*/*;q=0.5" } };

  test("is a plain 500; its stack begins in the template", async () => {
    await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
      const connection = await page(files, { order: {} }, {}, html);
      assert.equal(connection.status, 500);
      assert.equal(
        connection.body,
        "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>",
      );
      const { body } = await page(files, { order: {} }, { serveTraceback: true });
      assert.match(body, /TypeError: .*\n +at row\.html:2 \(via page\.html:2\)/);
    });
  });

  test("shows file, line and text with serveTraceback, escaped", async () => {
    await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
      const { body } = await page(files, { order: {} }, { serveTraceback: true }, html);
      assert.match(body, /row\.html, line 2/);
      assert.match(body, /via page\.html:2/);
      assert.match(body, /\{\{ order\.customer\.name \}\}&lt;\/p&gt;/);
    });
  });

  test("that does not compile shows its line too", async () => {
    await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
      const { body } = await page({ "page.html": "\n<b>{{ a and b }}" }, {}, { serveTraceback: true }, html);
      assert.match(body, /page\.html, line 2/);
      assert.match(body, /&lt;b&gt;\{\{ a and b \}\}/);
    });
  });

  test("does not let modules of the broken page add to the error page", async () => {
    class Page extends RequestHandler {
      override get() {
        this.render("page.html");
      }
      override writeError() {
        this.render("error.html");
      }
    }
    const templateLoader = new DictLoader({
      "page.html": "{% module Template('part.html') %}{{ nothing }}",
      "part.html": "{{ setResources({ htmlHead: '<meta>' }) }}",
      "error.html": "sorry",
    });
    await new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
      assert.equal((await ask(new Application([["/", Page]], { templateLoader }), "/")).body, "sorry");
    });
  });
});
