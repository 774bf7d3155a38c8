/**
 * A chat room by long polling. A reader asks `GET /updates?after=CURSOR&wait=1`; the handler answers at once if
 * something came after the cursor, and otherwise waits for it. A waiting reader costs a connection and a promise, no
 * thread: that is what this library is for.
 */
import { fileURLToPath } from "node:url";
import { Application, HTTPError, RequestHandler, StaticFileHandler } from "squall/web";
import type { Draft, MessageBuffer } from "./message-buffer.js";

/** How long a poll waits for news (ms): below the 30 seconds after which some networks forget a quiet connection. */
const POLL_TIME = 25_000;
const LONGEST_NAME = 40;
const LONGEST_TEXT = 2_000;

const page = fileURLToPath(new URL("page", import.meta.url));

/** The page and its parts. The policy lets it load nothing from elsewhere, and run no script but its own files. */
class PageHandler extends StaticFileHandler {
  override setExtraHeaders(): void {
    this.setHeader("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    this.setHeader("X-Content-Type-Options", "nosniff");
    this.setHeader("Referrer-Policy", "no-referrer");
    // Kept by the browser, and asked about by its entity tag each time.
    this.setHeader("Cache-Control", "no-cache");
  }
}

/** What both API handlers share: the room's messages, handed over by the route. */
class RoomHandler extends RequestHandler {
  protected messages!: MessageBuffer;

  override initialize({ messages }: { messages: MessageBuffer }): void {
    this.messages = messages;
    this.setHeader("Cache-Control", "no-store");
  }
}

class UpdatesHandler extends RoomHandler {
  async get(): Promise<void> {
    const cursor = this.getQueryArgument("after", "");
    let answer = this.messages.after(cursor);
    if (answer.messages.length === 0 && this.getQueryArgument("wait", "0") === "1") {
      try {
        await this.messages.news({ signal: this.signal, timeout: POLL_TIME });
      } catch {
        return; // The reader has gone; there is nobody to answer.
      }
      answer = this.messages.after(cursor);
    }
    this.write({ ...answer });
  }
}

class MessagesHandler extends RoomHandler {
  post(): void {
    // A form on somebody else's page cannot send JSON, so this also keeps other sites from speaking in our name.
    const type = this.request.headers.get("Content-Type") ?? "";
    if (!/^application\/json *(;|$)/i.test(type))
      throw new HTTPError(415, "messages are sent as application/json");
    const message = this.messages.add(readDraft(this.request.json()));
    this.setStatus(201);
    this.write({ message });
  }
}

/** Checks what a stranger sent. Markup needs no care here: the page shows every text as text. */
function readDraft(value: unknown): Draft {
  const { id, name, text } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || !/^[\w-]{8,64}$/.test(id))
    throw new HTTPError(400, "id: 8 to 64 letters or digits");
  return { id, name: trimmed("name", name, LONGEST_NAME), text: trimmed("text", text, LONGEST_TEXT) };
}

function trimmed(field: string, value: unknown, longest: number): string {
  const text = typeof value === "string" ? value.trim() : "";
  if (text === "" || text.length > longest) throw new HTTPError(400, `${field}: 1 to ${longest} characters`);
  return text;
}

/** The room as an application, ready to listen. */
export function makeApplication(messages: MessageBuffer): Application {
  return new Application([
    ["/()", PageHandler, { path: page, defaultFilename: "index.html" }],
    ["/static/(.*)", PageHandler, { path: page }],
    ["/updates", UpdatesHandler, { messages }],
    ["/messages", MessagesHandler, { messages }],
  ]);
}
