// Draws what the server sends. EventSource connects again by itself, and says which event was the last.
const SHOWN = 120;
const [WIDTH, HEIGHT] = [240, 72];
const MEASURES = ["cpu", "memory", "delay", "watchers"];
/** At least this much fills the height of a chart, so that small changes stay small. */
const LEAST = { cpu: 10, memory: 64, delay: 5, watchers: 4 };

const status = document.getElementById("status");
const notes = document.getElementById("notes");
const form = document.getElementById("note");
const samples = [];
const marks = [];
/** What comes at the beginning is drawn when all of it is there. */
let catchingUp = 0;

function show(state, text) {
  status.dataset.state = state;
  status.querySelector("b").textContent = text;
}

function draw() {
  const last = samples.at(-1);
  if (last === undefined) return;
  // Half a minute at first, and more as it comes.
  const span = Math.max(30_000, last.at - samples[0].at);
  for (const measure of MEASURES) {
    const chart = document.getElementById(measure);
    chart.querySelector("output").textContent = last[measure].toLocaleString();
    const most = Math.max(LEAST[measure], ...samples.map((sample) => sample[measure])) * 1.15;
    const x = (at) => WIDTH - ((last.at - at) / span) * WIDTH;
    const points = samples.map((sample) => {
      const y = HEIGHT - (sample[measure] / most) * HEIGHT;
      return `${x(sample.at).toFixed(1)},${y.toFixed(1)}`;
    });
    const line = `M${points.join("L")}`;
    chart.querySelector(".line").setAttribute("d", line);
    const area = `${line}L${WIDTH},${HEIGHT}L${x(samples[0].at).toFixed(1)},${HEIGHT}Z`;
    chart.querySelector(".area").setAttribute("d", area);
    chart.querySelector(".marks").replaceChildren(
      ...marks
        .filter((at) => at >= samples[0].at)
        .map((at) => {
          const mark = document.createElementNS("http://www.w3.org/2000/svg", "line");
          for (const [name, value] of Object.entries({ x1: x(at), x2: x(at), y1: 0, y2: HEIGHT }))
            mark.setAttribute(name, value);
          return mark;
        }),
    );
  }
}

function drawUnlessBehind() {
  if (catchingUp > 0) catchingUp--;
  if (catchingUp === 0) draw();
}

const source = new EventSource("/events");
source.addEventListener("open", () => show("live", "live"));
source.addEventListener("error", () => {
  catchingUp = 0;
  show("waiting", "connecting again");
});
source.addEventListener("catch-up", (event) => {
  catchingUp = Number(event.data);
});
source.addEventListener("sample", (event) => {
  samples.push(JSON.parse(event.data));
  while (samples.length > SHOWN) samples.shift();
  drawUnlessBehind();
});
source.addEventListener("note", (event) => {
  const { at, text } = JSON.parse(event.data);
  marks.push(at);
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = new Date(at).toLocaleTimeString();
  const words = document.createElement("span");
  words.textContent = text;
  item.append(time, words);
  notes.prepend(item);
  drawUnlessBehind();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const response = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  });
  if (response.ok) {
    text.value = "";
  } else {
    text.setCustomValidity("The note was not taken. Load the page again.");
    text.reportValidity();
  }
});
document.getElementById("text").addEventListener("input", (event) => event.target.setCustomValidity(""));
