/** Reads a connection with Node's own parser, in its strict setting, over a stream in memory. */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { Duplex } from "node:stream";
import { isForbiddenTrailer } from "#room/protocol/http1/trailers";
import { emptyOutcome, type Outcome, type SeenMessage } from "./outcome.js";

/** One end of a connection that gets what a test says and drops what it is given. */
class Wire extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function kept(trailers: readonly string[]): string[] {
  return trailers.filter((_, i) => !isForbiddenTrailer(trailers[i - (i % 2)]!));
}

function begin(
  message: IncomingMessage,
  start: [string, string],
  outcome: Outcome,
  ends: (() => void)[],
): SeenMessage {
  const seen: SeenMessage = {
    start,
    version: `HTTP/${message.httpVersion}`,
    fields: message.rawHeaders,
    body: "",
    complete: false,
    trailers: [],
    upgrade: false,
  };
  outcome.messages.push(seen);
  message.on("data", (chunk: Buffer) => {
    seen.body += chunk.toString("latin1");
  });
  ends.push(() => {
    seen.complete ||= message.complete;
    seen.trailers = kept(message.rawTrailers);
  });
  message.on("error", () => {});
  return seen;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function feed(
  wire: Wire,
  pieces: readonly Buffer[],
  outcome: Outcome,
  ends: readonly (() => void)[],
  finCame: () => void,
): Promise<void> {
  for (const piece of pieces) {
    if (outcome.refusal !== undefined || wire.destroyed) break;
    wire.push(piece);
  }
  await turn();
  await turn();
  finCame();
  if (!wire.destroyed) wire.push(null);
  await turn();
  await turn();
  for (const end of ends) end();
  wire.destroy();
}

let server: Server | undefined;
const outcomes = new WeakMap<object, { outcome: Outcome; finCame: boolean; ends: (() => void)[] }>();

function nodeServer(): Server {
  if (server !== undefined) return server;
  const made = createServer({ insecureHTTPParser: false, maxHeaderSize: 1 << 20 });
  made.on("request", (request, response) => {
    const record = outcomes.get(request.socket);
    if (record === undefined) return;
    begin(request, [request.method!, request.url!], record.outcome, record.ends);
    response.on("error", () => {});
    request.on("end", () => response.end());
  });
  const other = (event: "checkContinue" | "checkExpectation"): void => {
    made.on(event, (request, response) => made.emit("request", request, response));
  };
  other("checkContinue");
  other("checkExpectation");
  made.on("connect", (request: IncomingMessage, socket: Duplex) => {
    const record = outcomes.get(socket);
    if (record === undefined) return;
    const seen = begin(request, [request.method!, request.url!], record.outcome, record.ends);
    seen.complete = true;
    seen.upgrade = true;
  });
  made.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const record = outcomes.get(socket);
    if (record !== undefined) {
      if (record.finCame) record.outcome.broken ??= error.code ?? error.message;
      else record.outcome.refusal ??= error.code ?? error.message;
    }
  });
  server = made;
  return made;
}

/** What Node's server sees. */
export async function nodeReadsRequests(pieces: readonly Buffer[]): Promise<Outcome> {
  const wire = new Wire();
  const record = { outcome: emptyOutcome(), finCame: false, ends: [] };
  wire.on("error", () => {});
  outcomes.set(wire, record);
  nodeServer().emit("connection", wire);
  await feed(wire, pieces, record.outcome, record.ends, () => {
    record.finCame = true;
  });
  return record.outcome;
}

/** What Node's client sees that has sent one request with `method`. */
export async function nodeReadsResponse(
  method: string,
  pieces: readonly Buffer[],
): Promise<Outcome & { readonly rest: string }> {
  const wire = new Wire();
  const outcome = emptyOutcome();
  const ends: (() => void)[] = [];
  let finCame = false;
  let rest = "";
  const request = httpRequest({
    method,
    path: method === "CONNECT" ? "x:1" : "/",
    host: "x",
    createConnection: () => wire,
    insecureHTTPParser: false,
    maxHeaderSize: 1 << 20,
    headers: { Connection: "keep-alive" },
  });
  const failed = (error: NodeJS.ErrnoException): void => {
    const code = error.code ?? error.message;
    if (finCame) outcome.broken ??= code;
    else outcome.refusal ??= code;
  };
  wire.on("error", () => {});
  request.on("error", failed);
  request.on(
    "information",
    (info: { statusCode: number; statusMessage: string; httpVersion: string; rawHeaders: string[] }) => {
      outcome.messages.push({
        start: [String(info.statusCode), info.statusMessage],
        version: `HTTP/${info.httpVersion}`,
        fields: info.rawHeaders,
        body: "",
        complete: true,
        trailers: [],
        upgrade: false,
      });
    },
  );
  request.on("response", (response) => {
    begin(response, [String(response.statusCode), response.statusMessage ?? ""], outcome, ends);
    response.on("error", failed);
  });
  const another = (response: IncomingMessage, _socket: Duplex, head: Buffer): void => {
    const seen = begin(response, [String(response.statusCode), response.statusMessage ?? ""], outcome, ends);
    seen.upgrade = true;
    seen.complete = true;
    rest = head.toString("latin1");
    wire.on("data", (chunk: Buffer) => {
      rest += chunk.toString("latin1");
    });
  };
  request.on("upgrade", another);
  request.on("connect", another);
  request.end();
  await turn();
  await feed(wire, pieces, outcome, ends, () => {
    finCame = true;
  });
  return { ...outcome, rest };
}
