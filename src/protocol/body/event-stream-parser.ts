/**
 * The format `text/event-stream` (HTML Standard §9.2.5 and §9.2.6): octets in, events out. Lines end with CR,
 * LF or both, an empty line ends an event, and what is not a field of the format is ignored.
 */
import { StringDecoder } from "node:string_decoder";
import { InvalidArgumentError } from "../../base/errors.js";
import { isDigits } from "../fields/abnf.js";

/** One event of a stream. */
export interface ReceivedEvent {
  /** The type; "message" unless the server names another. */
  readonly event: string;
  /** The data, its lines joined by line feeds. */
  readonly data: string;
  /** The last id that the server gave, up to this event; empty if there was none. */
  readonly id: string;
}

/** Reads one stream, however it is cut. */
export class EventStreamParser {
  /** The last id that was given; a reconnection sends it. */
  lastEventId: string;
  /** How long to wait before a reconnection, in milliseconds, if the server said so. */
  retry: number | undefined = undefined;
  readonly #maxEventSize: number;
  readonly #decoder = new StringDecoder("utf8");
  /** Text without its line end yet. */
  #rest = "";
  #isFirst = true;
  /** The last piece ended with CR: a line feed that follows belongs to it. */
  #afterCr = false;
  #event = "";
  #data = "";
  #hasData = false;
  #id: string;

  /** `maxEventSize`: how many characters an event, or a line, may have. */
  constructor(maxEventSize: number, lastEventId = "") {
    this.#maxEventSize = maxEventSize;
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /**
   * The events that a piece completes.
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for an event over the limit.
   */
  push(chunk: Buffer): ReceivedEvent[] {
    const events: ReceivedEvent[] = [];
    let text = this.#decoder.write(chunk);
    if (text === "") return events;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#afterCr && text.startsWith("\n")) text = text.slice(1);
    this.#afterCr = text.endsWith("\r");
    // Only what is new is searched for line ends: a line may come in any number of pieces.
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code !== 0x0a && code !== 0x0d) continue;
      this.#line(this.#rest + text.slice(start, i), events);
      this.#rest = "";
      if (code === 0x0d && text.charCodeAt(i + 1) === 0x0a) i++;
      start = i + 1;
    }
    this.#rest += text.slice(start);
    this.#check(this.#rest.length);
    return events;
  }

  #line(line: string, events: ReceivedEvent[]): void {
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    switch (name) {
      case "event":
        this.#event = value;
        break;
      case "data":
        this.#check(this.#data.length + value.length);
        this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
        this.#hasData = true;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (isDigits(value)) this.retry = Number(value);
        break;
    }
  }

  #dispatch(events: ReceivedEvent[]): void {
    this.lastEventId = this.#id;
    if (this.#hasData && this.#data !== "") {
      events.push({
        event: this.#event === "" ? "message" : this.#event,
        data: this.#data,
        id: this.lastEventId,
      });
    }
    this.#event = "";
    this.#data = "";
    this.#hasData = false;
  }

  #check(size: number): void {
    if (size <= this.#maxEventSize) return;
    throw new InvalidArgumentError(`an event of the stream has more than ${this.#maxEventSize} characters`);
  }
}
