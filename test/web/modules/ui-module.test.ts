import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DictLoader } from "squall/template";
import { ExpectLog } from "squall/testing";
import {
  Application,
  type ApplicationOptions,
  type Handler,
  RequestHandler,
  TemplateModule,
  UIModule,
} from "squall/web";
import { ask, type FakeConnection } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const PAGE = "<html><head><title>t</title></head><body>BODY</body></html>";

/** The error page, with its stack, of a page that cannot be rendered. */
async function failure(files: Record<string, string>, uiModules: object): Promise<string> {
  return new ExpectLog("squall.application", /Uncaught exception/).run(async () => {
    const { status, body } = await answer(files, uiModules, { serveTraceback: true });
    assert.equal(status, 500);
    return body;
  });
}

function answer(
  files: Record<string, string>,
  uiModules: object,
  settings: ApplicationOptions = {},
  Base: typeof RequestHandler = RequestHandler,
): Promise<FakeConnection> {
  class Page extends Base {
    override get() {
      return this.renderAsync("page.html", { x: "<x>" });
    }
  }
  const templateLoader = new DictLoader(files);
  return ask(new Application([["/", Page]], { templateLoader, uiModules, ...settings }), "/");
}

/** A page whose body is `body`. */
const pageWith = (body: string) => ({ "page.html": PAGE.replace("BODY", body) });

class Entry extends UIModule {
  override render(text: string) {
    return `<b>${text.toUpperCase()}</b>`;
  }
  override embeddedJavascript() {
    return "js_embed();";
  }
  override javascriptFiles() {
    return ["/j.js", "/j.js"];
  }
  override embeddedCss() {
    return Buffer.from("b {}");
  }
  override cssFiles() {
    return "/c.css";
  }
  override htmlHead() {
    return "<meta>";
  }
  override htmlBody() {
    return "<i></i>";
  }
}

describe("{% module %}", () => {
  test("writes what the module renders, and adds what it needs to head and body once", async () => {
    const { body } = await answer(pageWith("{% module Entry('one') %}{% module Entry('two') %}"), { Entry });
    assert.equal(
      body,
      '<html><head><title>t</title><link href="/c.css" type="text/css" rel="stylesheet"/>\n' +
        '<style type="text/css">\nb {}\n</style>\n<meta>\n</head><body><b>ONE</b><b>TWO</b>' +
        '<script src="/j.js" type="text/javascript"></script>\n' +
        '<script type="text/javascript">\n//<![CDATA[\njs_embed();\n//]]>\n</script>\n<i></i>\n</body></html>',
    );
  });

  test("uses one object of a module for a response, and another for the next", async () => {
    const made: Handler[] = [];
    class Counting extends UIModule {
      #uses = 0;
      constructor(handler: Handler) {
        super(handler);
        made.push(handler);
      }
      override render() {
        return String(++this.#uses);
      }
    }
    const files = { "page.html": "{% module Counting() %}{% module Counting() %}" };
    assert.equal((await answer(files, { Counting })).body, "12");
    assert.equal((await answer(files, { Counting })).body, "12");
    assert.equal(new Set(made).size, 2);
  });

  test("gives the module handler, request, user and language", async () => {
    class Base extends RequestHandler {
      override getCurrentUser() {
        return "Ann";
      }
    }
    class Facts extends UIModule<Base> {
      override render() {
        const method = this.ui.hello as (name: string) => string;
        return [
          this.handler.constructor.name,
          this.request.path,
          this.currentUser,
          this.locale.code,
          method("x"),
        ].join();
      }
    }
    const uiMethods = {
      hello: (handler: RequestHandler, name: string) => `${handler.request.method} ${name}`,
    };
    const { body } = await answer({ "page.html": "{% module Facts() %}" }, { Facts }, { uiMethods }, Base);
    assert.equal(body, "Page,/,Ann,en_US,GET x");
  });

  test("lets a module render a template of its own", async () => {
    class Story extends UIModule {
      override render(title: string) {
        return this.renderString("story.html", { title });
      }
    }
    const files = { "page.html": "{% module Story(x) %}", "story.html": "<h2>{{ title }}</h2>" };
    assert.equal((await answer(files, { Story })).body, "<h2>&lt;x&gt;</h2>");
  });

  test("waits for a module that returns a promise, behind await", async () => {
    class Later extends UIModule {
      override async render() {
        return this.renderStringAsync("later.html", { load: async () => "late" });
      }
    }
    const files = { "page.html": "{% module await Later() %}", "later.html": "{{ await load() }}" };
    assert.equal((await answer(files, { Later })).body, "late");
  });

  test("is a 500 for a module that is not there, and for one without render()", async () => {
    assert.match(await failure({ "page.html": "{% module Nothing() %}" }, {}), /no module named Nothing/);
    class Silent extends UIModule {}
    assert.match(
      await failure({ "page.html": "{% module Silent() %}" }, { Silent }),
      /Silent must override render/,
    );
  });

  test("adds scripts before the last </body> and the rest before the first tag, whatever case these have", async () => {
    const page = "<HEAD></HEAD ><body>{# #}</BODY>{% module Entry('') %}</body></Body>";
    const { body } = await answer({ "page.html": page }, { Entry });
    assert.match(body, /<meta>\n<\/HEAD ><body><\/BODY><b><\/b>[\s\S]*<i><\/i>\n<\/body><\/Body>$/);
  });

  test("is a 500 that says so, if the page has no place for what a module adds", async () => {
    const page = "<head></head>{% module Entry('') %}";
    assert.match(await failure({ "page.html": page }, { Entry }), /page\.html has no <\/body>/);
  });

  test("finds files below staticPath by staticUrl(), and writes what a handler makes of them", async () => {
    class Base extends RequestHandler {
      override staticUrl(path: string) {
        return `/s/${path}`;
      }
      override renderEmbedJs(scripts: readonly (string | Uint8Array)[]) {
        return `<script nonce="n">${scripts.join("")}</script>`;
      }
    }
    class Files extends UIModule {
      override render() {
        return "";
      }
      override javascriptFiles() {
        return ["a.js", "https://cdn.example/b.js?x&y", "a.js"];
      }
      override embeddedJavascript() {
        return "1";
      }
    }
    const { body } = await answer(pageWith("{% module Files() %}"), { Files }, {}, Base);
    assert.match(
      body,
      /<script src="\/s\/a\.js" type="text\/javascript"><\/script><script src="https:\/\/cdn\.example\/b\.js\?x&amp;y" [\s\S]*<script nonce="n">1<\/script>/,
    );
  });
});

describe("uiModules", () => {
  test("of a module are its classes of UI modules, and of a list all", async () => {
    const whole = await import("squall/web");
    const { uiModules } = new Application([], { uiModules: [whole, { Entry }] });
    assert.equal(uiModules.get("TemplateModule"), TemplateModule);
    assert.equal(uiModules.get("Entry"), Entry);
    assert.equal(uiModules.has("RequestHandler"), false);
  });

  test("must be classes that extend UIModule", () => {
    for (const uiModules of [{ A: RequestHandler }, { A: 1 }, 5])
      assert.throws(() => new Application([], { uiModules: uiModules as object }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
        message: /uiModules/,
      });
  });

  test("can be called in expressions by modules", async () => {
    const { body } = await answer(pageWith("{% raw modules.Entry('a') + modules.linkify('b') %}"), { Entry });
    assert.match(body, /<b>A<\/b>b<script/);
  });
});

describe("the modules that every application has", () => {
  test("linkify makes links of URLs", async () => {
    const files = {
      "page.html": "{% module linkify('see www.example.com', { extraParams: 'rel=nofollow' }) %}",
    };
    assert.equal(
      (await answer(files, {})).body,
      'see <a href="http://www.example.com" rel=nofollow>www.example.com</a>',
    );
  });

  test("xsrfFormHtml is the hidden field of a form", async () => {
    const { body } = await answer({ "page.html": "<form>{% module xsrfFormHtml() %}</form>" }, {});
    assert.match(body, /^<form><input type="hidden" name="_xsrf" value="[0-9a-f|]+"\/><\/form>$/);
  });

  test("Template renders a template, which says by setResources() what its page needs, once for each file", async () => {
    const files = {
      ...pageWith(
        "{% for n of [1, 2] %}{% module Template('part.html', { n }) %}{% end %}{% module Template('two.html') %}",
      ),
      "part.html":
        "{{ setResources({ embeddedJavascript: 'a()', javascriptFiles: ['/a.js'], cssFiles: '/a.css', htmlBody: '<i>' }) }}{{ n }}",
      "two.html":
        "{{ set_resources({ embeddedJavascript: 'b()', embeddedCss: 'b {}', htmlHead: '<meta>' }) }}",
    };
    const { body } = await answer(files, {});
    assert.equal(
      body,
      '<html><head><title>t</title><link href="/a.css" type="text/css" rel="stylesheet"/>\n' +
        '<style type="text/css">\nb {}\n</style>\n<meta>\n</head><body>12' +
        '<script src="/a.js" type="text/javascript"></script>\n' +
        '<script type="text/javascript">\n//<![CDATA[\na()\nb()\n//]]>\n</script>\n<i>\n</body></html>',
    );
  });

  test("Template refuses a file that says different things on one page", async () => {
    const files = {
      ...pageWith("{% for n of [1, 2] %}{% module Template('part.html', { n }) %}{% end %}"),
      "part.html": "{{ setResources({ embeddedCss: n + '{}' }) }}",
    };
    assert.match(await failure(files, {}), /part\.html called setResources\(\) with different resources/);
  });
});
