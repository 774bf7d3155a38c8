// A process full of WebSocket clients, driven over IPC. It writes and reads frames by itself, so that it measures neither squall
// nor `ws` with one of them.
//
//     {open: n, deflate}           opens n connections with a browser's handshake; answers "open"
//     {echo: {size, ms, window}}   keeps `window` messages of each connection on their way; answers counts and delays
//     {count: total}               answers when so many frames have come
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { constants, deflateRawSync } from "node:zlib";

const port = Number(process.argv[2]);
/** How many handshakes are on their way at once: less than a listening queue holds. */
const AT_ONCE = 50;
/** 12 fields of some 600 bytes, as Chromium sends them. */
const head = (deflate) =>
  [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    `Origin: http://127.0.0.1:${port}`,
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
    "Cookie: session=2|1:0|10:1700000000|7:session|44:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5|0123456789abcdef",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(deflate ? ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"] : []),
    "",
    "",
  ].join("\r\n");

const clients = [];
let frames = 0;
let wanted = Infinity;

/** One connection: counts whole frames, whose heads are those of a server. */
class Client {
  need = 0;
  held = Buffer.alloc(0);
  sent = [];
  onFrame = undefined;

  constructor(deflate) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.setNoDelay(true);
    this.socket.write(head(deflate));
    this.ready = new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.once("data", (chunk) => {
        if (!chunk.toString("latin1").startsWith("HTTP/1.1 101")) reject(new Error(chunk.toString("latin1")));
        this.socket.on("data", (more) => this.read(more));
        resolve();
      });
    });
  }

  read(chunk) {
    let at = 0;
    while (at < chunk.length) {
      if (this.need > 0) {
        const used = Math.min(this.need, chunk.length - at);
        at += used;
        this.need -= used;
        if (this.need === 0) this.frame();
        continue;
      }
      if (this.held.length > 0) {
        chunk = Buffer.concat([this.held, chunk.subarray(at)]);
        this.held = Buffer.alloc(0);
        at = 0;
      }
      const short = chunk[at + 1];
      const size = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (chunk.length - at < size) {
        this.held = chunk.subarray(at);
        return;
      }
      this.need =
        size === 2 ? short : size === 4 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
      at += size;
      if (this.need === 0) this.frame();
    }
  }

  frame() {
    frames++;
    this.onFrame?.();
    if (frames >= wanted) {
      wanted = Infinity;
      process.send("counted");
    }
  }
}

/** A masked frame; the key of zeros costs the server the same work. */
function frameOf(first, payload) {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.alloc(size + 4 + length);
  frame[0] = first;
  frame[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) frame.writeUInt16BE(length, 2);
  if (size === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  const key = Buffer.of(0x12, 0x34, 0x56, 0x78);
  key.copy(frame, size);
  for (let i = 0; i < length; i++) frame[size + 4 + i] = payload[i] ^ key[i & 3];
  return frame;
}

function payloadOf(size, deflate) {
  const text = '{"name":"squall","text":"The quick brown fox","n":12345},'
    .repeat(Math.ceil(size / 57))
    .slice(0, size);
  if (!deflate) return frameOf(0x81, Buffer.from(text));
  const bytes = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return frameOf(0xc1, bytes.subarray(0, -4));
}

async function open(count, deflate) {
  let begun = 0;
  const one = async () => {
    while (begun < count) {
      begun++;
      const client = new Client(deflate);
      await client.ready;
      clients.push(client);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  process.send("open");
}

async function echo({ size, ms, window, deflate }) {
  const frame = payloadOf(size, deflate);
  const delays = [];
  let running = true;
  let count = 0;
  for (const client of clients) {
    const send = () => {
      client.sent.push(performance.now());
      client.socket.write(frame);
    };
    client.onFrame = () => {
      count++;
      if (count % 7 === 0) delays.push(performance.now() - client.sent[0]);
      client.sent.shift();
      if (running) send();
    };
    for (let i = 0; i < window; i++) send();
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  const answered = count;
  running = false;
  while (clients.some((client) => client.sent.length > 0))
    await new Promise((resolve) => setTimeout(resolve, 5));
  for (const client of clients) client.onFrame = undefined;
  delays.sort((a, b) => a - b);
  process.send({ count, answered, p99: delays[Math.floor(delays.length * 0.99)] ?? 0 });
}

process.on("message", (message) => {
  if (message.open !== undefined) void open(message.open, message.deflate);
  else if (message.echo !== undefined) void echo(message.echo);
  else {
    wanted = frames + message.count;
  }
});
process.on("disconnect", () => process.exit());
