/** Flask and Django under WSGIContainer, as their users know them; and squall under gunicorn by WSGIAdapter. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { WSGIAdapter, WSGIContainer, type WSGIContainerOptions } from "squall/wsgi";
import { IOLoop } from "#room/async/ioloop";
import { appLog } from "#room/base/log";
import { Child } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";
import { RawClient } from "../support/raw-client.js";
import { root } from "../support/root.js";
import { applications } from "../support/wsgi-server.js";

const cookieSecret = "one secret for both, as long as it should be";

/** Squall's side of the sign-in. */
class SquallMe extends RequestHandler {
  override get(): void {
    this.write(this.getSignedCookie("user")?.toString() ?? "nobody");
  }
}

class SquallLogin extends RequestHandler {
  override get(): void {
    this.setSignedCookie("user", this.getArgument("name"));
  }
}

/** A server with an application under it, beside two handlers of squall's. */
async function start(
  context: TestContext,
  name: string,
  options: WSGIContainerOptions = {},
): Promise<string> {
  const container = new WSGIContainer(name, {
    python: pathOf("python3-flask"),
    cwd: applications,
    workers: 2,
    threads: 2,
    cookieSecret,
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    ...options,
  });
  await container.start();
  const application = new Application(
    [
      ["/squall/me", SquallMe],
      ["/squall/login", SquallLogin],
      [".*", container],
    ],
    { cookieSecret },
  );
  const server = await application.listen(0, "127.0.0.1");
  context.after(async () => {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
    await container.stop();
  });
  return `http://127.0.0.1:${server.port}`;
}

/** The cookies that a response sets, as the next request sends them. */
function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

const digestOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** What both frameworks have in common; `headers` are those that a form needs. */
async function asked(base: string, headers: Record<string, string> = {}): Promise<void> {
  const form = new URLSearchParams([
    ["name", "Ada \u2713"],
    ["several", "1"],
    ["several", "2"],
  ]);
  const sent = await fetch(`${base}/form?q=caf%C3%A9`, { method: "POST", body: form, headers });
  assert.deepEqual(await sent.json(), { name: "Ada \u2713", several: ["1", "2"], query: "caf\u00e9" });

  for (const size of [0, 10, 3_000_000]) {
    const content = randomBytes(size);
    const upload = new FormData();
    upload.set("file", new Blob([content]), "photo.jpg");
    const stored = await fetch(`${base}/upload`, { method: "POST", body: upload, headers });
    assert.deepEqual(await stored.json(), { name: "photo.jpg", size, digest: digestOf(content) });
  }

  const stream = await fetch(`${base}/stream?word=line`);
  assert.equal(stream.headers.get("Content-Length"), null);
  assert.equal(await stream.text(), "line 0\nline 1\nline 2\n");

  let cookie = "";
  for (const count of ["1", "2", "3"]) {
    const counted = await fetch(`${base}/count`, { headers: cookie === "" ? {} : { Cookie: cookie } });
    assert.equal(await counted.text(), count);
    cookie = cookiesOf(counted);
  }

  const file = await fetch(`${base}/static/hello.txt`);
  assert.deepEqual([file.headers.get("Content-Length"), await file.text()], ["14", "a static file\n"]);
  const known = file.headers.get("Last-Modified") ?? "";
  const unchanged = await fetch(`${base}/static/hello.txt`, { headers: { "If-Modified-Since": known } });
  assert.equal(unchanged.status, 304);

  const head = await fetch(base, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  using _missing = new ExpectLog("squall.access", /^404 GET \/nothing/);
  assert.equal((await fetch(`${base}/nothing`)).status, 404);
}

describe("Flask under WSGIContainer", needs("python3-flask"), () => {
  test("has its forms, uploads, streams, sessions and static files", async (context) => {
    const base = await start(context, "flask_app:app");
    assert.equal(await (await fetch(base)).text(), "Hello from Flask");
    await asked(base);
  });

  test("reads a body whose length is not announced", async (context) => {
    const base = await start(context, "flask_app:app");
    const content = randomBytes(500_000);
    const sending = request(`${base}/body`, { method: "POST", headers: { "Transfer-Encoding": "chunked" } });
    for (let at = 0; at < content.length; at += 50_000) sending.write(content.subarray(at, at + 50_000));
    sending.end();
    const [response] = (await new Promise((resolve, reject) => {
      sending.on("response", (incoming) => resolve([incoming])).on("error", reject);
    })) as [import("node:http").IncomingMessage];
    assert.deepEqual(JSON.parse((await buffer(response)).toString()), {
      size: content.length,
      digest: digestOf(content),
    });
  });

  test("builds its links with the prefix at which it is mounted", async (context) => {
    const base = await start(context, "flask_app:app", { scriptName: "/legacy" });
    const link = await fetch(`${base}/legacy/link`, { redirect: "manual" });
    assert.equal(link.headers.get("Location"), "/legacy/");
  });

  test("shares its sign-in with squall, in both directions", async (context) => {
    const base = await start(context, "flask_app:app");
    const text = async (path: string, cookie: string): Promise<string> =>
      await (await fetch(base + path, { headers: { Cookie: cookie } })).text();
    assert.deepEqual([await text("/me", ""), await text("/squall/me", "")], ["nobody", "nobody"]);
    const ours = cookiesOf(await fetch(`${base}/squall/login?name=Ada`));
    assert.deepEqual([await text("/me", ours), await text("/squall/me", ours)], ["Ada", "Ada"]);
    const theirs = cookiesOf(await fetch(`${base}/login?name=Grace`));
    assert.deepEqual([await text("/me", theirs), await text("/squall/me", theirs)], ["Grace", "Grace"]);
  });

  test("logs its errors to squall's log", async (context) => {
    const base = await start(context, "flask_app:app");
    using log = new ExpectLog(appLog, /^flask_app:app: (.*about to fail|RuntimeError: failed in Flask)$/);
    using _rest = new ExpectLog(appLog, /^flask_app:app: /, { required: false });
    using _access = new ExpectLog("squall.access", /^500 GET \/fail/);
    assert.equal((await fetch(`${base}/fail`)).status, 500);
    assert.ok(log.matched >= 1);
  });
});

describe("Django under WSGIContainer", needs("python3-django"), () => {
  test("has its forms, uploads, streams, sessions and static files", async (context) => {
    const base = await start(context, "django_app:application", { python: pathOf("python3-django") });
    assert.equal(await (await fetch(base)).text(), "Hello from Django");
    const token = await fetch(`${base}/token`);
    await asked(base, { Cookie: cookiesOf(token), "X-CSRFToken": await token.text() });
    assert.equal((await fetch(`${base}/link`, { redirect: "manual" })).headers.get("Location"), "/");
    using _refused = new ExpectLog("squall.access", /^403 POST \/form/);
    assert.equal((await fetch(`${base}/form`, { method: "POST", body: "name=a" })).status, 403);
  });
});

describe("squall under gunicorn", needs("gunicorn"), () => {
  const program = join(root, "build", "test", "support", "wsgi-app-program.js");

  async function startGunicorn(context: TestContext, ...options: string[]): Promise<[Child, string]> {
    const child = Child.start(
      context,
      pathOf("gunicorn"),
      ["--bind", "127.0.0.1:0", ...options, "gunicorn_app:application"],
      {
        PYTHONPATH: WSGIAdapter.pythonPath,
        PYTHONDONTWRITEBYTECODE: "1",
        SQUALL_COMMAND: JSON.stringify([process.execPath, program]),
      },
      applications,
    );
    const [, base = ""] = await child.prints(/Listening at: (http:\S+) /);
    return [child, base];
  }

  for (const options of [
    ["--workers", "2"],
    ["--threads", "4"],
    ["--preload", "--workers", "2"],
  ]) {
    test(`with ${options.join(" ")}`, async (context) => {
      const [gunicorn, base] = await startGunicorn(context, ...options);
      const told = (await (
        await fetch(`${base}/a%2Fb?q=1`, { headers: { "X-Real-Ip": "6.6.6.6" } })
      ).json()) as {
        uri: string;
        remoteIp: string;
        pid: number;
      };
      assert.deepEqual([told.uri, told.remoteIp], ["/a%2Fb?q=1", "127.0.0.1"]);
      const body = randomBytes(1_000_000);
      const echo = await fetch(`${base}/echo`, { method: "POST", body });
      assert.ok(Buffer.from(await echo.arrayBuffer()).equals(body));
      const stream = await fetch(`${base}/stream`);
      assert.equal(await stream.text(), "one two three");
      assert.deepEqual(stream.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.equal(stream.headers.get("X-Private"), null);
      // Not by fetch(), which takes what ends with the connection for whole.
      const client = await RawClient.connect(IOLoop.current(), Number(new URL(base).port));
      client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal((await client.response()).truncated, true);
      client.close();
      // All at once: each worker has a squall process of its own, or its threads share one.
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => (await fetch(`${base}/${index}`)).status),
      );
      assert.deepEqual(new Set(answers), new Set([200]));
      const { code } = await gunicorn.kill("SIGTERM");
      assert.equal(code, 0, gunicorn.output);
      assert.throws(() => process.kill(told.pid, 0), { code: "ESRCH" });
    });
  }
});
