/** A visitor that writes down what an HTTP/1 receiver says, in a form that does not depend on how input was cut. */
import assert from "node:assert/strict";
import type { RawFields } from "#room/protocol/fields/raw-fields";
import type { HTTP1Error } from "#room/protocol/http1/errors";
import { type HTTP1LimitsOptions, resolveHTTP1Limits } from "#room/protocol/http1/limits";
import { HTTP1Receiver } from "#room/protocol/http1/receiver";
import type { HTTP1RequestHead, HTTP1ResponseHead, MessageVisitor } from "#room/protocol/http1/visitor";

/** What was said; the pieces of one body are joined. */
export type Told<H> =
  | { readonly head: H }
  | { readonly body: string }
  | { readonly end: RawFields | undefined }
  | { readonly error: string; readonly status: number };

/** Keeps what it is told; `onCall` runs inside each call, for tests that steer the receiver from there. */
export class Recorder<H> implements MessageVisitor<H> {
  readonly told: Told<H>[] = [];
  readonly pieces: Buffer[] = [];
  calls = 0;
  onCall: ((name: "head" | "body" | "end" | "error", head?: H) => void) | undefined;

  onHead(head: H): void {
    this.calls++;
    this.told.push({ head });
    this.onCall?.("head", head);
  }

  onBody(chunk: Buffer): void {
    this.calls++;
    this.pieces.push(chunk);
    const text = chunk.toString("latin1");
    const last = this.told.at(-1);
    if (last !== undefined && "body" in last) this.told[this.told.length - 1] = { body: last.body + text };
    else this.told.push({ body: text });
    this.onCall?.("body");
  }

  onEnd(trailers: RawFields | undefined): void {
    this.calls++;
    this.told.push({ end: trailers });
    this.onCall?.("end");
  }

  onError(error: HTTP1Error): void {
    this.calls++;
    this.told.push({ error: error.code, status: error.status });
    this.onCall?.("error");
  }
}

/** A server's receiver and its recorder. */
export function serverReceiver(options: HTTP1LimitsOptions = {}): {
  receiver: HTTP1Receiver<HTTP1RequestHead>;
  recorder: Recorder<HTTP1RequestHead>;
} {
  const recorder = new Recorder<HTTP1RequestHead>();
  return { receiver: new HTTP1Receiver("server", resolveHTTP1Limits(options), recorder), recorder };
}

/** A client's receiver and its recorder. */
export function clientReceiver(options: HTTP1LimitsOptions = {}): {
  receiver: HTTP1Receiver<HTTP1ResponseHead>;
  recorder: Recorder<HTTP1ResponseHead>;
} {
  const recorder = new Recorder<HTTP1ResponseHead>();
  return { receiver: new HTTP1Receiver("client", resolveHTTP1Limits(options), recorder), recorder };
}

/** What all bytes are lent in, as sockets do. */
const memory = Buffer.allocUnsafeSlow(65_536);

/** Feeds a receiver with bytes that are overwritten as soon as it has had them. */
export function lend(receiver: { feedLent(chunk: Buffer): void }, piece: Buffer): void {
  const lent = piece.length > memory.length ? Buffer.from(piece) : memory.subarray(0, piece.length);
  lent.set(piece);
  receiver.feedLent(lent);
  lent.fill("!");
}

/** What is told of lent bytes is what is told of bytes that the receiver may keep, and no body is overwritten. */
function assertLentAlike<H>(owned: Recorder<H>, lent: Recorder<H>): void {
  assert.deepEqual(lent.told, owned.told, "bytes that are lent");
  assert.deepEqual(Buffer.concat(lent.pieces), Buffer.concat(owned.pieces), "bodies of bytes that are lent");
}

/** What a server says to these pieces of input. */
export function tellRequests(
  pieces: readonly Buffer[],
  options?: HTTP1LimitsOptions,
): Told<HTTP1RequestHead>[] {
  const owned = serverReceiver(options);
  const lent = serverReceiver(options);
  for (const piece of pieces) {
    lend(lent.receiver, piece);
    owned.receiver.feed(piece);
  }
  assertLentAlike(owned.recorder, lent.recorder);
  return owned.recorder.told;
}

/** What a client says that has sent a request with `method`; `isEnd` adds the FIN. */
export function tellResponse(
  pieces: readonly Buffer[],
  method = "GET",
  isEnd = false,
  options?: HTTP1LimitsOptions,
): Told<HTTP1ResponseHead>[] {
  const owned = clientReceiver(options);
  const lent = clientReceiver(options);
  for (const { receiver } of [owned, lent]) receiver.expectResponse(method);
  for (const piece of pieces) {
    lend(lent.receiver, piece);
    owned.receiver.feed(piece);
  }
  for (const { receiver } of isEnd ? [owned, lent] : []) receiver.feedEnd();
  assertLentAlike(owned.recorder, lent.recorder);
  return owned.recorder.told;
}

/** Text as the octets of its latin1 form. */
export function octets(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
