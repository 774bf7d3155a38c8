/**
 * Signed cookies and XSRF tokens between squall and Tornado: the same application runs in both, with the same
 * secrets, and what one gives out the other takes.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, createSignedValue, RequestHandler } from "squall/web";
import { Child } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";

/** Secrets by the version of the key; new values are signed with the second. */
const SECRETS = {
  1: "an old secret, which is long enough as well",
  2: "a new secret, which is long enough as well",
};
const KEY = 2;

const PYTHON = `
import asyncio
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

class Sign(web.RequestHandler):
    def get(self, version):
        self.set_signed_cookie("user", self.get_argument("value"), version=int(version))

class SignOld(web.RequestHandler):
    def get(self):
        self.set_cookie("user", web.create_signed_value(
            self.settings["cookie_secret"], "user", self.get_argument("value"), version=2, key_version=1))

class Read(web.RequestHandler):
    def get(self, oldest):
        value = self.get_signed_cookie("user", min_version=int(oldest))
        self.write("nothing" if value is None else "value " + value.decode())

class Form(web.RequestHandler):
    def get(self):
        self.write(self.xsrf_token)
    def post(self):
        self.write("posted")

async def main():
    for version in (1, 2):
        for secret in ("one secret, which is long enough to be taken", ${pythonDict()}):
            application = web.Application(
                [("/sign/(.)", Sign), ("/sign-old", SignOld), ("/read/(.)", Read), ("/form", Form)],
                cookie_secret=secret, key_version=${KEY}, xsrf_cookies=True, xsrf_cookie_version=version)
            sockets = bind_sockets(0, "127.0.0.1")
            HTTPServer(application).add_sockets(sockets)
            print("port", sockets[0].getsockname()[1], flush=True)
    print("ready", flush=True)
    await asyncio.Event().wait()

web.RequestHandler.set_signed_cookie = getattr(web.RequestHandler, "set_signed_cookie", None) \\
    or web.RequestHandler.set_secure_cookie
web.RequestHandler.get_signed_cookie = getattr(web.RequestHandler, "get_signed_cookie", None) \\
    or web.RequestHandler.get_secure_cookie
import logging
logging.getLogger("tornado").setLevel(logging.CRITICAL)
asyncio.run(main())
`;

function pythonDict(): string {
  return `{1: ${JSON.stringify(SECRETS[1])}, 2: ${JSON.stringify(SECRETS[2])}}`;
}

class Sign extends RequestHandler {
  override get(version: string) {
    this.setSignedCookie("user", this.getArgument("value"), { version: Number(version) });
  }
}

class SignOld extends RequestHandler {
  override get() {
    const value = this.getArgument("value");
    this.setCookie("user", createSignedValue(SECRETS, "user", value, { version: 2, keyVersion: 1 }));
  }
}

class Read extends RequestHandler {
  override get(oldest: string) {
    const value = this.getSignedCookie("user", { minVersion: Number(oldest) });
    this.write(value === undefined ? "nothing" : `value ${value}`);
  }
}

class Form extends RequestHandler {
  override get() {
    this.write(this.xsrfToken);
  }
  override post() {
    this.write("posted");
  }
}

/** The two servers, by the name of the framework. */
type Pair = Readonly<Record<"squall" | "tornado", string>>;

/** The application in both frameworks; `version` is that of new XSRF cookies, `rotating` means several secrets. */
async function startBoth(context: TestContext, version: 1 | 2, rotating: boolean): Promise<Pair> {
  const python = Child.start(context, pathOf("python3-tornado"), ["-c", PYTHON]);
  await python.prints(/^ready$/m);
  const ports = [...python.output.matchAll(/^port (\d+)$/gm)].map(([, port]) => port!);
  const application = new Application(
    [
      ["/sign/(.)", Sign],
      ["/sign-old", SignOld],
      ["/read/(.)", Read],
      ["/form", Form],
    ],
    {
      cookieSecret: rotating ? SECRETS : "one secret, which is long enough to be taken",
      keyVersion: KEY,
      xsrfCookies: true,
      xsrfCookieVersion: version,
      logFunction: () => {},
    },
  );
  const server = await application.listen(0, { address: "127.0.0.1" });
  context.after(async () => {
    server.stop();
    await server.closeAllConnections({ timeout: 0 });
  });
  return {
    squall: `http://127.0.0.1:${server.port}`,
    tornado: `http://127.0.0.1:${ports[(version - 1) * 2 + Number(rotating)]}`,
  };
}

/** Both ways: who gives out, and who takes. */
const WAYS = [
  ["squall", "tornado"],
  ["tornado", "squall"],
] as const;

interface Answer {
  readonly status: number;
  readonly body: string;
  /** The cookie that was set, as it is sent back. */
  readonly cookie: string | undefined;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const [line] = response.headers.getSetCookie();
  return { status: response.status, body: await response.text(), cookie: line?.split(";", 1)[0] };
}

async function read(base: string, cookie: string | undefined, oldest = 1): Promise<string> {
  assert.ok(cookie !== undefined, "no cookie was set");
  return (await ask(`${base}/read/${oldest}`, { headers: { Cookie: cookie } })).body;
}

const VALUE = 'Ada <ada@example.com> \u2603; "quoted" | 1:2';

describe("squall and Tornado with the same secrets", needs("python3-tornado"), () => {
  test("signed cookies of version 1 and 2 made by one are read by the other", async (context) => {
    const servers = await startBoth(context, 2, false);
    using _log = new ExpectLog("squall.general", /Invalid cookie signature/);
    for (const [from, to] of WAYS) {
      for (const version of [1, 2]) {
        const made = await ask(`${servers[from]}/sign/${version}?value=${encodeURIComponent(VALUE)}`);
        assert.equal(await read(servers[to], made.cookie), `value ${VALUE}`, `${from}, version ${version}`);
        const ofSecondVersionOnly = version === 2 ? `value ${VALUE}` : "nothing";
        assert.equal(await read(servers[to], made.cookie, 2), ofSecondVersionOnly);
        const forged = made.cookie!.replace(/.(?="?$)/, (last) => (last === "0" ? "1" : "0"));
        assert.equal(await read(servers[to], forged), "nothing", `${from}, forged`);
      }
    }
  });

  test("while secrets rotate, each reads what the other signed with the old and the new key", async (context) => {
    const servers = await startBoth(context, 2, true);
    for (const [from, to] of WAYS) {
      for (const path of ["/sign/2", "/sign-old"]) {
        const made = await ask(`${servers[from]}${path}?value=x`);
        assert.match(made.cookie!, path === "/sign-old" ? /2\|1:1\|/ : /2\|1:2\|/);
        assert.equal(await read(servers[to], made.cookie), "value x", `${from} ${path}`);
      }
    }
  });

  for (const version of [1, 2] as const) {
    test(`XSRF tokens of version ${version} made by one are accepted by the other`, async (context) => {
      const servers = await startBoth(context, version, false);
      using _log = new ExpectLog("squall.general", /403 POST \/form .*(?:XSRF|_xsrf)/);
      for (const [from, to] of WAYS) {
        const made = await ask(`${servers[from]}/form`);
        const headers = { Cookie: made.cookie! };
        const post = (base: string, init: RequestInit) => ask(`${base}/form`, { method: "POST", ...init });
        // The other's token for the same cookie: masked anew in version 2, and accepted where the cookie is from.
        const other = await ask(`${servers[to]}/form`, { headers });
        assert.equal(other.cookie, undefined, "the cookie was known, so no other is set");
        for (const [base, token] of [
          [servers[to], made.body],
          [servers[to], other.body],
          [servers[from], other.body],
        ] as const) {
          const sent = await post(base, { headers, body: new URLSearchParams({ _xsrf: token }) });
          assert.deepEqual([sent.status, sent.body], [200, "posted"], `${from} → ${base}, as a form`);
          const named = await post(base, { headers: { ...headers, "X-XSRFToken": token } });
          assert.deepEqual([named.status, named.body], [200, "posted"], `${from} → ${base}, as a header`);
        }
        assert.equal((await post(servers[to], { headers })).status, 403, "no token");
        const stranger = await ask(`${servers[from]}/form`);
        const foreign = { headers: { ...headers, "X-XSRFToken": stranger.body } };
        assert.equal((await post(servers[to], foreign)).status, 403, "the token of another cookie");
      }
    });
  }
});
