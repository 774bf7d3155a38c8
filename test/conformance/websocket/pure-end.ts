/**
 * The end that is tested, made of protocol objects alone: an echo without sockets, in which everything
 * happens at once.
 */
import { WebSocketConnection } from "#room/protocol/websocket/connection";
import { SyncDeflater, SyncInflater } from "#room/protocol/websocket/deflate-codec";
import type { DeflateAgreement } from "#room/protocol/websocket/handshake/permessage-deflate";
import type { TestedEnd } from "./tester.js";

/** The size limit of the suite: the largest message has 16 MiB. */
const MAX_MESSAGE_SIZE = 16 * 1024 * 1024;

/** An echoing end in one role. */
export class PureEnd implements TestedEnd {
  readonly role: "server" | "client";
  readonly connection: WebSocketConnection;
  #received: Buffer[] = [];
  #finish: "ours" | "peers" | undefined;
  #testerHasEnded = false;

  constructor(role: "server" | "client", agreement?: DeflateAgreement) {
    this.role = role;
    const [ours, theirs] =
      role === "server" ? [agreement?.server, agreement?.client] : [agreement?.client, agreement?.server];
    this.connection = new WebSocketConnection(
      role,
      {
        onMessage: (data) =>
          void (typeof data === "string" ? this.connection.text(data) : this.connection.binary(data)),
        onPing() {},
        onPong() {},
        onError() {},
        onClose() {},
      },
      {
        send: (data, encoding) => {
          this.#received.push(typeof data === "string" ? Buffer.from(data, encoding) : Buffer.from(data));
          return true;
        },
        finish: (end) => {
          this.#finish = end;
        },
      },
      {
        maxMessageSize: MAX_MESSAGE_SIZE,
        inflater: theirs && new SyncInflater(theirs),
        deflater: ours && new SyncDeflater(ours),
      },
    );
  }

  write(octets: Buffer): void {
    this.connection.receive(octets);
  }

  wait(): void {}

  received(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  hasEnded(): boolean {
    return this.#finish === "ours" || (this.#finish === "peers" && this.#testerHasEnded);
  }

  end(): void {
    this.#testerHasEnded = true;
    this.connection.transportEnded();
  }

  /** Forgets what was received so far. */
  forget(): void {
    this.#received = [];
  }
}
