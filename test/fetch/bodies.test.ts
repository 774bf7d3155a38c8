/** Forms, redirects and large bodies through FetchContainer and fetchHandler(). */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { type FetchApplication, FetchContainer, fetchHandler } from "squall/fetch";
import { Application, RequestHandler } from "squall/web";
import { withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const CRLF = "\r\n";

/** As a browser sends it: two fields of one name, and a file of octets that are not text. */
function multipart(boundary: string): Buffer {
  const part = (head: string, content: string | Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(`--${boundary}${CRLF}Content-Disposition: form-data; ${head}${CRLF}${CRLF}`),
      Buffer.from(content),
      Buffer.from(CRLF),
    ]);
  return Buffer.concat([
    part('name="a"', "one"),
    part('name="a"', "Grüße"),
    part(
      `name="file"; filename="ü.bin"${CRLF}Content-Type: application/octet-stream`,
      Buffer.from([0, 13, 10, 255]),
    ),
    Buffer.from(`--${boundary}--${CRLF}`),
  ]);
}

/** What a form says, for comparison. */
async function told(form: FormData): Promise<unknown[]> {
  const entries = [...form] as [string, string | File][];
  return await Promise.all(
    entries.map(async ([name, value]) =>
      typeof value === "string"
        ? [name, value]
        : [name, value.name, value.type, [...new Uint8Array(await value.arrayBuffer())]],
    ),
  );
}

const FORM = [
  ["a", "one"],
  ["a", "Grüße"],
  ["file", "ü.bin", "application/octet-stream", [0, 13, 10, 255]],
];

function madeForm(): FormData {
  const form = new FormData();
  form.append("a", "one");
  form.append("a", "Grüße");
  form.append(
    "file",
    new File([Buffer.from([0, 13, 10, 255])], "ü.bin", { type: "application/octet-stream" }),
  );
  return form;
}

describe("a form in multipart/form-data", () => {
  test("of a client is read by request.formData(), whole or octet by octet", async () => {
    const application: FetchApplication = async (request) =>
      Response.json(await told(await request.formData()));
    const body = multipart("xYx");
    await withContainer(new FetchContainer(application), async ({ ask, connect }) => {
      const head = `Content-Type: multipart/form-data; boundary=xYx${CRLF}`;
      const whole = await ask("/", { method: "POST", head, body });
      assert.deepEqual(JSON.parse(whole.body.toString()), FORM);
      const client = await connect();
      client.send(`POST / HTTP/1.1${CRLF}Host: a${CRLF}${head}Content-Length: ${body.length}${CRLF}${CRLF}`);
      for (const octet of body) {
        client.send(Buffer.of(octet));
        await turn();
      }
      assert.deepEqual(JSON.parse((await client.response()).body.toString()), FORM);
    });
  });

  test("as the body of a response has its boundary, and can be read with it", async () => {
    await withContainer(new FetchContainer(() => new Response(madeForm())), async ({ ask }) => {
      const got = await ask("/");
      const type = field(got, "Content-Type") ?? "";
      assert.match(type, /^multipart\/form-data; boundary=/);
      const read = new Response(got.body, { headers: { "Content-Type": type } });
      assert.deepEqual(await told(await read.formData()), FORM);
    });
  });

  test("is read by a handler behind fetchHandler(), with its file", async () => {
    class Upload extends RequestHandler {
      override post(): void {
        const file = this.request.files.file?.[0];
        this.write({
          a: this.getBodyArguments("a"),
          name: file?.filename,
          type: file?.contentType,
          octets: [...(file?.body ?? [])],
        });
      }
    }
    const handle = fetchHandler(new Application([["/", Upload]]));
    const got = await handle(new Request("http://a/", { method: "POST", body: madeForm() }));
    assert.deepEqual(await got.json(), {
      a: ["one", "Grüße"],
      name: "ü.bin",
      type: "application/octet-stream",
      octets: [0, 13, 10, 255],
    });
  });
});

describe("a redirect", () => {
  test("made by Response.redirect() leaves with its status and Location", async () => {
    const application: FetchApplication = (request) =>
      Response.redirect(new URL("/b?c=%20", request.url), 307);
    await withContainer(new FetchContainer(application), async ({ ask }) => {
      for (const method of ["GET", "HEAD", "POST"]) {
        const got = await ask("/", { method });
        assert.equal(got.status, 307);
        assert.equal(field(got, "Location"), "http://example.com:81/b?c=%20");
        assert.equal(got.body.length, 0);
      }
    });
  });

  test("of a handler is a Response that redirects, and 204, 205 and 304 have a null body", async () => {
    class Moved extends RequestHandler {
      override get(): void {
        this.redirect("/there", { status: 303 });
      }
    }
    class Status extends RequestHandler {
      override get(status: string): void {
        this.setStatus(Number(status));
      }
    }
    const handle = fetchHandler(
      new Application([
        ["/", Moved],
        ["/(\\d+)", Status],
      ]),
    );
    const moved = await handle(new Request("http://a/"));
    assert.deepEqual([moved.status, moved.headers.get("Location")], [303, "/there"]);
    for (const status of [204, 205, 304]) {
      const got = await handle(new Request(`http://a/${status}`));
      assert.deepEqual([got.status, got.body], [status, null]);
    }
  });
});

/** More than the server takes by default. */
const LARGE = 128 * 1024 * 1024;
const PIECE = Buffer.alloc(256 * 1024, 7);
/** What the kernel's buffers and ours may hold between two ends of a connection. */
const ON_THE_WAY = 24 * 1024 * 1024;

describe("a body of 128 MiB streams, and only a part of it is ever held", () => {
  test("from a client through FetchContainer", async () => {
    let seen = 0;
    let most = 0;
    let sent = 0;
    const application: FetchApplication = async (request) => {
      for await (const piece of request.body as ReadableStream<Uint8Array>) {
        most = Math.max(most, sent - seen);
        seen += piece.length;
        // A reader that takes its time.
        await turn();
      }
      return new Response(String(seen));
    };
    await withContainer(
      new FetchContainer(application),
      async ({ connect }) => {
        const client = await connect();
        client.send(`PUT / HTTP/1.1${CRLF}Host: a${CRLF}Content-Length: ${LARGE}${CRLF}${CRLF}`);
        while (sent < LARGE) {
          sent += PIECE.length;
          if (!client.socket.write(PIECE)) await once(client.socket, "drain");
        }
        assert.equal((await client.response()).body.toString(), String(LARGE));
      },
      { maxBodySize: LARGE },
    );
    assert.ok(most < ON_THE_WAY, `${most} octets were on their way`);
  });

  test("to a client through FetchContainer", async () => {
    let made = 0;
    let got = 0;
    let most = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        made += PIECE.length;
        most = Math.max(most, made - got);
        controller.enqueue(PIECE);
        if (made === LARGE) controller.close();
      },
    });
    await withContainer(new FetchContainer(() => new Response(stream)), async ({ connect }) => {
      const client = await connect();
      client.socket.removeAllListeners("data");
      client.socket.on("data", (piece: Buffer) => {
        got += piece.length;
      });
      client.send(`GET / HTTP/1.0${CRLF}${CRLF}`);
      await client.whenEnded();
      assert.ok(got > LARGE);
    });
    assert.ok(most < ON_THE_WAY, `${most} octets were on their way`);
  });

  test("through fetchHandler(), into a handler and out of one", async () => {
    let seen = 0;
    let most = 0;
    let made = 0;
    class Transfer extends RequestHandler {
      static override readonly streamRequestBody: boolean = true;

      override dataReceived(chunk: Buffer): Promise<void> {
        most = Math.max(most, made - seen);
        seen += chunk.length;
        return turn();
      }

      override put(): void {
        this.write(String(seen));
      }

      override async get(): Promise<void> {
        for (made = 0; made < LARGE; ) {
          made += PIECE.length;
          most = Math.max(most, made - seen);
          this.write(PIECE);
          await this.flush();
        }
      }
    }
    const handle = fetchHandler(new Application([["/", Transfer]]), { maxBodySize: LARGE });
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        made += PIECE.length;
        controller.enqueue(PIECE);
        if (made === LARGE) controller.close();
      },
    });
    const put = await handle(
      new Request("http://a/", { method: "PUT", body, duplex: "half" } as RequestInit),
    );
    assert.equal(await put.text(), String(LARGE));
    assert.ok(most < ON_THE_WAY, `${most} octets were on their way`);
    most = 0;
    seen = 0;
    const got = await handle(new Request("http://a/"));
    for await (const piece of got.body as ReadableStream<Uint8Array>) seen += piece.length;
    assert.equal(seen, LARGE);
    assert.ok(most < ON_THE_WAY, `${most} octets were on their way`);
  });
});
