import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { literalPrefix } from "#room/http/routing/literal-prefix";
import { compilePattern } from "#room/http/routing/pattern";
import "../../support/guard.js";

const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

describe("compilePattern() with regular expressions", () => {
  test("a string is matched from start to end, with a dollar sign appended unless it has one", () => {
    for (const pattern of ["/a", "/a$", "^/a", "^/a$"]) {
      const { regex } = compilePattern(pattern);
      assert.ok(regex.test("/a"), pattern);
      assert.ok(!regex.test("/ab"), pattern);
      assert.ok(!regex.test("x/a"), pattern);
    }
  });

  test("an escaped dollar sign at the end is a literal, and an anchor is still appended", () => {
    const { regex } = compilePattern("/a\\$");
    assert.ok(regex.test("/a$"));
    assert.ok(!regex.test("/a$b"));
  });

  test("a RegExp is taken as written but for the start, its flags g and y are dropped", () => {
    const { regex } = compilePattern(/\/A/giy);
    assert.ok(regex.test("/abc") && regex.test("/abc"));
    assert.ok(!regex.test("x/a"));
  });

  test("groups are all named or all positional", () => {
    assert.throws(() => compilePattern("/(a)/(?<b>x)"), {
      ...refused,
      message: /all named or all positional/,
    });
    assert.deepEqual(compilePattern("/(?<a>x)(?:y)").groupNames, ["a"]);
  });

  test("Python's spelling of named groups is refused with a hint", () => {
    assert.throws(() => compilePattern("/(?P<a>x)"), { ...refused, message: /without the P/ });
  });

  test("what is no expression, and what is no pattern, is refused", () => {
    assert.throws(() => compilePattern("/("), refused);
    for (const wrong of [undefined, null, 5, {}])
      assert.throws(() => compilePattern(wrong as never), refused);
  });
});

describe("compilePattern() with templates", () => {
  test("a parameter matches one segment, a final :name* the rest, and literals themselves", () => {
    const { regex } = compilePattern("/blog-x/:year/by/:path*");
    assert.deepEqual({ ...regex.exec("/blog-x/2026/by/a/b")?.groups }, { year: "2026", path: "a/b" });
    assert.deepEqual({ ...regex.exec("/blog-x/2026/by/")?.groups }, { year: "2026", path: "" });
    for (const path of ["/blog-x//by/a", "/blog-x/1/2/by/a", "/blog-x/1/by", "/blogyx/1/by/a"]) {
      assert.equal(regex.exec(path), null, path);
    }
  });

  test("a character of regular expressions throws and shows both spellings", () => {
    assert.throws(() => compilePattern("/:name/([0-9]+)"), {
      ...refused,
      message: /template.*":name".*or as a regular expression: "\/\(\?<name>\[\^\/\]\+\)\/\\\\\(\\\\\[0-9/s,
    });
    for (const special of ["\\", "^", "$", ".", "*", "+", "?", "(", ")", "[", "]", "{", "}", "|"]) {
      assert.throws(() => compilePattern(`/a${special}/:id`), refused, special);
    }
  });

  test("a segment may hold several parameters with punctuation between them, and an extension", () => {
    const cases: readonly (readonly [pattern: string, path: string, found: Record<string, string> | null])[] =
      [
        ["/story/:id.json", "/story/7.json", { id: "7" }],
        ["/story/:id.json", "/story/1.2.json.json", { id: "1.2.json" }],
        ["/story/:id.json", "/story/7xjson", null],
        ["/story/:id.json", "/story/.json", null],
        ["/story/:id.json", "/story/7.json/", null],
        ["/:id.json/:part.tar.gz", "/7.json/a.tar.gz", { id: "7", part: "a" }],
        ["/:from-:to", "/vie-lhr", { from: "vie", to: "lhr" }],
        ["/:from-:to", "/a-b-c", { from: "a", to: "b-c" }],
        ["/:from-:to", "/ab", null],
        ["/:from-:to", "/-b", null],
        ["/:from-:to", "/a-", null],
        ["/:from-:to", "/a-b/c", null],
        ["/:from-:to", "/a/x-b", null],
        ["/:from..:to/x", "/1..9/x", { from: "1", to: "9" }],
        ["/@/:lat,:lng", "/@/48.2,16.3", { lat: "48.2", lng: "16.3" }],
        ["/:year-:month-:day.html", "/2026-11-26.html", { year: "2026", month: "11", day: "26" }],
        ["/:name.:format/:rest*", "/a.b/c/d", { name: "a", format: "b", rest: "c/d" }],
      ];
    for (const [pattern, path, found] of cases) {
      const { groups } = compilePattern(pattern).regex.exec(path) ?? { groups: null };
      assert.deepEqual(groups === null ? null : { ...groups }, found, `${pattern} with ${path}`);
    }
    assert.throws(() => compilePattern("/:a-:a"), { ...refused, message: /two parameters ":a"/ });
    assert.throws(() => compilePattern("/:a-:b/x.y"), { ...refused, message: /the parameter ":a"/ });
  });

  test("what could be a name or a literal stays refused", () => {
    for (const pattern of [
      "/:user-id",
      "/:user-id-:x",
      "/:a-to-:b",
      "/:a:b",
      "/:a-",
      "/:a.",
      "/:a-:b?",
      "/:a.*",
      "/:a-:b*",
    ]) {
      assert.throws(() => compilePattern(pattern), { ...refused, message: /is not clear/ }, pattern);
    }
  });

  test("a name twice, and :name* before the end, are refused", () => {
    assert.throws(() => compilePattern("/:a/:a"), refused);
    assert.throws(() => compilePattern("/:a*/b"), refused);
  });

  test("strings without a segment :identifier stay expressions", () => {
    for (const pattern of ["/a:b", "/:", "/:1", "/(?:a)", "/time/([0-9]+):([0-9]+)"]) {
      assert.deepEqual(compilePattern(pattern).groupNames, [], pattern);
    }
  });
});

test("case 110: templates and plain groups take time in proportion to the path", () => {
  for (const pattern of [
    "/:a/:b/:c*",
    "/:a-:b-:c/x",
    "/:a.:b.c/:d.json",
    "/:a..:b..:c.x",
    "/([^/]*)/([^/]*)/(.*)",
    "/a?b?c?(.*)x",
  ]) {
    const { regex } = compilePattern(pattern);
    for (const path of [
      "/".repeat(50_000),
      `/${"a".repeat(50_000)}`,
      ...["a/", "a-", "a.", "a..", ".c", ".json"].map((part) => `/${part.repeat(25_000)}`),
    ]) {
      const began = performance.now();
      regex.exec(path);
      assert.ok(performance.now() - began < 1000, pattern);
    }
  }
});

describe("compilePattern() with the spelling of another router", () => {
  test("a parameter that is more than a segment is refused, with the expression that says the same", () => {
    const cases: readonly (readonly [pattern: string, expression: string])[] = [
      ["/story/:id([0-9]+)", "/story/(?<id>[0-9]+)"],
      ["/story/:id?", "/story(?:/(?<id>[^/]+))?"],
      ["/story/:id.json/:no?", "/story/(?<id>[^/]+)\\.json(?:/(?<no>[^/]+))?"],
      ["/user/:user-id", "/user/(?<user>[^/]+)-id"],
    ];
    for (const [pattern, expression] of cases) {
      let message = "";
      try {
        compilePattern(pattern);
      } catch (error) {
        assert.equal((error as { code?: string }).code, refused.code);
        ({ message } = error as Error);
      }
      assert.ok(message.endsWith(JSON.stringify(expression)), `${pattern}: ${message}`);
      assert.doesNotThrow(() => compilePattern(expression));
    }
    assert.throws(() => compilePattern("/user/:user-id"), { message: /A name is an identifier: ":userId"/ });
  });

  test("braces, angle brackets and a missing slash are refused, with squall's spelling", () => {
    assert.throws(() => compilePattern("/a/{id}"), { ...refused, message: /as in "\/a\/:id"/ });
    assert.throws(() => compilePattern("/<int:id>/x"), { ...refused, message: /as in "\/:id\/x"/ });
    assert.throws(() => compilePattern("/<id>"), { ...refused, message: /as in "\/:id"/ });
    for (const pattern of ["story", "story/:id", ":id", ":id-:slug", ":path*"])
      assert.throws(() => compilePattern(pattern), {
        ...refused,
        message: `the route "${pattern}" would match nothing: a path begins with a slash, so write "/${pattern}"`,
      });
  });

  test("typed braces, a name behind an asterisk and brackets around a name are refused, with squall's spelling", () => {
    for (const [pattern, own] of [
      ["/a/{id:int}", "/a/:id"],
      ["/a/{id:[0-9]+}/b", "/a/:id/b"],
      ["/a/{*rest}", "/a/:rest*"],
      ["/a/{rest:path}", "/a/:rest*"],
      ["/{from}-{to}", "/:from-:to"],
      ["/a/<path:rest>", "/a/:rest*"],
      ["/a/[id]", "/a/:id"],
      ["/[slug].json", "/:slug.json"],
      ["/a/[...rest]", "/a/:rest*"],
      ["/a/[[...rest]]", "/a/:rest*"],
      ["/a/*rest", "/a/:rest*"],
      ["/*splat", "/:splat*"],
      ["/$id", "/:id"],
      ["/story/$id/edit", "/story/:id/edit"],
    ] as const) {
      assert.throws(
        () => compilePattern(pattern),
        (error) => {
          assert.match(String(error), /would not match what it says: a parameter is written ":name", as in /);
          assert.ok(String(error).includes(`as in ${JSON.stringify(own)}`), String(error));
          return true;
        },
        pattern,
      );
      assert.doesNotThrow(() => compilePattern(own));
    }
  });

  test("an address and a query are no part of a path", () => {
    for (const pattern of ["http://example.com/a", "https://example.com/:id"])
      assert.throws(() => compilePattern(pattern), { ...refused, message: /a path begins with a slash/ });
    // The expression for a proxy's requests, which programs of Tornado bring along.
    assert.doesNotThrow(() => compilePattern("http://.*"));
    for (const pattern of ["/a?x=1", "/search?q=:word", "/a#top"])
      assert.throws(() => compilePattern(pattern), {
        ...refused,
        message: /a route is matched with the path alone; read the query with getQueryArgument\(\)/,
      });
    for (const pattern of ["/a/?", "/a?", "/colou?r", "/(?:a)?(x=1)?", "/a?b"]) compilePattern(pattern);
  });

  test("what an expression can mean stays an expression", () => {
    for (const pattern of [
      ".*",
      "(.*)",
      "\\*",
      "example\\.com:443",
      "[/]a",
      "/a{2}",
      "/x{2,3}",
      "/(?<id>a)",
      "/[^/:a]+",
      "/[a-z]",
      "/([abc])",
      "/[ab]",
      "/[bdx]/y",
      "/(?<id>[0-9]+)/\\k<id>",
      "/\\u{1F600}",
      "/a\\{id\\}",
      "/a/*",
      "^/a$",
    ]) {
      assert.doesNotThrow(() => compilePattern(pattern), pattern);
    }
    assert.doesNotThrow(() => compilePattern(/story/));
  });
});

describe("literalPrefix()", () => {
  test("is the text that every match begins with", () => {
    const cases: [string, string, boolean][] = [
      ["/about$", "/about", true],
      ["^/about$", "/about", true],
      ["/file\\.html$", "/file.html", true],
      ["/about", "/about", false],
      ["/story/([0-9]+)$", "/story/", false],
      ["/foo/?$", "/foo", false],
      ["/ab*$", "/a", false],
      ["/ab{2}$", "/a", false],
      ["/a\\.?$", "/a", false],
      ["/a\\d$", "/a", false],
      ["/a|/b$", "", false],
      ["/(a|b)$", "/", false],
      ["/[|]x|y$", "", false],
      ["/x[(|]y$", "/x", false],
      [".*$", "", false],
      ["$", "", true],
    ];
    for (const [source, prefix, exact] of cases)
      assert.deepEqual(literalPrefix(source), { prefix, exact }, source);
  });
});
