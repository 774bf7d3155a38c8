/**
 * The page's line to the server: long polling for what others say, a POST for what you say.
 *
 * A poll asks "what came after this cursor?" and the server answers as soon as there is something, or with
 * nothing after a while. Because the cursor travels with every question, nothing is lost between two polls,
 * over a break of the network or in a tab that slept.
 */

/** Waits before each attempt to connect again, in milliseconds; the last one repeats. */
const BACKOFF = [500, 1000, 2000, 4000, 8000, 15000];
/** The server answers within 25 seconds; a poll that takes much longer has lost its connection. */
const POLL_LIMIT = 40_000;
const SEND_LIMIT = 15_000;

/** The wait before attempt `n` (from 1), with up to a quarter taken off so that clients do not come all at once. */
export function backoff(attempt, random = Math.random()) {
  const wait = BACKOFF[Math.min(attempt, BACKOFF.length) - 1];
  return Math.round(wait * (1 - random / 4));
}

export class Connection {
  #cursor = "";
  #attempt = 0;
  #onAnswer;
  #onState;
  /** Ends the present wait between two attempts. */
  #wake = () => {};

  /**
   * `onAnswer({ messages, cursor, restarted, missed })` hears what the server tells;
   * `onState("connected" | "connecting" | "lost", msUntilNextAttempt)` hears how the line is.
   */
  constructor({ onAnswer, onState }) {
    this.#onAnswer = onAnswer;
    this.#onState = onState;
  }

  /** Polls for as long as the page lives. */
  async run() {
    this.#onState("connecting");
    let settled = false;
    for (;;) {
      try {
        // The first question after a break asks for an answer at once: it shows that the line is good.
        const answer = await this.#poll(settled);
        settled = true;
        this.#attempt = 0;
        this.#cursor = answer.cursor;
        this.#onState("connected");
        this.#onAnswer(answer);
      } catch {
        settled = false;
        this.#attempt++;
        const wait = backoff(this.#attempt);
        this.#onState("lost", wait);
        await this.#sleep(wait);
        this.#onState("connecting");
      }
    }
  }

  /** Does not wait for the next attempt; nothing happens while the line is good. */
  tryNow() {
    this.#wake();
  }

  /** Says something. Resolves with the message as the server keeps it; sending the same `id` twice is harmless. */
  async send({ id, name, text }) {
    const response = await fetch("/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id, name, text }),
      signal: AbortSignal.timeout(SEND_LIMIT),
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return (await response.json()).message;
  }

  async #poll(mayWait) {
    const query = new URLSearchParams({ after: this.#cursor, wait: mayWait ? "1" : "0" });
    const response = await fetch(`/updates?${query}`, {
      signal: AbortSignal.timeout(POLL_LIMIT),
      cache: "no-store",
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.json();
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
