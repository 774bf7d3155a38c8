/** Reads a connection with squall's receiver. */

import type { RawFields } from "#room/protocol/fields/raw-fields";
import type { HTTP1Error } from "#room/protocol/http1/errors";
import { resolveHTTP1Limits } from "#room/protocol/http1/limits";
import { HTTP1Receiver } from "#room/protocol/http1/receiver";
import type { HTTP1RequestHead, HTTP1ResponseHead, MessageVisitor } from "#room/protocol/http1/visitor";
import { emptyOutcome, type Outcome } from "./outcome.js";

const LIMITS = resolveHTTP1Limits();

class Watcher<H extends HTTP1RequestHead | HTTP1ResponseHead> implements MessageVisitor<H> {
  readonly outcome: Outcome = emptyOutcome();
  finCame = false;

  onHead(head: H): void {
    const start: [string, string] =
      "method" in head ? [head.method, head.path] : [String(head.code), head.reason];
    const { messages } = this.outcome;
    messages.push({
      start,
      version: head.version,
      fields: head.fields,
      body: "",
      complete: false,
      trailers: [],
      upgrade: head.upgrade,
    });
    if (!head.keepAlive && (!("code" in head) || head.code >= 200))
      this.outcome.closesAfter = messages.length;
  }

  onBody(chunk: Buffer): void {
    this.outcome.messages.at(-1)!.body += chunk.toString("latin1");
  }

  onEnd(trailers: RawFields | undefined): void {
    const message = this.outcome.messages.at(-1)!;
    message.complete = true;
    message.trailers = trailers ?? [];
  }

  onError(error: HTTP1Error): void {
    if (this.finCame) this.outcome.broken = error.code;
    else this.outcome.refusal = error.code;
  }
}

/** What our server sees. */
export function readRequests(pieces: readonly Buffer[]): Outcome {
  const watcher = new Watcher<HTTP1RequestHead>();
  const receiver = new HTTP1Receiver<HTTP1RequestHead>("server", LIMITS, watcher);
  for (const piece of pieces) receiver.feed(piece);
  watcher.finCame = true;
  receiver.feedEnd();
  return watcher.outcome;
}

/** What our client sees that has sent one request with `method`; and the octets that belong to another protocol. */
export function readResponse(method: string, pieces: readonly Buffer[]): Outcome & { readonly rest: string } {
  const watcher = new Watcher<HTTP1ResponseHead>();
  const receiver = new HTTP1Receiver<HTTP1ResponseHead>("client", LIMITS, watcher);
  receiver.expectResponse(method);
  for (const piece of pieces) receiver.feed(piece);
  const last = watcher.outcome.messages.at(-1);
  const rest = last?.upgrade === true ? receiver.detach().toString("latin1") : "";
  watcher.finCame = true;
  receiver.feedEnd();
  return { ...watcher.outcome, rest };
}
