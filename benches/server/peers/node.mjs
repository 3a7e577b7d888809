// socket.io on node: `node node.mjs PORT PAGE`. PAGE is a file, which is what `/` answers.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// The packages are where the benchmark has installed them, not beside this file.
const { Server } = createRequire(`${process.env.PACKAGES}/`)("socket.io");
const [port, page] = process.argv.slice(2);
const text = readFileSync(page, "utf8");

const http = createServer((request, response) => {
  if (request.url === "/") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(text);
  } else if (request.url === "/static/hello.txt") {
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end("hello\n");
  } else {
    response.statusCode = 404;
    response.end();
  }
});
const io = new Server(http);
io.on("connection", (socket) => {
  socket.on("echo", (text) => socket.emit("echo", text));
  socket.on("all", (text) => io.emit("all", text));
});
http.listen(Number(port), "127.0.0.1");
