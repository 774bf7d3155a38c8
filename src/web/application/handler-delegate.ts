/**
 * The message delegate of a request that a handler class answers: collects the body, or hands it on as it
 * comes, then lets the handler live.
 */
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { ByteQueue } from "../../base/byte-queue.js";
import { appLog } from "../../base/log.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import type { HTTPMessageDelegate } from "../../http/delegates.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { exchangeAborted, setDeadline } from "../handler/abort.js";
import { endOpenResponse, endWithoutClient, handleException } from "../handler/error-page.js";
import { executeHandler, prepareHandler, runVerb } from "../handler/execute.js";
import { stateOf } from "../handler/handler-state.js";
import { RequestBody } from "../handler/request-body.js";
import { RequestHandler } from "../handler/request-handler.js";
import type { App, HandlerDelegateOptions } from "../types.js";

/** A class of {@link RequestHandler}s. */
export type RequestHandlerClass = typeof RequestHandler;

/**
 * Makes a handler, ready to live. Constructor first: fields of subclasses would undo what `initialize` sets.
 */
export function createHandler<H extends RequestHandler>(
  handlerClass: new (application: App, request: HTTPServerRequest) => H,
  application: App,
  request: HTTPServerRequest,
  kwargs: Readonly<Record<string, unknown>> = {},
): H {
  const handler = new handlerClass(application, request);
  handler.clear();
  const { transforms } = application;
  if (transforms.length > 0)
    stateOf(handler).transforms = transforms.map((Transform) => new Transform(request));
  const { handlerTimeout } = application.settings;
  if (handlerTimeout !== undefined) setDeadline(handler, handlerTimeout);
  try {
    handler.initialize(kwargs);
  } catch (error) {
    // Nobody will ever finish it.
    setDeadline(handler, Number.POSITIVE_INFINITY);
    throw error;
  }
  return handler;
}

/** The method of a class that does not take the pieces of a body by itself. */
const DATA_RECEIVED = RequestHandler.prototype.dataReceived;

/** See the file's head. */
export class HandlerDelegate implements HTTPMessageDelegate {
  readonly #application: App;
  readonly #request: HTTPServerRequest;
  /** The class that answers. */
  readonly handlerClass: RequestHandlerClass;
  /** What it is given. */
  readonly options: HandlerDelegateOptions;
  /** The body so far; a queue, because it gathers what comes in drops. */
  #body: ByteQueue | undefined = undefined;
  #handler: RequestHandler | undefined = undefined;
  /** The step of a streaming handler that is running: `prepare()` or `dataReceived()`. */
  #step: Promise<void> | undefined = undefined;

  constructor(
    application: App,
    request: HTTPServerRequest,
    handlerClass: RequestHandlerClass,
    options: HandlerDelegateOptions,
  ) {
    this.#application = application;
    this.#request = request;
    this.handlerClass = handlerClass;
    this.options = options;
  }

  get #streaming(): boolean {
    return this.handlerClass.streamRequestBody;
  }

  /** True if the verb of a streaming handler reads the body: it runs when the head is there. */
  get #verbReads(): boolean {
    return this.#streaming && this.handlerClass.prototype.dataReceived === DATA_RECEIVED;
  }

  headersReceived(): void | Promise<void> {
    if (!this.#streaming) return;
    this.#handler = this.#create();
    const handler = this.#handler;
    if (handler === undefined) return;
    if (this.#verbReads) stateOf(handler).more.body = new RequestBody();
    this.#step = prepareHandler(handler, this.options, true);
    if (!this.#verbReads) return this.#step;
    if (this.#step === undefined) runVerb(handler);
    else return this.#step.then(() => runVerb(handler));
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (!this.#streaming) {
      this.#body ??= new ByteQueue();
      this.#body.push(chunk);
      return;
    }
    const handler = this.#handler;
    if (handler === undefined) return;
    const { extras, finished } = stateOf(handler);
    const successor = extras?.successor;
    if (successor !== undefined) return successor.dataReceived(chunk);
    // A response that is finished early wants no more of the body.
    if (finished) return;
    if (this.#verbReads) return extras?.body?.push(chunk);
    try {
      const pending = pendingResult(handler.dataReceived(chunk));
      this.#step = pending === undefined ? undefined : waitFor(handler, pending);
      return this.#step;
    } catch (error) {
      handleException(handler, error);
    }
  }

  finish(): void | Promise<void> {
    if (this.#streaming) {
      if (this.#handler === undefined) return;
      const successor = stateOf(this.#handler).extras?.successor;
      if (successor !== undefined) return successor.finish();
      if (this.#verbReads) stateOf(this.#handler).extras?.body?.end();
      else runVerb(this.#handler);
      return;
    }
    const body = this.#body;
    if (body !== undefined) {
      this.#body = undefined;
      this.#request.body = body.takeAll();
    }
    this.#handler = this.#create();
    if (this.#handler !== undefined) executeHandler(this.#handler, this.options);
  }

  onConnectionClose(): void {
    this.#body = undefined;
    const handler = this.#handler;
    if (handler === undefined) return;
    const successor = stateOf(handler).extras?.successor;
    if (successor !== undefined) {
      successor.onConnectionClose();
      return;
    }
    const reason = new ExchangeAbortedError("closed");
    exchangeAborted(handler, reason);
    if (this.#verbReads) {
      // The verb is running, and its read rejects.
      stateOf(handler).extras?.body?.fail(reason);
      return;
    }
    // The verb will not run, so the handler ends with the step that is running.
    if (this.#step === undefined) endWithoutClient(handler);
    else this.#step.then(() => endWithoutClient(handler));
  }

  onExchangeAborted(reason: ExchangeAbortedError): void {
    if (this.#handler === undefined) return;
    const successor = stateOf(this.#handler).extras?.successor;
    if (successor !== undefined) {
      successor.onExchangeAborted?.(reason);
      return;
    }
    exchangeAborted(this.#handler, reason);
    // A server that stops still sends what the handler answers at once.
    if (reason.reason !== "stopping") endOpenResponse(this.#handler);
  }

  /** A handler that cannot even be made answers with a bare 500. */
  #create(): RequestHandler | undefined {
    try {
      return createHandler(this.handlerClass, this.#application, this.#request, this.options.targetKwargs);
    } catch (error) {
      appLog.exception(
        "%s could not be made for %s %s",
        this.handlerClass.name,
        this.#request.method,
        this.#request.uri,
        error,
      );
      this.#answerBare500();
      return undefined;
    }
  }

  #answerBare500(): void {
    const { connection } = this.#request;
    if (connection === undefined) return;
    try {
      sendBareStatus(connection, 500);
    } catch (error) {
      appLog.exception("the error could not be answered", error);
    }
  }
}

async function waitFor(handler: RequestHandler, pending: PromiseLike<unknown>): Promise<void> {
  try {
    await pending;
  } catch (error) {
    handleException(handler, error);
  }
}
