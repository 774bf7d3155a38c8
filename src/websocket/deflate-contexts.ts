/**
 * The compression contexts of this thread's connections (RFC 7692 §7.1.1), counted and bounded.
 *
 * A context that stays from message to message costs some 260 KiB for each compressor and 40 KiB for each
 * decompressor, so their number has a limit. A connection that is opened beyond it agrees to messages that
 * stand alone (`server_no_context_takeover`, `client_no_context_takeover`), for which this thread needs one
 * compressor for each set of parameters, and one decompressor for each message in progress.
 *
 * A message may always be compressed alone, whatever was agreed: it refers to nothing before it, and what
 * follows may refer to it or not. The shell does so with long messages, in another thread, and broadcasts do
 * so once for all connections. The connection's own compressor then starts over, since its window is no
 * longer that of the peer ({@link ConnectionDeflater.forget}).
 */
import { constants, deflateRaw } from "node:zlib";
import type { IOLoop } from "../async/ioloop.js";
import { checkLimit } from "../base/validate.js";
import {
  type ContextParameters,
  type DeflateEffort,
  SyncDeflater,
  SyncInflater,
} from "../protocol/websocket/deflate-codec.js";
import type { ResolvedCompressionOptions } from "../protocol/websocket/handshake/permessage-deflate.js";
import type {
  InflatedOutput,
  MessageDeflater,
  MessageInflater,
} from "../protocol/websocket/message-codec.js";
import { type InflateJob, inflateInTurns, SLICE } from "./inflate-turns.js";

/** Decompressors of single messages that are kept for the next one. */
const MAX_SPARE = 16;
/** What ends a flush and is not sent (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

const DEFAULT_LIMIT = 1000;

/** How many compression contexts this thread keeps for its WebSockets, and how many it may keep. */
class CompressionContexts {
  #limit = DEFAULT_LIMIT;
  #count = 0;

  /** The contexts that connections have agreed to keep from message to message. */
  get count(): number {
    return this.#count;
  }

  /**
   * How many there may be; default 1,000, `Infinity` for no limit. Connections that are opened beyond it
   * compress each message alone. A lower limit leaves open connections as they are.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when it is set to anything but an integer of
   *   at least 0 or `Infinity`.
   */
  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = checkLimit("limit", limit);
  }

  /** @internal A connection keeps a context (1), or has let it go (-1). */
  add(change: 1 | -1): void {
    this.#count += change;
  }
}

export type { CompressionContexts };

/** The one count of this thread. */
export const compressionContexts: CompressionContexts = new CompressionContexts();

/** The options for the next handshake: as they are, or without contexts when there are too many. */
export function withinContextLimit(options: ResolvedCompressionOptions): ResolvedCompressionOptions {
  if (compressionContexts.count < compressionContexts.limit) return options;
  return { ...options, serverNoContextTakeover: true, clientNoContextTakeover: true };
}

/** The compressors of single messages, by their parameters. */
const shared = new Map<number, SyncDeflater>();

/** One number for each way to compress a message alone: a digit for each parameter. */
export function deflateKey({ windowBits }: ContextParameters, effort: DeflateEffort): number {
  return windowBits * 100 + (effort.compressionLevel ?? 6) * 10 + (effort.memLevel ?? 8);
}

/** Compresses one message alone, at once. */
export function deflateAlone(
  payload: string | Uint8Array,
  parameters: ContextParameters,
  effort: DeflateEffort,
): Buffer {
  const key = deflateKey(parameters, effort);
  let deflater = shared.get(key);
  if (deflater === undefined) {
    deflater = new SyncDeflater({ takeover: false, windowBits: parameters.windowBits }, effort);
    shared.set(key, deflater);
  }
  return deflater.deflate(payload);
}

/** Compresses one message alone, in another thread. */
export function deflateElsewhere(
  payload: string | Uint8Array,
  { windowBits }: ContextParameters,
  { compressionLevel, memLevel }: DeflateEffort,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(
      payload,
      {
        level: compressionLevel,
        memLevel,
        windowBits: Math.max(9, windowBits),
        finishFlush: constants.Z_SYNC_FLUSH,
      },
      (error, bytes) => {
        if (error === null) resolve(bytes.subarray(0, bytes.length - TAIL_LENGTH));
        else reject(error);
      },
    );
  });
}

/** Compresses what a connection sends. */
export class ConnectionDeflater implements MessageDeflater {
  /** As agreed. */
  readonly parameters: ContextParameters;
  /** How hard to try. */
  readonly effort: DeflateEffort;
  #own: SyncDeflater | undefined = undefined;
  #isClosed = false;

  constructor(parameters: ContextParameters, effort: DeflateEffort) {
    this.parameters = parameters;
    this.effort = effort;
    if (parameters.takeover) compressionContexts.add(1);
  }

  deflate(payload: string | Uint8Array): Buffer {
    if (!this.parameters.takeover) return deflateAlone(payload, this.parameters, this.effort);
    this.#own ??= new SyncDeflater(this.parameters, this.effort);
    return this.#own.deflate(payload);
  }

  /** The peer was sent a message that was compressed elsewhere: the next one refers to nothing before it. */
  forget(): void {
    this.#own?.close();
    this.#own = undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.forget();
    if (this.parameters.takeover) compressionContexts.add(-1);
  }
}

/** Decompressors that stand between two messages, by the size of their window. */
const spare = new Map<number, SyncInflater[]>();

/** The connection of an inflater. */
export interface InflaterOwner {
  readonly stream: { readonly ioLoop: IOLoop };
  /** A piece that took more than one turn of the loop is done, and what waited behind it taken in. */
  inflatedInTurns(): void;
}

/** Inflates what a peer sends: short pieces at once, what becomes long in turns (`inflate-turns.ts`). */
export class ConnectionInflater implements MessageInflater, InflatedOutput, InflateJob {
  readonly #parameters: ContextParameters;
  readonly #owner: InflaterOwner;
  /** With takeover from the first message on, else for the message in progress. */
  #current: SyncInflater | undefined = undefined;
  /** The output of the piece in progress. */
  #output: InflatedOutput | undefined = undefined;
  #isEnd = false;
  #hasFailed = false;
  #isClosed = false;

  constructor(parameters: ContextParameters, owner: InflaterOwner) {
    this.#parameters = parameters;
    this.#owner = owner;
    if (parameters.takeover) compressionContexts.add(1);
  }

  inflate(piece: Buffer, isEnd: boolean, output: InflatedOutput): boolean {
    this.#output = output;
    this.#isEnd = isEnd;
    this.#inflater.begin(piece, isEnd);
    if (this.goOn(SLICE)) return true;
    inflateInTurns(this.#owner.stream.ioLoop, this);
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#current?.close();
    this.#current = undefined;
    if (this.#parameters.takeover) compressionContexts.add(-1);
  }

  // --- InflateJob ------------------------------------------------------------------------------------------

  goOn(bytes: number): boolean {
    if (this.#isClosed) return true;
    if (!this.#inflater.step(bytes, this)) return false;
    // A connection that has ended inside the call has closed it.
    if (this.#isEnd && !this.#parameters.takeover && !this.#hasFailed && !this.#isClosed) this.#giveBack();
    return true;
  }

  done(): void {
    const output = this.#output;
    this.#output = undefined;
    if (!this.#isClosed && !this.#hasFailed) output?.onReady();
    this.#owner.inflatedInTurns();
  }

  // --- InflatedOutput: what the inflater of the piece makes ------------------------------------------------

  get room(): number {
    return this.#output!.room;
  }

  onInflated(bytes: Buffer): boolean {
    const isWanted = this.#output!.onInflated(bytes);
    this.#hasFailed ||= !isWanted;
    return isWanted;
  }

  /** Not called: the inflaters of messages do their work inside `step()`. */
  onReady(): void {}

  onInflateError(error: unknown): void {
    this.#hasFailed = true;
    this.#output!.onInflateError(error);
  }

  // --- inside ----------------------------------------------------------------------------------------------

  get #inflater(): SyncInflater {
    const { windowBits, takeover } = this.#parameters;
    this.#current ??=
      (takeover ? undefined : spare.get(windowBits)?.pop()) ?? new SyncInflater(this.#parameters);
    return this.#current;
  }

  #giveBack(): void {
    const inflater = this.#current!;
    const { windowBits } = this.#parameters;
    this.#current = undefined;
    let spares = spare.get(windowBits);
    if (spares === undefined) {
      spares = [];
      spare.set(windowBits, spares);
    }
    if (spares.length < MAX_SPARE) spares.push(inflater);
    else inflater.close();
  }
}
