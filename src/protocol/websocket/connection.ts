/**
 * One end of an open WebSocket (RFC 6455 §5 to §8, RFC 7692 §6 and §7), without socket, timer or promise:
 * bytes in, calls on a visitor; calls in, bytes to an output.
 *
 *     receive() ──▶ FrameDecoder ──▶ MessageAssembler ──▶ visitor.onMessage()
 *                        │   ╲  after our close frame
 *                        │    ──▶ ClosingReader, which looks for the peer's close frame alone
 *                        ╲  closed, failed or ended
 *                         ──▶ IGNORED
 *     text(), binary(), ping(), pong(), close() ──▶ frames ──▶ output.send()
 *
 * The state is that of the closing handshake (`close-handshake.ts`), in one field; which reader gets the
 * bytes follows from it.
 *
 * What the shell does:
 * - It hands each chunk from the stream to `receive()` and gives it away: masks are removed in place.
 * - When a call returns false, the output is over its high-water mark: the shell waits before it sends more,
 *   and calls `drained()` when there is room. Meanwhile pings are answered by one pong, the newest (§5.5.3).
 * - `pause()` stops the visitor's calls; the shell stops reading too. What was in the chunk waits here. While
 *   `paused` is true because the inflater is at work, the shell stops reading as well, and looks again when
 *   its inflater is done.
 * - `output.finish()` says that nothing more will be sent, and who ends TCP. The shell bounds both waits by
 *   its deadlines: the one for the peer's close frame after `close()`, and the one for the peer's FIN.
 * - When TCP has ended, for whatever reason, it calls `transportEnded()`.
 *
 * `onClose()` is the last call, in every case, and comes once.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { ABNORMAL_CLOSURE, NO_STATUS } from "./close-codes.js";
import { type CloseEvent, type CloseState, nextCloseState, transportEnd } from "./close-handshake.js";
import { closePayload, readClosePayload } from "./close-payload.js";
import { WebSocketClosedError, WebSocketProtocolError } from "./errors.js";
import { FrameDecoder, type FrameVisitor } from "./frame-decoder.js";
import { type FrameOutput, sendFrame } from "./frame-encoder.js";
import type { WebSocketLimits } from "./limits.js";
import { randomMaskKey } from "./mask-key.js";
import { MessageAssembler, type MessageOwner } from "./message-assembler.js";
import type { MessageDeflater, MessageInflater } from "./message-codec.js";
import {
  BINARY,
  CLOSE,
  type ControlOpcode,
  FIN,
  MAX_CONTROL_PAYLOAD,
  PING,
  PONG,
  RSV1,
  TEXT,
  type WebSocketRole,
} from "./opcodes.js";

/**
 * What a connection calls, synchronously. The calls must not throw; during any of them the owner may send,
 * pause or close.
 */
export interface WebSocketVisitor {
  /** A message: a string of text, or bytes (`isBinary`), which may be kept. */
  onMessage(data: string | Buffer, isBinary: boolean): void;
  /** A ping; the pong has been sent, or will be when there is room. */
  onPing(data: Buffer): void;
  /** A pong, asked for or not. */
  onPong(data: Buffer): void;
  /** The peer broke a rule or a limit and has been sent the close code of `error`. `onClose` follows. */
  onError(error: WebSocketProtocolError): void;
  /**
   * Nothing more will come (RFC 6455 §7.1.5, §7.1.6): the code and reason of the peer's close frame; 1005 if
   * the frame had no code, 1006 if there was no close frame.
   */
  onClose(code: number, reason: string): void;
}

/** Where a connection puts its bytes. */
export interface WebSocketOutput extends FrameOutput {
  /**
   * Nothing more will be sent. `ours`: end TCP now, behind what is queued. `peers`: wait for the peer's FIN,
   * which a server owes its client (RFC 6455 §7.1.1), and end TCP when it does not come in time. Called once,
   * unless TCP ends first.
   */
  finish(end: "ours" | "peers"): void;
}

/** What a {@link WebSocketConnection} is made of besides its role, visitor and output. */
export interface WebSocketConnectionOptions extends WebSocketLimits {
  /** Inflates what the peer compresses; default none, which means that permessage-deflate was not agreed. */
  readonly inflater?: MessageInflater | undefined;
  /** Compresses the messages that are sent; default none: they are sent as they are. */
  readonly deflater?: MessageDeflater | undefined;
  /** Makes the masking keys of a client; default from the system's generator. */
  readonly newMaskKey?: (() => number) | undefined;
}

/** Takes the bytes of the peer. */
interface ByteSink {
  feed(chunk: Buffer, isLent: boolean): void;
}

/** After the end: all input is dropped. */
const IGNORED: ByteSink = { feed() {} };

/** Why the decoder stands still. */
const BY_OWNER = 1;
const BY_INFLATER = 2;

/** One end of a WebSocket; see the head of this file. */
export class WebSocketConnection implements MessageOwner {
  readonly #role: WebSocketRole;
  readonly #visitor: WebSocketVisitor;
  readonly #output: WebSocketOutput;
  readonly #inflater: MessageInflater | undefined;
  readonly #deflater: MessageDeflater | undefined;
  readonly #newMaskKey: () => number;
  readonly #assembler: MessageAssembler;
  readonly #decoder: FrameDecoder;
  #input: ByteSink;
  #state: CloseState = "open";
  /** The reasons for which the decoder is paused, as bits. */
  #paused = 0;
  #hasRoom = true;
  /** The payload of the newest ping that waits for room; forgotten at the end. */
  #unanswered: Buffer | undefined;

  constructor(
    role: WebSocketRole,
    visitor: WebSocketVisitor,
    output: WebSocketOutput,
    options: WebSocketConnectionOptions,
  ) {
    this.#role = role;
    this.#visitor = visitor;
    this.#output = output;
    this.#inflater = options.inflater;
    this.#deflater = options.deflater;
    this.#newMaskKey = options.newMaskKey ?? randomMaskKey;
    this.#assembler = new MessageAssembler(this, options.maxMessageSize, options.inflater);
    this.#decoder = new FrameDecoder(role, options.inflater !== undefined, this.#assembler);
    this.#input = this.#decoder;
  }

  /** Where the closing handshake stands. */
  get state(): CloseState {
    return this.#state;
  }

  /** Bytes that were received and wait, because the connection is paused or inflating. */
  get waitingBytes(): number {
    return this.#decoder.waitingBytes;
  }

  /**
   * True while the connection takes in nothing more, by {@link pause} or because the inflater is at work. A
   * shell that goes on reading then keeps what it reads in memory.
   */
  get paused(): boolean {
    return this.#decoder.paused;
  }

  /** True while the inflater is at work, on a message that nothing else tells of. */
  get inflating(): boolean {
    return (this.#paused & BY_INFLATER) !== 0;
  }

  /**
   * Takes bytes from the peer. The chunk is given away: it is changed in place, and views of it are handed
   * out. One that `isLent` is changed as well, and nothing of it is kept.
   */
  receive(chunk: Buffer, isLent = false): void {
    this.#input.feed(chunk, isLent);
  }

  /**
   * The visitor is not called until {@link resume}, except by {@link transportEnded}. Calling twice is fine.
   */
  pause(): void {
    if (this.#state === "open") this.#stand(BY_OWNER);
  }

  /**
   * Goes on with what waits, unless called from inside the visitor: then after that call. Calling twice is
   * fine.
   */
  resume(): void {
    this.#goOn(BY_OWNER);
  }

  /**
   * Sends a message of text; lone surrogates become U+FFFD. `compress` false sends it as it is although
   * compression was agreed. False when the output is over its high-water mark.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  text(data: string, compress = true): boolean {
    return this.#sendMessage(TEXT, data, compress);
  }

  /**
   * Sends a message of bytes, which must not be changed before the output has taken them; see {@link text}.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  binary(data: Uint8Array, compress = true): boolean {
    return this.#sendMessage(BINARY, data, compress);
  }

  /**
   * Sends a message that was compressed elsewhere (RFC 7692 §7.2.1), once for many connections or in another
   * thread. The caller sees to it that permessage-deflate was agreed with parameters that fit.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  compressed(payload: Uint8Array, isBinary: boolean): boolean {
    this.#checkOpen();
    return this.#send(FIN | RSV1 | (isBinary ? BINARY : TEXT), payload);
  }

  /**
   * Sends a frame that was encoded elsewhere, once for many connections of a server; a string has one
   * character for each octet.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  frame(bytes: string | Uint8Array): boolean {
    this.#checkOpen();
    this.#hasRoom = typeof bytes === "string" ? this.#output.send(bytes, "latin1") : this.#output.send(bytes);
    return this.#hasRoom;
  }

  /**
   * Sends a ping of at most 125 bytes; text as UTF-8.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the payload is longer.
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  ping(data: string | Uint8Array = ""): boolean {
    return this.#sendControl(PING, data);
  }

  /**
   * Sends a pong that was not asked for (RFC 6455 §5.5.3); otherwise as {@link ping}. Pings are answered
   * without it.
   */
  pong(data: string | Uint8Array = ""): boolean {
    return this.#sendControl(PONG, data);
  }

  /**
   * Begins the closing handshake: sends a close frame, and from then on drops messages and waits for the
   * peer's close frame alone, paused or not. True if it was begun now, false if the connection was not open:
   * calling twice is fine. Without `code` the frame is empty; a `reason` without code goes with 1000.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a close frame may not hold the code, or
   *   the reason is longer than 123 bytes.
   */
  close(code?: number | undefined, reason?: string | undefined): boolean {
    const payload = closePayload(code, reason);
    if (this.#state !== "open") return false;
    this.#enter("sent");
    this.#assembler.end();
    this.#decoder.setVisitor(new ClosingReader(this));
    this.#send(FIN | CLOSE, payload);
    this.#goOn(BY_OWNER | BY_INFLATER);
    return true;
  }

  /** The output has room again after a call returned false. */
  drained(): void {
    this.#hasRoom = true;
    const data = this.#unanswered;
    if (data === undefined) return;
    this.#unanswered = undefined;
    this.#send(FIN | PONG, data);
  }

  /** TCP has ended, for whatever reason; nothing is sent any more. Calling twice is fine. */
  transportEnded(): void {
    const isEarly = transportEnd(this.#state, this.#role) === "none";
    if (this.#enter("ended") && isEarly) this.#end(ABNORMAL_CLOSURE, "");
  }

  /** Called by the assembler. */
  onMessage(data: string | Buffer, isBinary: boolean): void {
    this.#visitor.onMessage(data, isBinary);
  }

  /** Called by the assembler and the closing reader. */
  onControlFrame(opcode: ControlOpcode, payload: Buffer): void {
    switch (opcode) {
      case PING:
        if (this.#hasRoom) this.#send(FIN | PONG, payload);
        else this.#unanswered = Buffer.from(payload);
        // Sending may have found out that TCP has ended.
        if (this.#input !== IGNORED) this.#visitor.onPing(payload);
        break;
      case PONG:
        this.#visitor.onPong(payload);
        break;
      default:
        this.#closeReceived(payload);
    }
  }

  /** Called by the decoder, the assembler and the closing reader: fails the connection (RFC 6455 §7.1.7). */
  onViolation(error: WebSocketProtocolError): void {
    const maySend = this.#state === "open";
    if (!this.#enter("failed")) return;
    if (maySend) this.#send(FIN | CLOSE, closePayload(error.closeCode, error.closeReason));
    this.#stop();
    this.#output.finish("ours");
    this.#visitor.onError(error);
    this.#visitor.onClose(ABNORMAL_CLOSURE, "");
  }

  /** Called by the assembler. */
  onInflaterBusy(): void {
    this.#stand(BY_INFLATER);
  }

  /** Called by the assembler. */
  onInflaterReady(): void {
    this.#goOn(BY_INFLATER);
  }

  #closeReceived(payload: Buffer): void {
    const status = readClosePayload(payload);
    if (status instanceof WebSocketProtocolError) {
      this.onViolation(status);
      return;
    }
    this.#enter("received");
    if (this.#state === "answering") {
      this.#enter("sent");
      // RFC 6455 §5.5.1: the answer typically holds the same code.
      this.#send(FIN | CLOSE, closePayload(status.code === NO_STATUS ? undefined : status.code, undefined));
    }
    const end = transportEnd(this.#state, this.#role);
    this.#stop();
    if (end !== "none") this.#output.finish(end);
    this.#visitor.onClose(status.code, status.reason);
  }

  #end(code: number, reason: string): void {
    this.#stop();
    this.#visitor.onClose(code, reason);
  }

  /** From now on input is ignored, and the memory of the machinery is given back. */
  #stop(): void {
    this.#input = IGNORED;
    this.#unanswered = undefined;
    this.#decoder.stop();
    this.#assembler.end();
    this.#inflater?.close();
    this.#deflater?.close();
  }

  /** Moves the state; false if the event is to be ignored. */
  #enter(event: CloseEvent): boolean {
    const next = nextCloseState(this.#state, event);
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  #stand(reason: number): void {
    this.#paused |= reason;
    this.#decoder.pause();
  }

  #goOn(reasons: number): void {
    if (this.#paused === 0) return;
    this.#paused &= ~reasons;
    if (this.#paused === 0) this.#decoder.resume();
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw new WebSocketClosedError();
  }

  #sendMessage(opcode: number, data: string | Uint8Array, compress: boolean): boolean {
    this.#checkOpen();
    if (compress && this.#deflater !== undefined) {
      return this.#send(FIN | RSV1 | opcode, this.#deflater.deflate(data));
    }
    return this.#send(FIN | opcode, data);
  }

  #sendControl(opcode: number, data: string | Uint8Array): boolean {
    const payload = typeof data === "string" ? Buffer.from(data) : data;
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new InvalidArgumentError(
        `a control frame has at most ${MAX_CONTROL_PAYLOAD} bytes, got ${payload.length}`,
      );
    }
    this.#checkOpen();
    return this.#send(FIN | opcode, payload);
  }

  #send(first: number, payload: string | Uint8Array): boolean {
    this.#hasRoom = sendFrame(this.#output, this.#role, first, payload, this.#newMaskKey);
    return this.#hasRoom;
  }
}

/**
 * After our close frame: messages are dropped unseen, pings answered until the peer's close frame (RFC 6455
 * §5.5.2).
 */
class ClosingReader implements FrameVisitor {
  readonly #owner: MessageOwner;

  constructor(owner: MessageOwner) {
    this.#owner = owner;
  }

  onDataFrame(): void {}

  onPayload(): void {}

  onControlFrame(opcode: ControlOpcode, payload: Buffer): void {
    this.#owner.onControlFrame(opcode, payload);
  }

  onViolation(error: WebSocketProtocolError): void {
    this.#owner.onViolation(error);
  }
}
