/** The kinds of streams that squall has, as the tests that are asked of every kind meet them. */
import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IOLoop } from "squall/ioloop";
import { IOStream, PipeIOStream, SSLIOStream, type StreamOptions } from "squall/iostream";
import { bindSockets } from "squall/netutil";
import { MemoryNetwork } from "#room/testing/memory-network";
import { caCerts, certificate } from "../support/certs.js";
import type { StreamKit, StreamPair } from "./stream-contract.js";

/** Streams over sockets of the system, or of the network of the loop. */
function socketKit(name: string, loop: () => IOLoop, tls: boolean): StreamKit {
  return {
    name,
    abilities: ["duplex", "halfClose", "reset", "backPressure"],
    async open(nearOptions: StreamOptions = {}, farOptions: StreamOptions = {}): Promise<StreamPair> {
      const ioLoop = loop();
      const [listening] = await bindSockets(0, { address: "127.0.0.1", ioLoop });
      const far = new Promise<IOStream>((resolve) => {
        listening!.accept(
          (socket) => {
            if (!tls) return resolve(new IOStream(socket, { ioLoop, ...farOptions }));
            const stream = new SSLIOStream(socket, {
              ioLoop,
              ...farOptions,
              serverSide: true,
              sslOptions: certificate("server"),
            });
            resolve(stream);
          },
          () => {},
        );
      });
      const options = { ioLoop, ...nearOptions };
      const near = tls
        ? new SSLIOStream(undefined, { ...options, sslOptions: { caCerts } })
        : new IOStream(undefined, options);
      const address = listening!.address as { host: string; port: number };
      await near.connect({ host: address.host, port: address.port }, { serverHostname: "localhost" });
      const accepted = await far;
      if (accepted instanceof SSLIOStream) await accepted.waitForHandshake();
      await listening!.close();
      return { near, far: accepted };
    },
  };
}

function memoryLoop(options: ConstructorParameters<typeof MemoryNetwork>[0]): () => IOLoop {
  return () => new IOLoop({ makeCurrent: false, network: new MemoryNetwork(options) });
}

/** Streams over a named pipe, which goes one way. */
const pipeKit: StreamKit = {
  name: "pipe",
  abilities: ["backPressure"],
  async open(near?: StreamOptions, far?: StreamOptions): Promise<StreamPair> {
    const folder = mkdtempSync(join(tmpdir(), "squall-"));
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    // The reading end first, and without waiting: the writing end can only be opened then.
    const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(path, constants.O_WRONLY);
    rmSync(folder, { recursive: true });
    return { near: new PipeIOStream(writing, near), far: new PipeIOStream(reading, far) };
  },
};

/** By which methods a sink gets a short message, the same in a moment, and then 300,000 bytes. */
export async function waysOf(kit: StreamKit): Promise<string[]> {
  const { near, far } = await kit.open();
  const ways = new Set<string>();
  let received = 0;
  let wake = (): void => {};
  const take = (way: string) => (chunk: Buffer) => {
    ways.add(way);
    received += chunk.length;
    wake();
  };
  far.consume({ onData: take("onData"), onLent: take("onLent"), onFin() {}, onDrain() {}, onClose() {} });
  for (const size of [5, 5, 300_000]) {
    const due = received + size;
    void near.write(Buffer.alloc(size));
    while (received < due) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  near.close();
  far.close();
  await Promise.all([near.whenClosed(), far.whenClosed()]);
  return [...ways];
}

/** Every kind. */
export const streamKits: readonly StreamKit[] = [
  socketKit("TCP", () => IOLoop.current(), false),
  socketKit("TLS", () => IOLoop.current(), true),
  socketKit("memory", memoryLoop({}), false),
  socketKit("memory, small pieces", memoryLoop({ chunkSize: 997 }), false),
  socketKit("memory + TLS", memoryLoop({}), true),
  pipeKit,
];
