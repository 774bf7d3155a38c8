/**
 * One synchronous step of a zlib engine: some input, some room for output, and what is left of both.
 *
 * Node's zlib offers this only through its handle's synchronous write, which is not documented; several
 * packages that half of the ecosystem needs lean on it too. It is used here alone, and the constructor makes
 * sure that it is there.
 */
import { InvalidStateError } from "./errors.js";

interface SyncHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface SyncEngine {
  readonly _handle: SyncHandle | null;
  /** Room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array;
}

/**
 * The least that an engine takes as its own chunk size (`Z_MIN_CHUNK`): for engines whose own buffer is not
 * used.
 */
export const LEAST_CHUNK = 64;

/** The synchronous side of a zlib engine, which stays its owner's to close. */
export class SyncZlib {
  readonly #handle: SyncHandle;
  readonly #state: Uint32Array;
  #error: Error | undefined;

  /** Throws an {@link InvalidStateError} on a version of Node.js whose engines have no such side. */
  constructor(engine: object) {
    const { _handle: handle, _writeState: state } = engine as Partial<SyncEngine>;
    if (typeof handle?.writeSync !== "function" || state === undefined) {
      throw new InvalidStateError(
        "this version of Node.js has no synchronous zlib handle, which squall relies on",
      );
    }
    this.#handle = handle;
    this.#state = state;
    handle.onerror = (message, errno, code) => {
      this.#error = Object.assign(new Error(message), { errno, code });
    };
  }

  /** Bytes of the output that the last step left free. */
  get room(): number {
    return this.#state[0] as number;
  }

  /** Bytes of the input that the last step did not use. */
  get left(): number {
    return this.#state[1] as number;
  }

  /** Works until the input is used up or the output is full; returns what zlib complains of, if it does. */
  run(flush: number, input: Uint8Array, offset: number, length: number, output: Buffer): Error | undefined {
    this.#handle.writeSync(flush, input, offset, length, output, 0, output.length);
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Forgets all input and the window. */
  reset(): void {
    this.#handle.reset();
  }
}
