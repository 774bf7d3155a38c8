/**
 * Messages that cannot leave at once: the outbox, the watch over a peer that takes nothing, and the message
 * that another thread compresses. A shell makes its backlog when that happens first; a connection whose peer
 * keeps pace has none.
 *
 *     CLEAR      messages go straight to the stream
 *       │  ▲     full(): the stream is above its high-water mark; deflate(): a message is compressed
 *       ▼  │     the stream has room, nothing is compressed, and all that waited is out
 *     BEHIND     messages wait in the outbox, and a close frame behind them
 *
 * The outbox exists only in BEHIND.
 */
import { RESOLVED } from "../async/deferred.js";
import { type StallOwner, WriteStall } from "../http/connection/write-stall.js";
import { Outbox, type OutboxFullError, type OutboxTarget } from "../net/outbox.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import { type ConnectionDeflater, deflateElsewhere } from "./deflate-contexts.js";
import type { SharedResult } from "./link.js";
import type { OutgoingMessage, SharedMessage } from "./outgoing-message.js";
import type { WebSocketParams } from "./params.js";

/** What a backlog asks of its shell. */
export interface BacklogOwner {
  readonly stream: IOStream;
  readonly isOpen: boolean;
  /** Puts a message on the stream, or has it compressed first. */
  sendNow(message: OutgoingMessage): void;
  /** A message has been compressed; the connection may have ended meanwhile. */
  sendCompressed(payload: Buffer, isBinary: boolean): void;
  /** Everything that was queued before {@link Backlog.closeBehind} is out. */
  sendClose(code: number | undefined, reason: string | undefined): void;
  fail(error: unknown): void;
  cut(why: string): void;
}

/** The close frame that waits behind queued messages. */
interface PendingClose {
  readonly code: number | undefined;
  readonly reason: string | undefined;
}

/** See the head of this file. */
export class Backlog implements OutboxTarget<OutgoingMessage>, StallOwner {
  readonly #owner: BacklogOwner;
  readonly #params: WebSocketParams;
  #outbox: Outbox<OutgoingMessage> | undefined = undefined;
  #writeStall: WriteStall | undefined = undefined;
  /** The size of the message that is being compressed in another thread; 0 for none. */
  #deflating = 0;
  #pendingClose: PendingClose | undefined = undefined;
  /** Messages that former outboxes have dropped. */
  #dropped = 0;

  constructor(owner: BacklogOwner, params: WebSocketParams) {
    this.#owner = owner;
    this.#params = params;
  }

  /** True while messages have to wait. */
  get isBehind(): boolean {
    return this.#outbox !== undefined;
  }

  /** A close frame waits. */
  get isClosing(): boolean {
    return this.#pendingClose !== undefined;
  }

  get bytes(): number {
    return (this.#outbox?.queuedBytes ?? 0) + this.#deflating;
  }

  get dropped(): number {
    return this.#dropped + (this.#outbox?.dropped ?? 0);
  }

  /** Queues a message as the policy says, and resolves when there is room for the next one. */
  push(message: OutgoingMessage): Promise<void> {
    return this.#behind().push(message);
  }

  /** Queues a message that goes to many. */
  offer(message: SharedMessage): SharedResult {
    const outbox = this.#behind();
    const { dropped } = outbox;
    const error = outbox.offer(message);
    if (error !== undefined) return this.#owner.isOpen ? "skipped" : "closed";
    return outbox.dropped === dropped ? "queued" : "dropped";
  }

  /** The promise of a message that has been sent; pending if the policy waits for room. */
  whenRoom(): Promise<void> {
    const outbox = this.#outbox;
    if (outbox === undefined) return RESOLVED;
    const { slowConsumer } = this.#params.outbox;
    return slowConsumer === "drop-oldest" || slowConsumer === "drop-newest" ? RESOLVED : outbox.whenRoom();
  }

  /** The stream is above its high-water mark. */
  full(): void {
    this.#behind();
    this.#writeStall ??= new WriteStall(this.#owner.stream, this.#params.writeStallTimeout, this);
    this.#writeStall.full();
  }

  /** The stream has room again; {@link Backlog.flush} follows. */
  drained(): void {
    this.#writeStall?.drained();
  }

  /** What is queued goes out if there is room again, then the close frame. */
  flush(): void {
    const outbox = this.#outbox;
    if (outbox === undefined || this.#isBusy) return;
    outbox.flush();
    if (!outbox.hasRoom) return;
    this.#dropped += outbox.dropped;
    this.#outbox = undefined;
    const close = this.#pendingClose;
    if (close === undefined) return;
    this.#pendingClose = undefined;
    this.#owner.sendClose(close.code, close.reason);
  }

  /** Compresses a message alone, in another thread; those that follow wait. */
  deflate(deflater: ConnectionDeflater, { data, size }: OutgoingMessage): void {
    this.#behind();
    this.#deflating = size;
    const compressed = deflateElsewhere(data, deflater.parameters, deflater.effort);
    this.#owner.stream.ioLoop.external(compressed).then(
      (payload) => {
        this.#deflating = 0;
        this.#owner.sendCompressed(payload, typeof data !== "string");
        this.flush();
      },
      (error: unknown) => {
        this.#deflating = 0;
        this.#owner.fail(error);
      },
    );
  }

  /** Has a close frame sent behind what waits; false if nothing does. */
  closeBehind(code: number | undefined, reason: string | undefined): boolean {
    const outbox = this.#outbox;
    if (outbox === undefined || (outbox.queuedMessages === 0 && this.#deflating === 0)) return false;
    this.#pendingClose = { code, reason };
    return true;
  }

  /** Nothing more is sent: drops what waits and rejects the producers with `error`. Twice is fine. */
  close(error: Error): void {
    this.#pendingClose = undefined;
    this.#outbox?.close(error);
  }

  /** The stream is closed, or another guard watches over it. */
  dispose(): void {
    this.#writeStall?.dispose();
  }

  // --- StallOwner ------------------------------------------------------------------------------------------

  writeStalled(): void {
    this.#owner.cut("it stopped reading");
  }

  // --- OutboxTarget ----------------------------------------------------------------------------------------

  deliver(message: OutgoingMessage): boolean {
    this.#owner.sendNow(message);
    return !this.#isBusy;
  }

  sizeOf(message: OutgoingMessage): number {
    return message.size;
  }

  disconnect(error: OutboxFullError): void {
    this.#owner.cut(error.message);
  }

  // --- inside ----------------------------------------------------------------------------------------------

  #behind(): Outbox<OutgoingMessage> {
    this.#outbox ??= new Outbox(this, this.#params.outbox, true);
    return this.#outbox;
  }

  /** The next message would have to wait. */
  get #isBusy(): boolean {
    return this.#deflating > 0 || this.#writeStall?.isFull === true;
  }
}
