/**
 * A live page: the pulse of the server, second by second, in every window that is open. The page comes from a template; what
 * happens afterwards from Server-Sent Events. Notes are sent by an ordinary form, which carries the XSRF token.
 */
import { Application, type EventStream, HTTPError, RequestHandler } from "squall/web";
import type { Pulse } from "./pulse.js";

const LONGEST_NOTE = 80;
/** A watcher that is this many events behind has no use for the oldest of them. */
const MOST_BEHIND = 20;

class PulseHandler extends RequestHandler {
  protected pulse!: Pulse;

  initialize({ pulse }: { pulse: Pulse }): void {
    this.pulse = pulse;
  }
}

class PageHandler extends RequestHandler {
  get() {
    this.render("index.html", { longestNote: LONGEST_NOTE });
  }
}

class EventsHandler extends PulseHandler {
  #stream: EventStream | undefined;

  get() {
    const stream = this.openEventStream({
      retry: 2_000,
      slowConsumer: "drop-oldest",
      maxQueuedMessages: MOST_BEHIND,
    });
    this.#stream = stream;
    // What the client missed comes first. It is less than a connection takes at once, so the policy drops none of it.
    const missed = this.pulse.since(this.lastEventId);
    if (missed.length > 0) void stream.send({ event: "catch-up", data: missed.length });
    for (const event of missed) void stream.send(event);
    this.pulse.watch(stream);
  }

  onFinish() {
    if (this.#stream !== undefined) this.pulse.unwatch(this.#stream);
  }
}

class NotesHandler extends PulseHandler {
  post() {
    const text = this.getBodyArgument("text");
    if (text === "" || text.length > LONGEST_NOTE)
      throw new HTTPError(400, "a note has 1 to %d characters", LONGEST_NOTE);
    this.pulse.note(text);
    this.setStatus(204);
  }
}

/** The page as an application, ready to listen. */
export function makeApplication(pulse: Pulse): Application {
  return new Application(
    [
      ["/", PageHandler],
      ["/events", EventsHandler, { pulse }],
      ["/notes", NotesHandler, { pulse }],
    ],
    {
      templatePath: new URL("templates", import.meta.url),
      staticPath: new URL("static", import.meta.url),
      xsrfCookies: true,
      xsrfCookieKwargs: { samesite: "Strict", httponly: true },
      securityHeaders: {
        contentSecurityPolicy: "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
      },
    },
  );
}
