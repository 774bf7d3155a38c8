/** Workers of a WSGIContainer without Python, on the network in memory: tests say what they answer and when they end. */
import type { IOLoop } from "#room/async/ioloop";
import { encodeFrame, FrameReader, FrameType } from "#room/interop/wsgi/frames";
import type { LaunchWorker, WorkerProcess } from "#room/interop/wsgi/worker";
import { IOStream } from "#room/net/stream/tcp-stream";

/** The worker's end of one channel. */
export class FakeThread {
  readonly #stream: IOStream;
  /** What came: frames as `type` or `type payload`, data as `DATA text`. */
  readonly told: string[] = [];
  #wake: () => void = () => {};

  constructor(stream: IOStream) {
    this.#stream = stream;
    const names = Object.keys(FrameType);
    const reader = new FrameReader({
      onFrame: (type, payload) => this.#tell(`${names[type - 1]} ${payload.toString()}`.trim()),
      onPiece: (piece) => this.#tell(`DATA ${piece.toString()}`),
      onBroken: (reason) => this.#tell(`BROKEN ${reason}`),
    });
    stream.consume({
      onData: (chunk) => reader.feed(chunk),
      onFin: () => {},
      onDrain: () => {},
      onClose: () => this.#tell("CLOSED"),
    });
  }

  /** Waits until a frame that begins with `start` has come, and takes what came up to it. */
  async until(start: string): Promise<string[]> {
    for (;;) {
      const at = this.told.findIndex((one) => one.startsWith(start));
      if (at >= 0) return this.told.splice(0, at + 1);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(...frames: readonly Buffer[]): void {
    for (const frame of frames) this.#stream.send(frame);
  }

  /** Answers with 200. */
  answer(text: string): void {
    this.send(
      encodeFrame(FrameType.HEAD, "200 OK\nContent-Type\ntext/plain"),
      encodeFrame(FrameType.DATA, text),
      encodeFrame(FrameType.END),
    );
  }

  /** Stops reading, as an application does that leaves its input alone. */
  stall(): void {
    this.#stream.pauseReading();
  }

  close(): void {
    this.#stream.close();
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#wake();
  }
}

/** One worker. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number;
  readonly channels: IOStream[];
  readonly bornAt: number;
  /** Control, then threads; filled as they are accepted. */
  readonly threads: FakeThread[] = [];
  killed = false;
  #exit!: (status: number) => void;
  readonly #exited: Promise<number>;

  constructor(pid: number, channels: IOStream[], bornAt: number) {
    this.pid = pid;
    this.channels = channels;
    this.bornAt = bornAt;
    this.#exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  kill(): void {
    this.killed = true;
    this.exit(-9);
  }

  /** The process ends. */
  exit(status: number): void {
    for (const thread of this.threads) thread.close();
    this.#exit(status);
  }

  waitForExit(): Promise<number> {
    return this.#exited;
  }
}

/** A machine on which workers are started. */
export class FakePython {
  readonly workers: FakeWorker[] = [];
  /** What a worker does when it has got its configuration. */
  onStart: (worker: FakeWorker) => void = (worker) => worker.threads[0]?.send(encodeFrame(FrameType.READY));
  readonly #loop: IOLoop;
  #expected: FakeWorker[] = [];

  private constructor(loop: IOLoop) {
    this.#loop = loop;
  }

  /** Listens on port 9 of the loop's network in memory. */
  static async on(loop: IOLoop): Promise<FakePython> {
    const python = new FakePython(loop);
    const server = await loop.network!.listen({ host: "127.0.0.1", port: 9 });
    server.accept(
      (socket) => python.#accepted(new IOStream(socket, { ioLoop: loop })),
      () => {},
    );
    return python;
  }

  readonly launch: LaunchWorker = ({ threads }) => {
    const channels: IOStream[] = [];
    for (let count = 0; count <= threads; count++) {
      const socket = this.#loop.network!.connect({ host: "127.0.0.1", port: 9 });
      channels.push(new IOStream(socket, { ioLoop: this.#loop }));
    }
    const worker = new FakeWorker(this.workers.length + 1, channels, this.#loop.time());
    this.workers.push(worker);
    for (let count = 0; count <= threads; count++) this.#expected.push(worker);
    return worker;
  };

  #accepted(stream: IOStream): void {
    const worker = this.#expected.shift()!;
    const thread = new FakeThread(stream);
    worker.threads.push(thread);
    if (worker.threads.length === worker.channels.length) {
      void worker.threads[0]!.until("CONFIG").then(() => this.onStart(worker));
    }
  }
}
