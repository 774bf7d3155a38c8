/** Joins the parts of the page: the form, the conversation and the connection. */
import { Connection } from "./connection.js";
import { Conversation } from "./view.js";

const $ = (id) => document.getElementById(id);
const conversation = new Conversation({
  log: $("log"),
  scroller: $("scroller"),
  quiet: $("quiet"),
  newer: $("newer"),
});

/** What the browser keeps for next time; without storage (a private window) for as long as the page lives. */
const memory = {
  values: {},
  get(key) {
    try {
      return localStorage.getItem(`chat.${key}`) ?? undefined;
    } catch {
      return this.values[key];
    }
  },
  set(key, value) {
    this.values[key] = value;
    try {
      localStorage.setItem(`chat.${key}`, value);
    } catch {
      // Kept in `values`.
    }
  },
};

/** The ids of the last messages written here, so that they are one's own after a reload too. */
const own = new Set(JSON.parse(memory.get("own") ?? "[]"));
const mine = (id) => own.has(id);

function newId() {
  const id = randomId();
  own.add(id);
  memory.set("own", JSON.stringify([...own].slice(-300)));
  return id;
}

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(9))]
    .map((byte) => byte.toString(36).padStart(2, "0"))
    .join("");
}

/* The connection's state, in words */

const WORDS = { connected: "connected", connecting: "connecting", lost: "offline" };
let ticking;

function showState(state, wait) {
  setText("status-text", WORDS[state]);
  $("status").dataset.state = state;
  clearInterval(ticking);
  if (state === "connected") $("trouble").hidden = true;
  if (state === "lost") countDown(Date.now() + wait);
  else setText("countdown", "");
  if (state === "connecting") setText("trouble-text", "Connecting again …");
}

/** The countdown is for the eye alone: a screen reader hears once that the line is down, not every second. */
function countDown(until) {
  const show = () => {
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    setText("countdown", `Next try in ${seconds} s.`);
  };
  show();
  ticking = setInterval(show, 250);
  $("trouble").hidden = false;
  setText("trouble-text", "The server does not answer.");
}

/** Touches the page only where something changes, so that nothing is announced twice. */
function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

const connection = new Connection({
  onState: showState,
  onAnswer({ messages, restarted, missed }) {
    if (restarted)
      conversation.note("The server was started anew; what stands above is kept on this page only");
    else if (missed) conversation.note("Some messages went by while you were away");
    conversation.add(messages, mine);
    document.documentElement.dataset.ready = "true";
  },
});

$("retry").addEventListener("click", () => connection.tryNow());
addEventListener("online", () => connection.tryNow());
document.addEventListener("visibilitychange", () => document.hidden || connection.tryNow());

/* Who you are */

function askName() {
  $("composer").hidden = true;
  $("join").hidden = false;
  $("name").value = memory.get("name") ?? "";
}

function enter(name) {
  memory.set("name", name);
  $("who").textContent = name;
  $("join").hidden = true;
  $("composer").hidden = false;
}

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (name === "") return $("name").focus();
  enter(name);
  $("text").focus();
});
$("rename").addEventListener("click", () => {
  askName();
  $("name").select();
});

/* What you say */

async function deliver(draft) {
  try {
    conversation.add([await connection.send(draft)], mine);
  } catch {
    conversation.fail(draft.id, () => deliver(draft));
  }
}

function grow() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text === "") return;
  const draft = { id: newId(), name: memory.get("name"), text, at: Date.now() };
  conversation.addPending(draft);
  $("text").value = "";
  grow();
  $("text").focus();
  deliver(draft);
});
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  // While an input method composes a word, Enter belongs to it. On touch screens Enter makes a line.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches)
    return;
  event.preventDefault();
  $("composer").requestSubmit();
});

const name = memory.get("name");
if (name === undefined) askName();
else enter(name);
connection.run();
