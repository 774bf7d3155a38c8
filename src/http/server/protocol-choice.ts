/**
 * Which protocol a connection speaks, for servers that know more than HTTP/1: with TLS the one that the
 * handshake agreed on (ALPN, RFC 7301), without by the first octets. Nothing is lost: what was read goes back
 * into the stream.
 *
 *     choosing ─▶ chosen, closed       the handshake, or the first octets, are due within headerTimeout
 */
import { Deadline } from "../../async/timers/deadline.js";
import { keepable } from "../../base/bytes.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import { type IOStream, SSLIOStream } from "../../net/stream/tcp-stream.js";
import type { ServerConnection, ServerProtocol, ShutdownState } from "../connection/server-protocol.js";
import { type State, statesOf, step, type Transitions } from "../connection/transitions.js";

type ChoiceState = "choosing" | "chosen" | "closed";

const TRANSITIONS: Transitions<ChoiceState> = { choosing: ["chosen", "closed"], chosen: [], closed: [] };

const STATE = statesOf(TRANSITIONS);

function timeIsUp(choice: ProtocolChoice): void {
  void choice.close();
}

/** A connection whose protocol is not known yet. */
export class ProtocolChoice implements ServerConnection, StreamSink {
  readonly #stream: IOStream;
  readonly #protocols: readonly ServerProtocol[];
  readonly #deadline: Deadline<ProtocolChoice>;
  readonly #onChosen: (protocol: ServerProtocol | undefined) => void;
  readonly #onClosed: () => void;
  readonly #since: number;
  #state: State<ChoiceState> = STATE.choosing;
  #read: Buffer = Buffer.alloc(0);

  /**
   * Begins to choose. `onChosen` is called with the protocol, undefined for HTTP/1, when the stream is its
   * alone; `onClosed` instead if the connection ends before.
   */
  constructor(
    stream: IOStream,
    protocols: readonly ServerProtocol[],
    timeout: number,
    onChosen: (protocol: ServerProtocol | undefined) => void,
    onClosed: () => void,
  ) {
    this.#stream = stream;
    this.#protocols = protocols;
    this.#onChosen = onChosen;
    this.#onClosed = onClosed;
    this.#since = stream.ioLoop.time();
    this.#deadline = new Deadline(stream.ioLoop, timeIsUp, this);
    this.#deadline.set(timeout);
    if (stream instanceof SSLIOStream) this.#awaitHandshake(stream);
    else stream.consume(this);
  }

  #awaitHandshake(stream: SSLIOStream): void {
    stream.waitForHandshake().then(
      () => this.#choose(this.#protocols.find(({ name }) => name === stream.alpnProtocol)),
      () => this.onClose(),
    );
  }

  #choose(protocol: ServerProtocol | undefined): void {
    if (this.#state !== STATE.choosing) return;
    this.#state = step(this.#state, STATE.chosen);
    this.#deadline.dispose();
    if (!(this.#stream instanceof SSLIOStream)) this.#stream.consume(undefined);
    this.#stream.unread(this.#read);
    this.#onChosen(protocol);
  }

  // --- StreamSink ------------------------------------------------------------------------------------------

  onData(chunk: Buffer): void {
    this.#read = keepable(this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]));
    const read = this.#read;
    let isOpen = false;
    for (const protocol of this.#protocols) {
      const { preface } = protocol;
      if (preface === undefined) continue;
      const length = Math.min(read.length, preface.length);
      if (read.compare(preface, 0, length, 0, length) !== 0) continue;
      if (length === preface.length) {
        this.#choose(protocol);
        return;
      }
      isOpen = true;
    }
    if (!isOpen) this.#choose(undefined);
  }

  onFin(): void {
    // HTTP/1 knows what to say to a request that is not whole.
    this.#choose(undefined);
  }

  onDrain(): void {}

  onClose(): void {
    if (this.#state !== STATE.choosing) return;
    this.#state = step(this.#state, STATE.closed);
    this.#deadline.dispose();
    this.#onClosed();
  }

  // --- ServerConnection ------------------------------------------------------------------------------------

  get idleSince(): number {
    return this.#read.length === 0 ? this.#since : Number.POSITIVE_INFINITY;
  }

  async shutdown(): Promise<ShutdownState> {
    this.#stream.close();
    return "idle";
  }

  async abort(): Promise<boolean> {
    this.#stream.close();
    return false;
  }

  close(): Promise<void> {
    this.#stream.close();
    return this.whenClosed();
  }

  whenClosed(): Promise<void> {
    return this.#stream.whenClosed();
  }
}
