/**
 * The push face of a stream: what `stream.consume(sink)` calls, synchronously, as bytes arrive.
 *
 * After `consume` the promise methods for reading are refused until the sink is taken off. The calls come in
 * this order: any number of `onData`, `onDrain` and `onFull`, at most one `onFin`, and exactly one `onClose`,
 * after which none.
 */

/**
 * Receives what a stream reads. Implementations must not throw; an error here is logged and closes the
 * stream.
 */
export interface StreamSink {
  /** Bytes from the peer. The chunk is the sink's to keep; it is not written to afterwards. */
  onData(chunk: Buffer): void;
  /**
   * Bytes from the peer that are the sink's only during the call: they are overwritten afterwards, so what is
   * kept must be copied. A sink without this method gets a copy by `onData`. A sink that has it gets some
   * chunks by it and some by `onData`, in their order.
   */
  onLent?(chunk: Buffer): void;
  /** The peer has sent its FIN. Only streams with `allowHalfOpen` live on; others close now. */
  onFin(): void;
  /** What had been queued above the high-water mark has gone out: there is room again. */
  onDrain(): void;
  /**
   * What `send()` had queued while it still said true has filled the stream above its high-water mark: it was
   * corked, or waited for the end of the turn of the loop. `onDrain` follows.
   */
  onFull?(): void;
  /** The stream is closed; `error` is what closed it, `undefined` for an orderly end. */
  onClose(error: Error | undefined): void;
}
