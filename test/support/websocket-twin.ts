/**
 * A second reading of RFC 6455 and RFC 7692, as plain as it can be: whole input, one frame after another, no
 * state machine, no speed. The tests compare the decoder with it, and the testers of the conformance cases
 * read with it.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/** One frame; the payload is unmasked. */
export interface TwinFrame {
  readonly fin: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

/** XOR with a key of four octets, octet by octet. */
export function twinMask(payload: Uint8Array, key: Uint8Array): Buffer {
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! ^ key[i % 4]!;
  return masked;
}

/**
 * A frame of any kind, well-formed or not. `key` masks it; `lengthOctets` (0, 2, 8) chooses the form of the
 * length.
 */
export function twinFrame(
  opcode: number,
  payload: Uint8Array | string,
  options: { fin?: boolean; rsv?: number; key?: Uint8Array | undefined; lengthOctets?: 0 | 2 | 8 } = {},
): Buffer {
  const { fin = true, rsv = 0, key } = options;
  const bytes = Buffer.from(payload as string);
  const octets = options.lengthOctets ?? (bytes.length < 126 ? 0 : bytes.length < 65536 ? 2 : 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytes.length));
  const second = octets === 0 ? bytes.length : octets === 2 ? 126 : 127;
  return Buffer.concat([
    Buffer.of((fin ? 128 : 0) + rsv * 16 + opcode, (key === undefined ? 0 : 128) + second),
    length.subarray(8 - octets),
    key ?? Buffer.alloc(0),
    key === undefined ? bytes : twinMask(bytes, key),
  ]);
}

/** The whole frames of the input, and what is left behind them. */
export function twinFrames(input: Buffer): { frames: TwinFrame[]; rest: Buffer } {
  const frames: TwinFrame[] = [];
  let rest = input;
  for (;;) {
    if (rest.length < 2) return { frames, rest };
    const isMasked = rest[1]! >= 128;
    const short = rest[1]! % 128;
    const octets = short < 126 ? 0 : short === 126 ? 2 : 8;
    const start = 2 + octets + (isMasked ? 4 : 0);
    if (rest.length < start) return { frames, rest };
    let length = short;
    if (octets > 0) length = Number(`0x${rest.subarray(2, 2 + octets).toString("hex")}`);
    if (rest.length < start + length) return { frames, rest };
    const payload = rest.subarray(start, start + length);
    frames.push({
      fin: rest[0]! >= 128,
      rsv: (rest[0]! >> 4) & 7,
      opcode: rest[0]! % 16,
      isMasked,
      payload: isMasked ? twinMask(payload, rest.subarray(start - 4, start)) : Buffer.from(payload),
    });
    rest = rest.subarray(start + length);
  }
}

/**
 * A block of raw deflate that is stored and not the last (RFC 1951 §3.2.4). In front of a message it is the window, where
 * a dictionary would do as well if every runtime's zlib took one for raw deflate.
 */
function stored(window: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(window.length, 1);
  head.writeUInt16LE(~window.length & 0xffff, 3);
  return Buffer.concat([head, window]);
}

/**
 * Compresses or inflates messages one after another; the window is what came before.
 */
export class TwinDeflate {
  #window: Buffer = Buffer.alloc(0);
  readonly #takeover: boolean;
  readonly #windowBits: number;

  constructor(takeover: boolean, windowBits: number) {
    this.#takeover = takeover;
    this.#windowBits = windowBits;
  }

  #remember(message: Buffer): void {
    if (this.#takeover)
      this.#window = Buffer.concat([this.#window, message]).subarray(-(2 ** this.#windowBits));
  }

  deflate(message: Buffer): Buffer {
    const dictionary = this.#window.length > 0 ? { dictionary: this.#window } : {};
    const bytes = deflateRawSync(message, {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.#windowBits,
      ...dictionary,
    });
    this.#remember(message);
    return bytes.subarray(0, -4);
  }

  inflate(payload: Buffer): Buffer {
    const message = this.begin(Buffer.concat([payload, Buffer.of(0, 0, 255, 255)]));
    this.#remember(message);
    return message;
  }

  /** What comes out of the beginning of a message. A block that says it is the last ends the window. */
  begin(payload: Buffer): Buffer {
    const pieces: Buffer[] = [];
    // With `info` the function gives the engine too, which counts what it has read.
    const options = {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.#windowBits,
      info: true,
    } as object;
    let rest = this.#window.length > 0 ? Buffer.concat([stored(this.#window), payload]) : payload;
    for (;;) {
      const { buffer, engine } = inflateRawSync(rest, options) as unknown as {
        buffer: Buffer;
        engine: { bytesWritten: number };
      };
      pieces.push(buffer);
      rest = rest.subarray(engine.bytesWritten);
      if (rest.length === 0) return Buffer.concat(pieces).subarray(this.#window.length);
    }
  }
}

/** What a sequence of frames says; text is compared as its octets. */
export type TwinEvent =
  | readonly ["text" | "binary" | "ping" | "pong", string]
  | readonly ["close", number, string]
  | readonly ["violation", number];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isValidText(bytes: Buffer): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether valid text may begin with the bytes: with a few more octets they are valid. */
function mayBeginText(bytes: Buffer): boolean {
  for (let cut = 0; cut <= 3 && cut <= bytes.length; cut++) {
    const tail = bytes.subarray(bytes.length - cut);
    if (!isValidText(bytes.subarray(0, bytes.length - cut))) continue;
    if (cut === 0) return true;
    // The tail must be a character that is cut: some continuation makes it whole.
    const second = [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf];
    const rests = second.flatMap((octet) => [[octet], [octet, 0x80], [octet, 0x80, 0x80]]);
    if (
      [[0x80], [0x80, 0x80], ...rests].some((more) => isValidText(Buffer.concat([tail, Buffer.from(more)])))
    )
      return true;
  }
  return false;
}

/**
 * What an endpoint that receives `input` must see: messages, pings, pongs, and at the end a close frame or a
 * violation with its close code. Compression only where `inflate` is given.
 */
export function twinEvents(
  input: Buffer,
  receiver: "server" | "client",
  maxMessageSize: number,
  inflater?: TwinDeflate,
): TwinEvent[] {
  const events: TwinEvent[] = [];
  let message: { opcode: number; isCompressed: boolean; payload: Buffer } | undefined;
  const violation = (code: number) => [...events, ["violation", code] as const];
  let rest = input;
  for (;;) {
    // The head, as far as it is there: faults are found before the payload comes.
    const [first, second] = rest;
    if (first === undefined) return events;
    const opcode = first % 16;
    const rsv = (first >> 4) & 7;
    const isControl = opcode >= 8;
    if (rsv !== 0 && !(rsv === 4 && inflater !== undefined && !isControl)) return violation(1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return violation(1002);
    if (isControl && first < 128) return violation(1002);
    if (opcode === 0 && rsv !== 0) return violation(1002);
    if (second === undefined) return events;
    if (second >= 128 !== (receiver === "server")) return violation(1002);
    const short = second % 128;
    if (isControl && short > 125) return violation(1002);
    const octets = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (rest.length < 2 + octets) return events;
    const length = octets === 0 ? BigInt(short) : BigInt(`0x${rest.subarray(2, 2 + octets).toString("hex")}`);
    if ((octets === 2 && length < 126n) || (octets === 8 && length < 65536n)) return violation(1002);
    if (length > 2n ** 53n - 1n) return violation(1009);
    const start = 2 + octets + (receiver === "server" ? 4 : 0);
    if (rest.length < start) return events;
    const isCompressed = opcode === 0 ? (message?.isCompressed ?? false) : rsv === 4;
    if (!isControl) {
      if ((opcode === 0) !== (message !== undefined)) return violation(1002);
      if (!isCompressed && (message?.payload.length ?? 0) + Number(length) > maxMessageSize)
        return violation(1009);
    }
    let payload = rest.subarray(start, start + Number(length));
    const isWhole = payload.length === Number(length);
    if (receiver === "server") payload = twinMask(payload, rest.subarray(start - 4, start));
    rest = rest.subarray(start + Number(length));
    if (isControl) {
      if (!isWhole) return events;
      if (opcode === 8) {
        if (payload.length === 0) return [...events, ["close", 1005, ""]];
        const code = payload.length === 1 ? 0 : payload.readUInt16BE();
        const isGood =
          (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
        if (!isGood) return violation(1002);
        if (!isValidText(payload.subarray(2))) return violation(1007);
        return [...events, ["close", code, payload.toString("utf8", 2)]];
      }
      events.push([opcode === 9 ? "ping" : "pong", payload.toString("hex")]);
      continue;
    }
    message ??= { opcode, isCompressed, payload: Buffer.alloc(0) };
    message.payload = Buffer.concat([message.payload, payload]);
    const { opcode: kind, isCompressed: packed, payload: all } = message;
    const isEnd = isWhole && first >= 128;
    let whole = all;
    if (packed) {
      try {
        whole = isEnd ? inflater!.inflate(all) : inflater!.begin(all);
      } catch {
        return violation(1007);
      }
      if (whole.length > maxMessageSize) return violation(1009);
    }
    if (kind === 1 && !(isEnd ? isValidText(whole) : mayBeginText(whole))) return violation(1007);
    if (!isWhole) return events;
    if (!isEnd) continue;
    message = undefined;
    events.push([kind === 1 ? "text" : "binary", whole.toString("hex")]);
  }
}
