/** The chat for terminals, spoken to as netcat would. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type IOStream, StreamClosedError } from "squall/iostream";
import { TCPClient } from "squall/tcpclient";
import { ChatServer } from "../../examples/chat-tcp/chat.js";
import { Child } from "../support/child.js";
import { root } from "../support/root.js";
import "../support/guard.js";

const LIMIT = { timeout: 20_000 };

/** Somebody at a terminal. */
class Visitor {
  readonly stream: IOStream;

  constructor(stream: IOStream) {
    this.stream = stream;
  }

  async says(text: string): Promise<void> {
    await this.stream.write(`${text}\n`);
  }

  async sees(pattern: string | RegExp): Promise<void> {
    const line = (await this.stream.readUntil("\n", LIMIT)).toString().trimEnd();
    if (typeof pattern === "string") assert.equal(line, pattern);
    else assert.match(line, pattern);
  }

  async seesTheEnd(): Promise<string> {
    return (await this.stream.readUntilClose(LIMIT)).toString();
  }
}

async function openChat(context: TestContext): Promise<{
  server: ChatServer;
  connect(): Promise<Visitor>;
  enter(name: string): Promise<Visitor>;
}> {
  const server = await new ChatServer().listen(0, "127.0.0.1");
  const client = new TCPClient();
  const visitors: Visitor[] = [];
  context.after(async () => {
    for (const { stream } of visitors) stream.close();
    client.close();
    await server.close();
  });
  const connect = async (): Promise<Visitor> => {
    const visitor = new Visitor(await client.connect("127.0.0.1", server.port as number));
    visitors.push(visitor);
    await visitor.sees("Welcome! What is your name?");
    return visitor;
  };
  const enter = async (name: string): Promise<Visitor> => {
    const visitor = await connect();
    await visitor.says(name);
    await visitor.sees(`Hello ${name}! You are in lobby. /help tells what you can do.`);
    return visitor;
  };
  return { server, connect, enter };
}

test("people in one room hear each other, and nobody in another one", async (context) => {
  const { enter } = await openChat(context);
  const ada = await enter("Ada");
  const bob = await enter("Bob");
  await ada.sees("* Bob has come in");
  await ada.says("Hello Bob");
  for (const person of [ada, bob]) await person.sees("<Ada> Hello Bob");
  await bob.says("/join garden");
  await bob.sees("* Bob has come in");
  await ada.sees("* Bob has gone to garden");
  await bob.says("Anybody?");
  await bob.sees("<Bob> Anybody?");
  await ada.says("/rooms");
  await ada.sees("garden (1), lobby (1)");
  await ada.says("/join garden");
  for (const person of [ada, bob]) await person.sees("* Ada has come in");
  await ada.says("/who");
  await ada.sees("In garden: Ada, Bob");
  await ada.says("/nick Countess");
  for (const person of [ada, bob]) await person.sees("* Ada is now Countess");
  await bob.says("/quit");
  await bob.sees("Goodbye!");
  assert.equal(await bob.seesTheEnd(), "");
  await ada.sees("* Bob has left");
  await ada.says("/help");
  await ada.sees(/^\/nick NAME/);
});

test("a name that is none, or is taken, is asked for again", async (context) => {
  const { enter, connect } = await openChat(context);
  await enter("Ada");
  const other = await connect();
  await other.says("");
  await other.sees(/^A name is 1 to 20 letters/);
  await other.says("two words");
  await other.sees(/^A name is 1 to 20 letters/);
  await other.says("ada");
  await other.sees(/^There is a ada already/);
  await other.says("Grace\r");
  await other.sees(/^Hello Grace!/);
  await other.says("/nick ADA");
  await other.sees(/^There is a ADA already/);
  await other.says("/join no way");
  await other.sees(/^A room's name/);
});

test("control characters do not reach the terminals of others", async (context) => {
  const { enter } = await openChat(context);
  const ada = await enter("Ada");
  await ada.says("\u001b[2J\u0007red \u001b[31malert\u009b1m");
  await ada.sees("<Ada> [2Jred [31malert1m");
});

test("a line that is too long ends the connection of its sender alone, with or without its end", async (context) => {
  const { enter } = await openChat(context);
  const ada = await enter("Ada");
  const bob = await enter("Bob");
  await ada.sees("* Bob has come in");
  await bob.stream.write("x".repeat(1_001));
  await ada.sees("* Bob has left");
  await assert.rejects(bob.stream.readUntil("\n", LIMIT), StreamClosedError);
  await ada.says("Still here");
  await ada.sees("<Ada> Still here");
});

test("who does not read what others say is shown out when too much waits", async (context) => {
  const { enter, server } = await openChat(context);
  const ada = await enter("Ada");
  const sleeper = await enter("Sleeper");
  await ada.sees("* Sleeper has come in");
  sleeper.stream.pauseReading();
  const line = "z".repeat(900);
  for (;;) {
    await ada.says(line);
    const heard = (await ada.stream.readUntil("\n", LIMIT)).toString();
    if (heard === "* Sleeper has left\n") break;
    assert.equal(heard, `<Ada> ${line}\n`);
  }
  assert.equal(server.connections, 1);
});

test("the end of the chat is told to everybody, and the program ends with status 0", async (context) => {
  const child = Child.start(context, process.execPath, [`${root}build/examples/chat-tcp/server.js`], {
    PORT: "0",
  });
  const [, port] = await child.prints(/nc localhost (\d+)/);
  const client = new TCPClient();
  context.after(() => client.close());
  const visitor = new Visitor(await client.connect("localhost", Number(port)));
  await visitor.says("Ada");
  await visitor.sees(/^Welcome/);
  await visitor.sees(/^Hello Ada/);
  void child.kill("SIGTERM");
  assert.equal(await visitor.seesTheEnd(), "* The chat is closing. Goodbye!\n");
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});
