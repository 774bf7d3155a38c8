/**
 * The body of a request as a `ReadableStream`, pulled piece by piece: while nobody reads, the piece that
 * came is kept here and the connection waits, so that its client does.
 */
import { Deferred } from "../../async/deferred.js";

/** See the head of this file. */
export class RequestBody {
  /** What the application reads. */
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** The stream has asked for a piece that has not come yet. */
  #isWanted = false;
  #piece: Buffer | undefined = undefined;
  /** Resolves when the piece was taken. */
  #taken: Deferred | undefined = undefined;
  #state: "open" | "ending" | "over" = "open";

  constructor() {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }

  /** A piece has come. The promise resolves when there is room for the next one; without one there is. */
  push(piece: Buffer): Promise<void> | undefined {
    if (this.#state !== "open") return undefined;
    if (this.#isWanted) {
      this.#isWanted = false;
      this.#controller.enqueue(piece);
      return undefined;
    }
    this.#piece = piece;
    this.#taken = new Deferred();
    return this.#taken.promise;
  }

  /** The body is whole. */
  end(): void {
    if (this.#state !== "open") return;
    if (this.#piece !== undefined) {
      this.#state = "ending";
      return;
    }
    this.#state = "over";
    this.#controller.close();
  }

  /** The body breaks off: reading fails with `reason`. */
  fail(reason: unknown): void {
    if (this.#state === "over") return;
    this.drop();
    this.#controller.error(reason);
  }

  /** What comes from now on is discarded. */
  drop(): void {
    this.#state = "over";
    this.#piece = undefined;
    this.#release();
  }

  #pull(): void {
    const piece = this.#piece;
    if (piece === undefined) {
      this.#isWanted = true;
      return;
    }
    this.#piece = undefined;
    this.#controller.enqueue(piece);
    if (this.#state === "ending") {
      this.#state = "over";
      this.#controller.close();
    }
    this.#release();
  }

  #release(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.resolve();
  }
}
