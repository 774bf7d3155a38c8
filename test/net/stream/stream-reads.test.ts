/** Reads against a plain model: whatever pieces the bytes come in, the same reads give the same answers. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { BaseIOStream } from "squall/iostream";

/** A stream of one's own over any duplex stream of Node. */
class DuplexIOStream extends BaseIOStream {
  constructor(duplex: PassThrough) {
    super();
    this.attach(duplex);
  }
}

type Read =
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "until"; readonly delimiter: string }
  | { readonly kind: "regex"; readonly source: string }
  | { readonly kind: "into"; readonly size: number };

const alphabet = fc.constantFrom("a", "b", "\r", "\n");
const data = fc.string({ unit: alphabet, maxLength: 60 });
const read: fc.Arbitrary<Read> = fc.oneof(
  fc.record({ kind: fc.constant("bytes" as const), size: fc.nat(8) }),
  fc.record({ kind: fc.constant("into" as const), size: fc.nat(8) }),
  fc.record({
    kind: fc.constant("until" as const),
    delimiter: fc.string({ unit: alphabet, minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("regex" as const),
    source: fc.constantFrom("\\r?\\n", "a+b", "[ab]{2}\\n", "b$|\\n"),
  }),
);

/** What a read of everything there will ever be gives: the answer and the rest, or undefined if it cannot be satisfied. */
function expected(text: string, request: Read): string | undefined {
  switch (request.kind) {
    case "bytes":
    case "into":
      return text.length >= request.size ? text.slice(0, request.size) : undefined;
    case "until": {
      const at = text.indexOf(request.delimiter);
      return at < 0 ? undefined : text.slice(0, at + request.delimiter.length);
    }
    case "regex": {
      const match = new RegExp(request.source).exec(text);
      return match === null ? undefined : text.slice(0, match.index + match[0].length);
    }
  }
}

async function perform(stream: BaseIOStream, request: Read): Promise<string> {
  switch (request.kind) {
    case "bytes":
      return (await stream.readBytes(request.size)).toString("latin1");
    case "into": {
      const target = Buffer.alloc(request.size);
      assert.equal(await stream.readInto(target), request.size);
      return target.toString("latin1");
    }
    case "until":
      return (await stream.readUntil(request.delimiter)).toString("latin1");
    case "regex":
      return (await stream.readUntilRegex(request.source)).toString("latin1");
  }
}

/** Cuts a text at the given places. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  const result: string[] = [];
  let start = 0;
  for (const place of [...places, text.length]) {
    if (place > start) result.push(text.slice(start, place));
    start = place;
  }
  return result;
}

test("any sequence of reads on any bytes in one piece gives what a plain model gives", async () => {
  await fc.assert(
    fc.asyncProperty(data, fc.array(read, { maxLength: 12 }), async (text, requests) => {
      const duplex = new PassThrough();
      const stream = new DuplexIOStream(duplex);
      duplex.end(text);
      let rest = text;
      for (const request of requests) {
        const answer = expected(rest, request);
        if (answer === undefined) {
          await assert.rejects(perform(stream, request), { code: "ERR_SQUALL_STREAM_CLOSED" });
        } else {
          assert.equal(await perform(stream, request), answer);
          rest = rest.slice(answer.length);
        }
      }
      assert.equal((await stream.readUntilClose()).toString("latin1"), rest);
    }),
    { numRuns: 300 },
  );
});

test("a read by size or delimiter does not depend on the pieces in which the bytes come", async () => {
  await fc.assert(
    fc.asyncProperty(
      data,
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.array(read, { maxLength: 8 }),
      async (text, cuts, requests) => {
        const duplex = new PassThrough();
        const stream = new DuplexIOStream(duplex);
        const arriving = (async () => {
          for (const piece of pieces(text, cuts)) {
            duplex.write(piece);
            await new Promise((resolve) => setImmediate(resolve));
          }
          duplex.end();
        })();
        let rest = text;
        for (const request of requests) {
          // A greedy match may end earlier when less has come.
          if (request.kind === "regex") continue;
          const answer = expected(rest, request);
          if (answer === undefined) break;
          assert.equal(await perform(stream, request), answer);
          rest = rest.slice(answer.length);
        }
        await arriving;
        assert.equal((await stream.readUntilClose()).toString("latin1"), rest);
      },
    ),
    { numRuns: 200 },
  );
});
