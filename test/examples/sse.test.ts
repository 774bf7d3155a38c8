/** The live page of examples/sse: its parts, its events, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startSse } from "../support/sse.js";

interface Received {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** The events of a response, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<Received> {
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      ) as Record<string, string>;
      if (fields.event !== undefined && fields.event !== "catch-up")
        yield { event: fields.event, id: fields.id ?? "", data: JSON.parse(fields.data ?? "{}") };
    }
  }
}

async function next(events: AsyncGenerator<Received>, event: string): Promise<Received> {
  for (;;) {
    const { value } = await events.next();
    assert.ok(value !== undefined, `the response ended before a ${event}`);
    if (value.event === event) return value;
  }
}

test("the page watches, sends a note, and gets what it missed when it comes back", async (context) => {
  const { base } = await startSse(context);
  const page = await fetch(base);
  const html = await page.text();
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'self'/);
  for (const [, path] of html.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g))
    assert.equal((await fetch(base + path)).status, 200, path);
  const token = /name="_xsrf" value="([^"]+)"/.exec(html)?.[1] ?? "";
  const cookie = page.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const say = (text: string, fields: Record<string, string> = { _xsrf: token }): Promise<Response> =>
    fetch(`${base}/notes`, {
      method: "POST",
      headers: { Cookie: cookie },
      body: new URLSearchParams({ text, ...fields }),
    });

  const leave = new AbortController();
  const response = await fetch(`${base}/events`, { signal: leave.signal });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = eventsOf(response);
  // Samples of the time before come first.
  while ((await next(events, "sample")).data.watchers !== 1);
  assert.equal((await say("Hello <b>")).status, 204);
  const note = await next(events, "note");
  assert.equal(note.data.text, "Hello <b>");
  leave.abort();

  assert.equal((await say("while you were away")).status, 204);
  const again = new AbortController();
  const back = eventsOf(
    await fetch(`${base}/events`, { signal: again.signal, headers: { "Last-Event-ID": note.id } }),
  );
  assert.equal((await next(back, "note")).data.text, "while you were away");
  again.abort();

  assert.equal((await say("", { _xsrf: token })).status, 400);
  assert.equal((await say("x".repeat(81))).status, 400);
  assert.equal((await say("from another site", {})).status, 403);
});

test("a stop ends the events, and the process with status 0", async (context) => {
  const { child, base } = await startSse(context);
  const events = eventsOf(await fetch(`${base}/events`));
  await next(events, "sample");
  const ended = child.kill("SIGTERM");
  for await (const { event } of events) assert.match(event, /sample/);
  assert.equal((await ended).code, 0);
});
