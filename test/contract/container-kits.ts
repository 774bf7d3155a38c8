/** The containers and adapters that the contract is asked of, and the application of the contract in four worlds. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { connect as connectHTTP2, createServer as createHTTP2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FetchContainer, fetchHandler } from "squall/fetch";
import { HTTPServer } from "squall/httpserver";
import { NodeContainer, nodeListener } from "squall/node";
import { ProxyHandler, ReverseProxy } from "squall/proxy";
import { Application, RequestHandler } from "squall/web";
import { WSGIAdapter, WSGIContainer } from "squall/wsgi";
import type { HTTPServerConnectionDelegate } from "#room/http/delegates";
import { needs } from "../support/programs.js";
import { applications } from "../support/wsgi-server.js";
import type { ContainerKit } from "./container-contract.js";

const PIECE = "x".repeat(50_000);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// --- (req, res) ------------------------------------------------------------------------------------------------------

function nodeApplication(onLeft: () => void) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    switch (request.url?.split("?")[0]) {
      case "/hello":
        response.setHeader("Content-Type", "text/plain");
        response.end("Hello");
        break;
      case "/echo":
        for await (const piece of request) if (!response.write(piece)) await once(response, "drain");
        response.end();
        break;
      case "/request": {
        const { host, "x-test": value } = request.headers;
        response.end(JSON.stringify({ method: request.method, path: request.url, host, test: value }));
        break;
      }
      case "/cookies":
        response.setHeader("Set-Cookie", ["a=1", "b=2"]).end();
        break;
      case "/204":
        response.writeHead(204).end();
        break;
      case "/304":
        response.writeHead(304, { ETag: '"1"' }).end();
        break;
      case "/205":
        response.writeHead(205).end();
        break;
      case "/303":
        response.writeHead(303, { Location: "/hello?a=%20" }).end();
        break;
      case "/418":
        response.writeHead(418).end("tea");
        break;
      case "/stream":
        for (const piece of ["one", "two", "three"]) {
          response.write(piece);
          await turn();
        }
        response.end();
        break;
      case "/big":
        for (let i = 0; i < 40; i++) if (!response.write(PIECE)) await once(response, "drain");
        response.end();
        break;
      case "/split":
        try {
          response.setHeader("X-Bad", "a\r\nX-Injected: b");
          response.end("taken");
        } catch {
          response.end("refused");
        }
        break;
      case "/early":
        response.writeHead(413).end("too much");
        break;
      case "/break":
        response.write("half");
        await turn();
        throw new Error("boom");
      case "/wait":
        response.on("close", onLeft);
        break;
      default:
        throw new Error("boom");
    }
  };
}

// --- Request → Response ------------------------------------------------------------------------------------------------

function streamOf(pieces: readonly string[], fault?: Error): ReadableStream<Uint8Array> {
  const left = pieces.values();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      await turn();
      const { value, done } = left.next();
      if (done !== true) controller.enqueue(Buffer.from(value));
      else if (fault !== undefined) controller.error(fault);
      else controller.close();
    },
  });
}

function fetchApplication(onLeft: () => void) {
  return async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/hello":
        return new Response("Hello", { headers: { "Content-Type": "text/plain" } });
      case "/echo":
        return new Response(request.body);
      case "/request":
        return Response.json({
          method: request.method,
          path: url.pathname + url.search,
          host: request.headers.get("Host"),
          test: request.headers.get("X-Test"),
        });
      case "/cookies":
        return new Response(null, {
          headers: [
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
          ],
        });
      case "/204":
        return new Response(null, { status: 204 });
      case "/304":
        return new Response(null, { status: 304, headers: { ETag: '"1"' } });
      case "/205":
        return new Response(null, { status: 205 });
      case "/303":
        return new Response(null, { status: 303, headers: { Location: "/hello?a=%20" } });
      case "/418":
        return new Response("tea", { status: 418 });
      case "/stream":
        return new Response(streamOf(["one", "two", "three"]));
      case "/big":
        return new Response(streamOf(Array.from({ length: 40 }, () => PIECE)));
      case "/split":
        try {
          return new Response("taken", { headers: { "X-Bad": "a\r\nX-Injected: b" } });
        } catch {
          return new Response("refused");
        }
      case "/early":
        return new Response("too much", { status: 413 });
      case "/break":
        return new Response(streamOf(["half"], new Error("boom")));
      case "/wait":
        request.signal.addEventListener("abort", onLeft);
        return new Promise<Response>(() => {});
      default:
        throw new Error("boom");
    }
  };
}

// --- squall ----------------------------------------------------------------------------------------------------------

/** The application of the contract in squall's own terms. */
export function squallApplication(onLeft: () => void): Application {
  class Hello extends RequestHandler {
    override get(): void {
      this.setHeader("Content-Type", "text/plain");
      this.finish("Hello");
    }

    override head(): void {
      this.get();
    }
  }
  class Echo extends RequestHandler {
    override post(): void {
      this.finish(this.request.body);
    }
  }
  class Asked extends RequestHandler {
    #answer(): void {
      const { method, uri, host, headers } = this.request;
      this.finish({ method, path: uri, host, test: headers.get("X-Test") });
    }

    override get(): void {
      this.#answer();
    }

    override put(): void {
      this.#answer();
    }

    override delete(): void {
      this.#answer();
    }

    override options(): void {
      this.#answer();
    }
  }
  class Cookies extends RequestHandler {
    override get(): void {
      this.addHeader("Set-Cookie", "a=1");
      this.addHeader("Set-Cookie", "b=2");
    }
  }
  class Status extends RequestHandler {
    override get(status: string): void {
      this.setStatus(Number(status));
      if (status === "304") this.setHeader("ETag", '"1"');
      if (status === "303") this.redirect("/hello?a=%20", { status: 303 });
      if (status === "418") this.write("tea");
    }
  }
  class Stream extends RequestHandler {
    override async get(): Promise<void> {
      for (const piece of ["one", "two", "three"]) {
        this.write(piece);
        await this.flush();
        await turn();
      }
    }
  }
  class Big extends RequestHandler {
    override async get(): Promise<void> {
      for (let i = 0; i < 40; i++) {
        this.write(PIECE);
        await this.flush();
      }
    }
  }
  class Split extends RequestHandler {
    override get(): void {
      try {
        this.setHeader("X-Bad", "a\r\nX-Injected: b");
        this.write("taken");
      } catch {
        this.write("refused");
      }
    }
  }
  class Early extends RequestHandler {
    static override readonly streamRequestBody: boolean = true;

    override prepare(): void {
      this.setStatus(413);
      this.finish("too much");
    }
  }
  class Broken extends RequestHandler {
    override async get(): Promise<void> {
      this.write("half");
      await this.flush();
      await turn();
      throw new Error("boom");
    }
  }
  class Wait extends RequestHandler {
    override get(): Promise<void> {
      return new Promise(() => {});
    }

    override onConnectionClose(): void {
      onLeft();
    }
  }
  class Throw extends RequestHandler {
    override get(): void {
      throw new Error("boom");
    }
  }
  return new Application([
    ["/hello", Hello],
    ["/echo", Echo],
    ["/request", Asked],
    ["/cookies", Cookies],
    ["/(204|205|303|304|418)", Status],
    ["/stream", Stream],
    ["/big", Big],
    ["/split", Split],
    ["/early", Early],
    ["/break", Broken],
    ["/wait", Wait],
    ["/throw", Throw],
  ]);
}

// --- servers ---------------------------------------------------------------------------------------------------------

function ours(
  name: string,
  makeApplication: (onLeft: () => void) => HTTPServerConnectionDelegate,
): ContainerKit {
  return {
    name,
    async start(onLeft) {
      const server = new HTTPServer(makeApplication(onLeft));
      await server.listen(0, "127.0.0.1");
      return {
        port: server.port!,
        async stop() {
          await server.stop();
          await server.closeAllConnections({ timeout: 0 });
        },
      };
    },
  };
}

function nodes(name: string, makeListener: (onLeft: () => void) => RequestListener): ContainerKit {
  return {
    name,
    behindNode: true,
    async start(onLeft) {
      const server = createServer(makeListener(onLeft)).listen(0, "127.0.0.1");
      await once(server, "listening");
      return {
        port: (server.address() as AddressInfo).port,
        async stop() {
          server.closeAllConnections();
          server.close();
          await once(server, "close");
        },
      };
    },
  };
}

/** The application of the contract in Python; `start` says what it needs besides and how that is stopped. */
function pythons(
  name: string,
  callable: string,
  start: (
    onLeft: () => void,
    folder: string,
  ) => Promise<{ env: Record<string, string>; stop(): Promise<void> }>,
): ContainerKit {
  return {
    name,
    needs: needs("python3"),
    waitsBlindly: true,
    async start(onLeft) {
      const folder = mkdtempSync(join(tmpdir(), "squall-contract-"));
      const behind = await start(onLeft, folder);
      const container = new WSGIContainer(`contract:${callable}`, {
        cwd: applications,
        workers: 1,
        env: { PYTHONDONTWRITEBYTECODE: "1", ...behind.env },
      });
      const server = new HTTPServer(container);
      await container.start();
      await server.listen(0, "127.0.0.1");
      return {
        port: server.port!,
        async stop() {
          await server.stop();
          await server.closeAllConnections({ timeout: 0 });
          await container.stop({ timeout: 0 });
          await behind.stop();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

/** Node's HTTP/2 server, and HTTP/1 in front of it, so that the same questions reach it. */
const overHTTP2: ContainerKit = {
  name: "nodeListener() under node:http2",
  behindNode: true,
  async start(onLeft) {
    const server = createHTTP2Server(nodeListener(squallApplication(onLeft)) as never).listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = connectHTTP2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const front = createServer((request, response) => {
      const { host, connection: _, "transfer-encoding": coding, ...fields } = request.headers;
      const hasBody = coding !== undefined || Number(fields["content-length"] ?? 0) > 0;
      const head = { ":method": request.method, ":path": request.url, ":authority": host, ...fields };
      const stream = session.request(head, { endStream: !hasBody });
      if (hasBody) request.pipe(stream);
      stream.on("response", (answer) => {
        const names = Object.keys(answer).filter((name) => !name.startsWith(":"));
        response.writeHead(
          Number(answer[":status"]),
          Object.fromEntries(names.map((name) => [name, answer[name] as string])),
        );
        response.flushHeaders();
        stream.pipe(response);
      });
      stream.on("error", () => response.destroy());
      response.on("close", () => stream.close(response.writableFinished ? NO_ERROR : CANCEL));
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    return {
      port: (front.address() as AddressInfo).port,
      async stop() {
        front.closeAllConnections();
        front.close();
        session.destroy();
        server.close();
        await once(server, "close");
      },
    };
  },
};

/** RFC 9113 section 7. */
const NO_ERROR = 0;
const CANCEL = 8;

/** A proxy, and the measure behind it; `make` gives what stands in front, and how it is closed. */
function proxied(
  name: string,
  make: (upstream: string) => { readonly front: HTTPServerConnectionDelegate; close?(): void },
): ContainerKit {
  return {
    name,
    joinsPieces: true,
    async start(onLeft) {
      const upstream = await ours("upstream", squallApplication).start(onLeft);
      const proxy = make(`http://127.0.0.1:${upstream.port}`);
      const front = await ours("proxy", () => proxy.front).start(() => {});
      return {
        port: front.port,
        async stop() {
          await front.stop();
          proxy.close?.();
          await upstream.stop();
        },
      };
    },
  };
}

/** Every way in and out, and squall itself as the measure. */
export const CONTAINERS: readonly ContainerKit[] = [
  ours("HTTPServer with an Application", squallApplication),
  ours("NodeContainer", (onLeft) => new NodeContainer(nodeApplication(onLeft))),
  ours("FetchContainer", (onLeft) => new FetchContainer(fetchApplication(onLeft))),
  nodes("nodeListener() under node:http", (onLeft) => nodeListener(squallApplication(onLeft))),
  overHTTP2,
  ours(
    "fetchHandler(), in a FetchContainer",
    (onLeft) => new FetchContainer(fetchHandler(squallApplication(onLeft))),
  ),
  ours(
    "nodeListener(), in a NodeContainer",
    (onLeft) => new NodeContainer(nodeListener(squallApplication(onLeft))),
  ),
  pythons("WSGIContainer", "application", async () => ({ env: {}, stop: async () => {} })),
  pythons("WSGIAdapter, in a WSGIContainer", "adapter", async (onLeft, folder) => {
    const adapter = new WSGIAdapter(squallApplication(onLeft));
    const path = join(folder, "socket");
    await adapter.listen(path);
    return { env: { SQUALL_SOCKET: path }, stop: () => adapter.stop({ timeout: 0 }) };
  }),
  proxied("ReverseProxy, before an Application", (upstream) => {
    const proxy = new ReverseProxy({ upstream, preserveHost: true });
    return { front: proxy, close: () => proxy.close() };
  }),
  proxied("ProxyHandler, before an Application", (upstream) => ({
    front: new Application([["/.*", ProxyHandler, { upstream, preserveHost: true }]]),
  })),
];
