/** Flask, Express, Hono and squall behind one server with one sign-in: examples/migrate over HTTP. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Visitor } from "../support/blog.js";
import { needsMigrate, runMigrate, startMigrate } from "../support/migrate.js";

const WORLDS = ["", "/legacy", "/express", "/hono"];

/** Whom each of the four applications sees. */
async function seen(visitor: Visitor): Promise<string[]> {
  const users: string[] = [];
  for (const world of WORLDS) {
    const { status, text } = await visitor.get(`${world}/me`);
    assert.equal(status, 200, `${world}/me`);
    users.push((JSON.parse(text) as { user: string }).user);
  }
  return users;
}

async function signIn(visitor: Visitor, name: string): Promise<void> {
  const { status, location } = await visitor.send("/sign-in", { name, next: "/legacy/" });
  assert.deepEqual([status, location], [303, "/legacy/"]);
}

describe("the harbour office", needsMigrate(), () => {
  test("shows the page of each application, with its links inside it", async (context) => {
    const { base } = await startMigrate(context);
    const visitor = new Visitor(base);
    for (const [path, world] of [
      ["/", "squall"],
      ["/legacy/", "Flask"],
      ["/express/", "Express"],
      ["/hono/", "Hono"],
    ] as const) {
      const { status, text, headers } = await visitor.get(path);
      assert.equal(status, 200);
      assert.match(text, new RegExp(`answered by ${world}<`));
      assert.match(headers.get("content-type") ?? "", /^text\/html/);
      for (const [, link = ""] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
        const target = await visitor.get(link);
        assert.ok(target.status === 200 || target.status === 302, `${link} on ${path}: ${target.status}`);
      }
    }
    assert.deepEqual((JSON.parse((await visitor.get("/hono/tides.json")).text) as unknown[]).length, 12);
  });

  test("signs in to all four at once, and out again", async (context) => {
    const { base } = await startMigrate(context);
    const visitor = new Visitor(base);
    assert.deepEqual(await seen(visitor), ["", "", "", ""]);
    await signIn(visitor, "Ada \u2713");
    assert.deepEqual(await seen(visitor), ["Ada \u2713", "Ada \u2713", "Ada \u2713", "Ada \u2713"]);
    const { status } = await visitor.send("/sign-out", {});
    assert.equal(status, 303);
    assert.deepEqual(await seen(visitor), ["", "", "", ""]);
  });

  test("believes no cookie that it has not signed, in none of the four", async (context) => {
    const { base } = await startMigrate(context);
    const visitor = new Visitor(base);
    await signIn(visitor, "ada");
    const signed = visitor.cookies.get("user") as string;
    for (const forged of ["ada", signed.replace(/.$/, (last) => (last === "0" ? "1" : "0"))]) {
      visitor.cookies.set("user", forged);
      assert.deepEqual(await seen(visitor), ["", "", "", ""]);
    }
  });

  test("takes forms in Flask and in Express from those who are signed in", async (context) => {
    const { base } = await startMigrate(context);
    const guest = new Visitor(base);
    assert.equal((await guest.post("/legacy/", { text: "nobody" })).status, 403);
    assert.equal((await guest.post("/express/", { berth: "Fuel dock" })).status, 403);
    const ada = new Visitor(base);
    await signIn(ada, "ada");
    assert.equal((await ada.post("/legacy/", { text: "<b>Fog</b> & rain" })).status, 303);
    assert.match((await ada.get("/legacy/")).text, /<b>ada<\/b> &lt;b&gt;Fog&lt;\/b&gt; &amp; rain/);
    assert.equal((await ada.post("/legacy/", { text: "" })).status, 400);
    assert.equal((await ada.post("/express/", { berth: "Fuel dock" })).status, 303);
    assert.match((await guest.get("/express/")).text, /Fuel dock<\/th><td><span class="taken">ada/);
    assert.equal((await ada.post("/express/", { berth: "Fuel dock" })).status, 409);
    assert.equal((await ada.post("/express/", { berth: "Moon" })).status, 400);
  });

  test("has moved one page of the old application, which keeps its address", async (context) => {
    const { base } = await startMigrate(context);
    const visitor = new Visitor(base);
    const asked = await fetch(`${base}/legacy/crew`, { redirect: "manual" });
    assert.deepEqual([asked.status, asked.headers.get("location")], [302, "/sign-in?next=%2Flegacy%2Fcrew"]);
    await signIn(visitor, "ada");
    assert.match((await visitor.get("/legacy/crew")).text, /answered by squall<.*<b>ada<\/b> \(you\)/s);
  });

  test("refuses a sign-in without the token of the form, and an empty name", async (context) => {
    const { base } = await startMigrate(context);
    const visitor = new Visitor(base);
    assert.equal((await visitor.post("/sign-in", { name: "ada" })).status, 403);
    assert.equal((await visitor.send("/sign-in", { name: "" })).status, 422);
    assert.equal(visitor.cookies.has("user"), false);
    const { location } = await visitor.send("/sign-in", { name: "ada", next: "//evil.example/" });
    assert.equal(location, "/");
  });

  test("ends cleanly, and its Python worker with it", async (context) => {
    const { base, child } = await startMigrate(context);
    const [, worker] = await child.prints(/worker of logbook:app \(pid (\d+)\) is ready/);
    await (await fetch(`${base}/legacy/me`)).text();
    assert.deepEqual(await child.kill("SIGTERM"), { code: 0, signal: null });
    assert.throws(() => process.kill(Number(worker), 0), { code: "ESRCH" });
  });

  test("says what to install when Flask, or Python, is missing", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "squall-no-flask-"));
    context.after(() => rmSync(folder, { recursive: true }));
    // A Python without the folders that packages are installed into.
    const bare = join(folder, "python3");
    writeFileSync(bare, '#!/bin/sh\nexec python3 -S -E "$@"\n');
    chmodSync(bare, 0o755);
    for (const python of [bare, join(folder, "absent")]) {
      const child = runMigrate(context, "--python", python);
      assert.equal((await child.ended).code, 1);
      assert.match(child.output, /needs Python 3\.8 or later with Flask, which is not in \S+\.\n/);
      assert.match(child.output, /apt-get install python3-flask/);
      assert.doesNotMatch(child.output, /^ {4}at /m);
    }
  });
});
