/** `squall/iostream`: streams of bytes over sockets and pipes. */
export type { Chunk } from "./base/bytes.js";
export type {
  DelimitedReadOptions,
  PartialReadOptions,
  WriteOptions,
} from "./net/base-stream.js";
export { BaseIOStream } from "./net/base-stream.js";
export { PipeIOStream } from "./net/pipe-stream.js";
export {
  StreamBufferFullError,
  StreamClosedError,
  StreamError,
  UnsatisfiableReadError,
} from "./net/stream-errors.js";
export { type StreamOptions, StreamSettings } from "./net/stream-settings.js";
export type { StreamSink } from "./net/stream-sink.js";
export type { ConnectStreamOptions, SSLStreamOptions, StartTlsOptions } from "./net/tcp-stream.js";
export { IOStream, SSLIOStream } from "./net/tcp-stream.js";
export { TLSHandshakeError } from "./net/tls-handshake.js";
export type { TurnEnd, TurnMember } from "./net/turn-end.js";
export type { TextEncoding } from "./net/write-queue.js";
