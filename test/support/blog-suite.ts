/** What the blog promises by HTTP, on whatever database it runs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORGED_KEY, makeToken } from "../auth/oidc-provider.js";
import {
  needsBlog,
  type RunningBlog,
  type RunningProvider,
  startBlog,
  startProvider,
  Visitor,
} from "./blog.js";
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
    let harbour: RunningProvider;
    before(async () => {
      harbour = await startProvider();
      if (name === "PostgreSQL") {
        postgres = await startPostgres();
        database = postgres.database("blog");
      }
      blog = await startBlog({ url: database, issuer: harbour.issuer });
    });
    after(async () => {
      await blog?.stop();
      await harbour?.stop();
      await postgres?.stop();
    });

    test("somebody signs up, writes, changes what was written, and signs out and in again", async () => {
      const { base, child } = blog;
      assert.match(child.output, new RegExp(`^${name}: ran 001-\\S+, 002-\\S+, 003-\\S+$`, "m"));
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

    /** Begins to sign in with the provider, which agrees, and gives the path that it sends the browser back to. */
    const answerFor = async (person: Visitor, next = "/"): Promise<string> => {
      const begun = await person.get(`/sign-in/provider?next=${encodeURIComponent(next)}`);
      assert.equal(begun.status, 302, begun.text);
      const asked = await fetch(begun.headers.get("location") ?? "", { redirect: "manual" });
      const answer = new URL(asked.headers.get("location") ?? "");
      assert.equal(answer.origin, blog.base);
      return answer.pathname + answer.search;
    };

    /** Who signs in at the provider from now on. */
    const atTheProvider = (person: Record<string, unknown>): void => {
      harbour.provider.claims = (claims) => ({ ...claims, ...person });
    };

    test("the provider's people get an account the first time and their own the next time, whatever their address", async () => {
      const person = { sub: "4711", name: "Grace\nHopper", email: "Grace@example.org" };
      atTheProvider(person);
      const grace = new Visitor(blog.base);
      assert.match((await grace.get("/sign-in?next=%2Fcompose")).text, />Sign in with Harbour ID</);
      const first = await grace.get(await answerFor(grace, "/compose"));
      assert.deepEqual([first.status, first.headers.get("location")], [303, "/compose"], first.text);
      const [asked] = harbour.provider.authorizations.slice(-1);
      assert.equal(asked?.get("redirect_uri"), `${blog.base}/sign-in/provider`);
      assert.equal(asked?.get("code_challenge_method"), "S256");
      for (const name of ["state", "nonce", "code_challenge"])
        assert.match(asked?.get(name) ?? "", /^[\w-]{43}$/);
      assert.match((await grace.get("/")).text, /<span>Grace Hopper<\/span>/);
      await grace.send("/compose", { title: "Found a moth", markdown: "x" });

      atTheProvider({ ...person, name: "Someone", email: "elsewhere@example.org" });
      const later = new Visitor(blog.base);
      assert.equal((await later.get(await answerFor(later))).status, 303);
      assert.match((await later.get("/entries/found-a-moth")).text, /\/entries\/found-a-moth\/edit/);

      // The account has no password, so none will do.
      const guess = { email: "grace@example.org", password: "" };
      for (const password of ["", "null", "undefined"]) {
        assert.equal((await new Visitor(blog.base).send("/sign-in", { ...guess, password })).status, 422);
      }
      for (const next of ["https://example.net/", "//example.net/"]) {
        const back = await later.get(await answerFor(later, next));
        assert.equal(back.headers.get("location"), "/", next);
      }
    });

    test("two answers for one new person at once make one account", async () => {
      atTheProvider({ sub: "twice", email: "twice@example.org" });
      const people = [new Visitor(blog.base), new Visitor(blog.base)];
      const answers = await Promise.all(people.map(async (person) => person.get(await answerFor(person))));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [303, 303],
      );
      await people[0]!.send("/compose", { title: "By one of two", markdown: "x" });
      assert.match((await people[1]!.get("/entries/by-one-of-two")).text, /\/edit"/);
    });

    test("an account that has the provider's address is connected by its password, and by nothing less", async () => {
      const owner = new Visitor(blog.base);
      await owner.signUp("connected");
      await owner.send("/compose", { title: "Of my own", markdown: "x" });
      atTheProvider({ sub: "connected-1", email: "Connected@example.org" });
      const arrives = async (): Promise<Visitor> => {
        const person = new Visitor(blog.base);
        const page = await person.get(await answerFor(person, "/entries/of-my-own"));
        assert.equal(page.status, 200);
        assert.match(page.text, /There is an account with this address\. Enter its password once/);
        assert.match(page.text, /value="Connected@example\.org"/);
        return person;
      };
      const person = await arrives();
      assert.doesNotMatch((await person.get("/")).text, /Sign out/);
      const email = "connected@example.org";
      assert.equal((await person.send("/sign-in", { email, password: "a wrong long password" })).status, 422);

      // Somebody else's password connects nothing.
      const other = await arrives();
      await new Visitor(blog.base).signUp("bystander");
      const theirs = { email: "bystander@example.org", password: "bystander has a long password" };
      assert.equal((await other.send("/sign-in", theirs)).status, 303);
      await arrives();

      const right = { email, password: "connected has a long password", next: "/entries/of-my-own" };
      assert.equal((await person.send("/sign-in", right)).location, "/entries/of-my-own");
      const later = new Visitor(blog.base);
      const known = await later.get(await answerFor(later, "/entries/of-my-own"));
      assert.equal(known.headers.get("location"), "/entries/of-my-own");
      assert.match((await later.get("/entries/of-my-own")).text, /\/entries\/of-my-own\/edit/);
    });

    test("answers that are forged, late, another browser's or without a confirmed address sign nobody in", async () => {
      const { provider } = harbour;
      const refused = async (person: Visitor, answer: string, status: number, why: RegExp): Promise<void> => {
        const page = await person.get(answer);
        assert.equal(page.status, status, page.text);
        assert.match(page.text, why);
        assert.match(page.text, /Sign in with Harbour ID/);
        assert.doesNotMatch((await person.get("/")).text, /Sign out/);
      };
      const failed = /Signing in with the provider did not work/;
      const mallory = new Visitor(blog.base);
      const sub = "victim";
      atTheProvider({ sub, email: "victim@example.org" });

      provider.token = (claims) => makeToken(FORGED_KEY, claims);
      await refused(mallory, await answerFor(mallory), 403, failed);
      provider.token = (claims) => makeToken(provider.signingKey, claims);
      atTheProvider({ sub, email: "victim@example.org", nonce: "of another sign-in" });
      await refused(mallory, await answerFor(mallory), 403, failed);
      atTheProvider({ sub, email: "victim@example.org", exp: provider.now() - 3600 });
      await refused(mallory, await answerFor(mallory), 403, failed);
      atTheProvider({ sub, email: "victim@example.org", aud: "another application" });
      await refused(mallory, await answerFor(mallory), 403, failed);
      atTheProvider({ sub, email: "victim@example.org", email_verified: false });
      await refused(mallory, await answerFor(mallory), 403, /has not confirmed an e-mail address/);

      atTheProvider({ sub, email: "victim@example.org" });
      const victim = new Visitor(blog.base);
      const answer = await answerFor(victim);
      await refused(mallory, answer, 403, failed);
      const { state } = Object.fromEntries(new URL(answer, blog.base).searchParams);
      await refused(victim, `/sign-in/provider?state=${state}&error=access_denied`, 403, /did not confirm/);
      await refused(victim, answer, 403, failed);
      await refused(victim, "/sign-in/provider?state=made-up&code=made-up", 403, failed);
      await refused(victim, "/sign-in/provider?state=one&state=two&code=made-up", 400, failed);
      const right = await answerFor(victim);
      assert.equal((await victim.get(right)).status, 303);
      await refused(mallory, right, 403, failed);
      const log = blog.child.output;
      for (const secret of provider.secrets) assert.ok(!log.includes(secret), "a secret is in the log");
    });

    test("after a restart everything is there, nothing migrates twice, and people are still signed in", async () => {
      const ada = new Visitor(blog.base);
      await ada.signUp("lasting");
      await ada.send("/compose", { title: "Lasting", markdown: "x" });
      void blog.child.kill("SIGINT"); // by the terminal, and once more by npm
      assert.deepEqual(await blog.child.kill("SIGINT"), { code: 0, signal: null }, blog.child.output);
      blog = await startBlog({ url: database, data: blog.data, issuer: harbour.issuer });
      assert.match(blog.child.output, new RegExp(`^${name}: up to date$`, "m"));
      const back = new Visitor(blog.base);
      for (const [cookie, value] of ada.cookies) back.cookies.set(cookie, value);
      assert.match((await back.get("/entries/lasting")).text, /\/entries\/lasting\/edit/);
    });
  });
}
