/**
 * The pulse of this process: a sample each second, the last two minutes of them, and everybody who watches.
 *
 * Samples and notes are numbered together. A watcher that lost its connection says the last number it has, and gets
 * what it missed, as long as that is remembered. The number has the beginning of this run in it, so that one of an earlier
 * run is not taken for one of this.
 */

import type { IOLoop } from "squall/ioloop";
import { PeriodicCallback } from "squall/ioloop";
import { type EncodedEvent, type EventStream, encodeEvent } from "squall/web";

/** How often a sample is taken (ms). */
const INTERVAL = 1_000;
/** How many events are remembered: two minutes of samples, and some notes. */
const REMEMBERED = 150;

/** What is measured. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The share of one processor that the process took, in percent. */
  readonly cpu: number;
  /** Memory of the process in MiB. */
  readonly memory: number;
  /** How much later than planned the loop came to this sample, in milliseconds. */
  readonly delay: number;
  /** How many people watch. */
  readonly watchers: number;
}

interface Remembered {
  readonly number: number;
  readonly event: EncodedEvent;
}

export class Pulse {
  readonly #loop: IOLoop;
  readonly #run: string;
  readonly #streams = new Set<EventStream>();
  readonly #timer: PeriodicCallback;
  #events: Remembered[] = [];
  #number = 0;
  #cpu = process.cpuUsage();
  #time: number;

  constructor(loop: IOLoop) {
    this.#loop = loop;
    this.#run = Math.floor(loop.wallTime()).toString(36);
    this.#time = loop.time();
    this.#timer = new PeriodicCallback(() => this.#sample(), INTERVAL);
    this.#timer.start();
  }

  /** Everything after an event that a client has had; all that is remembered if it has had none of this run. */
  since(id: string | undefined): EncodedEvent[] {
    const [run, number = ""] = id?.split(".") ?? [];
    const last = run === this.#run && /^\d{1,15}$/.test(number) ? Number(number) : 0;
    return this.#events.filter((event) => event.number > last).map(({ event }) => event);
  }

  /** Adds a watcher; it hears of itself in the next sample. */
  watch(stream: EventStream): void {
    this.#streams.add(stream);
  }

  unwatch(stream: EventStream): void {
    this.#streams.delete(stream);
  }

  /** A note of a watcher, for all to see. */
  note(text: string): void {
    this.#publish("note", { at: this.#loop.wallTime(), text });
  }

  /** Ends all streams, so that the server need not wait for them. */
  async close(): Promise<void> {
    this.#timer.stop();
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }

  #sample(): void {
    const now = this.#loop.time();
    const elapsed = now - this.#time;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    this.#time = now;
    const sample: Sample = {
      at: Math.round(this.#loop.wallTime()),
      cpu: round(((user + system) / 1_000 / elapsed) * 100),
      memory: round(process.memoryUsage.rss() / 2 ** 20),
      delay: round(Math.max(0, elapsed - INTERVAL)),
      watchers: this.#streams.size,
    };
    this.#publish("sample", sample);
  }

  #publish(event: string, data: object): void {
    this.#number++;
    const encoded = encodeEvent({ event, data, id: `${this.#run}.${this.#number}` });
    this.#events.push({ number: this.#number, event: encoded });
    if (this.#events.length > REMEMBERED) this.#events.shift();
    for (const stream of this.#streams) void stream.send(encoded);
  }
}

/** One decimal is as much as anybody can see. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
