/**
 * A chat for terminals: people with nicknames, in rooms. It speaks lines of text, so telnet and netcat are its clients.
 *
 * Each connection is one `handleStream()`: ask for a name, then read lines until the person leaves. Nobody waits for
 * anybody else:
 *
 * - Saying something writes it to all in the room without awaiting. Who does not read what the others say has up to
 *   64 KiB of it waiting here, then is shown out: `write()` rejects with a `StreamBufferFullError`.
 * - A line has at most 1,000 bytes; a longer one closes the connection, whether it ever ends or not.
 * - Who says nothing for an hour is asked to leave: the read has a timeout.
 *
 * What people say is shown on terminals of others, so control characters, which could move cursors there or worse, are
 * taken out.
 */
import { TimeoutError } from "squall/gen";
import { type IOStream, StreamClosedError, UnsatisfiableReadError } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";

const LONGEST_LINE = 1_000;
const LONGEST_SILENCE = 3_600_000;
const LOBBY = "lobby";
const NAME = /^[\p{L}\p{N}_-]{1,20}$/u;

const HELP = `/nick NAME  another name      /join ROOM  another room
/who        who is here       /rooms      which rooms there are
/quit       leave`;

interface Person {
  name: string;
  room: string;
  readonly stream: IOStream;
}

export class ChatServer extends TCPServer {
  readonly #people = new Set<Person>();

  constructor() {
    super({ maxWriteBufferSize: 65_536, maxConnections: 1_000 });
  }

  async handleStream(stream: IOStream) {
    const name = await this.#askForName(stream);
    if (name === undefined) return;
    const person: Person = { name, room: LOBBY, stream };
    this.#people.add(person);
    try {
      this.#tell(person, `Hello ${name}! You are in ${LOBBY}. /help tells what you can do.`);
      this.#announce(person.room, `${name} has come in`, person);
      await this.#listen(person);
    } finally {
      this.#people.delete(person);
      this.#announce(person.room, `${person.name} has left`);
    }
  }

  /** Says goodbye to everybody; what has been said before still arrives. */
  async close() {
    await this.stop();
    for (const person of this.#people) {
      this.#tell(person, "* The chat is closing. Goodbye!");
      person.stream.end();
    }
    await this.closeAllConnections({ timeout: 2_000 });
  }

  async #askForName(stream: IOStream): Promise<string | undefined> {
    void stream.write("Welcome! What is your name?\n");
    for (;;) {
      const name = await readLine(stream);
      if (name === undefined) return undefined;
      const problem = this.#problemWith(name);
      if (problem === undefined) return name;
      void stream.write(`${problem} What else may we call you?\n`);
    }
  }

  #problemWith(name: string): string | undefined {
    if (!NAME.test(name)) return "A name is 1 to 20 letters, digits, - and _.";
    const taken = [...this.#people].some((person) => person.name.toLowerCase() === name.toLowerCase());
    return taken ? `There is a ${name} already.` : undefined;
  }

  async #listen(person: Person) {
    for (;;) {
      const line = await readLine(person.stream);
      if (line === undefined) return;
      const [, command, rest = ""] = /^\/(\S*)\s*(.*)$/.exec(line) ?? [];
      if (command === undefined) {
        if (line !== "") this.#announce(person.room, `<${person.name}> ${line}`);
      } else if (command === "quit") {
        this.#tell(person, "Goodbye!");
        await person.stream.drained({ timeout: 2_000 });
        return person.stream.close();
      } else {
        this.#command(person, command, rest);
      }
    }
  }

  #command(person: Person, command: string, argument: string) {
    const { name, room } = person;
    if (command === "nick") {
      const problem = this.#problemWith(argument);
      if (problem !== undefined) return this.#tell(person, problem);
      person.name = argument;
      this.#announce(room, `${name} is now ${argument}`);
    } else if (command === "join") {
      if (!NAME.test(argument))
        return this.#tell(person, "A room's name is 1 to 20 letters, digits, - and _.");
      person.room = argument;
      this.#announce(room, `${name} has gone to ${argument}`);
      this.#announce(argument, `${name} has come in`);
    } else if (command === "who") {
      this.#tell(
        person,
        `In ${room}: ${this.#in(room)
          .map((other) => other.name)
          .sort()
          .join(", ")}`,
      );
    } else if (command === "rooms") {
      const rooms = new Set([...this.#people].map((other) => other.room));
      this.#tell(
        person,
        [...rooms]
          .sort()
          .map((each) => `${each} (${this.#in(each).length})`)
          .join(", "),
      );
    } else {
      this.#tell(person, HELP);
    }
  }

  #in(room: string): Person[] {
    return [...this.#people].filter((person) => person.room === room);
  }

  #announce(room: string, text: string, except?: Person) {
    const line = text.startsWith("<") ? text : `* ${text}`;
    for (const person of this.#in(room)) if (person !== except) this.#tell(person, line);
  }

  #tell({ stream }: Person, text: string) {
    // A person who has gone, or reads nothing: their own handler sees the end of the stream.
    stream.write(`${text}\n`).catch(() => stream.close());
  }
}

/** The next line without its end and without control characters; undefined when there will be none. */
async function readLine(stream: IOStream): Promise<string | undefined> {
  try {
    const line = await stream.readUntil("\n", { maxBytes: LONGEST_LINE, timeout: LONGEST_SILENCE });
    return line
      .toString()
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, "")
      .trim();
  } catch (error) {
    if (error instanceof TimeoutError) await stream.write("You have gone quiet. Come back when you like!\n");
    else if (!(error instanceof StreamClosedError || error instanceof UnsatisfiableReadError)) throw error;
    stream.close();
    return undefined;
  }
}
