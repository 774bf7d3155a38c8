// The field for Markdown grows with its text, and the browser asks before a text that was not sent is lost.
const field = document.querySelector("#markdown");
const written = field.value;
let sent = false;

function grow() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

field.addEventListener("input", grow);
field.form.addEventListener("submit", () => {
  sent = true;
});
addEventListener("beforeunload", (event) => {
  if (!sent && field.value !== written) event.preventDefault();
});
grow();
