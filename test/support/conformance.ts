/**
 * Whole servers under hostile input: what every such test asks besides its own question. Nothing is logged with a stack
 * that the test did not expect, nobody else is hurt, and nothing is left over.
 */
import assert from "node:assert/strict";
import { HTTPServer, type HTTPServerCallback, type HTTPServerOptions } from "squall/httpserver";
import type { HTTPServerRequest } from "squall/httputil";
import { IOLoop } from "squall/ioloop";
import { accessLog, LogHandler, type LogRecord, rootLogger } from "squall/log";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { field, RawClient, type RawResponse } from "./raw-client.js";
import { answer } from "./virtual-server.js";
import "./guard.js";

// The status of what is refused on purpose is a warning in the access log; it is no news here.
accessLog.setLevel("critical");

/** What a test gets. */
export interface Attacked {
  readonly loop: IOLoop;
  readonly server: HTTPServer;
  readonly network: MemoryNetwork | undefined;
  /** Everything that was logged since the server listens, from INFO on. */
  readonly log: readonly LogRecord[];
  /** Opens a connection. */
  connect(): Promise<RawClient>;
}

class Recorder extends LogHandler {
  readonly records: LogRecord[] = [];
  override emit(record: LogRecord): void {
    this.records.push(record);
  }
}

/** Runs `test` with a server in virtual time on a network in memory; afterwards nothing may be left of it. */
export function attacked(
  callback: HTTPServerCallback,
  options: HTTPServerOptions,
  test: (context: Attacked) => Promise<void>,
): Promise<void> {
  const network = new MemoryNetwork();
  return VirtualLoop.run(
    async (loop) => {
      await withServer(loop, network, callback, options, test);
      assert.equal(network.openSockets, 0, "sockets are left over");
    },
    { network },
  );
}

/** The same on the sockets of the operating system and in real time. */
export async function attackedForReal(
  callback: HTTPServerCallback,
  options: HTTPServerOptions,
  test: (context: Attacked) => Promise<void>,
): Promise<void> {
  await withServer(IOLoop.current(), undefined, callback, options, test);
}

async function withServer(
  loop: IOLoop,
  network: MemoryNetwork | undefined,
  callback: HTTPServerCallback,
  options: HTTPServerOptions,
  test: (context: Attacked) => Promise<void>,
): Promise<void> {
  const recorder = new Recorder();
  const levelBefore = rootLogger.level;
  const server = new HTTPServer(callback, options);
  await server.listen(0, "127.0.0.1");
  rootLogger.addHandler(recorder);
  rootLogger.setLevel("info");
  const clients = new Set<RawClient>();
  try {
    await test({
      loop,
      server,
      network,
      log: recorder.records,
      async connect() {
        const client = await RawClient.connect(loop, server.port!);
        clients.add(client);
        void client.whenClosed().then(() => clients.delete(client));
        return client;
      },
    });
  } finally {
    await server.stop();
    for (const client of clients) client.close();
    await Promise.all([...clients].map((client) => client.whenClosed()));
    await server.closeAllConnections({ timeout: 5000 });
    rootLogger.removeHandler(recorder);
    rootLogger.setLevel(levelBefore);
  }
  assert.equal(server.connections, 0, "connections are left over");
  const stacks = recorder.records.filter((record) => record.error !== undefined);
  assert.deepEqual(
    stacks.map((record) => record.getMessage()),
    [],
    "logged with a stack",
  );
}

/** Answers with method, target and body, and keeps a list of what it was asked. */
export function echo(): { readonly asked: string[]; readonly app: HTTPServerCallback } {
  const asked: string[] = [];
  return {
    asked,
    app: (request: HTTPServerRequest) => {
      asked.push(`${request.method} ${request.uri}`);
      answer(request, `${request.method} ${request.path} ${request.body}`);
    },
  };
}

/** A request without body. */
export function get(path = "/", fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

/**
 * Sends `input` on a connection of its own, with another request right behind it, and asks that one refusal comes back,
 * whole and readable, and then the end; that the application saw nothing, and that the next connection is served.
 */
export async function assertRefused(
  context: Attacked,
  asked: string[],
  input: string,
  status: number,
): Promise<void> {
  const shown = JSON.stringify(input.length > 120 ? `${input.slice(0, 120)}…` : input);
  const before = asked.length;
  const client = await context.connect();
  client.send(`${input}${get("/smuggled")}`);
  let response: RawResponse;
  try {
    response = await client.response();
  } catch (error) {
    throw new Error(`${shown}: no answer (${(error as Error).message})`);
  }
  assert.equal(response.status, status, shown);
  assert.equal(field(response, "Connection"), "close", shown);
  assert.equal(response.truncated, false, shown);
  assert.equal(await client.rest(), "", `${shown}: something came behind the refusal`);
  assert.equal(client.error, undefined, shown);
  client.close();
  assert.deepEqual(asked.slice(before), [], shown);
  await assertServes(context);
  asked.length = before;
}

/** The next connection is served. */
export async function assertServes(context: Attacked): Promise<void> {
  const client = await context.connect();
  client.send(get("/still-there"));
  assert.equal((await client.response()).status, 200);
  client.close();
}
