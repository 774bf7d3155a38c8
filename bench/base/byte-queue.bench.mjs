// node bench/base/byte-queue.bench.mjs: the rope behind IOStream's reads, in the patterns that streams see, beside the plain
// way of one buffer that is concatenated. Build first: npm run build.
import { ByteQueue } from "../../dist/base/byte-queue.js";
import { measure } from "../protocol/measure.mjs";

const N = 1000;
const LINE = Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
const END = Buffer.from("\r\n\r\n");
const MANY = Buffer.concat(Array(1000).fill(LINE));
const BYTE = Buffer.from("x");

measure("one message in, one message out", N, () => {
  const queue = new ByteQueue();
  let last;
  for (let i = 0; i < N; i++) {
    queue.push(LINE);
    last = queue.take(queue.indexOf(END) + END.length);
  }
  return last;
});

measure("a thousand messages in one chunk, taken one by one", N, () => {
  const queue = new ByteQueue();
  queue.push(MANY);
  let last;
  for (let i = 0; i < N; i++) last = queue.take(queue.indexOf(END) + END.length);
  return last;
});

measure("a delimiter that comes after a thousand single bytes, asked for after each", N, () => {
  const queue = new ByteQueue();
  for (let i = 0; i < N; i++) {
    queue.push(BYTE);
    queue.indexOf(END);
  }
  return queue.takeAll();
});

measure("the same with one buffer, concatenated and searched each time", N, () => {
  let all = Buffer.alloc(0);
  for (let i = 0; i < N; i++) {
    all = Buffer.concat([all, BYTE]);
    all.indexOf(END);
  }
  return all;
});
