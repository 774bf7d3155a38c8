/** A squall application behind a WSGI server, started by `squall_wsgi.adapter`. */
import { HTTPHeaders } from "squall/httputil";
import { StreamClosedError } from "squall/iostream";
import { Application, RequestHandler } from "squall/web";
import { WSGIAdapter } from "squall/wsgi";

class Tell extends RequestHandler {
  #tell(): void {
    const { request } = this;
    this.write({
      method: request.method,
      uri: request.uri,
      remoteIp: request.remoteIp,
      protocol: request.protocol,
      host: request.host,
      headers: Object.fromEntries(request.headers.entries()),
      body: request.body.toString("latin1").slice(0, 100),
      length: request.body.length,
      pid: process.pid,
    });
  }

  override get(): void {
    this.#tell();
  }

  override head(): void {
    this.#tell();
  }

  override post(): void {
    this.#tell();
  }

  override put(): void {
    this.#tell();
  }

  override delete(): void {
    this.#tell();
  }
}

/** Sends back what comes as it comes. */
class Echo extends RequestHandler {
  static override readonly streamRequestBody = true;

  override async dataReceived(chunk: Buffer): Promise<void> {
    this.write(chunk);
    await this.flush();
  }

  override post(): void {
    this.finish();
  }
}

class Stream extends RequestHandler {
  override async get(): Promise<void> {
    this.setHeader("Connection", "X-Private");
    this.setHeader("X-Private", "for squall's neighbour alone");
    this.addHeader("Set-Cookie", "a=1");
    this.addHeader("Set-Cookie", "b=2");
    for (const piece of ["one ", "two ", "three"]) {
      this.write(piece);
      await this.flush();
    }
  }
}

class Broken extends RequestHandler {
  override async get(): Promise<void> {
    this.write("some");
    await this.flush();
    this.request.connection?.close();
  }
}

class Empty extends RequestHandler {
  override get(): void {
    this.setStatus(204);
  }
}

class Hints extends RequestHandler {
  override get(): void {
    const fields = new HTTPHeaders({ Link: "</a>" });
    this.request.connection?.informational({ version: "HTTP/1.1", code: 103, reason: "Early Hints" }, fields);
    this.write("after hints");
  }
}

let left = 0;

/** Writes until its client has left. */
class Endless extends RequestHandler {
  override async get(): Promise<void> {
    const block = Buffer.alloc(65_536, "x");
    try {
      while (!this.signal.aborted) {
        this.write(block);
        await this.flush();
        // A reader that keeps pace always leaves room: without a turn of the loop its end would never be seen.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      if (!(error instanceof StreamClosedError)) throw error;
    }
    left++;
  }
}

class Left extends RequestHandler {
  override get(): void {
    this.write(String(left));
  }
}

class Exit extends RequestHandler {
  override get(): void {
    process.exit(1);
  }
}

class Early extends RequestHandler {
  static override readonly streamRequestBody = true;

  override prepare(): void {
    this.setStatus(413);
    this.finish("too much");
  }
}

const application = new Application([
  ["/echo", Echo],
  ["/stream", Stream],
  ["/broken", Broken],
  ["/empty", Empty],
  ["/hints", Hints],
  ["/endless", Endless],
  ["/left", Left],
  ["/exit", Exit],
  ["/early", Early],
  [".*", Tell],
]);

await new WSGIAdapter(application).listen(process.argv[2]);
