/**
 * The raw connections of the vectors of `websocket` once more, with a real handler over a network in memory: what comes
 * of each is what came of it on protocol objects.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application } from "squall/web";
import { WebSocketHandler } from "squall/websocket";
import { parseExtensions } from "#room/protocol/websocket/handshake/extensions";
import {
  acceptOffer,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";
import { RawClient } from "../support/raw-client.js";
import { pass } from "../support/virtual-server.js";
import { answerMessage, RaisedError, selectSubprotocol, type VectorEvent } from "./apps/websocket.js";
import { OWN_VECTORS, readFamily } from "./runner.js";
import {
  exchangePurely,
  HANDSHAKE_FIELDS,
  readFrames,
  type WebSocketExchange,
} from "./websocket-exchange.js";

type Options = Readonly<Record<string, unknown>>;

function handlerFor(options: Options, events: VectorEvent[]): typeof WebSocketHandler {
  return class extends WebSocketHandler {
    override get maxMessageSize() {
      return options.websocket_max_message_size as number | undefined;
    }

    override getCompressionOptions() {
      const { compression } = options;
      if (compression === undefined || compression === null) return undefined;
      const { compression_level: compressionLevel, mem_level: memLevel } = compression as Record<
        string,
        number
      >;
      return { compressionLevel, memLevel };
    }

    override selectSubprotocol(offered: readonly string[]) {
      events.push(["select_subprotocol", offered]);
      return selectSubprotocol(offered);
    }

    override open() {
      events.push(["open", this.selectedSubprotocol ?? null]);
    }

    override onMessage(message: string | Buffer) {
      events.push(["message", message]);
      answerMessage(
        {
          text: (data) => void this.writeMessage(data),
          binary: (data) => void this.writeMessage(data),
          ping: (data) => this.ping(data),
          close: (code, reason) => this.close(code, reason),
        },
        message,
      );
    }

    override onPing(data: Buffer) {
      events.push(["ping", data]);
    }

    override onPong(data: Buffer) {
      events.push(["pong", data]);
    }

    override onClose(code?: number, reason?: string) {
      events.push(["close", code ?? null, reason === undefined || reason === "" ? null : reason]);
    }

    override logException(error: unknown) {
      // What the application raises on purpose needs no log line.
      if (!(error instanceof RaisedError)) super.logException(error);
    }
  };
}

function exchangeOverNetwork(
  request: Buffer,
  pieces: readonly Buffer[],
  options: Options,
): Promise<WebSocketExchange> {
  const events: VectorEvent[] = [];
  let result: WebSocketExchange | undefined;
  return VirtualLoop.run(
    async (loop) => {
      const app = new Application([["/ws", handlerFor(options, events)]], { logFunction() {} });
      const server = await app.listen(0, { address: "127.0.0.1" });
      const client = await RawClient.connect(loop, server.port!);
      client.send(request);
      const { status, headers } = await client.response();
      const fields = Object.fromEntries(
        headers
          .map(([name, value]) => [name.toLowerCase(), value] as const)
          .filter(([name]) => HANDSHAKE_FIELDS.includes(name)),
      );
      for (const piece of pieces) {
        client.send(Buffer.from(piece));
        await pass(loop, 1);
      }
      await pass(loop, 100);
      const offers = parseExtensions(fields["sec-websocket-extensions"] ?? "") ?? [];
      const agreed = acceptOffer(offers, resolveCompressionOptions());
      const told = events.map((event) => [...event] as unknown as VectorEvent);
      result = {
        status,
        fields: status === 101 || status === 426 ? fields : {},
        events: told,
        frames: status === 101 ? readFrames(client.received, agreed?.agreement) : [],
        open: status === 101 ? !client.ended : undefined,
      };
      client.close();
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
      return result;
    },
    { network: new MemoryNetwork() },
  );
}

describe("the raw connections of the vectors, with a real handler", () => {
  const cases = readFamily(OWN_VECTORS, "websocket").cases.filter(({ fn }) => fn === "websocket.connection");

  test("there are some", () => assert.ok(cases.length > 100));

  for (const { id, args, kwargs } of cases) {
    test(id, async () => {
      const [request, pieces] = args as unknown as [Buffer, readonly Buffer[]];
      const wanted = exchangePurely(request, pieces, kwargs);
      const got = await exchangeOverNetwork(request, pieces, kwargs);
      assert.equal(got.status, wanted.status);
      if (wanted.status === 101) assert.deepEqual(got, wanted);
    });
  }
});
