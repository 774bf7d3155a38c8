/** The web spider on a site that is served here. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { Event } from "squall/locks";
import { Application, RequestHandler } from "squall/web";
import { extractLinks } from "../../examples/webspider/links.js";
import { crawl } from "../../examples/webspider/spider.js";
import { Child } from "../support/child.js";
import { root } from "../support/root.js";
import "../support/guard.js";

const BASE = "http://example.org/dir/page.html";
const links = (html: string): string[] => extractLinks(html, BASE);

describe("extractLinks()", () => {
  test("finds links in every legal spelling, resolved and without fragments, each once", () => {
    assert.deepEqual(
      links(`<a href="one">1</a> <A HREF='/two'>2</A> <a class=x href=three>3</a><a
        data-x="a > b" href = "four?a=1&amp;b=2#top">4</a><area href="../five"/>
        <a href="one#again">1</a><a href="//other.example/">o</a><a/href=six></a>`),
      [
        "http://example.org/dir/one",
        "http://example.org/two",
        "http://example.org/dir/three",
        "http://example.org/dir/four?a=1&b=2",
        "http://example.org/five",
        "http://other.example/",
        "http://example.org/dir/six",
      ],
    );
  });

  test("leaves out what only looks like a link", () => {
    assert.deepEqual(
      links(`<!-- <a href="comment"> --><script>"<a href='script'>"</script><style><a href=style></style>
        <textarea><a href="text"></textarea><title><a href="title"></title><a name="href">x</a>
        <abbr href="abbr"> < a href="space"> <a title='href="attribute"'> <link href="style.css">
        <a href="mailto:a@example.org"> <a href="javascript:alert(1)"> <a href="http://[broken"> <a data-href="data">`),
      [],
    );
  });

  test("goes by the first <base href>", () => {
    assert.deepEqual(links('<base href="/root/"><base href="/second/"><a href="a">'), [
      "http://example.org/root/a",
    ]);
  });

  test("survives whatever is cut off or broken", () => {
    const page = `<!-- c --><base href="/r/"><a title="q" href='x'>t</a><script>1</script><p =x="1" '"><a href=y>`;
    for (let end = 0; end <= page.length; end++) links(page.slice(0, end));
    assert.deepEqual(links(page), ["http://example.org/r/x", "http://example.org/r/y"]);
    assert.deepEqual(links('<a href="never closed><a href=x>'), []);
  });

  test("takes time in proportion to the page, however hostile", () => {
    const n = 100_000;
    for (const piece of ['<a href="', "<a ", "<!--", "<script>", "<a x=' ", "<", '<a """"', "<a = = ="]) {
      const began = process.cpuUsage();
      links(piece.repeat(n));
      assert.ok(process.cpuUsage(began).user < 5e6, `${piece} × ${n} took too long`);
    }
  });
});

/** A site from a table of pages: status, type, text. */
async function serve(
  context: TestContext,
  pages: Readonly<
    Record<string, string | { status: number; location?: string; type?: string; text?: string }>
  >,
  onRequest: (path: string) => Promise<void> | undefined = () => undefined,
): Promise<{ base: string; visited: string[] }> {
  const visited: string[] = [];
  class PageHandler extends RequestHandler {
    override async get() {
      const { path } = this.request;
      visited.push(path);
      await onRequest(path);
      const page = pages[path];
      if (page === undefined) return this.sendError(404);
      if (typeof page === "string") return this.write(page);
      this.setStatus(page.status);
      if (page.location !== undefined) this.setHeader("Location", page.location);
      if (page.type !== undefined) this.setHeader("Content-Type", page.type);
      this.write(page.text ?? "");
    }
  }
  const application = new Application([["/.*", PageHandler]], { logFunction: () => {} });
  const server = await application.listen(0, { address: "127.0.0.1" });
  context.after(async () => {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  });
  return { base: `http://127.0.0.1:${server.port}`, visited };
}

describe("crawl()", () => {
  test("visits every page of the site once, and no other site", async (context) => {
    const { base, visited } = await serve(context, {
      "/": '<a href="/a"><a href="b.html"><a href="http://other.invalid/"><a href="/#top"><a href="/moved">',
      "/a": '<a href="/"><a href="/a"><a href="/deep/er/">',
      "/b.html": '<a href="/missing">',
      "/deep/er/": '<a href="../er/">',
      "/moved": { status: 302, location: "/target" },
      "/target": { status: 200, type: "text/plain", text: '<a href="/not-html">' },
    });
    const visits = await crawl(`${base}/`);
    const statuses = Object.fromEntries(
      [...visits].map(([address, { status }]) => [address.slice(base.length), status]),
    );
    assert.deepEqual(statuses, {
      "/": 200,
      "/a": 200,
      "/b.html": 200,
      "/deep/er/": 200,
      "/missing": 404,
      "/moved": 302,
      "/target": 200,
    });
    assert.deepEqual(visited.toSorted(), Object.keys(statuses).toSorted());
    assert.deepEqual(visits.get(`${base}/moved`)?.links, [`${base}/target`]);
  });

  test("ten workers visit ten pages at a time, and not one more", async (context) => {
    const names = Array.from({ length: 25 }, (_, i) => `/${i}`);
    let present = 0;
    let most = 0;
    const ten = new Event();
    const { base } = await serve(
      context,
      {
        "/": names.map((name) => `<a href="${name}">`).join(""),
        ...Object.fromEntries(names.map((name) => [name, "x"])),
      },
      async (path) => {
        if (path === "/") return;
        present += 1;
        most = Math.max(most, present);
        if (present === 10) ten.set();
        await ten.wait();
        present -= 1;
      },
    );
    const visits = await crawl(`${base}/`);
    assert.equal(visits.size, 26);
    assert.equal(most, 10);
  });

  test("counts a page that is too large as failed, and goes on", async (context) => {
    const { base } = await serve(context, {
      "/": '<a href="/large"><a href="/fine">',
      "/large": "x".repeat(2 ** 20 + 1),
      "/fine": "x",
    });
    const visits = await crawl(`${base}/`);
    assert.equal(visits.get(`${base}/large`)?.status, 0);
    assert.match(String(visits.get(`${base}/large`)?.error), /not whole/);
    assert.equal(visits.get(`${base}/fine`)?.status, 200);
  });

  test("stops at maxPages, and when the signal aborts", async (context) => {
    const abort = new AbortController();
    const { base } = await serve(
      context,
      { "/": '<a href="/1"><a href="/2"><a href="/3">', "/1": "", "/2": "", "/3": "" },
      (path) => {
        if (path === "/3") abort.abort();
        return undefined;
      },
    );
    assert.equal((await crawl(`${base}/`, { maxPages: 2 })).size, 2);
    const some = await crawl(`${base}/`, { concurrency: 1, signal: abort.signal });
    assert.ok(some.has(`${base}/2`));
  });
});

test("the program tells which links are broken, and on which page", async (context) => {
  const { base } = await serve(context, { "/": '<a href="/fine"><a href="/gone">', "/fine": "x" });
  const child = Child.start(context, process.execPath, [`${root}build/examples/webspider/main.js`, base]);
  assert.deepEqual(await child.ended, { code: 1, signal: null });
  assert.match(
    child.output,
    new RegExp(`^${base}/gone: 404 \\(a link of ${base}/\\)\\n3 pages in [\\d.]+ s, 1 of them broken\\n$`),
  );
  const lost = Child.start(context, process.execPath, [`${root}build/examples/webspider/main.js`, "ftp://x"]);
  assert.deepEqual(await lost.ended, { code: 1, signal: null });
  assert.match(lost.output, /^usage: /);
});
