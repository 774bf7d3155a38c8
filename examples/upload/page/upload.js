/**
 * Uploads with progress. Without this script the form works as forms do; with it files go as soon as they are chosen
 * or dropped, each choice as one request with a bar of its own, and the list below is fetched again when it has ended.
 *
 * XMLHttpRequest, because fetch() cannot say how much of a body has been sent.
 */
const form = document.querySelector("#upload");
const input = form.querySelector("input[type=file]");
const batches = document.querySelector("#batches");
const draft = document.querySelector("#batch");
const { token } = form.dataset;

document.documentElement.classList.add("scripted");

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];
function formatSize(bytes) {
  if (bytes === 1) return "1 byte";
  let unit = 0;
  let size = bytes;
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${Number(size.toFixed(unit === 0 ? 0 : 1))} ${UNITS[unit]}`;
}

/** Why these files cannot be sent; undefined if they can. The server has the last word. */
function objection(files) {
  const fileLimit = Number(form.dataset.fileLimit);
  const totalLimit = Number(form.dataset.totalLimit);
  const large = files.find((file) => file.size > fileLimit);
  if (large) return `${large.name} has ${formatSize(large.size)}; a file may have ${formatSize(fileLimit)}.`;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (total > totalLimit) {
    return `Together they have ${formatSize(total)}; an upload may have ${formatSize(totalLimit)}.`;
  }
  return undefined;
}

function nameOf(files) {
  return files.length === 1 ? files[0].name : `${files[0].name} and ${files.length - 1} more`;
}

/** Shows one choice of files and sends it. */
function upload(files) {
  const item = draft.content.firstElementChild.cloneNode(true);
  const part = (name) => item.querySelector(name);
  const bar = part("progress");
  const show = (state, text) => {
    item.dataset.state = state;
    part(".state").textContent = text;
    part(".cancel").hidden = state !== "sending";
    part(".again").hidden = state !== "failed";
    part(".dismiss").hidden = state === "sending" || state === "done";
    bar.hidden = state === "refused" || state === "done";
  };
  part(".title").textContent = nameOf(files);
  bar.setAttribute("aria-label", `Progress of ${nameOf(files)}`);
  batches.prepend(item);

  const send = () => {
    const problem = objection(files);
    if (problem) return show("refused", problem);
    const body = new FormData();
    for (const file of files) body.append("files", file);
    const request = new XMLHttpRequest();
    request.open("POST", "/uploads");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Xsrftoken", token);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = loaded / total;
      const share = `${Math.floor((loaded / total) * 100)} %`;
      show(
        "sending",
        loaded < total ? `${share}, ${formatSize(loaded)} of ${formatSize(total)}` : "Saving …",
      );
    });
    request.addEventListener("load", () => {
      if (request.status !== 201) {
        return show("failed", messageOf(request));
      }
      show("done", files.length === 1 ? "Uploaded." : `${files.length} files uploaded.`);
      setTimeout(() => item.remove(), 4000);
      void refresh();
    });
    request.addEventListener("error", () => show("failed", "The connection broke off. Nothing was kept."));
    request.addEventListener("abort", () => show("failed", "Cancelled. Nothing was kept."));
    part(".cancel").onclick = () => request.abort();
    bar.value = 0;
    show("sending", "Starting …");
    request.send(body);
  };
  part(".again").onclick = send;
  part(".dismiss").onclick = () => item.remove();
  send();
}

function messageOf(request) {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

/** Takes the list of files from a fresh copy of this page. */
async function refresh() {
  const response = await fetch("/");
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  document.querySelector("#files").replaceWith(fresh.querySelector("#files"));
  localTimes();
}

/** The server writes times in UTC; only the browser knows where its reader is. */
function localTimes() {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("#files time"))
    time.textContent = format.format(new Date(time.dateTime));
}

input.addEventListener("change", () => {
  const files = [...input.files];
  input.value = "";
  if (files.length > 0) upload(files);
});

// Files that are dropped beside the tray would otherwise replace this page.
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
document.addEventListener("dragenter", () => form.classList.add("over"));
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) form.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  form.classList.remove("over");
  const files = [...event.dataTransfer.files];
  if (files.length > 0) upload(files);
});
localTimes();
