/**
 * Node's own mark on a response that owes its writer a "drain" event. Only Node's server takes it off
 * again, under a symbol of its own, and a response whose mark stays is taken for full by `pipe()` and
 * `pipeline()`.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import type { NodeSocketLike } from "./types.js";

/** Found on the first use; undefined on a version of Node that has no such mark. */
let mark: symbol | undefined | null = null;

/** Emits "drain" on a response that waits for room, as Node's server does. */
export function emitDrain(response: ServerResponse): void {
  if (!response.writableNeedDrain) return;
  mark ??= findMark();
  if (mark !== undefined) (response as unknown as Record<symbol, unknown>)[mark] = false;
  response.emit("drain");
}

function findMark(): symbol | undefined {
  const response = new ServerResponse(new IncomingMessage(undefined as unknown as NodeSocketLike));
  return Object.getOwnPropertySymbols(response).find((symbol) => symbol.description === "kNeedDrain");
}
