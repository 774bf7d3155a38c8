/** The jar of the package tough-cookie as the client's: what is kept of what servers set, and what is sent where. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { type CookieJar, SimpleAsyncHTTPClient } from "squall/httpclient";
import { caCerts, certificate } from "../support/certs.js";
import { loadPackage, needsPackages } from "../support/interop.js";

interface ToughCookie {
  CookieJar: new () => CookieJar & { getCookies(url: string): Promise<{ key: string; value: string }[]> };
}

/** Answers with the cookies that it was sent; `?set=…` sets one for each, `/to?…` redirects. */
const listener: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
  const cookies = searchParams.getAll("set");
  if (cookies.length > 0) response.setHeader("Set-Cookie", cookies);
  const to = searchParams.get("to");
  if (to !== null) response.writeHead(302, { Location: to });
  response.end(`${pathname} ${request.headers.cookie ?? "none"}`);
};

interface Site {
  /** The URL of a path on a host, which leads to this server whatever the host is. */
  url(path: string, host?: string): string;
}

async function serve(context: TestContext, secure = false): Promise<Site & { port: number }> {
  const { certfile, keyfile } = certificate("server");
  const server = secure
    ? createSecureServer({ cert: readFileSync(certfile), key: readFileSync(keyfile) }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const scheme = secure ? "https" : "http";
  return { port, url: (path, host = "www.site.example") => `${scheme}://${host}:${port}${path}` };
}

/** A client with a jar, for which all hosts of the tests are this machine. */
async function withJar(context: TestContext) {
  const { CookieJar: Jar } = await loadPackage<ToughCookie>("tough-cookie");
  const cookieJar = new Jar();
  const hosts = ["www.site.example", "shop.site.example", "site.example", "other.example"];
  const client = new SimpleAsyncHTTPClient({
    forceInstance: true,
    hostnameMapping: Object.fromEntries(hosts.map((host) => [host, "127.0.0.1"])),
    defaults: { cookieJar, caCerts },
  });
  context.after(() => client.close());
  const get = async (url: string, options?: object): Promise<string> =>
    (await client.fetch(url, options)).text();
  return { cookieJar, get };
}

const set = (...cookies: string[]): string =>
  cookies.map((cookie) => `set=${encodeURIComponent(cookie)}`).join("&");

describe("tough-cookie", needsPackages("tough-cookie"), () => {
  test("keeps what a server sets, and the client sends it back, together with a Cookie field of the request", async (context) => {
    const site = await serve(context);
    const { get, cookieJar } = await withJar(context);
    assert.equal(await get(site.url(`/?${set("a=1", "b=2; HttpOnly")}`)), "/ none");
    assert.equal(await get(site.url("/x")), "/x a=1; b=2");
    assert.equal(await get(site.url("/x"), { headers: { Cookie: "own=3" } }), "/x own=3; a=1; b=2");
    await get(site.url(`/?${set("a=4")}`));
    assert.equal(await get(site.url("/x")), "/x a=4; b=2");
    assert.equal((await cookieJar.getCookies(site.url("/"))).length, 2);
  });

  test("a cookie goes to its host, or with Domain to the domain, and to no other", async (context) => {
    const site = await serve(context);
    const { get } = await withJar(context);
    await get(site.url(`/?${set("host=1", "wide=2; Domain=site.example")}`));
    assert.equal(await get(site.url("/")), "/ host=1; wide=2");
    assert.equal(await get(site.url("/", "shop.site.example")), "/ wide=2");
    assert.equal(await get(site.url("/", "other.example")), "/ none");
    // A host cannot set one for a domain that is not its own; the response is good all the same.
    assert.equal(await get(site.url(`/?${set("evil=1; Domain=other.example")}`)), "/ host=1; wide=2");
    assert.equal(await get(site.url("/", "other.example")), "/ none");
  });

  test("a cookie goes below its path, and with Secure over TLS alone", async (context) => {
    const [plain, secure] = [await serve(context), await serve(context, true)];
    const { get } = await withJar(context);
    await get(plain.url(`/?${set("deep=1; Path=/deep")}`, "localhost"));
    assert.equal(await get(plain.url("/deep/er", "localhost")), "/deep/er deep=1");
    assert.equal(await get(plain.url("/deeper", "localhost")), "/deeper none");
    await get(secure.url(`/?${set("safe=2; Secure")}`, "localhost"));
    assert.equal(await get(secure.url("/", "localhost")), "/ safe=2");
    // Loopback is a secure context to the jar; a name elsewhere is not.
    await get(plain.url(`/?${set("unsafe=3; Secure")}`));
    assert.equal(await get(plain.url("/")), "/ none");
  });

  test("a cookie expires, and one with an age of nothing is forgotten", async (context) => {
    const site = await serve(context);
    const { get } = await withJar(context);
    const past = "Thu, 01 Jan 1970 00:00:00 GMT";
    await get(site.url(`/?${set("kept=1; Max-Age=1000", `gone=2; Expires=${past}`, "short=3; Max-Age=0")}`));
    assert.equal(await get(site.url("/")), "/ kept=1");
    await get(site.url(`/?${set("kept=; Max-Age=0")}`));
    assert.equal(await get(site.url("/")), "/ none");
  });

  test("a redirect sets cookies, and each hop gets those of its own host", async (context) => {
    const site = await serve(context);
    const { get } = await withJar(context);
    const there = site.url("/there", "other.example");
    await get(site.url(`/?${set("other=1")}`, "other.example"));
    assert.equal(await get(site.url(`/?${set("here=2")}&to=/here`)), "/here here=2");
    const away = await get(site.url(`/?to=${encodeURIComponent(there)}`), {
      headers: { Cookie: "secret=3" },
    });
    assert.equal(away, "/there other=1");
  });
});
