import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  AnyMatches,
  HostMatches,
  Matcher,
  PathMatches,
  ReversibleRouter,
  ReversibleRuleRouter,
  Router,
  Rule,
  RuleRouter,
  URLSpec,
} from "squall/routing";
import { ExpectLog } from "squall/testing";
import { RequestHandler } from "squall/web";
import type { HTTPMessageDelegate } from "#room/http/delegates";
import { HTTPServerRequest } from "#room/http/request";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import { ask } from "../../support/fake-exchange.js";
import "../../support/guard.js";

const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

function requestFor(uri: string, host = "example.com"): HTTPServerRequest {
  return new HTTPServerRequest({ method: "GET", uri, version: "HTTP/1.1", host, headers: new HTTPHeaders() });
}

/** A target that can be recognised. */
class Marked implements HTTPMessageDelegate {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  headersReceived() {}
  dataReceived() {}
  finish() {}
  onConnectionClose() {}
}

class MarkedRouter extends Router {
  readonly delegate: Marked | undefined;
  constructor(name: string | undefined) {
    super();
    this.delegate = name === undefined ? undefined : new Marked(name);
  }
  override findHandler() {
    return this.delegate;
  }
}

const found = (router: Router, uri: string, host?: string): string | undefined =>
  (router.findHandler(requestFor(uri, host)) as Marked | undefined)?.name;

describe("RuleRouter", () => {
  test("the first rule that matches wins, whatever kinds of rules stand around it", () => {
    const router = new RuleRouter([
      [new HostMatches("other"), new MarkedRouter("host")],
      ["/a", new MarkedRouter("literal")],
      [/\/(a|b)/, new MarkedRouter("regex")],
      ["/b", new MarkedRouter("never")],
      ["/:name", new MarkedRouter("template")],
    ]);
    assert.equal(found(router, "/a"), "literal");
    assert.equal(found(router, "/b"), "regex");
    assert.equal(found(router, "/c?x=1"), "template");
    assert.equal(found(router, "/a", "other:80"), "host");
    assert.equal(found(router, "/c/d"), undefined);
  });

  test("a router that knows no answer is passed over", () => {
    const router = new RuleRouter([
      ["/.*", new MarkedRouter(undefined)],
      ["/.*", new MarkedRouter("second")],
    ]);
    assert.equal(found(router, "/x"), "second");
  });

  test("rules that are added later are seen", () => {
    const router = new RuleRouter([["/a", new MarkedRouter("a")]]);
    assert.equal(found(router, "/b"), undefined);
    router.addRules([["/b", new MarkedRouter("b")]]);
    assert.equal(found(router, "/b"), "b");
  });

  test("a subclass of PathMatches that matches other paths than its pattern says is always asked", () => {
    class Lax extends PathMatches {
      override match() {
        return {};
      }
    }
    assert.equal(found(new RuleRouter([[new Lax("/only"), new MarkedRouter("lax")]]), "/else"), "lax");
  });

  test("a function of the request gets it with its body", async () => {
    const router = new RuleRouter([
      [
        "/echo",
        (request: HTTPServerRequest) => {
          const headers = new HTTPHeaders({ "Content-Length": String(request.body.length) });
          request.connection?.writeHeaders(
            { version: "HTTP/1.1", code: 200, reason: "OK" },
            headers,
            request.body,
          );
          request.connection?.finish();
        },
      ],
    ]);
    assert.equal((await ask(router, "/echo", { method: "POST", body: ["a", "bc"] })).body, "abc");
  });

  test("a request that nobody takes gets a bare 404", async () => {
    const connection = await ask(new RuleRouter(), "/x");
    assert.equal(connection.status, 404);
    assert.equal(connection.body, "");
    assert.equal(connection.header("Content-Length"), "0");
  });

  test("targets get what the match found", () => {
    const seen: unknown[] = [];
    class Recording extends Router {
      override findHandler(_request: HTTPServerRequest, params?: object) {
        seen.push(params);
        return undefined;
      }
    }
    new RuleRouter([["/(.*)", new Recording(), { x: 1 }]]).findHandler(requestFor("/a%2Fb"));
    assert.deepEqual(seen, [
      { targetKwargs: { x: 1 }, pathArgs: [Buffer.from("a/b")], pathKwargs: undefined },
    ]);
  });

  test("rules that are none are refused", () => {
    for (const wrong of [
      ["/a"],
      "/a",
      5,
      ["/a", null],
      ["/a", undefined],
      ["/a", "module.Name"],
      [{}, RequestHandler],
    ]) {
      assert.throws(() => new RuleRouter([wrong as never]), refused);
    }
  });
});

describe("the index of routes", () => {
  const segment = fc.constantFrom("a", "ab", "abc", "b", "", "a.b", "%61", "1");
  const part = fc.oneof(
    segment.map((text) => text.replaceAll(".", "\\.")),
    fc.constantFrom("(.*)", "([^/]+)", "a?", "ab*", "(a|b)", "a{1,2}", "[ab]", "a|b", "\\d", "a(?=b).*"),
  );
  const pattern = fc.oneof(
    { weight: 4, arbitrary: fc.array(part, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`) },
    { weight: 1, arbitrary: fc.array(part, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("")) },
    { weight: 1, arbitrary: fc.constantFrom("/:x", "/a/:x", "/a/:x*", ".*", "") },
  );
  const path = fc
    .array(fc.oneof(segment, fc.constantFrom("c", "aa", "abab")), { maxLength: 4 })
    .map((parts) => `/${parts.join("/")}`);

  test("finds what a loop over all rules finds, in the same order", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 12 }),
        fc.array(path, { minLength: 1, maxLength: 8 }),
        (patterns, paths) => {
          const rules = patterns.map(
            (source, i) =>
              new Rule(
                new PathMatches(/^\w/.test(source) ? `/${source}` : source),
                new MarkedRouter(String(i)),
              ),
          );
          const router = new RuleRouter(rules);
          for (const uri of paths) {
            const request = requestFor(uri);
            const plain = rules.findIndex((rule) => rule.matcher.match(request) !== undefined);
            assert.equal(found(router, uri), plain < 0 ? undefined : String(plain), uri);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("asks few of a thousand rules", () => {
    let asked = 0;
    class Counting extends Matcher {
      readonly #inner: PathMatches;
      constructor(source: string) {
        super();
        this.#inner = new PathMatches(source);
      }
      override get literalPrefix() {
        return this.#inner.literalPrefix;
      }
      override match(request: HTTPServerRequest) {
        asked++;
        return this.#inner.match(request);
      }
    }
    const router = new RuleRouter(
      Array.from(
        { length: 1000 },
        (_, i) => [new Counting(`/r${i}x/([0-9]+)`), new MarkedRouter(String(i))] as const,
      ),
    );
    assert.equal(found(router, "/r777x/5"), "777");
    assert.equal(found(router, "/nothing"), undefined);
    assert.equal(asked, 1);
  });
});

describe("what is no rule", () => {
  const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

  test("is refused when the router is made, with what a route looks like", () => {
    for (const rules of [{ "/": () => {} }, ["/", () => {}], "/", 5]) {
      assert.throws(() => new RuleRouter(rules as never), {
        ...refused,
        message: /a route looks like \["\/story/,
      });
    }
    for (const rule of ["/", ["/"], ["/", () => {}, {}, "n", 5], { path: "/" }]) {
      assert.throws(() => new RuleRouter([rule] as never), refused);
    }
    assert.throws(() => new RuleRouter([["/", () => {}, "name"]] as never), {
      ...refused,
      message: /third entry.*arguments for initialize/,
    });
  });

  test("a target that the router cannot use is refused, unless a subclass knows what to do with it", () => {
    class Page {}
    for (const target of [Page, { get() {} }, 5]) {
      assert.throws(() => new RuleRouter([["/", target]]), { ...refused, message: /must be a router/ });
    }
    class Own extends RuleRouter {
      override getTargetDelegate() {
        return undefined;
      }
    }
    assert.doesNotThrow(() => new Own([["/", Page]]));
  });
});

describe("ReversibleRuleRouter", () => {
  const handler = (_request: HTTPServerRequest): void => {};

  test("builds paths from names, its own first, then those of nested routers", () => {
    const inner = new ReversibleRuleRouter([["/inner/:id", handler, null, "inner"]]);
    const router = new ReversibleRuleRouter([
      [new AnyMatches(), inner],
      ["/story/:id/:rest*", handler, null, "story"],
      ["/old/([0-9]+)", handler, null, "old"],
    ]);
    assert.equal(router.reverseUrl("story", 7, "a b/ü"), "/story/7/a%20b/%C3%BC");
    assert.equal(router.reverseUrl("old", 7), "/old/7");
    assert.equal(router.reverseUrl("inner", "x"), "/inner/x");
    assert.equal(router.reverseUrl("nobody"), undefined);
  });

  test("a slash in an argument is encoded where the group takes one segment, and kept where it takes several", () => {
    const router = new ReversibleRuleRouter([
      ["/story/:id/:rest*", handler, null, "template"],
      ["/old/([^/]+)/(.*)", handler, null, "expression"],
      ["/named/(?<a>[^/]*)", handler, null, "named"],
    ]);
    assert.equal(router.reverseUrl("template", "a/b", "c/d"), "/story/a%2Fb/c/d");
    assert.equal(router.reverseUrl("expression", "a/b", "c/d"), "/old/a%2Fb/c/d");
    assert.equal(router.reverseUrl("named", "../x"), "/named/..%2Fx");
  });

  test("what ends a parameter inside its segment is encoded in an argument, so that the path leads back to it", () => {
    const patterns: Record<string, string> = {
      pair: "/:from-:to",
      range: "/:from..:to",
      file: "/files/:name.json",
    };
    const router = new ReversibleRuleRouter(
      Object.entries(patterns).map(([name, pattern]) => [pattern, handler, null, name] as const),
    );
    assert.equal(router.reverseUrl("pair", "vie", "lhr"), "/vie-lhr");
    assert.equal(router.reverseUrl("pair", "a-b/c", "d-e/f"), "/a%2Db%2Fc-d-e%2Ff");
    assert.equal(router.reverseUrl("range", 1.5, 9.5), "/1%2E5..9.5");
    assert.equal(router.reverseUrl("file", "a.json"), "/files/a.json.json");
    for (const [name, args] of [
      ["pair", ["a-b/c", "d-e/f"]],
      ["range", ["1.5", "9.5"]],
      ["file", ["a.json"]],
    ] as const) {
      const path = router.reverseUrl(name, ...args) as string;
      const found = new PathMatches(patterns[name] as string).match({ path } as HTTPServerRequest);
      assert.deepEqual(Object.values(found?.pathKwargs ?? {}).map(String), args);
    }
  });

  test("a name given twice is warned of, and the later rule has it", () => {
    using _log = new ExpectLog(
      "squall.application",
      /Multiple handlers named same; replacing previous value/,
    );
    const router = new ReversibleRuleRouter([
      ["/1", handler, null, "same"],
      ["/2", handler, null, "same"],
    ]);
    assert.equal(router.reverseUrl("same"), "/2");
  });

  test("reverse() throws for the wrong number of arguments and for patterns that are more than literals and groups", () => {
    assert.throws(() => new PathMatches("/(.*)").reverse(), refused);
    assert.throws(() => new PathMatches("/:a").reverse("x", "y"), refused);
    assert.throws(() => new PathMatches("/(?:a|b)").reverse(), refused);
    assert.throws(() => new PathMatches("/:a").reverse(undefined), refused);
    assert.equal(new HostMatches("x").reverse(), undefined);
  });

  test("is a ReversibleRouter to instanceof", () => {
    assert.ok(new ReversibleRuleRouter() instanceof ReversibleRouter);
    assert.ok(!(new RuleRouter() instanceof ReversibleRouter));
  });
});

describe("URLSpec", () => {
  test("tells its parts", () => {
    class Main extends RequestHandler {}
    const spec = new URLSpec("/a/([0-9]+)", Main, { x: 1 }, "a");
    assert.equal(spec.handlerClass, Main);
    assert.deepEqual(spec.kwargs, { x: 1 });
    assert.equal(spec.name, "a");
    assert.ok(spec.regex.test("/a/1"));
    assert.equal(spec.reverse(5), "/a/5");
    assert.match(String(spec), /URLSpec\("\/a\/\(\[0-9\]\+\)", Main, .*name=a\)/);
    assert.throws(() => new URLSpec("/", {} as never), refused);
  });
});
