/**
 * The writing half of a stream: what waits in front of the socket, and whether there is room.
 *
 *     state         meaning                                   room   send()
 *     ROOM          below the high-water mark                 yes    queues or writes
 *     FULL          above it, or there is no connection yet   no     queues or writes
 *     ENDING        end() was called: FIN follows             yes    refused
 *     ENDING_FULL   the same, and above the mark              no     refused
 *     SHUT          closed, or the socket has another owner   –      refused
 *
 * {@link MOVES} says which event leads from which state to which.
 *
 * What is sent goes to the socket at once, unless it is corked: then it waits in the {@link WriteQueue} that
 * an output is, and leaves in one write. `cork()` of the user and the turn of the loop
 * (`write-coalescing.ts`) cork alike. An output is made with the first call that needs it: a connection that
 * was never written to has none.
 */
import type { Duplex } from "node:stream";
import { Deferred, RESOLVED } from "../../async/deferred.js";
import { type Chunk, NO_BYTES } from "../../base/bytes.js";
import { ForeignWriter } from "./foreign-writer.js";
import { endLostWrite } from "./lost-write.js";
import type { CoalescingMember, WriteCoalescing } from "./write-coalescing.js";
import { hidesQueue, isUncounted } from "./write-progress.js";
import { type TextEncoding, WriteQueue } from "./write-queue.js";

const ROOM = 0;
const FULL = 1;
const ENDING = 2;
const ENDING_FULL = 3;
const SHUT = 4;

/** The names of the states, by number. */
export const OUTPUT_STATES: readonly string[] = ["room", "full", "ending", "ending-full", "shut"];

// biome-ignore format: a table
const MOVES = {
  //      ROOM    FULL         ENDING       ENDING_FULL  SHUT
  fill:  [FULL,   FULL,        ENDING_FULL, ENDING_FULL, SHUT],
  drain: [ROOM,   ROOM,        ENDING,      ENDING,      SHUT],
  end:   [ENDING, ENDING_FULL, ENDING,      ENDING_FULL, SHUT],
} as const;

/** What is queued while corked goes on to the socket when it is as long as this, in bytes. */
const LONG = 65_536;

/** How the turn of the loop counts among the corks; the user's count 1 each. */
const TURN = 0x1_0000;

/** The callers that wait for the output. Made for the first of them. */
class OutputWaits {
  /** Until there is room. */
  writable: Deferred | undefined = undefined;
  /** Until what had been sent is with the kernel. */
  readonly drains: Set<Deferred> = new Set();
  /** Those of `drains` whose bytes have not even reached the socket. */
  corked: Deferred[] = [];
}

/** Who is told what no caller of `send()` can be told. */
export interface OutputWatcher {
  /** What was queued although there was room is above the high-water mark now. */
  filled(): void;
}

export class StreamOutput extends WriteQueue implements CoalescingMember {
  readonly #watcher: OutputWatcher;
  #socket: Duplex | undefined;
  /** Only where handles are not those of Node. */
  #foreign: ForeignWriter | undefined;
  #state: number;
  /** How many corks are open: the user's, and {@link TURN} for that of the turn. */
  #corks: number;
  #waits: OutputWaits | undefined;

  /** `socket` is undefined as long as there is no connection. */
  constructor(socket: Duplex | undefined, watcher: OutputWatcher) {
    super();
    this.#watcher = watcher;
    this.#socket = socket;
    this.#foreign = isUncounted(socket) ? new ForeignWriter(socket) : undefined;
    this.#state = ROOM;
    this.#corks = 0;
    this.#waits = undefined;
  }

  /** The number of the state; {@link OUTPUT_STATES} has its name. */
  get state(): number {
    return this.#state;
  }

  get hasRoom(): boolean {
    return this.#state === ROOM || this.#state === ENDING;
  }

  /** Whether `send()` drops the data. */
  get refuses(): boolean {
    return this.#state >= ENDING;
  }

  /** Whether a write has failed; the error closes the stream in a moment. */
  get hasFailed(): boolean {
    return this.#socket?.errored != null;
  }

  /**
   * Whether a write has failed, or may have: a runtime whose handles do not count (`write-progress.ts`)
   * reports the error of a write with the next turn of the loop, and until then keeps the data queued.
   */
  get mayHaveFailed(): boolean {
    return this.hasFailed || (this.#socket !== undefined && hidesQueue(this.#socket));
  }

  /** The connection is there: sends what was queued. True if the writers may go on. */
  attach(socket: Duplex): boolean {
    this.#socket = socket;
    if (isUncounted(socket)) this.#foreign = new ForeignWriter(socket);
    if (this.#state === SHUT) return false;
    if (this.#corks === 0) this.#flush();
    if (this.#state >= ENDING) this.#endSocket(socket);
    return !this.hasRoom && socket.writableLength < socket.writableHighWaterMark;
  }

  send(data: Chunk, encoding: TextEncoding): boolean {
    if (this.#state >= ENDING) return false;
    if (data.length === 0) return this.#state === ROOM;
    const socket = this.#socket;
    if (socket === undefined || this.#corks > 0) return this.#queue(data, encoding);
    if ((this.#foreign ?? socket).write(data, encoding)) return true;
    this.#afterFullWrite(socket);
    return this.#state === ROOM;
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    // The turn's cork is not the user's to take.
    if (this.#corks % TURN === 0) return;
    if (--this.#corks === 0) this.#flushQueued();
  }

  /** Corks until the turn of the loop ends. */
  coalesce(coalescing: WriteCoalescing, now: number): void {
    if (this.#corks >= TURN) return;
    this.#corks += TURN;
    coalescing.add(this, now);
  }

  /** For {@link WriteCoalescing}. */
  endTurn(): void {
    this.#corks -= TURN;
    if (this.#corks === 0) this.#flushQueued();
  }

  /** FIN follows what is queued. */
  end(): void {
    if (this.#state >= ENDING) return;
    this.#flush();
    this.#state = MOVES.end[this.#state] as number;
    if (this.#socket !== undefined) this.#endSocket(this.#socket);
  }

  /** There is room again. True if there was none. */
  drained(): boolean {
    if (this.#state !== FULL && this.#state !== ENDING_FULL) return false;
    this.#state = MOVES.drain[this.#state];
    this.#waits?.writable?.resolve();
    if (this.#waits !== undefined) this.#waits.writable = undefined;
    return true;
  }

  /** Hands what is queued to the socket although the stream is corked: it is about to be closed. */
  flushBeforeClose(): void {
    if (this.#state < ENDING) this.#flush();
  }

  /** Nothing can be sent any more: drops what is queued; the waits reject. */
  shut(error: Error): void {
    this.#state = SHUT;
    this.#socket = undefined;
    this.clear();
    const waits = this.#waits;
    if (waits === undefined) return;
    this.#waits = undefined;
    waits.writable?.reject(error);
    for (const drain of waits.drains) drain.reject(error);
  }

  /** Resolves when there is room. */
  whenRoom(): Promise<void> {
    if (this.hasRoom) return RESOLVED;
    const waits = this.#wait();
    waits.writable ??= new Deferred().quiet();
    return waits.writable.promise;
  }

  /** Resolves when what was sent so far is with the kernel; rejects if a write has failed. */
  whenDrained(): Promise<void> {
    const socket = this.#socket;
    const atSocket = socket?.writableLength ?? 0;
    if (atSocket + this.byteLength === 0 && !this.hasFailed) return RESOLVED;
    const waits = this.#wait();
    const drain = new Deferred().quiet();
    waits.drains.add(drain);
    // Corked, or not connected yet: first the bytes have to reach the socket.
    if (socket === undefined || !this.isEmpty) waits.corked.push(drain);
    else this.#follow(socket, drain);
    return drain.promise;
  }

  #wait(): OutputWaits {
    this.#waits ??= new OutputWaits();
    return this.#waits;
  }

  /** Resolves `drain` when the writes of the socket that were made until now are done. */
  #follow(socket: Duplex, drain: Deferred): void {
    const done = (error?: Error | null): void => {
      // After an error the stream is closed, which rejects the waits.
      if (error != null) return;
      this.#waits?.drains.delete(drain);
      drain.resolve();
    };
    if (this.#state >= ENDING) socket.once("finish", done);
    // A write of nothing calls back after all writes before it.
    else if (this.#foreign !== undefined) this.#foreign.follow(done);
    else socket.write(NO_BYTES, done);
  }

  #queue(data: Chunk, encoding: TextEncoding): boolean {
    this.add(data, encoding);
    // Without a connection nothing can leave: the room comes with it.
    if (this.#socket === undefined) this.#state = MOVES.fill[this.#state] as number;
    // Corks are for small writes; and a writer that corks has to notice a slow peer, too.
    else if (this.isLong(LONG)) this.#flush();
    return this.#state === ROOM;
  }

  #flush(): void {
    const socket = this.#socket;
    if (socket === undefined || this.isEmpty) return;
    if (!this.writeTo(this.#foreign ?? socket)) this.#afterFullWrite(socket);
    const waits = this.#waits;
    if (waits === undefined || waits.corked.length === 0) return;
    const corked = waits.corked;
    waits.corked = [];
    for (const drain of corked) this.#follow(socket, drain);
  }

  /** The writers were told that there is room. If there is none now, the owner of the stream has to know. */
  #flushQueued(): void {
    const hadRoom = this.#state === ROOM;
    this.#flush();
    if (hadRoom && this.#state === FULL) this.#watcher.filled();
  }

  /** Node also says "full" of a large write that has left already: what counts is what is left. */
  #afterFullWrite(socket: Duplex): void {
    if (socket.writableLength < socket.writableHighWaterMark) return;
    this.#state = MOVES.fill[this.#state] as number;
  }

  #endSocket(socket: Duplex): void {
    // A socket that is ending emits no `drain`; writers go on when everything has left.
    if (this.#state === ENDING_FULL) socket.once("finish", () => this.drained());
    socket.end();
    endLostWrite(socket);
  }
}
