/** Frameworks of others in our containers, as their first pages show them, with the middleware that people use. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type FetchApplication, FetchContainer } from "squall/fetch";
import { NodeContainer, type NodeListener, nodeListener } from "squall/node";
import { Application, RequestHandler } from "squall/web";
import { withContainer } from "../support/container-server.js";
import { loadPackage, needsPackages } from "../support/interop.js";
import { field } from "../support/raw-client.js";

type Next = () => void;
type Body = { readonly [name: string]: unknown };
interface ExpressRequest extends IncomingMessage {
  readonly body: Body;
  readonly file?: { readonly originalname: string; readonly buffer: Buffer };
  readonly session: { count?: number };
}
interface ExpressResponse extends ServerResponse {
  send(body: string): void;
  json(body: unknown): void;
}
type Handler = (request: ExpressRequest, response: ExpressResponse, next: Next) => void;
interface Express extends NodeListener {
  get(path: string, ...handlers: Handler[]): void;
  post(path: string, ...handlers: Handler[]): void;
  use(...handlers: (string | Handler | NodeListener)[]): void;
}
interface ExpressModule {
  (): Express;
  json(): Handler;
  urlencoded(options: { extended: boolean }): Handler;
  text(): Handler;
}

const folder = mkdtempSync(join(tmpdir(), "squall-static-"));
writeFileSync(join(folder, "hello.txt"), "Hello from a file");
after(() => rmSync(folder, { recursive: true }));

describe("Express", needsPackages("express"), () => {
  test("answers, routes and parses bodies", async () => {
    const express = await loadPackage<ExpressModule>("express");
    const app = express();
    app.get("/", (_request, response) => response.send("Hello, world"));
    for (const [path, parser] of [
      ["/json", express.json()],
      ["/form", express.urlencoded({ extended: false })],
      ["/text", express.text()],
    ] as const) {
      app.post(path, parser, (request, response) => response.json(request.body));
    }
    await withContainer(new NodeContainer(app), async ({ ask }) => {
      const hello = await ask("/");
      assert.equal(hello.body.toString(), "Hello, world");
      assert.equal(field(hello, "X-Powered-By"), "Express");
      const again = await ask("/", { head: `If-None-Match: ${field(hello, "ETag")}\r\n` });
      assert.equal(again.status, 304);
      const post = async (path: string, type: string, body: string) =>
        JSON.parse(
          (await ask(path, { method: "POST", body, head: `Content-Type: ${type}\r\n` })).body.toString(),
        ) as unknown;
      assert.deepEqual(await post("/json", "application/json", '{"a":[1]}'), { a: [1] });
      assert.deepEqual(await post("/form", "application/x-www-form-urlencoded", "a=1&b=%20"), {
        a: "1",
        b: " ",
      });
      assert.equal(await post("/text", "text/plain", "words"), "words");
    });
  });

  test(
    "compresses with compression, serves files with serve-static",
    needsPackages("compression", "serve-static"),
    async () => {
      const express = await loadPackage<ExpressModule>("express");
      const compression = await loadPackage<() => Handler>("compression");
      const serveStatic = await loadPackage<(folder: string) => Handler>("serve-static");
      const app = express();
      app.use(compression());
      app.get("/long", (_request, response) => response.send("long ".repeat(1000)));
      app.use(serveStatic(folder));
      await withContainer(new NodeContainer(app), async ({ ask }) => {
        const long = await ask("/long", { head: "Accept-Encoding: gzip\r\n" });
        assert.equal(field(long, "Content-Encoding"), "gzip");
        assert.equal(gunzipSync(long.body).toString(), "long ".repeat(1000));
        assert.equal((await ask("/hello.txt")).body.toString(), "Hello from a file");
        const part = await ask("/hello.txt", { head: "Range: bytes=6-9\r\n" });
        assert.equal(part.status, 206);
        assert.equal(part.body.toString(), "from");
      });
    },
  );

  test(
    "takes uploads with multer, keeps sessions with cookie-session",
    needsPackages("multer", "cookie-session"),
    async () => {
      const express = await loadPackage<ExpressModule>("express");
      const multer = await loadPackage<() => { single(name: string): Handler }>("multer");
      const cookieSession = await loadPackage<(options: { keys: string[] }) => Handler>("cookie-session");
      const app = express();
      app.post("/upload", multer().single("file"), (request, response) => {
        response.send(`${request.file?.originalname} ${request.file?.buffer.length}`);
      });
      app.get("/count", cookieSession({ keys: ["secret"] }), (request, response) => {
        request.session.count = (request.session.count ?? 0) + 1;
        response.send(String(request.session.count));
      });
      await withContainer(new NodeContainer(app), async ({ ask }) => {
        const body = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${"x".repeat(300_000)}\r\n--b--\r\n`;
        const got = await ask("/upload", {
          method: "POST",
          body,
          head: "Content-Type: multipart/form-data; boundary=b\r\n",
        });
        assert.equal(got.body.toString(), "a.txt 300000");
        const first = await ask("/count");
        assert.equal(first.body.toString(), "1");
        const cookies = first.headers
          .filter(([name]) => name.toLowerCase() === "set-cookie")
          .map(([, value]) => value.split(";")[0]);
        const second = await ask("/count", { head: `Cookie: ${cookies.join("; ")}\r\n` });
        assert.equal(second.body.toString(), "2");
      });
    },
  );

  test("hosts squall in turn, below a path", async () => {
    const express = await loadPackage<ExpressModule>("express");
    class Inner extends RequestHandler {
      override get(name: string): void {
        this.write(`inner ${name}`);
      }
    }
    const app = express();
    app.use("/squall", nodeListener(new Application([["/(.*)", Inner]])) as NodeListener);
    await withContainer(new NodeContainer(app), async ({ ask }) => {
      assert.equal((await ask("/squall/a")).body.toString(), "inner a");
    });
  });
});

test("Koa answers", needsPackages("koa"), async () => {
  interface Koa {
    use(fn: (context: { body: unknown; path: string }) => void): void;
    callback(): NodeListener;
  }
  const app = new (await loadPackage<new () => Koa>("koa"))();
  app.use((context) => {
    context.body = { path: context.path };
  });
  await withContainer(new NodeContainer(app.callback()), async ({ ask }) => {
    assert.deepEqual(JSON.parse((await ask("/a")).body.toString()), { path: "/a" });
  });
});

test("Fastify answers and parses JSON", needsPackages("fastify"), async () => {
  interface Fastify {
    get(path: string, fn: () => unknown): void;
    post(path: string, fn: (request: { body: unknown }) => unknown): void;
    ready(): Promise<void>;
    close(): Promise<void>;
    readonly routing: NodeListener;
  }
  const app = (await loadPackage<() => Fastify>("fastify"))();
  app.get("/", async () => ({ hello: "world" }));
  app.post("/", async (request) => request.body);
  await app.ready();
  await withContainer(new NodeContainer(app.routing), async ({ ask }) => {
    assert.equal((await ask("/")).body.toString(), '{"hello":"world"}');
    const got = await ask("/", { method: "POST", body: "[1,2]", head: "Content-Type: application/json\r\n" });
    assert.equal(got.body.toString(), "[1,2]");
  });
  await app.close();
});

test(
  "Hono and itty-router answer, with JSON, streams and cookies",
  needsPackages("hono", "itty-router"),
  async () => {
    interface Context {
      readonly req: { json(): Promise<unknown>; param(name: string): string };
      text(text: string): Response;
      json(value: unknown): Response;
    }
    interface Hono {
      get(path: string, fn: (context: Context) => Response): void;
      post(path: string, fn: (context: Context) => Promise<Response>): void;
      readonly fetch: FetchApplication;
    }
    const { Hono } = await loadPackage<{ Hono: new () => Hono }>("hono");
    const app = new Hono();
    app.get("/hello/:name", (context) => context.text(`Hello, ${context.req.param("name")}`));
    app.post("/json", async (context) => context.json(await context.req.json()));
    await withContainer(new FetchContainer(app.fetch), async ({ ask }) => {
      assert.equal((await ask("/hello/you")).body.toString(), "Hello, you");
      assert.equal((await ask("/json", { method: "POST", body: '{"a":1}' })).body.toString(), '{"a":1}');
    });
    interface Router {
      get(path: string, fn: (request: { params: { name: string } }) => Response): void;
      readonly fetch: FetchApplication;
    }
    const { AutoRouter } = await loadPackage<{ AutoRouter: () => Router }>("itty-router");
    const router = AutoRouter();
    router.get("/hello/:name", ({ params }) => new Response(`Hello, ${params.name}`));
    await withContainer(
      new FetchContainer((request) => router.fetch(request, { remoteIp: "", protocol: "http" })),
      async ({ ask }) => {
        assert.equal((await ask("/hello/you")).body.toString(), "Hello, you");
      },
    );
  },
);
