/** `squall/iostream`: streams of bytes over sockets and pipes. */
export type { Chunk } from "./base/bytes.js";
export {
  Outbox,
  OutboxFullError,
  type OutboxLimits,
  type OutboxOptions,
  type OutboxTarget,
  resolveOutboxOptions,
  type SlowConsumerPolicy,
} from "./net/outbox.js";
export { BaseIOStream } from "./net/stream/base-stream.js";
export { PipeIOStream } from "./net/stream/pipe-stream.js";
export {
  StreamBufferFullError,
  StreamClosedError,
  StreamError,
  UnsatisfiableReadError,
} from "./net/stream/stream-errors.js";
export type { DelimitedReadOptions, PartialReadOptions, WriteOptions } from "./net/stream/stream-options.js";
export type { StreamOptions } from "./net/stream/stream-settings.js";
export type { StreamSink } from "./net/stream/stream-sink.js";
export type { ConnectStreamOptions, SSLStreamOptions, StartTlsOptions } from "./net/stream/tcp-stream.js";
export { IOStream, SSLIOStream } from "./net/stream/tcp-stream.js";
export type { TextEncoding } from "./net/stream/write-queue.js";
export { TLSHandshakeError } from "./net/tls/tls-handshake.js";
