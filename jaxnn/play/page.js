// The playground's page: asks the server about drawings, and shows what it tells of a training.

import { Pad } from "./pad.js";
import { showAnswer, showConfusion, showCurves, showFilters, showLayers, showNoAnswer } from "./views.js";

const at = (id) => document.getElementById(id);
const form = at("settings"), complaint = at("complaint");

// For those who listen to the page: how things stand, once they have stayed so for a moment.
const standing = { training: "", answer: "" };
let saying;
function say(news) {
  Object.assign(standing, news);
  clearTimeout(saying);
  saying = setTimeout(() => (at("said").textContent = Object.values(standing).join(". ")), 500);
}

// ---- asking ----------------------------------------------------------------------------------

async function ask(path, body, type) {
  const response = await fetch(path, { method: "POST", body, headers: { "Content-Type": type } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const askFor = (path, value) => ask(path, JSON.stringify(value), "application/json");

// ---- drawing ---------------------------------------------------------------------------------

let asking = false, askAgain = false, response = null;

// One question at a time; what was drawn meanwhile is asked about next.
async function respond() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    do {
      askAgain = false;
      const answer = pad.isEmpty ? null : await ask("respond", await pad.picture(), "image/png");
      response = pad.isEmpty ? null : answer;
      showResponse();
    } while (askAgain);
  } catch (error) {
    at("status").textContent = error.message;
  } finally {
    asking = false;
  }
}

function showResponse() {
  if (!response) {
    say({ answer: "" });
    return showNoAnswer(at("answer"), at("bars"), at("layers"));
  }
  say({ answer: showAnswer(at("answer"), at("bars"), response.probabilities) });
  showLayers(at("layers"), response.image, response.layers);
}

const pad = new Pad(at("pad"), respond, (text) => (at("pen").textContent = text));
at("clear").addEventListener("click", () => pad.clear());

// ---- watching --------------------------------------------------------------------------------

let snapshot = null, before = null;

function watch() {
  const events = new EventSource("events");
  events.onmessage = (event) => show(JSON.parse(event.data));
  events.onerror = () => {
    at("status").textContent = "jaxnn play does not answer; start it again, and this page goes on";
    at("status").className = "wrong";
  };
}

function show(news) {
  if (!snapshot) fillForm(news.settings);
  else if (news.run !== snapshot.run) before = snapshot;
  snapshot = news;
  showStatus();
  showTraining();
  if (!pad.isEmpty) respond();
}

const WORDS = {
  preparing: "preparing", training: "training", finished: "trained", stopped: "stopped", failed: "failed",
};

function showStatus() {
  const { status, message, epoch, settings, curve, parameters } = snapshot;
  const accuracy = curve.length ? `, ${(100 * curve.at(-1).test_accuracy).toFixed(1)} % right` : "";
  const count = parameters.toLocaleString("en");
  at("status").className = status === "failed" ? "wrong" : "";
  at("status").textContent = status === "failed" ? message
    : `${WORDS[status]} ${count} parameters, epoch ${epoch.toFixed(1)} of ${settings.epochs}${accuracy}`;
  at("progress").value = epoch / settings.epochs;
  say({ training: message || WORDS[status] + (status === "training" ? "" : accuracy) });
  at("stop").disabled = !["preparing", "training"].includes(status);
}

const LOSS_TICKS = [0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const SHARE_TICKS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];

function showTraining() {
  const points = (run, of) =>
    run ? run.curve.map((row) => [row.epoch, of(row)]).filter(([, value]) => !isNaN(value)) : [];
  const lines = (train, test) => [
    { name: "before", points: points(before, test) },
    { name: "training", points: points(snapshot, train) },
    { name: "test", points: points(snapshot, test) },
  ];
  at("before").hidden = !before;
  const epochs = Math.max(snapshot.settings.epochs, before?.epoch ?? 0);
  showCurves(at("loss"), lines((row) => row.loss, (row) => row.test_loss), epochs, LOSS_TICKS, String);
  showCurves(at("wrong"), lines((row) => 1 - row.accuracy, (row) => 1 - row.test_accuracy), epochs,
    SHARE_TICKS, (share) => `${+(100 * share).toPrecision(1)} %`);
  if (snapshot.confusion.length) showConfusion(at("confusion"), at("confusion-note"), snapshot.confusion);
  if (snapshot.filters.length) showFilters(at("filters"), snapshot.filters);
  at("filters-note").textContent = `The first ${snapshot.filters.length} neurons: what each looks for.`;
}

// ---- settings --------------------------------------------------------------------------------

const NAMED = ["activation", "initializer", "optimizer"];

// What the positions of a range stand for.
const RANGES = {
  dropout: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  learning_rate: [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3],
  batch_size: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  epochs: [1, 2, 3, 4, 5, 6, 8, 10, 15, 20],
};

function buildForm(choices) {
  for (const [name, words] of Object.entries(choices)) {
    form[name].append(...words.map((word) => new Option(word.replaceAll("_", " "), word)));
  }
  for (const [name, values] of Object.entries(RANGES)) {
    Object.assign(form[name], { min: 0, max: values.length - 1, step: 1 });
    form[name].addEventListener("input", () => tellValue(name));
  }
}

function tellValue(name) {
  const input = form[name], value = RANGES[name][input.value];
  input.nextElementSibling.textContent = value;
  input.setAttribute("aria-valuetext", value);
}

// A page that is opened in mid-training has the settings of that training.
function fillForm(settings) {
  for (const name of NAMED) form[name].value = settings[name];
  for (const [name, values] of Object.entries(RANGES)) {
    form[name].value = values.indexOf(settings[name]);
    tellValue(name);
  }
  form.hidden.value = settings.hidden.join(" ");
  form.batch_norm.checked = settings.batch_norm;
}

function readForm() {
  const named = NAMED.map((name) => [name, form[name].value]);
  const ranged = Object.entries(RANGES).map(([name, values]) => [name, values[form[name].value]]);
  const widths = form.hidden.value.split(/[\s,x]+/).filter(Boolean).map(Number);
  return {
    ...Object.fromEntries([...named, ...ranged]), hidden: widths, batch_norm: form.batch_norm.checked,
  };
}

async function complainOf(promise) {
  try {
    await promise;
    complaint.textContent = "";
  } catch (error) {
    complaint.textContent = error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  complainOf(askFor("train", readForm()));
});
at("stop").addEventListener("click", () => complainOf(askFor("stop", {})));

// ---- beginning -------------------------------------------------------------------------------

function repaint() {
  pad.paint();
  showResponse();
  if (snapshot) showTraining();
}

repaint();
addEventListener("resize", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
buildForm(await (await fetch("choices")).json());
watch();
