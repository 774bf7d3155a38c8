/** Streams over pipes and other descriptors that a process was handed. */
import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { NO_BYTES } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { BaseIOStream } from "./base-stream.js";
import type { StreamOptions } from "./stream-settings.js";

/**
 * A stream over a pipe, given by its descriptor, which the stream owns from now on and closes. It goes one
 * way, unless the descriptor is that of a socket. The writing end of a pipe notices that the other end is
 * gone when it writes. Not on Windows.
 */
export class PipeIOStream extends BaseIOStream {
  /** The descriptor; -1 if the stream was made of one of Node's. */
  readonly fd: number;

  /** @throws InvalidArgumentError if the descriptor is neither a pipe nor a socket */
  constructor(pipe: number | Duplex, options?: StreamOptions) {
    super(options);
    this.fd = typeof pipe === "number" ? pipe : -1;
    this.attach(typeof pipe === "number" ? openPipe(pipe) : pipe);
  }
}

function openPipe(fd: number): Duplex {
  try {
    const isPipe = fstatSync(fd).isFIFO();
    if (!isPipe && !fstatSync(fd).isSocket()) throw new TypeError("it is of another kind");
    // Node asks us which way a pipe goes; the system can be asked by writing nothing.
    const writable = isWritable(fd);
    const readable = !writable || !isPipe;
    return new Socket({ fd, readable, writable, allowHalfOpen: true });
  } catch (error) {
    throw new InvalidArgumentError(`descriptor ${fd} is neither a pipe nor a socket`, { cause: error });
  }
}

function isWritable(fd: number): boolean {
  try {
    writeSync(fd, NO_BYTES);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBADF") return false;
    // Full, or the other end is gone already: the writing end in any case.
    return true;
  }
}
