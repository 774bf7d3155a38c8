/**
 * Hosts one exchange on a stream that no server owns: what a client reads, or a server's side on a stream of its
 * own. It ends when the message was received and the own message was sent, and hands the stream back.
 */
import { appLog, genLog } from "../../base/log.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { HTTP1Error } from "../../protocol/http1/errors.js";
import type { HTTP1RequestHead, HTTP1ResponseHead } from "../../protocol/http1/visitor.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import { ExchangeAbortedError } from "../errors.js";
import type { ExchangeHost, HostedExchange } from "./exchange-host.js";
import { type MessageOwner, MessageReader } from "./message-reader.js";

/** Passes the head of a 1xx response on, and keeps its (empty) end from the delegate (RFC 9110 §15.2). */
class Interim implements HTTPMessageDelegate {
  readonly #delegate: HTTPMessageDelegate;

  constructor(delegate: HTTPMessageDelegate) {
    this.#delegate = delegate;
  }

  headersReceived(...head: Parameters<HTTPMessageDelegate["headersReceived"]>): void | Promise<void> {
    return this.#delegate.headersReceived(...head);
  }

  dataReceived(): void {}

  finish(): void {}

  onConnectionClose(): void {
    this.#delegate.onConnectionClose();
  }
}

/** See the file's comment. */
export class SingleExchange implements ExchangeHost, MessageOwner<HTTP1RequestHead | HTTP1ResponseHead> {
  readonly #exchange: HostedExchange;
  readonly #stream: IOStream;
  readonly #delegate: HTTPMessageDelegate;
  readonly #reader: MessageReader<HTTP1RequestHead | HTTP1ResponseHead>;
  readonly #ended: Promise<boolean>;
  #resolve: (reusable: boolean) => void = () => {};
  #keepAlive = false;
  /** `finish()` or `onConnectionClose()` was called on the delegate. */
  #delegateDone = false;
  #over = false;

  constructor(exchange: HostedExchange, stream: IOStream, delegate: HTTPMessageDelegate) {
    this.#exchange = exchange;
    this.#stream = stream;
    this.#delegate = delegate;
    this.#reader = new MessageReader<HTTP1RequestHead | HTTP1ResponseHead>(
      stream,
      exchange.isClient ? "client" : "server",
      exchange.params,
      this,
    );
    this.#ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Reads the message; resolves as `HTTP1Connection.readResponse` does. */
  run(): Promise<boolean> {
    if (this.#stream.closed()) this.streamClosed(this.#stream.error);
    else {
      if (this.#exchange.isClient) this.#reader.receiver.expectResponse(this.#exchange.requestMethod);
      this.#reader.start();
    }
    return this.#ended;
  }

  // -- MessageOwner

  messageBegins(head: HTTP1RequestHead | HTTP1ResponseHead): HTTPMessageDelegate {
    if ("code" in head && head.code < 200 && head.code !== 101) return new Interim(this.#delegate);
    this.#keepAlive = head.keepAlive;
    if ("method" in head) this.#exchange.answers(head);
    return this.#delegate;
  }

  headAccepted(): void {
    this.#exchange.writeContinue();
  }

  messageEnds(delegate: HTTPMessageDelegate, trailers: RawFields | undefined): void {
    if (delegate instanceof Interim) return;
    this.#exchange.messageReceived = true;
    this.#exchange.trailers = trailers;
    this.#delegateDone = true;
    this.#reader.hold();
    let waiting: void | Promise<void>;
    try {
      waiting = delegate.finish();
    } catch (error) {
      this.delegateFailed(error);
      return;
    }
    if (waiting === undefined) this.#messageFinished();
    else {
      waiting.then(
        () => this.#messageFinished(),
        (error: unknown) => this.delegateFailed(error),
      );
    }
  }

  #messageFinished(): void {
    if (this.#over) return;
    if (this.#exchange.isClient || this.#exchange.finished) this.#end(this.#exchange.finished);
  }

  inputFailed(error: HTTP1Error): void {
    genLog.info("Malformed HTTP message from %s: %s", this.#exchange.context ?? "peer", error.message);
    this.#fail(error);
  }

  delegateFailed(error: unknown): void {
    appLog.exception("Uncaught exception in an HTTP message delegate", error);
    this.#fail(error instanceof Error ? error : undefined);
  }

  readTimedOut(): void {
    genLog.info("Timeout reading from %s", this.#exchange.context ?? "peer");
    this.#fail(undefined);
  }

  drainFailed(): void {
    this.#fail(undefined);
  }

  peerEnded(): void {
    // A FIN with the message incomplete was told as an input error; here the message is whole or has not begun.
    if (this.#exchange.messageReceived) this.#exchange.aborted(new ExchangeAbortedError("half-closed"));
    else this.#fail(undefined);
  }

  writable(): void {}

  streamClosed(error: Error | undefined): void {
    // A whole message is not spoiled by the end of its connection, also while its delegate is not through yet.
    if (this.#exchange.messageReceived && this.#exchange.isClient) return;
    this.#closeDelegate();
    this.#exchange.aborted(new ExchangeAbortedError("closed", { cause: error }));
    this.#settle(false);
  }

  // -- ExchangeHost

  mayKeepAlive(): boolean {
    return this.#keepAlive;
  }

  outputBacklog(): void {}

  exchangeFinished(): void {
    if (this.#exchange.messageReceived && !this.#over) this.#end(true);
  }

  detach(): IOStream {
    const stream = this.#reader.detach();
    this.#delegateDone = true;
    this.#settle(false);
    return stream;
  }

  streamGone(): void {
    this.#exchange.aborted(new ExchangeAbortedError("closed", { cause: this.#stream.error }));
  }

  closeNow(): void {
    this.#exchange.breakOff();
  }

  setMaxBodySize(_exchange: HostedExchange, bytes: number): void {
    this.#reader.setMaxBodySize(bytes);
  }

  setBodyTimeout(_exchange: HostedExchange, ms: number): void {
    this.#reader.setBodyTimeout(ms);
  }

  // -- endings

  /** Both messages are through: the stream goes back to the caller, or is closed when it cannot be used again. */
  #end(sent: boolean): void {
    const untouched = this.#reader.receiver.bufferedBytes === 0 || !this.#exchange.isClient;
    const reusable = sent && untouched && this.#keepAlive && this.#exchange.keepAlive;
    if (reusable && !this.#stream.closed() && !this.#stream.finReceived) {
      this.#reader.detach();
      this.#settle(true);
      return;
    }
    this.#reader.stop();
    if (this.#exchange.isClient) this.#stream.close();
    else this.#stream.end();
    this.#settle(false);
  }

  #fail(error: Error | undefined): void {
    this.#reader.stop();
    this.#closeDelegate();
    this.#stream.close(error);
    this.#settle(false);
  }

  #closeDelegate(): void {
    if (this.#delegateDone) return;
    this.#delegateDone = true;
    try {
      this.#delegate.onConnectionClose();
    } catch (error) {
      appLog.exception("Uncaught exception in onConnectionClose() of an HTTP message delegate", error);
    }
  }

  #settle(reusable: boolean): void {
    this.#over = true;
    this.#resolve(reusable);
  }
}
