// npm start: prepares the blog and runs it on http://localhost:8888.
import { prepareBlog } from "./prepare.mjs";

prepareBlog();
await import("./build/server.js");
