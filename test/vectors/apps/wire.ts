/** The application that the `wire` vectors talk to: the counterpart of the one that Tornado ran. */
import type { ArgumentMap } from "squall/httputil";
import { IOLoop } from "squall/ioloop";
import { Application, HTTPError, RequestHandler, streamRequestBody } from "squall/web";

/** Text as UTF-8 or bytes as they are; `%XX` for `%` and each byte that is not visible ASCII. */
export function esc(value: string | Uint8Array): string {
  let out = "";
  for (const byte of typeof value === "string" ? Buffer.from(value) : value) {
    out +=
      byte < 0x21 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte);
  }
  return out;
}

/** No handler of this application makes an Etag. */
class Plain extends RequestHandler {
  override computeEtag(): string | undefined {
    return undefined;
  }
}

class Echo extends Plain {
  #echo(): void {
    const { request } = this;
    const lines = [
      `method=${esc(request.method)}`,
      `uri=${esc(request.uri)}`,
      `path=${esc(request.path)}`,
      `query=${esc(request.query)}`,
      `version=${esc(request.version)}`,
      `host=${esc(request.host)}`,
      `host_name=${esc(request.hostName)}`,
      `protocol=${esc(request.protocol)}`,
      `remote_ip=${esc(request.remoteIp)}`,
      `full_url=${esc(request.fullUrl())}`,
    ];
    for (const [name, value] of request.headers.getAll()) lines.push(`header:${esc(name)}=${esc(value)}`);
    const list = (kind: string, all: ArgumentMap): void => {
      for (const [name, values] of Object.entries(all)) {
        for (const value of values) lines.push(`${kind}:${esc(name)}=${esc(value)}`);
      }
    };
    list("arg", request.arguments);
    list("query_arg", request.queryArguments);
    list("body_arg", request.bodyArguments);
    for (const [name, files] of Object.entries(request.files)) {
      for (const file of files) {
        lines.push(`file:${esc(name)}=${esc(file.filename)};${esc(file.contentType)};${esc(file.body)}`);
      }
    }
    for (const [name, value] of Object.entries(request.cookies))
      lines.push(`cookie:${esc(name)}=${esc(value)}`);
    lines.push(`body=${esc(request.body)}`);
    this.setHeader("Content-Type", "text/plain; charset=UTF-8");
    this.write(`${lines.join("\n")}\n`);
  }

  override get(): void {
    this.#echo();
  }
  override head(): void {
    this.#echo();
  }
  override post(): void {
    this.#echo();
  }
  override delete(): void {
    this.#echo();
  }
  override patch(): void {
    this.#echo();
  }
  override put(): void {
    this.#echo();
  }
  override options(): void {
    this.#echo();
  }
}

class Hello extends Plain {
  override get(): void {
    this.write("hello");
  }
  override post(): void {
    this.write("hello");
  }
}

class Chunked extends Plain {
  async #chunks(): Promise<void> {
    this.write("hello ");
    await this.flush();
    this.write("world");
    await this.flush();
    this.write("!");
  }
  override get(): Promise<void> {
    return this.#chunks();
  }
  override head(): Promise<void> {
    return this.#chunks();
  }
  override post(): Promise<void> {
    return this.#chunks();
  }
}

class Status extends Plain {
  override get(code: string): void {
    this.setStatus(Number(code));
  }
  override head(code: string): void {
    this.setStatus(Number(code));
  }
}

class Length extends Plain {
  async #length(): Promise<void> {
    this.setHeader("Content-Length", "10");
    this.write("01234");
    await this.flush();
    this.write("56789");
  }
  override get(): Promise<void> {
    return this.#length();
  }
  override head(): Promise<void> {
    return this.#length();
  }
}

class WrongLength extends Plain {
  declare length: string;
  override initialize({ length }: { length: string }): void {
    this.length = length;
  }
  override get(): void {
    this.setHeader("Content-Length", this.length);
    this.write("01234");
  }
}

class ConnClose extends Plain {
  override get(): void {
    this.setHeader("Connection", "close");
    this.write("bye");
  }
}

@streamRequestBody
class Early extends Plain {
  override prepare(): void {
    this.finish("early");
  }
  override post(): void {}
  override dataReceived(): void {}
}

@streamRequestBody
class Stream extends Plain {
  #received: Buffer[] = [];
  override dataReceived(chunk: Buffer): void {
    this.#received.push(chunk);
  }
  #answer(): void {
    this.setHeader("Content-Type", "text/plain; charset=UTF-8");
    this.write(`body=${esc(Buffer.concat(this.#received))}\n`);
  }
  override get(): void {
    this.#answer();
  }
  override post(): void {
    this.#answer();
  }
  override put(): void {
    this.#answer();
  }
}

class Sleep extends Plain {
  override async get(): Promise<void> {
    await new Promise<void>((resolve) => IOLoop.current().callLater(20, resolve));
    this.write("slept");
  }
}

class Raise extends Plain {
  override get(): void {
    throw new Error("raised on purpose");
  }
}

class RaiseAfterFlush extends Plain {
  override async get(): Promise<void> {
    this.write("partial");
    await this.flush();
    throw new Error("raised on purpose, after a flush");
  }
}

class Fails extends Plain {
  override get(code: string): void {
    throw new HTTPError(Number(code));
  }
}

const HEADER_VALUES: Readonly<Record<string, string>> = {
  newline: "a\nb",
  latin1: "\xe9",
  snowman: "\u2603",
  tab: "a\tb",
  nul: "a\x00b",
};

class SetHeader extends Plain {
  override get(name: string): void {
    this.setHeader("X-Test", HEADER_VALUES[name]!);
    this.write("header set");
  }
}

/** A fresh application. */
export function wireApplication(): Application {
  return new Application([
    ["/echo.*", Echo],
    ["\\*", Echo],
    ["http://.*", Echo],
    ["/hello", Hello],
    ["/chunked", Chunked],
    ["/status/(\\d+)", Status],
    ["/length", Length],
    ["/short", WrongLength, { length: "10" }],
    ["/long", WrongLength, { length: "3" }],
    ["/connclose", ConnClose],
    ["/early", Early],
    ["/stream", Stream],
    ["/sleep", Sleep],
    ["/raise", Raise],
    ["/raise_after_flush", RaiseAfterFlush],
    ["/error/(\\d+)", Fails],
    ["/header/(\\w+)", SetHeader],
  ]);
}
