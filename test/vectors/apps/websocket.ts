/**
 * The handler of the vectors of `websocket`: what it selects, records and sends. It speaks to whatever is on
 * the other side of {@link VectorSocket}, so that it runs on protocol objects and in a real handler alike.
 */

/** What the application can do with a connection. */
export interface VectorSocket {
  text(data: string): void;
  binary(data: Uint8Array): void;
  ping(data: string): void;
  close(code?: number, reason?: string): void;
}

/** What the handler records: a name and its values; `null` for none. */
export type VectorEvent = readonly [name: string, ...values: unknown[]];

/** An error that the handler throws on purpose. */
export class RaisedError extends Error {}

/** The first offered subprotocol that the application speaks. */
export function selectSubprotocol(offered: readonly string[]): string | undefined {
  return offered.find((name) => name === "v2.chat" || name === "chat");
}

/** Answers a message as the README of the vectors says. */
export function answerMessage(socket: VectorSocket, message: string | Buffer): void {
  if (typeof message !== "string") {
    socket.binary(message);
    return;
  }
  switch (message) {
    case "close":
      socket.close();
      break;
    case "close1000":
      socket.close(1000);
      break;
    case "close4000":
      socket.close(4000, "go away");
      break;
    case "reason":
      socket.close(undefined, "only a reason");
      break;
    case "raise":
      throw new RaisedError("raised on purpose");
    case "ping":
      socket.ping("data");
      break;
    case "dict":
      // As JSON leaves a handler: nothing in it ends a script.
      socket.text(JSON.stringify({ a: "</" }).replaceAll("</", "<\\/"));
      break;
    case "twice":
      socket.text("one");
      socket.text("two");
      break;
    case "big":
      socket.text("x".repeat(70_000));
      break;
    case "medium":
      socket.text("x".repeat(126));
      break;
    default:
      socket.text(message);
  }
}
