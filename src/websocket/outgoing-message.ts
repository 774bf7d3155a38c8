/**
 * Messages on their way out: what `writeMessage()` takes, and what waits in an outbox. A message for many
 * connections is serialised once, framed once, and compressed once for each set of parameters.
 */
import { isUtf8 } from "node:buffer";
import { byteLength, viewOf } from "../base/bytes.js";
import { InvalidArgumentError } from "../base/errors.js";
import { jsonEncode } from "../base/escape.js";
import { survivesJson } from "../base/validate.js";
import { encodeFrame, frameHeadText } from "../protocol/websocket/frame-encoder.js";
import { BINARY, FIN, RSV1, TEXT } from "../protocol/websocket/opcodes.js";
import { type ConnectionDeflater, deflateAlone, deflateKey } from "./deflate-contexts.js";

/**
 * What can be sent as one message: text, bytes of any kind, or an object or array, which is sent as JSON.
 */
export type WebSocketMessage = string | ArrayBufferView | ArrayBuffer | object;

/** Options of one message. */
export interface WriteMessageOptions {
  /** Whether it is a message of bytes; default true for bytes, false for text and objects. */
  readonly binary?: boolean | undefined;
  /** Whether it is compressed, where that was agreed; default true. */
  readonly compress?: boolean | undefined;
}

/** Up to this size a frame goes out as one string, the cheapest write that Node has. */
const STRING_LIMIT = 16_000;

/** A message for one connection, in the form that the protocol takes. */
export class OutgoingMessage {
  /** Text, or the bytes of a binary message, which are not copied. */
  readonly data: string | Buffer;
  /** Whether it may be compressed. */
  readonly compress: boolean;

  /**
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for what is neither text nor bytes nor can
   * be
   *   JSON, and for bytes that are sent as text although they are not UTF-8.
   */
  constructor(message: WebSocketMessage, { binary, compress }: WriteMessageOptions = {}) {
    const data = typeof message === "string" ? message : (viewOf(message) ?? toJson(message));
    const isBinary = binary ?? typeof data !== "string";
    this.data =
      typeof data === "string" ? (isBinary ? Buffer.from(data) : data) : isBinary ? data : asText(data);
    this.compress = compress ?? true;
  }

  /** The size of its payload, before compression. */
  get size(): number {
    return byteLength(this.data);
  }
}

function asText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new InvalidArgumentError("a message of text must be UTF-8; send bytes with binary: true");
}

function toJson(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value) || survivesJson(value)) return jsonEncode(value);
  }
  const shown =
    value === null ? "null" : typeof value === "object" ? "an object that JSON would lose" : typeof value;
  throw new InvalidArgumentError(`a message must be text, bytes, or a plain object or array, got ${shown}`);
}

/** A message for many connections. */
export class SharedMessage extends OutgoingMessage {
  #frame: string | Buffer | undefined = undefined;
  #compressed: Map<number, string | Buffer> | undefined = undefined;
  #size = -1;

  override get size(): number {
    if (this.#size < 0) this.#size = super.size;
    return this.#size;
  }

  /** The frame of a server, as it is. A string has one character for each octet. */
  get frame(): string | Buffer {
    this.#frame ??= this.#encode();
    return this.#frame;
  }

  #encode(): string | Buffer {
    const { data } = this;
    if (typeof data !== "string") return encodeFrame(FIN | BINARY, data);
    const isAscii = this.size === data.length;
    if (isAscii && this.size <= STRING_LIMIT) return frameHeadText(FIN | TEXT, this.size) + data;
    return encodeFrame(FIN | TEXT, data);
  }

  /**
   * The frame of a server that compresses with the parameters of `deflater`; the message stands alone in it.
   * A string has one character for each octet.
   */
  compressedFrame(deflater: ConnectionDeflater): string | Buffer {
    const key = deflateKey(deflater.parameters, deflater.effort);
    this.#compressed ??= new Map();
    let frame = this.#compressed.get(key);
    if (frame === undefined) {
      const first = FIN | RSV1 | (typeof this.data === "string" ? TEXT : BINARY);
      const bytes = encodeFrame(first, deflateAlone(this.data, deflater.parameters, deflater.effort));
      frame = bytes.length <= STRING_LIMIT ? bytes.toString("latin1") : bytes;
      this.#compressed.set(key, frame);
    }
    return frame;
  }
}
