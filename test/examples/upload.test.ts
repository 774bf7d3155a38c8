/** The shelf for uploads over real connections: what is kept, what is refused, and what is left on the disk. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { attachment, formatSize } from "../../examples/upload/format.js";
import { LIMITS, type Shelf, startShelf } from "../support/upload.js";

/** What a browser knows after it has opened the page. */
interface Visit {
  readonly token: string;
  readonly cookie: string;
}

async function visit({ base }: Shelf): Promise<Visit> {
  const response = await fetch(base);
  const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
  const [, token = ""] = /data-token="([^"]+)"/.exec(await response.text()) ?? [];
  return { token, cookie };
}

function formOf(files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>): FormData {
  const form = new FormData();
  for (const [name, content] of Object.entries(files)) form.append("files", new File([content], name));
  return form;
}

async function send({ base }: Shelf, { token, cookie }: Visit, body: FormData, accept = "application/json") {
  const headers = { Cookie: cookie, "X-Xsrftoken": token, Accept: accept };
  return await fetch(`${base}/uploads`, { method: "POST", headers, body, redirect: "manual" });
}

const listed = async ({ base }: Shelf): Promise<string[]> =>
  [...(await (await fetch(base)).text()).matchAll(/class="name"[^>]*>([^<]*)</g)].map(
    ([, name = ""]) => name,
  );

test("files are kept whole, listed with their names, and given back as downloads, also in part", async (context) => {
  const shelf = await startShelf(context);
  const noise = new Uint8Array(300_000).map((_, n) => (n * 7919) >> 3);
  const answer = await send(
    shelf,
    await visit(shelf),
    formOf({ "a.txt": "Hello", "../../räk <b>smörgås</b>.bin": noise }),
  );
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), {
    files: [
      { name: "a.txt", size: 5 },
      { name: "b>.bin", size: 300_000 },
    ],
  });
  const html = await (await fetch(shelf.base)).text();
  assert.match(html, /1 MB each, 2 MB together/);
  assert.match(html, /b&gt;\.bin/);
  assert.equal(html.includes("<b>"), false);
  const links = [...html.matchAll(/href="(\/files\/[^"]+)"/g)].map(([, path]) => path);
  assert.equal(links.length, 2);
  const bodies: number[] = [];
  for (const link of links) {
    const file = await fetch(shelf.base + link);
    assert.equal(file.headers.get("content-type"), "application/octet-stream");
    assert.match(file.headers.get("content-disposition") ?? "", /^attachment; /);
    assert.match(file.headers.get("content-security-policy") ?? "", /sandbox/);
    const bytes = new Uint8Array(await file.arrayBuffer());
    bodies.push(bytes.length);
    if (bytes.length > 5) assert.deepEqual(bytes, noise);
    const part = await fetch(shelf.base + link, { headers: { Range: "bytes=1-3" } });
    assert.equal(part.status, 206);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(1, 4));
  }
  assert.deepEqual(bodies.sort(), [300_000, 5].sort());
  assert.equal((await shelf.kept()).length, 2);
  await shelf.nothingSpooled();
});

test("a file beyond its limit is 413, and neither it nor what came before it is kept", async (context) => {
  const shelf = await startShelf(context);
  const form = formOf({ "fits.txt": "Hello", "exact.bin": new Uint8Array(LIMITS.file) });
  assert.equal((await send(shelf, await visit(shelf), form)).status, 201);
  const large = formOf({ "first.txt": "Hello", "large.bin": new Uint8Array(LIMITS.file + 1) });
  const answer = await send(shelf, await visit(shelf), large);
  assert.equal(answer.status, 413);
  assert.match(((await answer.json()) as { error: string }).error, /a file may have 1 MB/);
  assert.equal((await shelf.kept()).length, 2);
  await shelf.nothingSpooled();
  assert.deepEqual((await listed(shelf)).sort(), ["exact.bin", "fits.txt"]);
});

test("an upload beyond the limit in all is 413, by its length or, without one, as soon as it is over", async (context) => {
  const shelf = await startShelf(context);
  const { token, cookie } = await visit(shelf);
  const files = formOf({
    a: new Uint8Array(900_000),
    b: new Uint8Array(900_000),
    c: new Uint8Array(900_000),
  });
  assert.equal((await send(shelf, { token, cookie }, files)).status, 413);
  // The same in chunks: nobody knows its length.
  const encoded = new Response(files);
  const answer = await fetch(`${shelf.base}/uploads`, {
    method: "POST",
    headers: {
      Cookie: cookie,
      "X-Xsrftoken": token,
      "Content-Type": encoded.headers.get("content-type") ?? "",
    },
    body: encoded.body,
    duplex: "half",
  } as RequestInit);
  assert.equal(answer.status, 413);
  assert.deepEqual(await shelf.kept(), []);
  await shelf.nothingSpooled();
});

test("an upload that breaks off leaves nothing behind", async (context) => {
  const shelf = await startShelf(context);
  const { token, cookie } = await visit(shelf);
  const { port } = new URL(shelf.base);
  const socket = connect(Number(port), "127.0.0.1");
  const head = `POST /uploads HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nX-Xsrftoken: ${token}\r\nContent-Length: 500000\r\n`;
  socket.write(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n`);
  socket.write(
    `--b\r\nContent-Disposition: form-data; name="files"; filename="half.bin"\r\n\r\n${"x".repeat(100_000)}`,
  );
  while ((await shelf.spooled()).length === 0) await new Promise(setImmediate);
  socket.destroy();
  await shelf.nothingSpooled();
  assert.deepEqual(await shelf.kept(), []);
  assert.deepEqual(await listed(shelf), []);
});

test("without a script the form leads back to the page, and errors are pages", async (context) => {
  const shelf = await startShelf(context);
  const who = await visit(shelf);
  const html = "text/html,application/xhtml+xml,*/*;q=0.8";
  const answer = await send(shelf, who, formOf({ "plain.txt": "Hello" }), html);
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("location"), "/");
  const empty = await send(shelf, who, formOf({ "": "" }), html);
  assert.equal(empty.status, 400);
  assert.match(await empty.text(), /role="alert">No file was chosen\.</);
  assert.deepEqual(await listed(shelf), ["plain.txt"]);
});

test("other sites can neither upload nor remove, and what is no form is refused", async (context) => {
  const shelf = await startShelf(context);
  const who = await visit(shelf);
  assert.equal((await send(shelf, who, formOf({ "a.txt": "Hello" }))).status, 201);
  const [id] = await shelf.kept();
  assert.equal((await send(shelf, { ...who, token: "" }, formOf({ "b.txt": "x" }))).status, 403);
  assert.equal((await send(shelf, { ...who, cookie: "" }, formOf({ "b.txt": "x" }))).status, 403);
  const remove = (body: string) =>
    fetch(`${shelf.base}/files/${id}/remove`, {
      method: "POST",
      headers: { Cookie: who.cookie },
      body: new URLSearchParams(body),
      redirect: "manual",
    });
  assert.equal((await remove("")).status, 403);
  const headers = { Cookie: who.cookie, "X-Xsrftoken": who.token };
  assert.equal((await fetch(`${shelf.base}/uploads`, { method: "POST", headers, body: "text" })).status, 415);
  assert.equal((await shelf.kept()).length, 1);
  assert.equal((await remove(`_xsrf=${encodeURIComponent(who.token)}`)).status, 303);
  assert.equal((await remove(`_xsrf=${encodeURIComponent(who.token)}`)).status, 404);
  assert.deepEqual(await shelf.kept(), []);
});

test("only files that are listed are given out: neither notes, spooled uploads nor what lies beside them", async (context) => {
  const shelf = await startShelf(context);
  assert.equal((await send(shelf, await visit(shelf), formOf({ "a.txt": "Hello" }))).status, 201);
  const [id] = await shelf.kept();
  for (const path of [`${id}.json`, ".spool", "..%2f..%2fetc%2fpasswd", `${id}%00`, `./${id}%2f`]) {
    const answer = await fetch(`${shelf.base}/files/${path}`);
    assert.equal(answer.status, 404, path);
    await answer.text();
  }
  assert.equal((await fetch(`${shelf.base}/static/index.html`)).status, 404);
});

test("the shelf is as it was after a restart, without what a crash cut off", async (context) => {
  const shelf = await startShelf(context);
  assert.equal((await send(shelf, await visit(shelf), formOf({ "kept.txt": "Hello" }))).status, 201);
  assert.deepEqual(await shelf.child.kill("SIGTERM"), { code: 0, signal: null });
  await mkdir(join(shelf.folder, ".spool", "squall-upload-old"), { recursive: true });
  await writeFile(join(shelf.folder, ".spool", "squall-upload-old", "part"), "half of it");
  await writeFile(join(shelf.folder, `${crypto.randomUUID()}.json`), '{"name":"a note without its file"}');
  const again = await startShelf(context, shelf.folder);
  assert.deepEqual(await listed(again), ["kept.txt"]);
  await again.nothingSpooled();
});

test("formatSize() writes sizes in powers of 1000, and never 1000 of a unit", () => {
  for (const [bytes, text] of [
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 KB"],
    [48_213, "48.2 KB"],
    [999_949, "999.9 KB"],
    [999_950, "1 MB"],
    [2e9, "2 GB"],
    [5e15, "5000 TB"],
  ] as const) {
    assert.equal(formatSize(bytes), text);
  }
});

test("attachment() keeps any name inside its field", () => {
  assert.equal(attachment("a b.txt"), `attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt`);
  assert.equal(
    attachment('x"; y\r\nSet-Cookie: ä(1)*%41'),
    `attachment; filename="x_; y__Set-Cookie: _(1)*_41"; filename*=UTF-8''x%22%3B%20y%0D%0ASet-Cookie%3A%20%C3%A4%281%29%2A%2541`,
  );
});
