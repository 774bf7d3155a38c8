/**
 * A client of the echo server: sends its arguments, a line each, or what it reads from standard input, and prints the
 * answers.
 *
 *     node build/examples/tcpecho/client.js "hello" "are you there?"
 *     ls | node build/examples/tcpecho/client.js
 *
 * `connect()` tries all addresses of the name, and 5 seconds are the limit for the whole of it.
 */
import { createInterface } from "node:readline";
import { StreamClosedError } from "squall/iostream";
import { TCPClient } from "squall/tcpclient";

const args = process.argv.slice(2);

const client = new TCPClient();
try {
  const stream = await client.connect("localhost", Number(process.env.PORT ?? 8007), { timeout: 5_000 });
  for await (const line of args.length > 0 ? args : createInterface({ input: process.stdin })) {
    await stream.write(`${line}\n`);
    process.stdout.write(await stream.readUntil("\n", { timeout: 5_000, maxBytes: 65_536 }));
  }
  stream.close();
} catch (error) {
  if (!(error instanceof StreamClosedError)) throw error;
  console.error(`No echo: ${error.realError?.message ?? "the server has closed the connection"}`);
  process.exitCode = 1;
} finally {
  client.close();
}
