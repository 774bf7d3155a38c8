// The page of the chat: one WebSocket, which comes back by itself, and what it says shown as text.

const element = (id) => document.getElementById(id);
const log = element("log");

/** What this page has sent and not seen yet: sent again after a reconnect, and taken once by its id. */
const pending = new Map();
let socket;
let name = "";
let room = "";
let epoch = "";
let last = 0;
let attempts = 0;
let typingSince = 0;
const typists = new Map();

function show(state, text) {
  const status = element("status");
  status.dataset.state = state;
  status.textContent = text;
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  show("lost", attempts === 0 ? "Connecting …" : "Looking for the server …");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/rooms/${encodeURIComponent(room)}`);
  socket.addEventListener("open", () => send({ type: "join", name, after: last, epoch }));
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", retry);
}

/** Comes back after a wait that grows and is random: all pages lose a server that stops in the same moment. */
function retry() {
  show("lost", "Connection lost, trying again …");
  const longest = Math.min(15_000, 500 * 2 ** attempts++);
  setTimeout(connect, longest * (0.5 + Math.random() / 2));
}

function receive(message) {
  switch (message.type) {
    case "welcome":
      attempts = 0;
      if (epoch !== "" && epoch !== message.epoch) {
        note("The server was restarted.");
        last = 0;
      }
      epoch = message.epoch;
      show("here", `Here as ${name}`);
      for (const one of message.messages) add(one);
      for (const [id, text] of pending) send({ type: "say", id, text });
      people(message.people);
      break;
    case "people":
      people(message.people);
      break;
    case "message":
      typists.delete(message.name);
      showTypists();
      add(message);
      break;
    case "typing":
      clearTimeout(typists.get(message.name));
      typists.set(
        message.name,
        setTimeout(() => {
          typists.delete(message.name);
          showTypists();
        }, 4000),
      );
      showTypists();
  }
}

function people(names) {
  element("people").replaceChildren(
    ...names.map((one) => {
      const item = document.createElement("li");
      item.textContent = one === name ? `${one} (you)` : one;
      return item;
    }),
  );
}

function showTypists() {
  const names = [...typists.keys()];
  element("typing").textContent =
    names.length === 0 ? "" : `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing …`;
}

function place(item) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(item);
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function note(text) {
  const item = document.createElement("li");
  item.className = "note";
  item.textContent = text;
  place(item);
}

function bubble(id, who, text) {
  const item = document.createElement("li");
  item.dataset.id = id;
  if (who === name) item.className = "mine";
  else {
    const author = document.createElement("b");
    author.textContent = who;
    item.append(author);
  }
  item.append(text);
  return item;
}

/** A message of the room: in place of one's own that was waiting, or at the end. */
function add({ n, id, name: who, text }) {
  last = Math.max(last, n);
  pending.delete(id);
  const there = log.querySelector(`[data-id="${CSS.escape(id)}"]`);
  if (there === null) place(bubble(id, who, text));
  else there.classList.remove("pending");
}

element("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  name = element("name").value.trim();
  room = element("room").value.trim();
  if (name === "" || room === "") return;
  element("title").textContent = room;
  document.title = `${room} · Squall rooms`;
  element("door").hidden = true;
  element("chat").hidden = false;
  element("text").focus();
  connect();
});

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = element("text");
  const text = field.value.trim();
  if (text === "") return;
  field.value = "";
  typingSince = 0;
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  pending.set(id, text);
  const item = bubble(id, name, text);
  item.classList.add("pending");
  place(item);
  log.scrollTop = log.scrollHeight;
  send({ type: "say", id, text });
});

element("text").addEventListener("input", () => {
  if (Date.now() - typingSince < 2000) return;
  typingSince = Date.now();
  send({ type: "typing" });
});
