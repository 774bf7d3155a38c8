/** How a case of `wire-client` runs: a client and two scripted servers on the memory network, in virtual time. */
import { SimpleAsyncHTTPClient } from "squall/httpclient";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { NetworkSocket } from "#room/async/network";
import { VectorHeaders } from "./values.js";

/** What a fetch came to, in the shape of the vectors. */
export interface ClientOutcome {
  readonly response?: {
    readonly code: number;
    readonly reason: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: Buffer;
    readonly effectiveUrl: string;
    readonly error: string | undefined;
  };
  readonly error?: Error;
  /** What each server was sent, one connection after the other. */
  readonly requests: readonly (readonly [server: string, request: string])[];
  readonly headerLines?: readonly string[];
  readonly streamed?: string;
}

type Given = Readonly<Record<string, unknown>>;

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Tornado's options in ours: names in camelCase, seconds in milliseconds. */
function optionsOf(given: Given): Record<string, unknown> {
  const options: Record<string, unknown> = { requestTimeout: 2000 };
  for (const [name, value] of Object.entries(given)) {
    const ours = camel(name);
    if (/Timeout$|Since$/.test(ours)) options[ours] = Number(value) * 1000;
    else if (value instanceof VectorHeaders) options[ours] = value.toHeaders();
    else options[ours] = value;
  }
  const { bodyProducer } = options;
  if (Array.isArray(bodyProducer)) {
    options.bodyProducer = async (write: (chunk: string | Buffer) => Promise<void>) => {
      for (const chunk of bodyProducer as (string | Buffer)[]) await write(chunk);
    };
  }
  return options;
}

/** The whole request at the front, if it is there; a request that waits for 100 (Continue) has its body elsewhere. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = text.slice(0, end);
  if (/^transfer-encoding: *chunked/im.test(head)) return text.endsWith("0\r\n\r\n");
  const length = /^expect:/im.test(head) ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length >= end + 4 + length;
}

/** Runs a case. */
export function fetchInMemory(
  request: Given,
  responses: readonly Buffer[],
  kwargs: Given,
): Promise<ClientOutcome> {
  const network = new MemoryNetwork();
  return VirtualLoop.run(
    async (loop) => {
      const requests: [string, string][] = [];
      const servers: { close(): unknown }[] = [];
      const ports: Record<string, number> = {};
      const sockets: NetworkSocket[] = [];
      const named = (text: string): string =>
        text.replace(/ORIGIN|OTHER/g, (name) => `127.0.0.1:${ports[name]}`);
      const unnamed = (text: string): string =>
        text.replace(/127\.0\.0\.1:(\d+)/g, (whole, port) =>
          String(Object.keys(ports).find((name) => ports[name] === Number(port)) ?? whole),
        );
      let connections = 0;
      for (const name of ["ORIGIN", "OTHER"]) {
        const server = await network.listen({ host: "127.0.0.1", port: 0 });
        servers.push(server);
        ports[name] = (server.address as { port: number }).port;
        server.accept(
          (socket) => {
            sockets.push(socket);
            const answer = named((responses[connections++] ?? Buffer.alloc(0)).toString("latin1"));
            const entry: [string, string] = [name, ""];
            requests.push(entry);
            let isAnswered = false;
            socket.on("data", (chunk: Buffer) => {
              entry[1] += chunk.toString("latin1");
              if (isAnswered || !isWhole(entry[1])) return;
              isAnswered = true;
              socket.write(Buffer.from(answer, "latin1"));
              if (kwargs.keep_open !== true) socket.end();
            });
            socket.on("end", () => socket.end());
            socket.on("error", () => {});
          },
          () => {},
        );
      }
      const client = new SimpleAsyncHTTPClient({
        forceInstance: true,
        keepAlive: false,
        ...Object.fromEntries(
          Object.entries((kwargs.client ?? {}) as Given).map(([name, value]) => [camel(name), value]),
        ),
      });
      const { url, headerCallback, streamingCallback, ...options } = optionsOf(request);
      const lines: string[] = [];
      const pieces: Buffer[] = [];
      if (headerCallback === true) options.headerCallback = (line: string) => void lines.push(line);
      if (streamingCallback === true) options.streamingCallback = (chunk: Buffer) => void pieces.push(chunk);
      const end = {
        requests: (): ClientOutcome["requests"] => requests.map(([name, text]) => [name, unnamed(text)]),
      };
      try {
        const response = await client.fetch(named(String(url)), { ...options, raiseError: false });
        const { code, reason, headers, body } = response;
        return {
          response: {
            code,
            reason,
            headers: [...headers.getAll()].map(([name, value]) => [name, unnamed(value)] as const),
            body,
            effectiveUrl: unnamed(response.effectiveUrl),
            error: response.error === undefined ? undefined : String(response.error),
          },
          requests: end.requests(),
          ...(headerCallback === true ? { headerLines: lines } : {}),
          ...(streamingCallback === true ? { streamed: Buffer.concat(pieces).toString("latin1") } : {}),
        };
      } catch (error) {
        return { error: error as Error, requests: end.requests() };
      } finally {
        client.close();
        for (const socket of sockets) socket.destroy();
        for (const server of servers) await server.close();
        void loop;
      }
    },
    { network },
  );
}

/** What is compared of a request: its start line, its fields in any order, its body. */
export function requestParts(text: string): { start: string; fields: string[]; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines
    .map((line) => line.replace(/^([^:]+):/, (name) => name.toLowerCase()))
    .map((line) => line.replace(/^user-agent: squall\/.*/, "user-agent: <UA>"))
    .map((line) => line.replace(/^accept-encoding: gzip(?:, deflate, br)?$/, "accept-encoding: <codings>"))
    .toSorted();
  return { start, fields, body: text.slice(end + 4) };
}
