/** AsyncHTTPClient, and the adapter over undici, against servers and a proxy that we did not write. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  type AsyncHTTPClient,
  HTTPClientError,
  HTTPConnectError,
  HTTPStreamClosedError,
  HTTPTimeoutError,
  SimpleAsyncHTTPClient,
  UndiciAsyncHTTPClient,
  UndiciMissingError,
} from "squall/httpclient";
import { caCerts, certificate } from "../support/certs.js";
import { Child } from "../support/child.js";
import { loadPackage, needsPackages } from "../support/interop.js";
import { needs, pathOf } from "../support/programs.js";
import { folderOf, freePort, startTinyproxy } from "../support/tinyproxy.js";

function newClient(context: TestContext, options: object = {}): SimpleAsyncHTTPClient {
  const client = new SimpleAsyncHTTPClient({ forceInstance: true, ...options });
  context.after(() => client.close());
  return client;
}

async function serve(context: TestContext, listener: RequestListener, secure = false): Promise<number> {
  const { certfile, keyfile } = certificate("server");
  const server = secure
    ? createSecureServer({ cert: readFileSync(certfile), key: readFileSync(keyfile) }, listener)
    : createServer(listener);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("nginx", needs("nginx"), () => {
  test("answers over TLS: gzip, ranges, redirects, keep-alive, and a unix socket", async (context) => {
    const folder = folderOf(context, "client");
    const { certfile, keyfile } = certificate("server");
    const port = await freePort();
    const body = "squall ".repeat(10_000);
    writeFileSync(join(folder, "page.txt"), body);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off; ${temporary.join(" ")}
  gzip on; gzip_types *; gzip_min_length 100;
  server {
    listen 127.0.0.1:${port} ssl; listen unix:${folder}/nginx.sock; root ${folder};
    ssl_certificate ${certfile}; ssl_certificate_key ${keyfile};
    location = /old { return 301 /page.txt; }
    location = /count { return 200 $connection_requests; }
  }
}
`,
    );
    const nginx = Child.start(context, pathOf("nginx"), [
      "-p",
      folder,
      "-c",
      join(folder, "nginx.conf"),
      "-e",
      "stderr",
    ]);
    await nginx.prints(/using the "\w+" event method/);
    const client = newClient(context, { defaults: { caCerts } });
    const base = `https://localhost:${port}`;
    const page = await client.fetch(`${base}/page.txt`);
    assert.equal(page.text(), body);
    assert.equal(page.headers.get("X-Consumed-Content-Encoding"), "gzip");
    assert.ok(page.timeInfo.appconnect! >= page.timeInfo.connect!);
    assert.equal((await client.fetch(`${base}/old`)).effectiveUrl, `${base}/page.txt`);
    const part = await client.fetch(`${base}/page.txt`, {
      headers: { Range: "bytes=7-13" },
      decompressResponse: false,
    });
    assert.deepEqual([part.code, part.text()], [206, "squall "]);
    const etag = part.headers.get("ETag")!;
    const same = await client.fetch(`${base}/page.txt`, {
      headers: { "If-None-Match": etag },
      raiseError: false,
    });
    assert.equal(same.code, 304);
    assert.equal((await client.fetch(`${base}/count`)).text(), "6");
    assert.equal(client.connections, 1);
    await assert.rejects(
      client.fetch(`https://127.0.0.1:${port}/count`, { validateCert: true, caCerts: certfile }),
      HTTPConnectError,
    );
    const local = { unixSocket: join(folder, "nginx.sock") };
    assert.equal((await client.fetch("http://localhost/count", local)).text(), "1");
  });
});

describe("tinyproxy", needs("tinyproxy"), () => {
  test("passes plain http on, and makes tunnels for https, for those who sign in", async (context) => {
    const plain = await serve(context, (request, response) =>
      response.end(`${request.url} ${request.headers["proxy-authorization"]}`),
    );
    const secure = await serve(context, (request, response) => response.end(`${request.url} inside`), true);
    const proxyPort = await startTinyproxy(context, [secure]);
    const client = newClient(context, { defaults: { caCerts } });
    const options = { proxyHost: "127.0.0.1", proxyPort, proxyUsername: "me", proxyPassword: "secret" };
    assert.equal((await client.fetch(`http://127.0.0.1:${plain}/a`, options)).text(), "/a undefined");
    assert.equal((await client.fetch(`https://localhost:${secure}/b`, options)).text(), "/b inside");
    assert.equal((await client.fetch(`https://localhost:${secure}/c`, options)).text(), "/c inside");
    const wrong = { ...options, proxyPassword: "guess" };
    await assert.rejects(client.fetch(`http://127.0.0.1:${plain}/`, wrong), HTTPClientError);
    await assert.rejects(
      client.fetch(`https://localhost:${secure}/`, wrong),
      (error) => error instanceof HTTPConnectError && error.phase === "proxy",
    );
  });
});

describe("Tornado's server", needs("python3-tornado"), () => {
  test("answers: forms, streams, chunked bodies, errors", async (context) => {
    const folder = folderOf(context, "tornado");
    writeFileSync(
      join(folder, "server.py"),
      `import asyncio, tornado.web
class Main(tornado.web.RequestHandler):
    async def get(self):
        for i in range(3):
            self.write("piece%d " % i)
            await self.flush()
    def post(self):
        self.write({"body": self.request.body.decode(), "a": self.get_body_argument("a", None)})
class Fail(tornado.web.RequestHandler):
    def get(self):
        raise tornado.web.HTTPError(418)
async def main():
    server = tornado.web.Application([("/", Main), ("/fail", Fail)], compress_response=True).listen(0, "127.0.0.1")
    print("port", list(server._sockets.values())[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
`,
    );
    const child = Child.start(context, pathOf("python3-tornado"), [join(folder, "server.py")]);
    const [, port] = (await child.prints(/port (\d+)/)) as unknown as string[];
    const client = newClient(context);
    const base = `http://127.0.0.1:${port}`;
    assert.equal((await client.fetch(`${base}/`)).text(), "piece0 piece1 piece2 ");
    const form = await client.fetch(`${base}/`, { method: "POST", body: new URLSearchParams({ a: "é" }) });
    assert.deepEqual(form.json(), { body: "a=%C3%A9", a: "é" });
    const chunked = await client.fetch(`${base}/`, {
      method: "POST",
      body: ["x", "y"],
      headers: { "Content-Type": "text/plain" },
    });
    assert.deepEqual(chunked.json(), { body: "xy", a: null });
    await assert.rejects(
      client.fetch(`${base}/fail`),
      (error) => error instanceof HTTPClientError && error.status === 418,
    );
    assert.equal(client.connections, 1);
  });
});

const KINDS: Readonly<Record<string, (context: TestContext, options?: object) => Promise<AsyncHTTPClient>>> =
  {
    SimpleAsyncHTTPClient: async (context, options) => newClient(context, options),
    UndiciAsyncHTTPClient: async (context, options) => {
      const client = new UndiciAsyncHTTPClient({
        forceInstance: true,
        undici: await loadPackage<object>("undici"),
        ...options,
      });
      context.after(() => client.close());
      return client;
    },
  };

for (const [name, make] of Object.entries(KINDS)) {
  describe(`${name} and node:http`, name.startsWith("Undici") ? needsPackages("undici") : {}, () => {
    const echo: RequestListener = (request, response) => {
      const { url = "", method } = request;
      if (url === "/hang") return;
      if (url === "/redirect") {
        response.writeHead(302, { Location: "/echo", "Set-Cookie": "a=1" });
        response.end();
      } else if (url === "/busy") {
        response.writeHead(503);
        response.end();
      } else if (url === "/reset") request.socket.resetAndDestroy();
      else if (url === "/big") response.end(Buffer.alloc(3_000_000, "x"));
      else {
        let body = "";
        request.on("data", (chunk: Buffer) => {
          body += chunk;
        });
        request.on("end", () =>
          response.end(
            `${method} ${url} ${request.headers.cookie ?? ""} ${request.headers.authorization ?? ""} ${body}`,
          ),
        );
      }
    };

    test("fetches, sends bodies of every kind, follows redirects and keeps cookies", async (context) => {
      const base = `http://127.0.0.1:${await serve(context, echo)}`;
      const client = await make(context);
      const text = async (path: string, options?: object): Promise<string> =>
        (await client.fetch(base + path, options)).text();
      assert.equal(await text("/a?b"), "GET /a?b   ");
      assert.equal(await text("/a", { method: "POST", body: "data" }), "POST /a   data");
      assert.equal(await text("/a", { method: "PUT", body: ["x", "y"] }), "PUT /a   xy");
      assert.equal(await text("/a", { authUsername: "u", authPassword: "p" }), "GET /a  Basic dTpw ");
      const cookies: string[] = [];
      const cookieJar = {
        getCookieString: () => cookies.join("; "),
        setCookie: (cookie: string) => void cookies.push(cookie),
      };
      assert.equal(await text("/redirect", { cookieJar }), "GET /echo a=1  ");
    });

    test("rejects with the same errors", async (context) => {
      const base = `http://127.0.0.1:${await serve(context, echo)}`;
      const client = await make(context, { maxBodySize: 1_000_000 });
      const outcome = (path: string, options?: object) =>
        client.fetch(base + path, options).catch((error: unknown) => error);
      assert.equal(((await outcome("/busy")) as HTTPClientError).status, 503);
      assert.ok((await outcome("/hang", { requestTimeout: 100 })) instanceof HTTPTimeoutError);
      assert.ok((await outcome("/reset")) instanceof HTTPStreamClosedError);
      assert.ok((await outcome("/big")) instanceof HTTPStreamClosedError);
      assert.ok(
        (await client.fetch("http://127.0.0.1:1/").catch((error: unknown) => error)) instanceof
          HTTPConnectError,
      );
      const reason = new RangeError("enough");
      assert.equal(
        await outcome("/hang", {
          signal: AbortSignal.any([AbortSignal.timeout(1), AbortSignal.abort(reason)]),
        }),
        reason,
      );
    });

    test("streams a body, and TLS is verified", async (context) => {
      const port = await serve(context, echo, true);
      const client = await make(context);
      const response = await client.fetch(`https://localhost:${port}/big`, { streamBody: true, caCerts });
      let size = 0;
      for await (const chunk of response.stream!) size += chunk.length;
      assert.equal(size, 3_000_000);
      await assert.rejects(client.fetch(`https://localhost:${port}/`), HTTPConnectError);
      assert.equal((await client.fetch(`https://localhost:${port}/`, { validateCert: false })).code, 200);
    });

    test("at most maxClients are in progress, and the wait for a slot has a deadline", async (context) => {
      const base = `http://127.0.0.1:${await serve(context, echo)}`;
      const client = await make(context, { maxClients: 1 });
      const first = client.fetch(`${base}/hang`, { requestTimeout: 300 }).catch((error: unknown) => error);
      const second = await client.fetch(`${base}/a`, { connectTimeout: 50 }).catch((error: unknown) => error);
      assert.ok(second instanceof HTTPTimeoutError && second.phase === "queue");
      await first;
      assert.equal((await client.fetch(`${base}/a`)).code, 200);
    });
  });
}

test("without undici the adapter names the package", async (context) => {
  const client = new UndiciAsyncHTTPClient({ forceInstance: true });
  context.after(() => client.close());
  await assert.rejects(client.fetch("http://127.0.0.1:1/"), UndiciMissingError);
});

test("the adapter refuses options that it cannot keep", async (context) => {
  for (const options of [{ maxQueue: 1 }, { hostnameMapping: {} }, { keepAlive: false }]) {
    assert.throws(() => new UndiciAsyncHTTPClient({ forceInstance: true, ...options }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  }
  const client = new UndiciAsyncHTTPClient({ forceInstance: true });
  context.after(() => client.close());
  for (const options of [
    { filterAddresses: () => [] },
    { expect100Continue: true },
    { proxyHost: "p", proxyPort: 1, proxyAuthMode: "digest" as const },
  ]) {
    await assert.rejects(client.fetch("http://127.0.0.1:1/", options), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  }
});
