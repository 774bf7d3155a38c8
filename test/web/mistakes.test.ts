/** Mistakes that people make in handlers, routes and settings: each is answered in words that lead to the fault. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { FetchContainer, fetchHandler } from "squall/fetch";
import { AsyncHTTPClient, HTTPRequest } from "squall/httpclient";
import { HTTPServer } from "squall/httpserver";
import { appLog, LogFormatter, LogHandler, LogRecord } from "squall/log";
import { NodeContainer, nodeListener } from "squall/node";
import { ProxyHandler } from "squall/proxy";
import { DictLoader } from "squall/template";
import { ExpectLog } from "squall/testing";
import {
  Application,
  ErrorHandler,
  FallbackHandler,
  HTTPError,
  RedirectHandler,
  RequestHandler,
  removeslash,
  StaticFileHandler,
  url,
} from "squall/web";
import { websocketConnect } from "squall/websocket";
import { ask, type FakeConnection } from "../support/fake-exchange.js";
import { root } from "../support/root.js";
import "../support/guard.js";

const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

/** What handlers told the log, instead of telling it. */
class Told extends RequestHandler {
  static error: unknown;
  override logException(error: unknown) {
    Told.error = error;
  }
}

/** The settings of the type that documents them. */
function settingNames(): string[] {
  const types = readFileSync(`${root}src/web/types.ts`, "utf8");
  const body = /export interface ApplicationSettings \{(.*?)\n\}/s.exec(types)?.[1] ?? "";
  const names = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => String(name));
  return [...names, "defaultHost", "transforms"]; // of ApplicationOptions
}

/** Asks an application with this handler, which must fail with a message that matches. */
async function failing(handler: typeof RequestHandler, said: RegExp): Promise<FakeConnection> {
  Told.error = undefined;
  const connection = await ask(new Application([["/.*", handler]]), "/");
  assert.match(String((Told.error as Error | undefined)?.message), said);
  return connection;
}

const returning = (value: unknown): typeof RequestHandler =>
  class Story extends Told {
    override get() {
      return value as undefined;
    }
  };

describe("what a verb returns", () => {
  test("is never dropped: 500, and the log names the method and says this.write(…)", async () => {
    for (const value of ["x", { a: 1 }, [1], 5, false, Promise.resolve("x")]) {
      const { status } = await failing(returning(value), /Story\.get\(\) returned .*: this\.write\(…\)/s);
      assert.equal(status, 500);
    }
  });

  test("an async generator is not run: 500, and the log shows the method to write", async () => {
    async function* pieces() {
      yield "never";
    }
    const { status } = await failing(
      returning(pieces()),
      /Story\.get\(\) is an async generator.*"async get\(\)"/s,
    );
    assert.equal(status, 500);
  });

  test("may be undefined or null, at once or later", async () => {
    for (const value of [undefined, null, Promise.resolve(), Promise.resolve(null)]) {
      assert.equal((await ask(new Application([["/", returning(value)]]), "/")).status, 200);
    }
  });
});

describe("a response that is finished", () => {
  class Twice extends Told {
    override get() {
      this.finish("once");
      this.finish("twice");
    }
  }
  class After extends Told {
    override get() {
      this.redirect("/x");
      this.write("late");
    }
  }

  test("tells what finished it when it is written to again", async () => {
    await failing(Twice, /Cannot finish\(\) after finish\(\): the response was finished by finish\(\)/s);
    await failing(After, /Cannot write\(\) after finish\(\): the response was finished by redirect\(\)/s);
  });

  test("names the method that finished it, and for debug the file and line where", async () => {
    class Page extends Told {
      override get() {
        this.render("page.html");
        this.finish("more");
      }
    }
    class Prepared extends Told {
      override prepare() {
        this.finish("stop");
        this.redirect("/");
      }
    }
    const told = async (handler: typeof RequestHandler, settings: object): Promise<string> => {
      const templateLoader = new DictLoader({ "page.html": "page" });
      await ask(new Application([["/", handler]], { templateLoader, ...settings }), "/");
      return (Told.error as Error).message;
    };
    const place = String.raw` in /.*test/web/mistakes\.test\.[jt]s:\d+$`;
    for (const settings of [{ serveTraceback: true }, { debug: true, autoreload: false }]) {
      assert.match(await told(Page, settings), new RegExp(`finished by render\\(\\)${place}`));
      assert.match(await told(Prepared, settings), new RegExp(`Cannot redirect.* by finish\\(\\)${place}`));
    }
    assert.match(
      await told(Page, {}),
      /Cannot finish\(\) after finish\(\): the response was finished by render\(\)$/,
    );
  });

  test("says that a promise was not awaited, and in which method, when the verb had ended", async () => {
    let late: Promise<void> | undefined;
    class Late extends RequestHandler {
      override get() {
        late = Promise.resolve().then(() => this.write("late"));
      }
    }
    await ask(new Application([["/", Late]]), "/");
    await assert.rejects(late as Promise<void>, {
      code: "ERR_SQUALL_INVALID_STATE",
      message: /finished when Late\.get\(\) ended, so a promise was not awaited in it$/,
    });
  });
});

describe("a change to the head after it was sent", () => {
  test("is logged, once for each class and method", async () => {
    class Late extends RequestHandler {
      override async get() {
        this.write("first");
        await this.flush();
        this.setHeader("X-Late", "1");
        this.setCookie("session", "1");
        this.setStatus(201);
        this.addHeader("X-Late", "2");
        this.clearHeader("X-Late");
      }
    }
    const app = new Application([["/late", Late]]);
    const methods = ["setHeader", "setCookie", "setStatus", "addHeader", "clearHeader"];
    const logs = methods.map(
      (method) =>
        new ExpectLog(
          appLog,
          `^${method}\\(\\) of Late for GET /late has no effect: the head .* was sent before$`,
        ),
    );
    await ask(app, "/late");
    for (const log of logs) log[Symbol.dispose]();
    await ask(app, "/late");
  });
});

describe("a status that is not a number", () => {
  test("is refused with its type, by setStatus() and by HTTPError", async () => {
    const message = /integer from 200 to 999.*, got '404'/;
    class Text extends Told {
      override get() {
        this.setStatus("404" as never);
      }
    }
    await failing(Text, message);
    assert.throws(() => new HTTPError("404" as never), { ...refused, message });
  });

  test("shows the line of the program that gave it", async () => {
    class Sets extends Told {
      override get() {
        this.setStatus("404" as never);
      }
    }
    class Throws extends Told {
      override get() {
        throw new HTTPError("404" as never);
      }
    }
    for (const handler of [Sets, Throws]) {
      await failing(handler, /got '404'/);
      assert.match(
        (Told.error as Error).stack ?? "",
        /at (?:(?:Sets|Throws)\.)?get \(.*mistakes\.test\.[jt]s:\d+/,
      );
    }
  });
});

describe("a status that ends no response (1xx)", () => {
  class Answers extends Told {
    static how: (handler: RequestHandler) => void;
    override get() {
      Answers.how(this);
    }
  }
  const ways: [string, (handler: RequestHandler) => void, RegExp][] = [
    ["setStatus(100)", (h) => h.setStatus(100), /from 200 to 999, or 101 for upgrade\(\), got 100$/],
    ["setStatus(103)", (h) => h.setStatus(103), /got 103; sendEarlyHints\(\) sends a 103 before/],
    ["sendError(100)", (h) => h.sendError(100), /an error response must be .* from 200 to 999, got 100$/],
    [
      "new HTTPError(100)",
      () => {
        throw new HTTPError(100);
      },
      /an error response must be .* from 200 to 999, got 100$/,
    ],
    ["redirect() with 100", (h) => h.redirect("/", { status: 100 }), /from 300 to 399, got 100$/],
    ["setStatus(101) without upgrade()", (h) => h.setStatus(101), /^a 101 ends no response: upgrade\(\)/],
  ];
  for (const [what, how, said] of ways) {
    test(`is refused in words that name it and what may stand there: ${what}`, async () => {
      Answers.how = how;
      const connection = await failing(Answers, said);
      assert.equal(connection.status, 500);
      assert.match(connection.body, /<title>500: /);
      assert.match(
        String((Told.error as { code?: string }).code),
        /^ERR_SQUALL_(INVALID_ARGUMENT|HTTP_OUTPUT)$/,
      );
    });
  }

  test("is refused by an ErrorHandler in the routes as well", async () => {
    using log = new ExpectLog("squall.application", /^ErrorHandler could not be made for GET \//);
    const { status } = await ask(new Application([["/", ErrorHandler, { statusCode: 100 }]]), "/");
    assert.equal(status, 500);
    assert.equal(log.loggedStack, true);
  });
});

describe("HTTPError", () => {
  test("keeps its status whatever its arguments are, and shows them beside the format", () => {
    const broken = {
      toString() {
        throw new Error("broken");
      },
      [Symbol.for("nodejs.util.inspect.custom")]() {
        throw new Error("broken");
      },
    };
    assert.equal(new HTTPError(400, "no item %d", "abc").getMessage(), "no item %d 'abc'");
    assert.equal(new HTTPError(404, "%s of %s", "one").getMessage(), "%s of %s 'one'");
    assert.equal(new HTTPError(403, "not %s", broken).statusCode, 403);
    // Runtimes write the escape in large or small letters.
    assert.match(
      String(new HTTPError(400, "no item %d", "\x1b[31m").getMessage()),
      /^no item %d '\\x1[Bb]\[31m'$/,
    );
  });
});

describe("write()", () => {
  const written = async (value: unknown): Promise<FakeConnection> => {
    class Writes extends Told {
      override get() {
        this.write(value as object);
      }
    }
    return await ask(new Application([["/", Writes]]), "/");
  };

  test("sends bytes of any kind as bytes", async () => {
    const bytes = new TextEncoder().encode("bytes!");
    for (const value of [bytes.buffer, new DataView(bytes.buffer), new Uint16Array(bytes.buffer)]) {
      assert.equal((await written(value)).body, "bytes!");
    }
    assert.equal((await written(new DataView(bytes.buffer, 2, 3))).body, "tes");
  });

  test("refuses what JSON would lose, with what to write instead", async () => {
    class Private {
      #secret = 1;
      reveal() {
        return this.#secret;
      }
    }
    const cases: readonly (readonly [value: object, advice: RegExp])[] = [
      [new Map([["a", 1]]), /class Map.*Object\.fromEntries\(map\)/s],
      [new Set([1]), /class Set.*\[\.\.\.set\]/s],
      [new Error("x"), /class Error.*error\.message/s],
      [new URLSearchParams("a=1"), /String\(params\)/],
      [new Blob(["x"]), /await blob\.arrayBuffer\(\)/],
      [new ReadableStream(), /for await \(const piece of stream\)/],
      [new SharedArrayBuffer(1), /copy it/],
      [new Private(), /class Private.*toJSON\(\)/s],
    ];
    for (const [value, advice] of cases) {
      assert.equal((await written(value)).status, 500);
      assert.match((Told.error as Error).message, advice);
    }
  });

  test("refuses what JSON would lose inside an object, with the place where it stands", async () => {
    const cases: (readonly [value: object, place: RegExp])[] = [
      [
        { users: new Map([["a", 1]]) },
        /lose an object of class Map at users; write Object\.fromEntries\(map\)/,
      ],
      [
        { a: [{}, { tags: new Set([1]) }] },
        /lose an object of class Set at a\[1\]\.tags; write \[\.\.\.set\]/,
      ],
      [{ rows: Promise.resolve([1]) }, /lose a promise at rows; await it/],
      [{ error: new TypeError("x") }, /class TypeError at error; write error\.message/],
      [{ "a b": { stream: new ReadableStream() } }, /at \["a b"\]\.stream; read it first/],
    ];
    // Bun's JSON has the parameters.
    if (process.versions.bun === undefined)
      cases.push([
        { query: new URLSearchParams("a=1") },
        /class URLSearchParams at query; write String\(params\)/,
      ]);
    for (const [value, place] of cases) {
      assert.equal((await written(value)).status, 500);
      assert.match((Told.error as Error).message, place);
    }
  });

  test("sends empty objects, and what an object's own toJSON() gives", async () => {
    class Shown {
      toJSON() {
        return {};
      }
    }
    const named = Object.assign(new Map(), { toJSON: () => ({}) });
    const value = { a: {}, b: [{}], c: new Shown(), d: "{}", e: named };
    assert.equal((await written(value)).body, '{"a":{},"b":[{}],"c":{},"d":"{}","e":{}}');
    let deep: object = {};
    for (let i = 0; i < 1000; i++) deep = { deep };
    assert.equal((await written(deep)).status, 200);
  });

  test("takes a class that knows its JSON, and objects without a prototype", async () => {
    class Story {
      toJSON() {
        return { id: 1 };
      }
    }
    assert.equal((await written(new Story())).body, '{"id":1}');
    assert.equal((await written(Object.assign(Object.create(null), { a: 1 }))).body, '{"a":1}');
  });
});

describe("cookies", () => {
  const withCookies = async (
    act: (handler: RequestHandler) => void,
    cookie = "",
  ): Promise<readonly string[]> => {
    class Sets extends RequestHandler {
      override get() {
        act(this);
      }
    }
    const connection = await ask(new Application([["/", Sets]]), "/", {
      headers: { Host: "h", Cookie: cookie },
    });
    assert.equal(connection.status, 200);
    return connection.headers.getList("Set-Cookie");
  };

  test("setCookie() knows one spelling of its options and refuses the others by name", async () => {
    for (const [wrong, right] of [
      ["httpOnly", "httponly"],
      ["sameSite", "samesite"],
      ["max_age", "maxAge"],
      ["expires_days", "expiresDays"],
    ]) {
      await withCookies((handler) => {
        assert.throws(() => handler.setCookie("a", "b", { [wrong as string]: true }), {
          ...refused,
          message: `unknown option of a cookie "${wrong}"; did you mean "${right}"?`,
        });
      });
    }
  });

  test("clearAllCookies() clears cookies with a prefix with the attributes that the prefix demands", async () => {
    const lines = await withCookies(
      (handler) => handler.clearAllCookies({ path: "/app", domain: "example.com" }),
      "sid=1; __Host-sid=2; __Secure-theme=3; bad name=4",
    );
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? "", /^sid=.*Domain=example\.com.*Path=\/app/);
    assert.match(lines[1] ?? "", /^__Host-sid=.*Path=\/;.*Secure/);
    assert.doesNotMatch(lines[1] ?? "", /Domain/);
    assert.match(lines[2] ?? "", /^__Secure-theme=.*Domain=example\.com.*Path=\/app.*Secure/);
  });
});

describe("routes", () => {
  test("a target that is not a handler is refused when the application is made, and the route is shown", () => {
    for (const target of [() => "x", function page() {}, class Page {}, { get() {} }, 5]) {
      assert.throws(() => new Application([["/story", target as never]]), {
        ...refused,
        message: /Rule\("\/story".*must be a class that extends RequestHandler, as in/s,
      });
    }
    assert.throws(() => new Application([["/", (() => "x") as never]]), { message: /FallbackHandler/ });
    assert.throws(() => new Application([["/", [["/", () => "x"]]]]), refused);
    const app = new Application([]);
    assert.throws(() => app.addHandlers("h", [["/", () => "x"]]), refused);
  });

  test("a route that is incomplete or the wrong way round is refused, and shown", () => {
    class Page extends RequestHandler {}
    for (const [route, said] of [
      [["/story", undefined], /the route "\/story" has no target/],
      [["/story", "Page"], /the target of the route "\/story" must be the thing itself/],
      [[Page, "/story"], /got function in \[ .*class Page.*'\/story' \]; a route looks like/],
      [[5, Page], /got number in \[ 5, .*; a route looks like/],
    ] as const) {
      assert.throws(() => new Application([route as never]), { ...refused, message: said });
    }
  });

  test("arguments for a handler that has no initialize() are refused, not dropped", () => {
    class Page extends RequestHandler {}
    class Child extends Page {
      override initialize() {}
    }
    const message = /the route of .* has arguments \(db\) for initialize\(\), which Page does not have$/;
    assert.throws(() => new Application([["/", Page, { db: 1 }]]), { ...refused, message });
    assert.throws(() => new Application([url("/", Page, { name: "main" })]), {
      ...refused,
      message: /the name of a route comes fourth, after the arguments$/,
    });
    assert.doesNotThrow(
      () =>
        new Application([
          ["/", Child, { db: 1 }],
          ["/x", Page, {}],
        ]),
    );
  });

  test("a shape that is not a list of routes is refused with what a route looks like", () => {
    for (const routes of [{ "/": ErrorHandler }, "/", ["/", ErrorHandler], 5]) {
      assert.throws(() => new Application(routes as never), { ...refused, message: /a route looks like/ });
    }
  });

  test('"/a/*" is refused unless a method is decorated with removeslash', () => {
    class Plain extends RequestHandler {}
    class Bare extends RequestHandler {
      override get = removeslash(function (this: RequestHandler) {
        this.write("bare");
      });
    }
    class Decorated extends RequestHandler {
      @removeslash
      override get() {
        this.write("bare");
      }
    }
    assert.throws(() => new Application([["/a/*", Plain]]), { ...refused, message: /write "\/a\/:path\*"/ });
    assert.doesNotThrow(() => new Application([["/a/*", Decorated]]));
    assert.doesNotThrow(() => new Application([[/\/a\/*/, Plain]]));
    assert.doesNotThrow(() => new Application([[/\/a\/*/, Bare]]));
  });

  test("checkRoute() of a handler class sees each of its routes, and may refuse it", () => {
    class Picky extends RequestHandler {
      override initialize() {}
      static override checkRoute({
        targetKwargs,
      }: {
        readonly targetKwargs: Readonly<Record<string, unknown>>;
      }) {
        if (targetKwargs.db === undefined) throw new TypeError("a Picky needs its db");
      }
    }
    assert.throws(() => new Application([["/", Picky]]), /a Picky needs its db/);
    assert.doesNotThrow(() => new Application([["/", Picky, { db: 1 }]]));
  });
});

describe("StaticFileHandler", () => {
  test("is refused on a pattern without one group, and without a root directory", () => {
    const path = "/srv";
    for (const pattern of ["/files/.*", "/files", "/(a)/(.*)", "/:a/:b"]) {
      assert.throws(() => new Application([[pattern, StaticFileHandler, { path }]]), {
        ...refused,
        message: /it needs one, the path of the file: "\/files\/:path\*" or/,
      });
    }
    for (const wrong of [undefined, "", 5, new URL("http://example.com/")]) {
      assert.throws(() => new Application([["/(.*)", StaticFileHandler, { path: wrong }]]), {
        ...refused,
        message: /needs its root directory/,
      });
    }
    assert.doesNotThrow(
      () => new Application([["/(.*)", StaticFileHandler, { path: pathToFileURL("/srv/") }]]),
    );
  });
});

describe("handlers that squall brings", () => {
  test("refuse wrong arguments of a route when the application is made", () => {
    const path = "/srv";
    for (const [handler, args, message] of [
      [FallbackHandler, {}, /needs a fallback/],
      [FallbackHandler, { fallback: "x" }, /needs a fallback/],
      [RedirectHandler, { to: "/new" }, /needs a url/],
      [ProxyHandler, { upstream: "somewhere" }, /upstream must be/],
      [ProxyHandler, { upstream: "http://localhost", preserve_host: true }, /did you mean "preserveHost"\?/],
      [StaticFileHandler, { path, default_filename: "index.html" }, /did you mean "defaultFilename"\?/],
    ] as const) {
      assert.throws(() => new Application([["/(.*)", handler as typeof RequestHandler, args]]), {
        ...refused,
        message,
      });
    }
  });

  test("leave the arguments to a subclass that has an initialize() of its own", () => {
    class Mirror extends ProxyHandler {
      override initialize({ host }: Record<string, unknown>) {
        super.initialize({ upstream: `http://${String(host)}` });
      }
    }
    assert.doesNotThrow(() => new Application([["/.*", Mirror, { host: "localhost" }]]));
  });
});

describe("options of clients and containers", () => {
  test("an unknown, snake_case or misspelt one is refused with the right name", async () => {
    const callback = () => {};
    const didYouMean = (name: string) => ({
      ...refused,
      message: new RegExp(`; did you mean "${name}"\\?$`),
    });
    const named = (name: string): never => ({ [name]: 1 }) as never;
    assert.throws(() => new NodeContainer(callback, named("timout")), didYouMean("timeout"));
    assert.throws(() => new FetchContainer(callback as never, named("time_out")), didYouMean("timeout"));
    const app = new Application([]);
    assert.throws(() => nodeListener(app, named("max_body_size")), didYouMean("maxBodySize"));
    assert.throws(() => fetchHandler(app, named("maxBodysize")), didYouMean("maxBodySize"));
    assert.throws(() => new HTTPRequest("http://a/", named("request_timeout")), didYouMean("requestTimeout"));
    const client = named("max_clients") as Record<string, unknown>;
    assert.throws(
      () => new AsyncHTTPClient({ ...client, forceInstance: true } as never),
      didYouMean("maxClients"),
    );
    for (const [wrong, right] of [
      ["pingIntervall", "pingInterval"],
      ["on_message_callback", "onMessageCallback"],
      ["ssl_options", "sslOptions"],
    ] as const) {
      await assert.rejects(websocketConnect("ws://a/", named(wrong)), didYouMean(right));
    }
  });
});

describe("settings", () => {
  test("a snake_case or misspelt name of a known setting is refused with the right name", () => {
    for (const [wrong, right] of [
      ["cookie_secret", "cookieSecret"],
      ["static_path", "staticPath"],
      ["debugg", "debug"],
      ["loginURL", "loginUrl"],
      ["autoReload", "autoreload"],
      ["cookiesecret", "cookieSecret"],
    ]) {
      assert.throws(() => new Application([], { [wrong as string]: "x" }), {
        ...refused,
        message: `unknown setting "${wrong}"; did you mean "${right}"?`,
      });
    }
  });

  test("a value that cannot work is refused when the application is made, for every setting there is", () => {
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      autoescape: [5, "nowhere()"],
      autoreload: [null, "yes"],
      compiledTemplateCache: [null, 1],
      compressResponse: [null, "gzip"],
      cookieSecret: [null, 42, "", {}, { 1: "" }, { 1: 5 }],
      cors: [null, "*", {}],
      debug: [null, "yes"],
      defaultHandlerArgs: [null, 5],
      defaultHandlerClass: [null, "x", class {}],
      defaultHost: [null, 5],
      gzip: [null, 1],
      handlerTimeout: [null, "1s", -1, Number.NaN],
      keyVersion: [null, "1", -1],
      logFunction: [null, "x"],
      loginUrl: [null, 5],
      securityHeaders: [null, "x", { frameOption: "DENY" }],
      serverHeader: [null, 5, "", "a\nb"],
      serveTraceback: [null, 1],
      staticHandlerArgs: [null, "x"],
      staticHandlerClass: [null, class {}],
      staticHashCache: [null, 1],
      staticPath: [null, 5, "", new URL("https://example.com/")],
      staticUrlPrefix: [null, 5, "", "static/", "/static"],
      templateLoader: [null, "x"],
      templatePath: [null, 5, "", new URL("https://example.com/")],
      templateWhitespace: [null, "none"],
      transforms: [null, "gzip", ["gzip"]],
      uiMethods: ["x", 5],
      uiModules: ["x", 5],
      websocketMaxMessageSize: [null, "1", -1, 0.5],
      websocketOptions: [null, 5, { closeTimeout: "x" }, { slowConsumer: "wait" }, { closeTimout: 5 }],
      websocketPingInterval: [null, "x", -1],
      websocketPingTimeout: [null, "x", -1],
      xsrfCookieKwargs: [null, "x", { httpOnly: true }, { path: "a;b" }],
      xsrfCookieName: [null, 5, "a b", "__Host-xsrf"],
      xsrfCookies: [null, "true", 1],
      xsrfCookieVersion: [null, 3, "2"],
    };
    assert.deepEqual(Object.keys(wrong).sort(), settingNames().sort());
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assert.throws(() => new Application([], { [name]: value }), refused, `${name}: ${String(value)}`);
      }
      assert.doesNotThrow(() => new Application([], { [name]: undefined }), name);
    }
  });

  test("what is not an object of settings is refused", () => {
    for (const settings of [[], "localhost", ErrorHandler, 5, null, () => {}]) {
      assert.throws(() => new Application([], settings as never), {
        ...refused,
        message: /^the settings of an application must be an object, got /,
      });
    }
  });

  test("an option of the server is refused among the settings, with the place where it belongs", () => {
    for (const name of ["xheaders", "maxBodySize", "trustedDownstream", "ssl_options", "max_body_size"]) {
      assert.throws(() => new Application([], { [name]: true }), {
        ...refused,
        message: /^(\w+) is an option of the server, not a setting: app\.listen\(port, \{ \1 \}\)$/,
      });
    }
  });

  test("a secret that is refused is not shown", () => {
    assert.throws(
      () => new Application([], { cookieSecret: { 1: "s3cret", 2: 3141 } as never }),
      (error) => {
        assert.doesNotMatch(String(error), /s3cret|3141/);
        return true;
      },
    );
  });

  test("an application's own settings are free", () => {
    const own = { db: {}, name: "x", pool: 1, title: "t", page_size: 5, __defineGetter__: 5, valueOf: 6 };
    assert.deepEqual({ ...own, ...new Application([], own).settings }, { ...own });
  });
});

describe("options of a server", () => {
  test("an unknown, snake_case or misspelt one is refused with the right name", async () => {
    const app = new Application([]);
    for (const [wrong, right] of [
      ["max_body_size", "maxBodySize"],
      ["maxBodysize", "maxBodySize"],
      ["idleTimeOut", "idleTimeout"],
      ["xHeaders", "xheaders"],
      ["ssl_options", "sslOptions"],
    ]) {
      const message = `unknown option of HTTPServer "${wrong}"; did you mean "${right}"?`;
      assert.throws(() => new HTTPServer(app, { [wrong as string]: 1 }), { ...refused, message });
      await assert.rejects(app.listen(0, { [wrong as string]: 1 }), { ...refused, message });
    }
    assert.throws(() => new HTTPServer(app, { address: "127.0.0.1" } as object), {
      ...refused,
      message: 'unknown option of HTTPServer "address"',
    });
  });

  test("a callback for listen(), which returns a promise, is refused, not dropped", async () => {
    const app = new Application([]);
    const message = /^listen\(\) takes no callback: await it/;
    await assert.rejects(app.listen(0, (() => {}) as never), { ...refused, message });
    await assert.rejects(
      (app.listen as (...args: unknown[]) => Promise<unknown>).call(app, 0, "::1", () => {}),
      {
        ...refused,
        message,
      },
    );
    await assert.rejects(new HTTPServer(app).listen(0, (() => {}) as never), { ...refused, message });
    await assert.rejects(app.listen(0, null as never), refused);
    await assert.rejects(app.listen(0, 5 as never), refused);
  });

  test("an unknown option of listen() is refused, so that nobody listens elsewhere than was meant", async () => {
    const app = new Application([]);
    for (const [wrong, right] of [
      ["host", "address"],
      ["hostname", "address"],
      ["adress", "address"],
      ["reuse_port", "reusePort"],
    ] as const) {
      const message = `unknown option of listen() "${wrong}"; did you mean "${right}"?`;
      const options = { [wrong]: "127.0.0.1" } as object;
      await assert.rejects(app.listen(0, options), { ...refused, message });
      await assert.rejects(new HTTPServer(app).listen(0, options), { ...refused, message });
      await assert.rejects(new HTTPServer(app).bind(0, options), { ...refused, message });
    }
    await assert.rejects(new HTTPServer(app).listen(0, { maxBodySize: 5 } as object), {
      ...refused,
      message: 'unknown option of listen() "maxBodySize"; it is one of the server, for its constructor',
    });
  });

  test("new HTTPServer() without an application says what it needs", () => {
    for (const wrong of [undefined, null, 5, {}, RequestHandler, class extends RequestHandler {}]) {
      assert.throws(() => new HTTPServer(wrong as never), {
        ...refused,
        message: /needs a function of the request/,
      });
    }
  });
});

describe("log lines", () => {
  test("show the line of the program that logged, or that threw; none of squall's own", async () => {
    const records: LogRecord[] = [];
    class Keeps extends LogHandler {
      override emit(record: LogRecord) {
        record.locate();
        records.push(record);
      }
    }
    const handler = new Keeps();
    const { propagate } = appLog;
    appLog.addHandler(handler);
    appLog.propagate = false;
    class Throws extends RequestHandler {
      override async get() {
        appLog.warning("mine");
        await null;
        throw new Error("theirs");
      }
    }
    try {
      await ask(new Application([["/", Throws]]), "/");
    } finally {
      appLog.removeHandler(handler);
      appLog.propagate = propagate;
    }
    assert.deepEqual(
      records.map(({ site }) => [site.module, site.functionName, site.line > 0]),
      [
        ["mistakes.test", "get", true],
        ["mistakes.test", "get", true],
      ],
    );
    const unknown = new LogRecord("x", 20, "m", [], LogRecord);
    assert.doesNotMatch(new LogFormatter({ color: false }).format(unknown), /log-record|call-site/);
  });
});
