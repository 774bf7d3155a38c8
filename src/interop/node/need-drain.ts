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
  if (mark === null) mark = findMark();
  // Where there is a mark it is what `write()` sets; `writableNeedDrain` of Bun's responses asks a handle of
  // Bun's own server instead, which a response on another socket does not have.
  if (mark === undefined) {
    if (!response.writableNeedDrain) return;
  } else {
    const marked = response as unknown as Record<symbol, unknown>;
    if (marked[mark] !== true) return;
    marked[mark] = false;
  }
  response.emit("drain");
}

function findMark(): symbol | undefined {
  const response = new ServerResponse(new IncomingMessage(undefined as unknown as NodeSocketLike));
  return Object.getOwnPropertySymbols(response).find((symbol) => symbol.description === "kNeedDrain");
}
