/** A program with worker processes, for tests: its first argument says which. It tells what happens on stdout. */
import process from "node:process";
import type { IOStream } from "squall/iostream";
import { forkProcesses, taskId } from "squall/process";
import { TCPServer } from "squall/tcpserver";

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says who it is, then stays until the client leaves. */
class Who extends TCPServer {
  override async handleStream(stream: IOStream): Promise<void> {
    await stream.write(`${taskId()} ${process.pid}\n`);
    const wish = (await stream.readUntilClose()).toString();
    while (wish === "block for ever") {}
  }
}

/** Takes a third of a second for each connection, in which nothing else happens. */
class Busy extends TCPServer {
  override async handleStream(stream: IOStream): Promise<void> {
    const until = performance.now() + 300;
    while (performance.now() < until) {}
    await stream.write(`${taskId()} ${process.pid}\n`);
    await stream.readUntilClose();
  }
}

const programs: Record<string, () => Promise<void>> = {
  async ids() {
    const id = await forkProcesses(3);
    tell(`worker ${id}`);
    process.exit(0);
  },

  async budget() {
    try {
      await forkProcesses(1, { maxRestarts: 3 });
    } catch (error) {
      tell((error as { code: string }).code);
      process.exit(4);
    }
    process.exit(1);
  },

  async serve() {
    const server = process.argv[5] === "busy" ? new Busy() : new Who();
    await server.bind(Number(process.argv[3]), "127.0.0.1");
    await server.start(Number(process.argv[4] ?? 2), { maxRestarts: Number.POSITIVE_INFINITY });
    tell(`ready ${taskId()} ${process.pid}`);
  },
};

await programs[process.argv[2] ?? ""]?.();
