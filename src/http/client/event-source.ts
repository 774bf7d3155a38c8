/**
 * Server-Sent Events (HTML Standard §9.2): reads the events of a URL one after the other, and connects again
 * with the last event's id when the connection ends.
 */
import { sleep } from "../../async/waiting/sleep.js";
import { checkLimit, checkMilliseconds } from "../../base/validate.js";
import { EventStreamParser, type ReceivedEvent } from "../../protocol/body/event-stream-parser.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { AsyncHTTPClient } from "./async-client.js";
import { HTTPConnectError, HTTPQueueFullError, HTTPStreamClosedError, HTTPTimeoutError } from "./errors.js";
import type { HTTPRequestOptions } from "./request.js";
import { HTTPClientError, type HTTPResponse } from "./response.js";
import { parseRetryAfter } from "./retry.js";

export type { ReceivedEvent };

/** Options of {@link eventSource}, besides those of the request. Times are in milliseconds. */
export interface EventSourceOptions extends HTTPRequestOptions {
  /** The client to use; default the loop's shared one. A stream takes one of its `maxClients` slots. */
  readonly client?: AsyncHTTPClient | undefined;
  /** Continue behind this event; default from where the server likes. */
  readonly lastEventId?: string | undefined;
  /**
   * The wait before a reconnection, unless the server sends another (`retry:`); default 3 s. It doubles with
   * each failure.
   */
  readonly reconnectDelay?: number | undefined;
  /** The longest wait; default 60 s. */
  readonly maxReconnectDelay?: number | undefined;
  /** Characters of one event; default 1,048,576. */
  readonly maxEventSize?: number | undefined;
}

/** The waits and the limit of an event stream, checked. */
interface EventSourceLimits {
  readonly firstDelay: number;
  readonly longestDelay: number;
  readonly eventSize: number;
}

/** @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a value of the wrong type or range. */
export function resolveEventSourceLimits({
  reconnectDelay,
  maxReconnectDelay,
  maxEventSize,
}: EventSourceOptions): EventSourceLimits {
  return {
    firstDelay: checkMilliseconds("reconnectDelay", reconnectDelay ?? 3000),
    longestDelay: checkMilliseconds("maxReconnectDelay", maxReconnectDelay ?? 60_000),
    eventSize: checkLimit("maxEventSize", maxEventSize ?? 1_048_576, 1),
  };
}

/** Statuses after which it is worth coming back. */
const TEMPORARY: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/**
 * The events of a URL, as an async iterable. It connects when it is read first, and again when the connection
 * ends or breaks, with `Last-Event-ID`. Leaving the loop, or the signal, ends it and closes the connection. A
 * server whose stream is silent for longer than the client's `responseStallTimeout` (60 s) is taken for gone
 * and connected to again.
 *
 * It ends when the server answers 204, and rejects with an `HTTPClientError` for a status other than 200 that
 * is not a temporary one, or a Content-Type other than `text/event-stream`; with the reason of the signal;
 * with an `InvalidArgumentError` for wrong options, or an event over its limit.
 */
export async function* eventSource(
  url: string | URL,
  options: EventSourceOptions = {},
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const { client = new AsyncHTTPClient(), lastEventId = "", ...rest } = options;
  const { reconnectDelay: _delay, maxReconnectDelay: _longest, maxEventSize: _size, ...request } = rest;
  const { signal } = request;
  const { firstDelay, longestDelay, eventSize } = resolveEventSourceLimits(options);
  let id = lastEventId;
  let delay = firstDelay;
  for (let failures = 0; ; ) {
    const response = await open(client, String(url), id, request);
    let wait: number | undefined;
    if (response instanceof HTTPClientError) {
      const { ioLoop } = client;
      wait = parseRetryAfter(response.response?.headers.get("Retry-After"), ioLoop.wallTime());
      failures++;
    } else {
      if (response.code === 204) return;
      const parser = new EventStreamParser(eventSize, id);
      try {
        for await (const chunk of response.stream!) {
          failures = 0;
          for (const event of parser.push(chunk)) {
            id = event.id;
            yield event;
          }
        }
      } catch (error) {
        if (signal?.aborted || !(error instanceof HTTPClientError)) throw error;
        failures++;
      }
      id = parser.lastEventId;
      delay = parser.retry ?? delay;
    }
    wait ??= delay * 2 ** Math.max(0, failures - 1);
    await sleep(Math.min(wait, longestDelay), { signal });
  }
}

/** Connects; an error that it is worth coming back after is returned, others are thrown. */
async function open(
  client: AsyncHTTPClient,
  url: string,
  id: string,
  request: HTTPRequestOptions,
): Promise<HTTPResponse | HTTPClientError> {
  const headers = new HTTPHeaders(request.headers);
  headers.setDefault("Accept", "text/event-stream");
  headers.setDefault("Cache-Control", "no-store");
  if (id !== "") headers.set("Last-Event-ID", Buffer.from(id, "utf8").toString("latin1"));
  let response: HTTPResponse;
  try {
    response = await client.fetch(url, { ...request, headers, streamBody: true, raiseError: false });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    const isTemporary =
      error instanceof HTTPConnectError ||
      error instanceof HTTPStreamClosedError ||
      error instanceof HTTPTimeoutError ||
      error instanceof HTTPQueueFullError;
    if (isTemporary) return error;
    throw error;
  }
  if (response.code === 204) return response;
  const type = response.headers.get("Content-Type") ?? "";
  if (response.code === 200 && /^\s*text\/event-stream\s*(?:;|$)/i.test(type)) return response;
  response.stream?.cancel();
  const why =
    response.code === 200 ? `Content-Type ${JSON.stringify(type)}, not text/event-stream` : undefined;
  const error = new HTTPClientError(response.code, why ?? (response.reason || undefined), response);
  if (TEMPORARY.has(response.code)) return error;
  throw error;
}
