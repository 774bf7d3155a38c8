/** Proxies: which one, what it is told, and what it never learns. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { HTTPConnectError } from "squall/httpclient";
import { SSLIOStream } from "squall/iostream";
import { goesDirectly, proxyFromEnvironment } from "#room/http/client/proxy";
import { parseTarget } from "#room/http/client/target";
import "../../support/guard.js";
import { caCerts, certificate } from "../../support/certs.js";
import { answering, head, ok, type Peer, type World, withClient } from "./world.js";

/** A proxy that makes tunnels to a TLS server inside itself; what it was told, and what came through. */
async function tunnelling(world: World, answer: (request: string, index: number) => string | undefined) {
  const seen: { asked: string[]; inside: string[] } = { asked: [], inside: [] };
  const port = await world.listen(async (peer: Peer) => {
    const request = await peer.request();
    const text = answer(request, seen.asked.push(request) - 1);
    if (text !== undefined) {
      peer.send(text);
      return;
    }
    peer.socket.removeAllListeners("data");
    peer.socket.removeAllListeners("end");
    peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
    const stream = new SSLIOStream(peer.socket, {
      serverSide: true,
      sslOptions: { ...certificate("server"), minVersion: "TLSv1.2" },
    });
    try {
      await stream.waitForHandshake();
      for (;;) {
        seen.inside.push((await stream.readUntil("\r\n\r\n")).toString());
        await stream.write(ok("inside"));
      }
    } catch {
      stream.close();
    }
  });
  return { port, seen };
}

describe("case 100: a proxy", () => {
  test("case 100: gets plain http in absolute form, with its credentials; connections are shared by all servers", () =>
    withClient({}, async (world) => {
      let connections = 0;
      const asked: string[] = [];
      const proxyPort = await world.listen((peer) => {
        connections++;
        return answering((request) => {
          asked.push(request);
          return ok();
        })(peer);
      });
      const proxy = { proxyHost: "127.0.0.1", proxyPort, proxyUsername: "me", proxyPassword: "pw" };
      await world.client.fetch("http://one.test/a?b", proxy);
      await world.client.fetch("http://two.test:81/", { ...proxy, headers: { Authorization: "Bearer x" } });
      assert.equal(connections, 1);
      assert.match(asked[0]!, /^GET http:\/\/one\.test\/a\?b HTTP\/1\.1\r\nHost: one\.test\r\n/);
      assert.match(
        asked[0]!,
        new RegExp(`Proxy-Authorization: Basic ${Buffer.from("me:pw").toString("base64")}\r\n`),
      );
      assert.match(asked[1]!, /Host: two\.test:81\r\n/);
      assert.match(asked[1]!, /Authorization: Bearer x\r\n/);
    }));

  test("case 100: makes a tunnel for https; its credentials go to it alone, and the server is verified by name", () =>
    withClient({}, async (world) => {
      const { port, seen } = await tunnelling(world, () => undefined);
      const options = { proxyHost: "127.0.0.1", proxyPort: port, proxyUsername: "me", caCerts };
      const response = await world.client.fetch("https://localhost:444/x", {
        ...options,
        headers: { Authorization: "Bearer x", "Proxy-Authorization": "Basic stray" },
      });
      assert.equal(response.text(), "inside");
      assert.match(
        seen.asked[0]!,
        /^CONNECT localhost:444 HTTP\/1\.1\r\nHost: localhost:444\r\nProxy-Authorization: Basic /,
      );
      assert.doesNotMatch(seen.asked[0]!, /Bearer/);
      assert.match(seen.inside[0]!, /^GET \/x HTTP\/1\.1\r\n/);
      assert.doesNotMatch(seen.inside[0]!, /Proxy-Authorization/);
      // Kept, like any other connection.
      await world.client.fetch("https://localhost:444/y", options);
      assert.equal(seen.asked.length, 1);
      assert.equal(seen.inside.length, 2);
      const error = await world.client
        .fetch("https://wrong.test:444/", options)
        .catch((reason: unknown) => reason);
      assert.ok(error instanceof HTTPConnectError, String(error));
      assert.equal(error.phase, "tls");
    }));

  for (const [what, answer, cause] of [
    ["refuses", head("403 Forbidden"), undefined],
    ["wants other credentials", head("407 Who", 'Proxy-Authenticate: Basic realm="x"\r\n'), undefined],
    ["answers with garbage", "SSH-2.0-x\r\n\r\n", "ERR_SQUALL_HTTP_STATUS_LINE"],
    [
      "answers with a head without end",
      `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}`,
      "ERR_SQUALL_HTTP_HEADERS_TOO_LARGE",
    ],
    ["sends more than a refusal", `HTTP/1.1 502 Bad\r\n\r\n${"x".repeat(100_000)}`, undefined],
  ] as const) {
    test(`case 100: one that ${what} is an error that names it, and its connection closes`, () =>
      withClient({}, async (world) => {
        const { port } = await tunnelling(world, () => answer);
        const error = await world.client
          .fetch("https://localhost/", { proxyHost: "127.0.0.1", proxyPort: port, caCerts })
          .catch((reason: unknown) => reason);
        assert.ok(error instanceof HTTPConnectError, String(error));
        assert.equal(error.phase, "proxy");
        if (cause !== undefined) assert.equal((error.cause as { code: string }).code, cause);
        assert.equal(world.client.connections, 0);
      }));
  }

  test("case 100: one that wants Digest gets it, for tunnels and for plain http", () =>
    withClient({}, async (world) => {
      const challenge = head("407 Who", 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n');
      const options = {
        proxyHost: "127.0.0.1",
        proxyUsername: "u",
        proxyPassword: "p",
        proxyAuthMode: "digest",
        caCerts,
      } as const;
      const check = (request: string, method: string, uri: string): void => {
        const value = /^Proxy-Authorization: Digest (.*)$/m.exec(request)?.[1] ?? "";
        const part = (name: string): string => new RegExp(`${name}="?([^",]+)`).exec(value)?.[1] ?? "";
        const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
        assert.equal(part("uri"), uri);
        const expected = md5(`${md5("u:r:p")}:n:00000001:${part("cnonce")}:auth:${md5(`${method}:${uri}`)}`);
        assert.equal(part("response"), expected);
      };
      const tunnel = await tunnelling(world, (_, index) => (index === 0 ? challenge : undefined));
      await world.client.fetch("https://localhost/", { ...options, proxyPort: tunnel.port });
      check(tunnel.seen.asked[1]!, "CONNECT", "localhost:443");
      const asked: string[] = [];
      const port = await world.listen(answering((request) => (asked.push(request) === 1 ? challenge : ok())));
      await world.client.fetch("http://one.test/x", { ...options, proxyPort: port });
      check(asked[1]!, "GET", "http://one.test/x");
    }));

  test("case 100: no_proxy names hosts, domains, ports and all", () => {
    for (const [list, url, expected] of [
      ["a.test", "http://a.test/", true],
      ["a.test", "http://b.a.test/", true],
      [".a.test", "http://b.a.test/", true],
      ["*.a.test", "http://b.a.test/", true],
      ["a.test", "http://ba.test/", false],
      ["x, a.test ,y", "http://a.test/", true],
      ["A.Test", "http://a.test/", true],
      ["a.test:81", "http://a.test/", false],
      ["a.test:81", "http://a.test:81/", true],
      ["*", "http://a.test/", true],
      ["", "http://a.test/", false],
      ["127.0.0.1", "http://127.0.0.1/", true],
      ["0.0.1", "http://127.0.0.1/", false],
      ["[::1]", "http://[::1]/", true],
      ["[::1]:81", "http://[::1]:80/", false],
      ["::1", "http://[::1]/", true],
    ] as const) {
      assert.equal(goesDirectly(parseTarget(url), list), expected, `${list} for ${url}`);
    }
  });

  test("case 100: the environment names a proxy by scheme; HTTP_PROXY, and all of it under CGI, do not count for http", () => {
    const http = parseTarget("http://a.test/");
    const https = parseTarget("https://a.test/");
    const host = (target: typeof http, env: Record<string, string>) =>
      proxyFromEnvironment(target, env)?.host;
    assert.equal(host(http, { http_proxy: "http://p:1" }), "p");
    assert.equal(host(http, { HTTP_PROXY: "http://p:1" }), undefined);
    assert.equal(host(http, { http_proxy: "http://p:1", REQUEST_METHOD: "GET" }), undefined);
    assert.equal(host(http, { all_proxy: "p:1" }), "p");
    assert.equal(host(https, { HTTPS_PROXY: "p:1" }), "p");
    assert.equal(host(https, { https_proxy: "" }), undefined);
    assert.equal(host(https, { https_proxy: "p", no_proxy: "a.test" }), undefined);
    assert.deepEqual(proxyFromEnvironment(https, { https_proxy: "http://u:p%40@p:8080" }), {
      host: "p",
      port: 8080,
      ssl: undefined,
      credentials: { username: "u", password: "p@" },
      authMode: "basic",
    });
    const secure = proxyFromEnvironment(https, { https_proxy: "https://[::1]" });
    assert.deepEqual([secure?.host, secure?.port, secure?.ssl], ["::1", 443, {}]);
    assert.equal(proxyFromEnvironment(http, { http_proxy: "https://p:3129" })?.port, 3129);
    for (const text of ["socks5://p", "ftp://p", "http://"]) {
      assert.throws(() => proxyFromEnvironment(http, { http_proxy: text }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });
});
