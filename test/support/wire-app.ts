/**
 * An application for clients that we did not write to talk to: one handler for each thing that the wire has.
 */
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import type { HTTPServer } from "squall/httpserver";
import { Application, HTTPError, RequestHandler, StaticFileHandler } from "squall/web";
import { root } from "./root.js";

const MEBIBYTE = 2 ** 20;

/** What {@link EchoHandler} tells of a request. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly remoteIp: string;
  readonly protocol: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly length: number;
  readonly sha1: string;
  readonly arguments: Readonly<Record<string, readonly string[]>>;
}

class HelloHandler extends RequestHandler {
  override get(): void {
    this.write("Hello, world");
  }
  override head(): void {
    this.get();
  }
}

/** Says what arrived. */
class EchoHandler extends RequestHandler {
  #tell(): void {
    const { method, path, version, remoteIp, protocol, host, body } = this.request;
    const args: Record<string, string[]> = {};
    for (const name of Object.keys(this.request.arguments)) args[name] = this.getArguments(name);
    const echo: Echo = {
      method,
      path,
      version,
      remoteIp,
      protocol,
      host,
      headers: Object.fromEntries(this.request.headers.entries()),
      length: body.length,
      sha1: createHash("sha1").update(body).digest("hex"),
      arguments: args,
    };
    this.write({ ...echo });
  }
  override get(): void {
    this.#tell();
  }
  override post(): void {
    this.#tell();
  }
  override put(): void {
    this.#tell();
  }
}

/** Three pieces, each sent when the one before has left. */
class PiecesHandler extends RequestHandler {
  override async get(): Promise<void> {
    for (const piece of ["one\n", "two\n", "three\n"]) {
      this.write(piece);
      await this.flush();
    }
  }
}

/** `?size=` bytes, in pieces of 64 KiB, as fast as the client reads. */
class LargeHandler extends RequestHandler {
  override async get(): Promise<void> {
    const size = Number(this.getArgument("size"));
    this.setHeader("Content-Type", "application/octet-stream");
    const piece = Buffer.alloc(65_536, "x");
    for (let left = size; left > 0; left -= piece.length) {
      this.write(piece.subarray(0, Math.min(left, piece.length)));
      await this.flush();
    }
  }
}

class NumberedHandler extends RequestHandler {
  override get(n: string): void {
    this.write(n);
  }
}

class StatusHandler extends RequestHandler {
  override get(status: string): void {
    if (Number(status) >= 400) throw new HTTPError(Number(status));
    this.setStatus(Number(status));
  }
}

class AwayHandler extends RequestHandler {
  override get(): void {
    this.redirect("/hello");
  }
}

/** Answers only when the client has gone; tells the test so. */
class WaitHandler extends RequestHandler {
  override async get(): Promise<void> {
    const { left } = this.settings as { left?: (reason: unknown) => void };
    await new Promise<void>((resolve) => {
      this.signal.addEventListener("abort", () => {
        left?.(this.signal.reason);
        resolve();
      });
    });
  }
}

/** The application on a free port of 127.0.0.1; it ends with the test. Bodies may have up to 4 MiB. */
export async function startWireServer(
  context: TestContext,
  { left, xheaders }: { left?: (reason: unknown) => void; xheaders?: boolean } = {},
): Promise<{ base: string; port: number; server: HTTPServer }> {
  const application = new Application(
    [
      ["/hello", HelloHandler],
      ["/echo", EchoHandler],
      ["/pieces", PiecesHandler],
      ["/large", LargeHandler],
      ["/number/([0-9]+)", NumberedHandler],
      ["/status/([0-9]+)", StatusHandler],
      ["/away", AwayHandler],
      ["/wait", WaitHandler],
      ["/docs/(.*)", StaticFileHandler, { path: `${root}docs` }],
    ],
    { left, logFunction: () => {} },
  );
  const server = await application.listen(0, { address: "127.0.0.1", maxBodySize: 4 * MEBIBYTE, xheaders });
  context.after(async () => {
    server.stop();
    await server.closeAllConnections({ timeout: 0 });
  });
  const port = server.port as number;
  return { base: `http://127.0.0.1:${port}`, port, server };
}
