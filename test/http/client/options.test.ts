/** Digest, cookies, retries, streams, TLS and unix sockets. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  type CookieJar,
  type FetchOptions,
  HTTPConnectError,
  HTTPStreamClosedError,
} from "squall/httpclient";
import { SSLIOStream } from "squall/iostream";
import { ExpectLog } from "squall/testing";
import { digestAuthorization, findDigestChallenge } from "#room/http/client/credentials";
import { parseRetryAfter, resolveRetryPolicy, retryDelay } from "#room/http/client/retry";
import "../../support/guard.js";
import { caCerts, certificate } from "../../support/certs.js";
import { pass } from "../../support/virtual-server.js";
import { answering, head, ok, type World, withClient } from "./world.js";

describe("Digest (RFC 7616)", () => {
  test("digestAuthorization() gives the responses of the RFC's example", () => {
    const challenge = {
      realm: "http-auth@example.org",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
      hasQop: true,
    };
    const credentials = { username: "Mufasa", password: "Circle of Life" };
    const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    for (const [algorithm, response] of [
      ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
      ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
    ] as const) {
      const value = digestAuthorization(
        { ...challenge, algorithm },
        credentials,
        "GET",
        "/dir/index.html",
        cnonce,
      );
      assert.match(value, new RegExp(`response="${response}"`));
    }
  });

  test("findDigestChallenge() takes the strongest that it can answer, among others on one line", () => {
    const lines = [
      'Basic realm="a, Digest", Digest realm="x", nonce="1", algorithm=MD5, qop="auth,auth-int"',
      'Digest realm="x\\"y", nonce="2", algorithm=SHA-256, qop="auth", opaque="o"',
      'Digest realm="x", nonce="3", algorithm=SHA-512-256, qop="auth"',
      'Digest realm="x", nonce="4", algorithm=SHA-256, qop="auth-int"',
    ];
    assert.deepEqual(findDigestChallenge(lines), {
      realm: 'x"y',
      nonce: "2",
      opaque: "o",
      algorithm: "SHA-256",
      hasQop: true,
    });
    assert.equal(findDigestChallenge(["Basic realm=x", 'Digest realm="x"']), undefined);
  });

  test("authMode digest answers a challenge once, and a second 401 is the answer", () =>
    withClient({}, async ({ client, listen }) => {
      const asked: string[] = [];
      const challenge = head("401 Who", 'WWW-Authenticate: Digest realm="r", nonce="n"\r\n');
      const port = await listen(
        answering((request) => (asked.push(request) % 2 === 1 || asked.length > 2 ? challenge : ok())),
      );
      const options = {
        authUsername: "u",
        authPassword: "p",
        authMode: "digest",
        raiseError: false,
      } as const;
      const url = `http://127.0.0.1:${port}/a?b`;
      assert.equal((await client.fetch(url, options)).code, 200);
      assert.doesNotMatch(asked[0]!, /Authorization/);
      const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
      assert.match(
        asked[1]!,
        new RegExp(`uri="/a\\?b".*response="${md5(`${md5("u:r:p")}:n:${md5("GET:/a?b")}`)}"`),
      );
      assert.equal((await client.fetch(url, options)).code, 401);
      assert.equal(asked.length, 4);
    }));
});

describe("a cookie jar", () => {
  test("gives cookies for each hop and gets those of each response; it may take its time", () =>
    withClient({}, async ({ client, listen, loop }) => {
      for (const wait of [0, 5]) {
        const stored: string[] = [];
        const jar: CookieJar = {
          getCookieString: (url) => {
            const text = `for=${new URL(url).pathname.slice(1)}`;
            return wait === 0 ? text : pass(loop, wait).then(() => text);
          },
          setCookie: (cookie, url) => {
            stored.push(`${cookie} ${new URL(url).pathname}`);
            if (cookie.startsWith("bad")) throw new Error("refused");
            return wait === 0 ? undefined : pass(loop, wait);
          },
        };
        const asked: string[] = [];
        const port = await listen(
          answering((request, index) => {
            asked.push(/^cookie: (.*)$/im.exec(request)?.[1] ?? "");
            return index % 2 === 0
              ? head("302 R", "Location: /b\r\nSet-Cookie: x=1\r\nSet-Cookie: bad=2\r\n")
              : ok("ok", "Set-Cookie: y=2\r\n");
          }),
        );
        await client.fetch(`http://127.0.0.1:${port}/a`, { cookieJar: jar, headers: { Cookie: "own=1" } });
        assert.deepEqual(asked, ["own=1; for=a", "own=1; for=b"]);
        assert.deepEqual(stored, ["x=1 /a", "bad=2 /a", "y=2 /b"]);
      }
    }));

  test("one that fails rejects the fetch", () =>
    withClient({}, async ({ client }) => {
      for (const getCookieString of [
        () => {
          throw new RangeError("jar");
        },
        () => Promise.reject(new RangeError("jar")),
      ]) {
        const cookieJar: CookieJar = { getCookieString, setCookie: () => {} };
        await assert.rejects(client.fetch("http://127.0.0.1:1/", { cookieJar }), { message: "jar" });
      }
      assert.equal(client.activeRequests, 0);
    }));
});

describe("a retry policy", () => {
  test("waits twice as long each time, less what chance takes off, and at most maxDelay", () => {
    const policy = resolveRetryPolicy({ delay: 100, maxDelay: 500, jitter: 0.5 });
    assert.deepEqual(
      [1, 2, 3, 4].map((attempt) => retryDelay(policy, attempt, undefined, () => 0)),
      [100, 200, 400, 500],
    );
    assert.equal(
      retryDelay(policy, 1, undefined, () => 1),
      50,
    );
    assert.equal(retryDelay(policy, 1, 300), 300);
    assert.equal(retryDelay(policy, 1, 501), undefined);
    for (const wrong of [{ attempts: 0 }, { delay: -1 }, { jitter: 2 }]) {
      assert.throws(() => resolveRetryPolicy(wrong), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });

  test("Retry-After is seconds or a date", () => {
    const now = Date.UTC(2020, 0, 1);
    assert.equal(parseRetryAfter("120", now), 120_000);
    assert.equal(parseRetryAfter("Wed, 01 Jan 2020 00:01:00 GMT", now), 60_000);
    assert.equal(parseRetryAfter("Wed, 01 Jan 2010 00:01:00 GMT", now), 0);
    assert.equal(parseRetryAfter("soon", now), undefined);
  });

  const busy = (more = "") => head("503 Busy", more);
  for (const [what, answers, options, requests, code, time] of [
    [
      "fetches again after 503 until it is 200",
      [busy(), busy(), ok()],
      { retry: { jitter: 0 } },
      3,
      200,
      300,
    ],
    [
      "gives the last response when the attempts are used up",
      [busy(), busy()],
      { retry: { attempts: 2, jitter: 0 } },
      2,
      503,
      100,
    ],
    ["waits as long as Retry-After says", [busy("Retry-After: 7\r\n"), ok()], { retry: {} }, 2, 200, 7000],
    ["does not wait longer than maxDelay", [busy("Retry-After: 60\r\n"), ok()], { retry: {} }, 1, 503, 0],
    ["does not repeat a POST", [busy(), ok()], { retry: {}, method: "POST", body: "x" }, 1, 503, 0],
    [
      "repeats a POST if it is told so",
      [busy(), ok()],
      { retry: { methods: ["POST"], jitter: 0 }, method: "POST", body: "x" },
      2,
      200,
      100,
    ],
    ["leaves other statuses alone", [head("500 X"), ok()], { retry: {} }, 1, 500, 0],
  ] as const) {
    test(what, () =>
      withClient({}, async ({ client, listen, loop }) => {
        let count = 0;
        const port = await listen(answering(() => answers[count++]!));
        const response = await client.fetch(`http://127.0.0.1:${port}/`, {
          ...options,
          raiseError: false,
        } as object);
        assert.equal(response.code, code);
        assert.equal(count, requests);
        assert.equal(loop.time(), time);
      }),
    );
  }

  test("tries again when there was no connection, or it broke; requestTimeout bounds all of it", () =>
    withClient({}, async ({ client, listen, loop }) => {
      let count = 0;
      const port = await listen(async (peer) => {
        await peer.request();
        if (count++ < 2) peer.socket.resetAndDestroy();
        else peer.send(ok());
      });
      const response = await client.fetch(`http://127.0.0.1:${port}/`, { retry: { jitter: 0 } });
      assert.equal(response.code, 200);
      await assert.rejects(
        client.fetch("http://127.0.0.1:1/", { retry: { attempts: 2, jitter: 0 } }),
        HTTPConnectError,
      );
      const began = loop.time();
      await assert.rejects(
        client.fetch("http://127.0.0.1:1/", { retry: { attempts: 1000, jitter: 0 }, requestTimeout: 2000 }),
        { code: "ERR_SQUALL_HTTP_TIMEOUT" },
      );
      assert.equal(loop.time() - began, 2000);
    }));
});

describe("a time limit that is no number of milliseconds", () => {
  for (const name of ["requestTimeout", "connectTimeout"]) {
    test(`is refused by name, before anything is sent: ${name}`, () =>
      withClient({}, async ({ client, listen }) => {
        const port = await listen(answering(() => assert.fail("a request")));
        for (const wrong of ["5s", { seconds: 5 }, -1, Number.NaN]) {
          await assert.rejects(client.fetch(`http://127.0.0.1:${port}/`, { [name]: wrong } as object), {
            code: "ERR_SQUALL_INVALID_ARGUMENT",
            message: new RegExp(`^${name} must be a number of milliseconds`),
          });
        }
      }));
  }
});

describe("a streamed body", () => {
  async function streaming(world: World, size: number, options: object = {}) {
    let sent = 0;
    const port = await world.listen(async (peer) => {
      await peer.request();
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const chunk = Buffer.alloc(16_384, "x");
      while (sent < size && !peer.socket.destroyed) {
        const piece = chunk.subarray(0, Math.min(chunk.length, size - sent));
        sent += piece.length;
        if (!peer.socket.write(piece)) await new Promise((resolve) => peer.socket.once("drain", resolve));
      }
    });
    const response = await world.client.fetch(`http://127.0.0.1:${port}/`, { streamBody: true, ...options });
    return { response, sent: () => sent };
  }

  test("is read as it comes, and a slow reader slows the server down", () =>
    withClient({}, async (world) => {
      const size = 5_000_000;
      const { response, sent } = await streaming(world, size);
      assert.equal(response.code, 200);
      assert.equal(response.buffer, undefined);
      await pass(world.loop, 30_000);
      assert.ok(sent() < 2_000_000, `${sent()} were taken without a reader`);
      assert.ok(response.stream!.bytesBuffered < 200_000);
      let length = 0;
      for await (const chunk of response.stream!) length += chunk.length;
      assert.equal(length, size);
      await pass(world.loop, 1);
      assert.equal(world.client.activeRequests, 0);
      assert.equal(world.client.connections, 1);
    }));

  test("leaving the loop closes the connection", () =>
    withClient({}, async (world) => {
      const { response } = await streaming(world, 5_000_000);
      for await (const _ of response.stream!) break;
      await pass(world.loop, 1);
      assert.equal(world.client.connections, 0);
      assert.equal(world.client.activeRequests, 0);
      await assert.rejects(response.stream!.read(), { name: "AbortError" });
    }));

  test("a signal breaks it off, with its reason", () =>
    withClient({}, async (world) => {
      const controller = new AbortController();
      const { response } = await streaming(world, 5_000_000, { signal: controller.signal });
      await response.stream!.read();
      controller.abort(new RangeError("enough"));
      await assert.rejects(
        (async () => {
          for await (const _ of response.stream!);
        })(),
        { message: "enough" },
      );
      assert.equal(world.client.connections, 0);
    }));

  test("a connection that breaks rejects the read, behind what had come", () =>
    withClient({}, async (world) => {
      const port = await world.listen(async (peer) => {
        await peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        await pass(world.loop, 5);
        peer.socket.end();
      });
      const { stream } = await world.client.fetch(`http://127.0.0.1:${port}/`, { streamBody: true });
      await pass(world.loop, 10);
      assert.equal((await stream!.read())?.toString(), "abc");
      await assert.rejects(stream!.read(), HTTPStreamClosedError);
      await assert.rejects(stream!.readAll(), HTTPStreamClosedError);
      assert.equal(world.client.activeRequests, 0);
    }));

  test("has no limit but maxBodySize, and requestTimeout ends with the head", () =>
    withClient({ maxBufferSize: 1000 }, async (world) => {
      const { response } = await streaming(world, 100_000, { requestTimeout: 1000 });
      await pass(world.loop, 5000);
      assert.equal((await response.stream!.readAll()).length, 100_000);
    }));
});

describe("case 99: TLS", () => {
  async function secure(world: World, name: Parameters<typeof certificate>[0] = "server", more: object = {}) {
    let connections = 0;
    const port = await world.listen(async (peer) => {
      connections++;
      peer.socket.removeAllListeners("data");
      peer.socket.removeAllListeners("end");
      const stream = new SSLIOStream(peer.socket, {
        serverSide: true,
        sslOptions: { ...certificate(name), ...more },
      });
      try {
        await stream.waitForHandshake();
        for (;;) {
          await stream.readUntil("\r\n\r\n");
          await stream.write(ok("secret"));
        }
      } catch {
        stream.close();
      }
    });
    return { url: `https://localhost:${port}/`, connections: () => connections };
  }

  test("case 99: the chain and the name are verified by default, and errors are errors", () =>
    withClient({ hostnameMapping: { "wrong.test": "127.0.0.1" } }, async (world) => {
      const { url } = await secure(world);
      assert.equal((await world.client.fetch(url, { caCerts })).text(), "secret");
      for (const [target, options] of [
        [url, {}],
        [url.replace("localhost", "wrong.test"), { caCerts }],
      ] as const) {
        const error = await world.client.fetch(target, options).catch((reason: unknown) => reason);
        assert.ok(error instanceof HTTPConnectError, String(error));
        assert.equal(error.phase, "tls");
      }
      assert.equal((await world.client.fetch(url, { validateCert: false })).code, 200);
    }));

  test("case 99: a certificate that has expired is an error, and so is a name that a wildcard does not cover", () => {
    const hosts = ["www.wild.test", "deep.www.wild.test", "wild.test", "xn--bcher-kva.test", "books.test"];
    const hostnameMapping = Object.fromEntries(hosts.map((host) => [host, "127.0.0.1"]));
    return withClient({ hostnameMapping }, async (world) => {
      const outcome = (url: string, options: FetchOptions): Promise<unknown> =>
        world.client.fetch(url, options).then(
          (response) => response.text(),
          (error: unknown) => {
            assert.ok(error instanceof HTTPConnectError && error.phase === "tls", String(error));
            return (error.cause as { code: string }).code;
          },
        );
      const expired = await secure(world, "expired");
      const trusted = { caCerts: certificate("expired").certfile };
      assert.equal(await outcome(expired.url, trusted), "CERT_HAS_EXPIRED");
      const { url } = await secure(world, "wildcard");
      for (const [host, expected] of [
        ["www.wild.test", "secret"],
        ["bücher.test", "secret"],
        ["deep.www.wild.test", "ERR_TLS_CERT_ALTNAME_INVALID"],
        ["wild.test", "ERR_TLS_CERT_ALTNAME_INVALID"],
        ["books.test", "ERR_TLS_CERT_ALTNAME_INVALID"],
        ["127.0.0.1", "ERR_TLS_CERT_ALTNAME_INVALID"],
      ] as const) {
        const options = { caCerts: certificate("wildcard").certfile };
        assert.equal(await outcome(url.replace("localhost", host), options), expected, host);
      }
    });
  });

  test("case 99: the certificate is checked on a unix socket, too, against the name in the URL", () =>
    withClient({}, async ({ client, network }) => {
      const server = await network.listen({ path: "/run/tls.sock" });
      server.accept(
        (socket) => {
          const stream = new SSLIOStream(socket, { serverSide: true, sslOptions: certificate("server") });
          const serve = async (): Promise<void> => {
            await stream.waitForHandshake();
            await stream.readUntil("\r\n\r\n");
            await stream.write(ok("unix"));
          };
          serve().catch(() => stream.close());
        },
        () => {},
      );
      const options = { unixSocket: "/run/tls.sock" };
      const trusting = { ...options, caCerts };
      assert.equal((await client.fetch("https://localhost/", trusting)).text(), "unix");
      for (const [url, how] of [
        ["https://localhost/", options],
        ["https://elsewhere.test/", trusting],
      ] as const) {
        const error = await client.fetch(url, how).catch((reason: unknown) => reason);
        assert.ok(error instanceof HTTPConnectError && error.phase === "tls", String(error));
      }
      client.close();
      await server.close();
    }));

  test("case 99: connections are shared by equal options alone, and not across validateCert or certificates", () =>
    withClient({}, async (world) => {
      const { url, connections } = await secure(world);
      const mine = { ca: (await import("node:fs")).readFileSync(caCerts) };
      const { certfile: clientCert, keyfile: clientKey } = certificate("client");
      const variants = [
        { caCerts },
        { validateCert: false },
        { sslOptions: mine },
        { caCerts, clientCert, clientKey },
      ];
      for (const options of [...variants, ...variants]) await world.client.fetch(url, options);
      assert.equal(connections(), variants.length);
    }));

  test("a client certificate is shown", () =>
    withClient({}, async (world) => {
      const { url } = await secure(world, "server", { certReqs: "required", caCerts });
      const { certfile: clientCert, keyfile: clientKey } = certificate("client");
      assert.equal((await world.client.fetch(url, { caCerts, clientCert, clientKey })).code, 200);
      using _ = new ExpectLog("squall.general", "TLS handshake failed");
      await assert.rejects(world.client.fetch(url, { caCerts }));
    }));

  test("case 93: https is not downgraded by a redirect unless that is allowed", () =>
    withClient({}, async (world) => {
      const port = await world.listen(answering(() => ok("plain")));
      const secured = await world.listen(async (peer) => {
        peer.socket.removeAllListeners("data");
        peer.socket.removeAllListeners("end");
        const stream = new SSLIOStream(peer.socket, { serverSide: true, sslOptions: certificate("server") });
        try {
          await stream.waitForHandshake();
          await stream.readUntil("\r\n\r\n");
          await stream.write(head("302 R", `Location: http://127.0.0.1:${port}/\r\nConnection: close\r\n`));
        } finally {
          stream.close();
        }
      });
      const url = `https://localhost:${secured}/`;
      await assert.rejects(world.client.fetch(url, { caCerts }), { code: "ERR_SQUALL_HTTP_REDIRECT" });
      assert.equal((await world.client.fetch(url, { caCerts, allowDowngrade: true })).text(), "plain");
    }));
});

test("unixSocket connects to a path, and the URL says what is asked for", () =>
  withClient({}, async ({ client, network }) => {
    const server = await network.listen({ path: "/run/app.sock" });
    let asked = "";
    server.accept(
      (socket) => {
        socket.on("data", (chunk: Buffer) => {
          asked += chunk;
          socket.write(ok("unix"));
        });
        socket.on("end", () => socket.end());
      },
      () => {},
    );
    const options = { unixSocket: "/run/app.sock" };
    assert.equal((await client.fetch("http://docker/v1", options)).text(), "unix");
    assert.match(asked, /^GET \/v1 HTTP\/1\.1\r\nHost: docker\r\n/);
    assert.equal((await client.fetch("http://other/", options)).text(), "unix");
    assert.equal(client.connections, 1);
    await server.close();
  }));
