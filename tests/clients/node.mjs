// The official client against the demo app: one line for each check, exit code 1 at the first that fails.
//
//     node node.mjs http://127.0.0.1:5000 DIRECTORY_WITH_node_modules
//
// `restart` on standard output asks whoever runs this to restart the server on its port and to write a line then.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [address, modules] = process.argv.slice(2);
const { io, Manager } = createRequire(`${modules}/`)("socket.io-client");

const LIMIT = 10_000;

const WAYS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
};

/** The arguments of the next event of this name. */
function next(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${event}" came for ${LIMIT} ms`)), LIMIT);
    emitter.once(event, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

let open = [];

/** A client that is connected, and by WebSocket where its way is to upgrade. */
async function client(way, { namespace = "/", ...options } = {}) {
  const manager = new Manager(address, { ...WAYS[way], reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
  const socket = manager.socket(namespace, options);
  open.push(socket);
  const auth = next(socket, "auth");
  await next(socket, "connect");
  const { engine } = manager;
  if (way === "upgrade" && engine.transport.name === "polling") {
    await next(engine, "upgrade");
  }
  socket.told = (await auth)[0];
  return socket;
}

const bytes = (...values) => Buffer.from(values);
const counted = (count) => Array.from({ length: count }, (_, number) => number);

const CHECKS = {
  async "connects by this transport"(way) {
    const socket = await client(way);
    assert.equal(socket.io.engine.transport.name, way === "polling" ? "polling" : "websocket");
    assert.equal(typeof socket.id, "string");
    assert.notEqual(socket.id, socket.io.engine.id, "the socket's id is that of the session");
  },

  async "is told what it authenticates with"(way) {
    assert.deepEqual((await client(way)).told, {});
    const auth = { token: "abc", nested: [1, null] };
    assert.deepEqual((await client(way, { auth })).told, auth);
  },

  async "gets back text, numbers, objects and no argument at all"(way) {
    const socket = await client(way);
    for (const args of [[], ["hello"], [1, "2", { 3: [true, null, 1.5] }, []], ["€ ünï😀\u0000\n\"'"]]) {
      const answer = next(socket, "message-back");
      socket.emit("message", ...args);
      assert.deepEqual(await answer, args);
    }
  },

  async "gets back bytes, alone and deep in other things"(way) {
    const socket = await client(way);
    for (const args of [[bytes(1, 2, 3)], [bytes()], [{ deep: [bytes(0, 255), "text", bytes(30)] }, 1, bytes(4)], [Buffer.alloc(100_000, 7)]]) {
      const answer = next(socket, "message-back");
      socket.emit("message", ...args);
      assert.deepEqual(await answer, args);
    }
  },

  async "is acknowledged"(way) {
    const socket = await client(way);
    const ack = (...args) => new Promise((resolve) => socket.emit("message-with-ack", ...args, (...back) => resolve(back)));
    for (const args of [[], [1, "2", { 3: false }], [bytes(1), "between", bytes(2)]]) {
      assert.deepEqual(await ack(...args), args);
    }
    const all = await Promise.all(counted(50).map((number) => ack(number)));
    assert.deepEqual(all, counted(50).map((number) => [number]));
  },

  async "acknowledges"(way) {
    const socket = await client(way);
    for (const [args, back] of [[[1, "2"], ["thanks", [2]]], [[], []], [[bytes(1)], [bytes(2), { b: bytes(3) }]]]) {
      const asked = next(socket, "emit-with-ack");
      socket.emit("emit-with-ack", ...args);
      const got = await asked;
      const acknowledge = got.pop();
      assert.deepEqual(got, args);
      const answer = next(socket, "emit-with-ack");
      acknowledge(...back);
      assert.deepEqual(await answer, back);
    }
  },

  async "is not disturbed by an event that nobody handles"(way) {
    const socket = await client(way);
    await assert.rejects(socket.timeout(100).emitWithAck("nobody-handles-this", 1), /timed out/);
    assert.deepEqual(await socket.emitWithAck("message-with-ack", "after"), "after");
  },

  async "gets 500 quick events back in order"(way) {
    const socket = await client(way);
    const got = [];
    const all = new Promise((resolve) => {
      socket.on("message-back", (number) => got.push(number) === 500 && resolve());
    });
    const late = next(socket, "echo");
    counted(500).forEach((number) => socket.emit("message", number));
    socket.emit("echo", "the end");
    await Promise.race([all, late]);
    assert.deepEqual(got, counted(500));
  },

  async "is in two namespaces by one connection"(way) {
    const socket = await client(way);
    const custom = socket.io.socket("/custom", { auth: { token: "custom" } });
    open.push(custom);
    const auth = next(custom, "auth");
    await next(custom, "connect");
    assert.deepEqual(await auth, [{ token: "custom" }]);
    assert.notEqual(custom.id, socket.id);
    assert.equal(await custom.emitWithAck("message-with-ack", "custom"), "custom");
    custom.disconnect();
    assert.equal(await socket.emitWithAck("message-with-ack", "still here"), "still here");
  },

  async "is refused by a namespace that is unknown, and stays in the other"(way) {
    const socket = await client(way);
    const random = socket.io.socket("/random");
    open.push(random);
    const [error] = await next(random, "connect_error");
    assert.equal(error.message, "Invalid namespace");
    assert.equal(await socket.emitWithAck("message-with-ack", "still here"), "still here");
  },

  async "hears of a room while it is in it"(way) {
    const [one, two, outside] = [await client(way), await client(way), await client(way)];
    const heard = [];
    [one, two, outside].forEach((socket, at) => socket.on("room", (said) => heard.push([at, said])));
    // A socket has heard all that was said before what it is answered now.
    const settle = () => Promise.all([one, two, outside].map((socket) => socket.emitWithAck("message-with-ack", 0)));
    assert.equal(await one.emitWithAck("join", "tea"), "ok");
    assert.equal(await two.emitWithAck("join", "tea"), "ok");
    one.emit("room", "tea", "to two");
    await settle();
    await settle();
    outside.emit("room", "tea", "to both");
    await settle();
    await settle();
    assert.equal(await two.emitWithAck("leave", "tea"), "ok");
    one.emit("room", "tea", "to nobody");
    await settle();
    await settle();
    assert.deepEqual(heard.sort(), [[0, "to both"], [1, "to both"], [1, "to two"]]);
  },

  async "hears what is for all"(way) {
    const sockets = await Promise.all(counted(8).map(() => client(way)));
    const elsewhere = await client(way, { namespace: "/custom" });
    elsewhere.on("all", () => assert.fail("it came to another namespace"));
    for (const said of ["text", { bytes: bytes(1, 2) }]) {
      const heard = sockets.map((socket) => next(socket, "all"));
      sockets[0].emit("all", said);
      assert.deepEqual(await Promise.all(heard), sockets.map(() => [said]));
    }
    assert.equal(await elsewhere.emitWithAck("message-with-ack", 1), 1);
  },

  async "lives on while it answers pings"(way) {
    const socket = await client(way);
    const { id } = socket;
    await next(socket.io, "ping");
    await next(socket.io, "ping");
    assert.equal(await socket.emitWithAck("message-with-ack", "alive"), "alive");
    assert.equal(socket.id, id);
  },

  async "is disconnected by a kick, and comes back when it wants to"(way) {
    const socket = await client(way);
    const { id } = socket;
    const gone = next(socket, "disconnect");
    socket.emit("kick");
    assert.equal((await gone)[0], "io server disconnect");
    const back = next(socket, "connect");
    socket.connect();
    await back;
    assert.notEqual(socket.id, id);
    assert.equal(await socket.emitWithAck("message-with-ack", "back"), "back");
  },

  async "leaves and comes back"(way) {
    const socket = await client(way);
    const gone = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await gone)[0], "io client disconnect");
    const back = next(socket, "connect");
    socket.connect();
    await back;
    assert.equal(await socket.emitWithAck("message-with-ack", "back"), "back");
  },

  async "comes back by itself after a restart of the server"(way) {
    const socket = await client(way);
    const { id } = socket;
    const gone = next(socket, "disconnect");
    const back = next(socket.io, "reconnect");
    console.log("restart");
    await Promise.all([gone, back, next(process.stdin, "data")]);
    if (!socket.connected) {
      await next(socket, "connect");
    }
    assert.notEqual(socket.id, id);
    assert.equal(await socket.emitWithAck("message-with-ack", "back"), "back");
  },
};

for (const way of Object.keys(WAYS)) {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check(way);
      console.log(`ok      ${way}: ${name}`);
    } catch (error) {
      console.log(`FAILED  ${way}: ${name}\n${error.stack}`);
      process.exit(1);
    }
    open.forEach((socket) => (socket.disconnect(), socket.io.engine.close()));
    open = [];
  }
}
process.exit(0);
