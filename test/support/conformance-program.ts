/**
 * Servers in a process of their own, for tests of what only an operating system does: signals, descriptors, memory. The
 * first argument says which; it prints `ready PORT` and takes what follows on the command line.
 */
import { readdirSync } from "node:fs";
import process from "node:process";
import { HTTPServer } from "squall/httpserver";
import { forkProcesses, taskId } from "squall/process";
import { Application, RequestHandler } from "squall/web";

const input = new Promise<void>((resolve) => process.stdin.once("end", resolve));
let endless = 0;

class Hello extends RequestHandler {
  override get() {
    this.write(`hello from ${taskId() ?? process.pid} ${process.pid}`);
  }
}

/** Answers when standard input has ended. */
class Wait extends RequestHandler {
  override async get() {
    process.stdin.resume();
    process.stdout.write("waiting\n");
    await input;
    this.write("waited");
  }
}

/** A gigabyte, made as it goes. */
class Big extends RequestHandler {
  override async get() {
    this.setHeader("Content-Length", 2 ** 30);
    for (let made = 0; made < 2 ** 30; made += 65_536) {
      endless = made;
      this.write(Buffer.alloc(65_536, "x"));
      await this.flush();
    }
  }
}

class Stats extends RequestHandler {
  override get() {
    this.write({
      rss: process.memoryUsage.rss(),
      cpu: process.cpuUsage(),
      made: endless,
      descriptors: readdirSync("/proc/self/fd").length,
    });
  }
}

const application = new Application([
  ["/hello", Hello],
  ["/wait", Wait],
  ["/big", Big],
  ["/stats", Stats],
]);

const programs: Readonly<Record<string, () => Promise<void>>> = {
  /** Serves, and ends as a program should when it is told to. */
  async serve() {
    const server = await application.listen(0, "127.0.0.1");
    process.once("SIGTERM", async () => {
      await server.stop();
      const report = await server.closeAllConnections({ timeout: 20_000 });
      process.stdout.write(`stopped ${JSON.stringify(report)}\n`);
      // Whoever waits for standard input has been served.
      process.stdin.pause();
    });
    process.stdout.write(`ready ${server.port}\n`);
  },

  /** Listens where it is told to. */
  async listen() {
    const [, , , port, address, user] = process.argv;
    if (user !== undefined) process.setuid!(Number(user));
    await application.listen(Number(port), address);
    process.stdout.write("ready\n");
  },

  /** Two workers on one port. */
  async workers() {
    await forkProcesses(2);
    const server = new HTTPServer(application);
    await server.listen(Number(process.argv[3]), "127.0.0.1");
    process.stdout.write(`ready ${process.pid}\n`);
  },
};

await programs[process.argv[2] ?? ""]?.();
