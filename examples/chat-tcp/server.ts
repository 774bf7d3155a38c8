/**
 * Opens the chat for terminals, see chat.ts.
 *
 *     node build/examples/chat-tcp/server.js     port 8023, or PORT=…
 *     telnet localhost 8023                      or: nc localhost 8023
 */
import { ChatServer } from "./chat.js";

const server = await new ChatServer().listen(Number(process.env.PORT ?? 8023), "localhost");
console.log(`The chat is open: nc localhost ${server.port} (Ctrl-C ends it)`);

const stop = () => server.close();
process.once("SIGINT", stop).once("SIGTERM", stop);
