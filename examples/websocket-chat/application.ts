/**
 * A chat with rooms over WebSockets: who is there, who is typing, and what was said while you were away. What is said is
 * published to a topic for each room, which makes and frames each message once, however many are there.
 */
import { fileURLToPath } from "node:url";
import { Application, StaticFileHandler } from "squall/web";
import { Topics, WebSocketHandler } from "squall/websocket";
import { EPOCH, Room } from "./room.js";

const LONGEST_NAME = 40;
const LONGEST_TEXT = 2000;

const page = fileURLToPath(new URL("page", import.meta.url));

/** The page and its parts, which load nothing from elsewhere. */
class PageHandler extends StaticFileHandler {
  setExtraHeaders(): void {
    this.setHeader("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    this.setHeader("X-Content-Type-Options", "nosniff");
    this.setHeader("Cache-Control", "no-cache");
  }
}

/** What a page may say; everything in it comes from a stranger. */
type Said =
  | { type: "join"; name: string; after: number; epoch: string }
  | { type: "say"; id: string; text: string }
  | { type: "typing" };

function read(message: string | Buffer): Said | undefined {
  try {
    const { type, name, after, epoch, id, text } = JSON.parse(String(message)) as Record<string, unknown>;
    const isText = (value: unknown, most: number): value is string =>
      typeof value === "string" && value.trim() !== "" && value.length <= most;
    if (type === "typing") return { type };
    if (type === "say" && isText(id, 64) && isText(text, LONGEST_TEXT)) return { type, id, text };
    if (type !== "join" || !isText(name, LONGEST_NAME)) return undefined;
    return { type, name: name.trim(), after: Number(after) || 0, epoch: String(epoch) };
  } catch {
    return undefined;
  }
}

/** The rooms of this process. */
class Rooms {
  readonly topics = new Topics<ChatHandler>();
  readonly #rooms = new Map<string, Room>();

  /** A room by its name; it is there as soon as it is asked for. */
  get(name: string): Room {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = new Room();
      this.#rooms.set(name, room);
    }
    return room;
  }

  forgetIfEmpty(name: string): void {
    if (this.#rooms.get(name)?.isEmpty) this.#rooms.delete(name);
  }
}

/** One connection of one page. */
export class ChatHandler extends WebSocketHandler {
  #rooms!: Rooms;
  #room = "";
  #name = "";

  initialize({ rooms }: { rooms: Rooms }): void {
    this.#rooms = rooms;
  }

  getWebSocketOptions() {
    // A page that cannot keep up comes back and asks for what it has missed.
    return { slowConsumer: "disconnect", maxQueuedBytes: 256 * 1024, pingInterval: 25_000 } as const;
  }

  open({ room }: { room: string }): void {
    this.#room = room;
  }

  onMessage(message: string | Buffer): void {
    const said = read(message);
    if (said === undefined) {
      this.close(1008, "that is not what this chat speaks");
    } else if (said.type === "join") {
      if (this.#name === "") this.#join(said.name, said.epoch === EPOCH ? said.after : 0);
    } else if (this.#name === "") {
      this.close(1008, "say who you are first");
    } else if (said.type === "typing") {
      this.#publish({ type: "typing", name: this.#name }, true);
    } else {
      const made = this.#rooms.get(this.#room).say(said.id, this.#name, said.text, Date.now());
      if (made !== undefined) this.#publish({ type: "message", ...made });
    }
  }

  onClose(): void {
    if (this.#name === "") return;
    const room = this.#rooms.get(this.#room);
    if (room.leave(this.#name)) this.#publish({ type: "people", people: room.people });
    this.#rooms.forgetIfEmpty(this.#room);
  }

  #join(name: string, after: number): void {
    this.#name = name;
    const room = this.#rooms.get(this.#room);
    const isNew = room.enter(name);
    this.#rooms.topics.subscribe(this.#room, this);
    void this.writeMessage({
      type: "welcome",
      epoch: EPOCH,
      people: room.people,
      messages: room.after(after),
    });
    if (isNew) this.#publish({ type: "people", people: room.people }, true);
  }

  #publish(message: object, exceptMe = false): void {
    this.#rooms.topics.publish(this.#room, message, exceptMe ? { except: this } : {});
  }
}

/** The application. */
export function makeApplication(): Application {
  const rooms = new Rooms();
  return new Application(
    [
      ["/()", PageHandler, { path: page, defaultFilename: "index.html" }],
      ["/static/(.*)", PageHandler, { path: page }],
      ["/rooms/:room", ChatHandler, { rooms }],
    ],
    { websocketMaxMessageSize: 16 * 1024 },
  );
}
