/** What the blog promises by HTTP, on whatever database it runs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { needsBlog, type RunningBlog, startBlog, Visitor } from "./blog.js";
import { type PostgresServer, startPostgres } from "./postgres.js";
import { needs } from "./programs.js";

/** Declares the tests for one of the two databases. */
export function describeBlog(name: "PGlite" | "PostgreSQL"): void {
  const skip = needsBlog().skip || (name === "PostgreSQL" && needs("postgres").skip);
  describe(`the blog on ${name}`, { skip }, () => {
    // One server for all: to make a database takes a while, in WebAssembly above all. Each test has people and titles of its own.
    let blog: RunningBlog;
    let postgres: PostgresServer | undefined;
    let database: string | undefined;
    before(async () => {
      if (name === "PostgreSQL") {
        postgres = await startPostgres();
        database = postgres.database("blog");
      }
      blog = await startBlog({ url: database });
    });
    after(async () => {
      await blog?.stop();
      await postgres?.stop();
    });

    test("somebody signs up, writes, changes what was written, and signs out and in again", async () => {
      const { base, child } = blog;
      assert.match(child.output, new RegExp(`^${name}: ran 001-\\S+, 002-\\S+$`, "m"));
      const ada = new Visitor(base);
      assert.match((await ada.get("/")).text, /Nothing has been written yet/);
      await ada.signUp("ada");
      const written = await ada.send("/compose", {
        title: "Über den Deich",
        markdown: "Es *weht*.",
        language: "de",
      });
      assert.equal(written.status, 303);
      assert.equal(written.location, "/entries/ueber-den-deich");
      const entry = await new Visitor(base).get("/entries/ueber-den-deich");
      assert.match(entry.text, /<article lang="de">/);
      assert.match(entry.text, /<h1>Über den Deich<\/h1>/);
      assert.match(entry.text, /<p>Es <em>weht<\/em>\.<\/p>/);
      assert.equal(entry.text.includes("/edit"), false, "only its author is offered to change it");

      const form = await ada.get("/entries/ueber-den-deich/edit");
      assert.match(form.text, />\nEs \*weht\*\.<\/textarea>/);
      const changed = { title: "Unter dem Deich", markdown: "Es ist *still*.", language: "de" };
      assert.equal(
        (await ada.send("/entries/ueber-den-deich/edit", changed)).location,
        "/entries/ueber-den-deich",
      );
      assert.match((await ada.get("/entries/ueber-den-deich")).text, /<h1>Unter dem Deich<\/h1>/);

      assert.doesNotMatch((await ada.get("/")).text, /Nothing has been written/);
      assert.doesNotMatch((await ada.get("/archive")).text, /Nothing has been written/);

      const again = await ada.send("/compose", { title: "Über den Deich", markdown: "x", language: "de" });
      assert.equal(again.location, "/entries/ueber-den-deich-2");

      assert.equal((await ada.send("/", {}, "/sign-out")).status, 303);
      assert.equal((await ada.get("/compose")).headers.get("location"), "/sign-in?next=%2Fcompose");
      const wrong = await ada.send("/sign-in", {
        email: "ada@example.org",
        password: "ada has another password",
      });
      assert.equal(wrong.status, 422);
      assert.match(wrong.text, /Address and password do not belong together/);
      const right = { email: "ADA@example.org", password: "ada has a long password", next: "/compose" };
      assert.equal((await ada.send("/sign-in", right)).location, "/compose");
      assert.equal((await ada.get("/compose")).status, 200);
    });

    test("nothing that an author writes becomes script or markup of the page", async () => {
      const { base } = blog;
      const eve = new Visitor(base);
      await eve.signUp("eve");
      const markdown = [
        "# Heading",
        "<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) ![p](https://example.net/p.png)",
        "[b](https://example.org/ 'title\" onclick=alert(1)') <https://example.org/?a=1&b=2>",
        "|a|b|\n|-|-|\n|1|`<b>`|",
      ].join("\n\n");
      const { location } = await eve.send("/compose", {
        title: "</title><script>alert(2)</script>",
        markdown,
      });
      assert.equal(location, "/entries/title-script-alert-2-script");
      for (const path of ["/", location as string, "/archive", `${location}/edit`]) {
        const { text } = await eve.get(path);
        assert.doesNotMatch(text, /<script>|<img|href="javascript:|<b>/i, path);
        // Without the values of attributes, in which anything may stand.
        assert.doesNotMatch(text.replace(/="[^"]*"/g, ""), /<[^>]*\son\w+/i, path);
      }
      const { text } = await eve.get(location as string);
      assert.match(text, /<h2>Heading<\/h2>/);
      assert.match(text, /&lt;script&gt;alert\(1\)/);
      assert.match(text, /<a href="https:\/\/example\.org\/\?a=1&amp;b=2" rel="nofollow noopener">/);
      assert.match(text, /<td><code>&lt;b&gt;<\/code><\/td>/);
      const feed = (await eve.get("/feed.xml")).text;
      assert.doesNotMatch(feed, /<script|<h2/);
    });

    test("an entry is changed by its author alone, and written by people who are signed in", async () => {
      const { base } = blog;
      const [ada, eve, stranger] = [new Visitor(base), new Visitor(base), new Visitor(base)];
      await ada.signUp("owner");
      await eve.signUp("other");
      const draft = { title: "Mine", markdown: "Hands off" };
      await ada.send("/compose", draft);
      assert.equal((await eve.get("/entries/mine/edit")).status, 403);
      assert.equal((await eve.send("/", { title: "Ours", markdown: "x" }, "/entries/mine/edit")).status, 403);
      assert.equal((await stranger.send("/", draft, "/compose")).status, 403);
      assert.equal((await stranger.send("/", draft, "/entries/mine/edit")).status, 403);
      assert.match((await stranger.get("/entries/mine")).text, /Hands off/);
      assert.equal((await ada.get("/entries/theirs/edit")).status, 404);
    });

    test("forms of other sites, forged sessions and redirects to elsewhere come to nothing", async () => {
      const { base } = blog;
      const ada = new Visitor(base);
      await ada.signUp("target");
      assert.equal((await ada.post("/compose", { title: "Forged", markdown: "x" })).status, 403);
      assert.equal((await ada.post("/sign-out", {})).status, 403);
      const eve = new Visitor(base);
      const session = ada.cookies.get("blog_session") ?? "";
      eve.cookies.set(
        "blog_session",
        session.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")),
      );
      assert.equal((await eve.get("/compose")).status, 302);
      for (const next of ["https://example.net/", "//example.net/", "/\\example.net"]) {
        const signIn = { email: "target@example.org", password: "target has a long password", next };
        assert.equal((await eve.send("/sign-in", signIn)).location, "/", next);
        assert.equal((await eve.send("/", { language: "de", next }, "/language")).location, "/", next);
      }
      const { headers } = await ada.get("/");
      assert.match(headers.get("content-security-policy") ?? "", /^default-src 'self'/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
    });

    test("what is filled in wrongly comes back with what was written and what is wrong with it", async () => {
      const { base } = blog;
      const ada = new Visitor(base);
      const short = await ada.send("/sign-up", { name: "A&B", email: "nobody", password: "short" });
      assert.equal(short.status, 422);
      assert.match(short.text, /value="A&amp;B"/);
      assert.equal(short.text.match(/aria-invalid="true"/g)?.length, 2);
      assert.equal(short.text.includes("short"), false, "a password is never sent back");
      await ada.signUp("taken");
      const taken = { name: "Ada", email: "Taken@Example.org", password: "another long password" };
      assert.match(
        (await new Visitor(base).send("/sign-up", taken)).text,
        /an account with this address already/,
      );
      const untitled = await ada.send("/compose", { title: "  ", markdown: "Keep *me*" });
      assert.equal(untitled.status, 422);
      assert.match(untitled.text, />\nKeep \*me\*<\/textarea>/);
      const preview = await ada.send("/compose", { title: "Soon", markdown: "Keep *me*", do: "preview" });
      assert.equal(preview.status, 200);
      assert.match(preview.text, /<p>Keep <em>me<\/em><\/p>/);
      assert.doesNotMatch((await ada.get("/archive")).text, />Soon</);
      assert.equal((await ada.post("/compose", { markdown: "x".repeat(300_000) })).status, 413);
    });

    test("two people who ask for one address or one title at once: each gets what is left", async () => {
      const { base } = blog;
      const people = [new Visitor(base), new Visitor(base), new Visitor(base)];
      const account = { name: "Ada", email: "race@example.org", password: "race has a long password" };
      const answers = await Promise.all(people.map((person) => person.send("/sign-up", account)));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 422, 422]);
      const ada = people[answers.findIndex(({ status }) => status === 303)] as Visitor;
      const drafts = [1, 2, 3, 4].map((n) => ada.send("/compose", { title: "Same", markdown: `${n}` }));
      assert.deepEqual((await Promise.all(drafts)).map(({ location }) => location).sort(), [
        "/entries/same",
        "/entries/same-2",
        "/entries/same-3",
        "/entries/same-4",
      ]);
      assert.equal((await ada.get("/archive")).text.match(/href="\/entries\/same[-\d]*"/g)?.length, 4);
    });

    test("the language is the reader's choice, else the browser's, and the feed is Atom", async () => {
      const { base } = blog;
      const jonas = new Visitor(base, { "Accept-Language": "fr;q=0.9, de-AT;q=0.5" });
      assert.match((await jonas.get("/")).text, /<html lang="de">[\s\S]*Konto anlegen/);
      assert.equal(
        (await jonas.send("/archive", { language: "en", next: "/archive" }, "/language")).location,
        "/archive",
      );
      assert.match((await jonas.get("/")).text, /<html lang="en">[\s\S]*Sign up/);
      await jonas.send("/", { language: "de" }, "/language");
      assert.match((await jonas.get("/nowhere")).text, /Diese Seite gibt es nicht/);
      await jonas.signUp("jonas");
      await jonas.send("/compose", {
        title: "Ebbe & Flut",
        markdown: "Zweimal am Tag.\n\nSiehe \u0007oben.",
        language: "de",
      });
      assert.match((await jonas.get("/archive")).text, /\d Eintr(?:ag|äge)</);
      const feed = await jonas.get("/feed.xml");
      assert.equal(feed.headers.get("content-type"), "application/atom+xml; charset=UTF-8");
      assert.match(
        feed.text,
        /^<\?xml version="1\.0" encoding="utf-8"\?>\n<feed xmlns="http:\/\/www\.w3\.org\/2005\/Atom"/,
      );
      assert.match(
        feed.text,
        /<entry xml:lang="de">\s*<title>Ebbe &amp; Flut<\/title>\s*<id>http:\/\/127\.0\.0\.1:\d+\/entries\/ebbe-flut<\/id>/,
      );
      assert.match(feed.text, /<content type="html">&lt;p&gt;Zweimal am Tag\.&lt;\/p&gt;/);
      assert.match(feed.text, /<updated>\d{4}-\d\d-\d\dT[\d:.]+Z<\/updated>/);
      assert.doesNotMatch(feed.text, /[\0-\x08\x0b-\x1f]/);
    });

    test("after a restart everything is there, nothing migrates twice, and people are still signed in", async () => {
      const ada = new Visitor(blog.base);
      await ada.signUp("lasting");
      await ada.send("/compose", { title: "Lasting", markdown: "x" });
      void blog.child.kill("SIGINT"); // by the terminal, and once more by npm
      assert.deepEqual(await blog.child.kill("SIGINT"), { code: 0, signal: null }, blog.child.output);
      blog = await startBlog({ url: database, data: blog.data });
      assert.match(blog.child.output, new RegExp(`^${name}: up to date$`, "m"));
      const back = new Visitor(blog.base);
      for (const [cookie, value] of ada.cookies) back.cookies.set(cookie, value);
      assert.match((await back.get("/entries/lasting")).text, /\/entries\/lasting\/edit/);
    });
  });
}
