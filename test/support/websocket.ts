/** Both sides of a `WebSocketConnection` that write down what happens, for tests without sockets. */
import { WebSocketConnection, type WebSocketConnectionOptions } from "#room/protocol/websocket/connection";
import type { WebSocketProtocolError } from "#room/protocol/websocket/errors";
import type { WebSocketRole } from "#room/protocol/websocket/opcodes";

/** What the visitor was told; text as it is, bytes in hexadecimal digits. */
export type Told =
  | readonly ["text" | "binary" | "ping" | "pong", string]
  | readonly ["error", string]
  | readonly ["close", number, string]
  | readonly ["finish", string];

/** A connection, what its visitor was told, and what it has sent. */
export class RecordedConnection {
  readonly told: Told[] = [];
  readonly connection: WebSocketConnection;
  readonly errors: WebSocketProtocolError[] = [];
  /** The bytes that the visitor got, as they are now. */
  readonly kept: Buffer[] = [];
  /** How often the output was written to. */
  writes = 0;
  /** What `send` answers. */
  hasRoom = true;
  /** Runs inside each call of the visitor. */
  onCall: ((told: Told) => void) | undefined;
  /** Runs inside each call of the output's `send`. */
  onSend: (() => void) | undefined;
  #sent: Buffer[] = [];

  constructor(role: WebSocketRole, options: Partial<WebSocketConnectionOptions> = {}) {
    const tell = (...told: Told): void => {
      this.told.push(told);
      this.onCall?.(told);
    };
    const tellBytes = (what: "binary" | "ping" | "pong", data: Buffer): void => {
      this.kept.push(data);
      tell(what, data.toString("hex"));
    };
    this.connection = new WebSocketConnection(
      role,
      {
        onMessage: (data) => (typeof data === "string" ? tell("text", data) : tellBytes("binary", data)),
        onPing: (data) => tellBytes("ping", data),
        onPong: (data) => tellBytes("pong", data),
        onError: (error) => {
          this.errors.push(error);
          tell("error", error.code);
        },
        onClose: (code, reason) => tell("close", code, reason),
      },
      {
        send: (data, encoding) => {
          this.writes++;
          this.#sent.push(typeof data === "string" ? Buffer.from(data, encoding) : Buffer.from(data));
          this.onSend?.();
          return this.hasRoom;
        },
        finish: (end) => tell("finish", end),
      },
      { maxMessageSize: 10_485_760, newMaskKey: () => 0x37fa213d, ...options },
    );
  }

  /** What was sent since the last look. */
  takeSent(): Buffer {
    const sent = Buffer.concat(this.#sent);
    this.#sent = [];
    return sent;
  }

  /** The same in hexadecimal digits. */
  takeHex(): string {
    return this.takeSent().toString("hex");
  }

  /** What the visitor was told since the last look. */
  takeTold(): Told[] {
    return this.told.splice(0);
  }

  /** Receives octets that are overwritten as soon as it has had them. */
  lend(piece: Uint8Array): void {
    const lent = Buffer.from(piece);
    this.connection.receive(lent, true);
    lent.fill("!");
  }

  /** Receives octets that are written in hexadecimal digits, with spaces between them as is convenient. */
  receive(hex: string): void {
    this.connection.receive(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  }
}
