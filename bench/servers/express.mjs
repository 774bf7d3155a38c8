// Express as its first page shows it.
import express from "express";
import { announce } from "../lib/serve.mjs";

const app = express();
app.get("/", (_request, response) => {
  response.send("Hello, world");
});
const server = app.listen(0, "127.0.0.1", () => announce(server.address().port));
