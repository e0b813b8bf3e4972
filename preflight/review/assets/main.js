"use strict";
// The page: one video, how decisions are kept, and what is done in the background.

const boot = JSON.parse($("boot").textContent);
const served = boot.mode === "served";
const POLL = 500; // milliseconds between two looks at work in the background
let current = null, decisions = new Decisions(), saving = null, pending = null, polling = null;

function say(words) { $("status").textContent = words; }

async function call(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options }).catch(() => { throw new Error("The page has lost its server: start `preflight review` again."); });
  const value = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw Object.assign(new Error(value?.error || `The page's server answered ${answer.status}.`), { status: answer.status, value });
  return value;
}

const send = (path, method, value) => call(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(value), keepalive: document.visibilityState === "hidden" });

function onTime(time) {
  $("clock").textContent = seconds(time);
  $("position").value = String(time);
  $("play").textContent = stage.player.paused ? "Play" : "Pause";
  drawTimeline(time);
}

function onBox(box) {
  const text = list.current();
  const time = stage.player.currentTime;
  const [start, end] = text ? [text.start, text.end] : [Math.max(0, time - 1), Math.min(current.duration, time + 1)];
  decisions.regions.push({ start: Number(start.toFixed(3)), end: Number(end.toFixed(3)), box, protect: $("purpose").value === "protect" });
  setDrawing(false);
  list.changed();
}

function onChoose(item) {
  const middle = (item.start + Math.min(item.end, current.duration)) / 2;
  stage.marks = item.box ? [{ box: item.box, color: "#ffd400" }] : [];
  if (stage.zoomed) { stage.zoomed = null; stage.zoom(item.box); }
  if (stage.looped) { stage.looped = null; stage.loop(middle); } else stage.seek(middle);
}

function loaded(address) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = address;
  });
}

// The part of the frame before and after in full-size pixels; an offline file has those of the worst places.
async function fullSize(video, time, box) {
  const near = (zoom) => Math.abs(zoom.time - time) <= 1 / video.rate && zoom.box.every((edge, n) => Math.abs(edge - box[n]) < 0.002);
  const kept = served ? null : (video.zooms || []).find(near);
  if (!served && !kept) return null;
  const place = `?time=${time.toFixed(6)}&box=${box.map((edge) => edge.toFixed(5))}&v=${video.stamp}`;
  const [before, after] = await Promise.all(["before", "after"].map((half) => {
    if (half === "after" ? !video.cleaned : !video.source) return null;
    const address = served ? `/api/videos/${video.identifier}/${half}.png${place}` : kept[half];
    return address ? loaded(address) : null;
  }));
  return before || after ? { before: before || after, after: after || before } : null;
}

const stage = new Stage(onTime, onBox, fullSize);
let notice = "";
const list = new TextList(onChoose, () => { markOverall(); save(false); });

function setDrawing(on) {
  stage.drawing = on;
  press($("draw"), on);
  if (on) { stage.player.pause(); say("Drag over the picture, or press Enter for a box whose edges you type."); } else say("");
}

function markOverall() {
  for (const button of $("overall").querySelectorAll("[data-overall]")) press(button, button.dataset.overall === decisions.overall);
}

function download(name, value) {
  const address = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function requestValue() {
  return {
    options: { language: $("option-language").value, all_text: $("option-all").checked, color_blocks: $("option-blocks").checked, remove_audio: $("option-audio").checked },
    decisions,
  };
}

// Served pages save by themselves soon after a change; a file offers a download when asked.
function save(asked) {
  const { identifier, cleaned, stem } = current, made = decisions;
  if (!served) {
    if (asked) download(`${stem}.decisions.json`, made);
    else say("Not saved yet: press Save.");
    return Promise.resolve();
  }
  if (!cleaned && !asked) return Promise.resolve();
  pending = async () => {
    try {
      if (cleaned) { await send(`/api/videos/${identifier}/decisions`, "PUT", made); say("Saved."); } else await saveRequest(identifier);
    } catch (error) { say(`Not saved: ${error.message}`); }
  };
  clearTimeout(saving);
  if (asked) return flush();
  saving = setTimeout(flush, 300);
  return Promise.resolve();
}

async function flush() {
  clearTimeout(saving);
  const action = pending;
  pending = null;
  if (action) await action();
}

async function saveRequest(identifier) {
  const { next_step: next } = await send(`/api/videos/${identifier}/request`, "PUT", requestValue());
  $("request-saved").hidden = false;
  $("request-saved").replaceChildren("Saved. Run it later with ", ...command(next));
  say("Saved.");
}

// A word as a shell reads it.
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function showWork(work) {
  const running = Boolean(work && !work.outcome);
  $("work").hidden = $("work-note").hidden = !running;
  if (running) { $("work").value = work.share; $("work-note").textContent = `${work.note} (${Math.round(100 * work.share)}%)`; }
}

// Begins work in the background: asks first where that costs something, shows the progress, and calls `ended` with how it ended.
async function begin(path, value, ended, pay = false) {
  try {
    const answer = await send(`${path}${path.includes("?") ? "&" : "?"}pay=${pay}`, "POST", value);
    if (answer.begun) follow(path.split("/")[3], ended);
    else if (!answer.question) say(answer.message);
    else if (await ask(answer.question)) await begin(path, value, ended, true);
    else say("Nothing was done.");
  } catch (error) { say(error.message); }
}

function follow(identifier, ended) {
  clearTimeout(polling);
  const look = async () => {
    let work;
    try { work = await call(`/api/videos/${identifier}/work`); } catch (error) { say(error.message); return; }
    if (identifier !== "all" && current?.identifier !== identifier) return;
    showWork(work);
    if (work && work.outcome) { say(work.outcome.message); await ended(work); } else polling = setTimeout(look, POLL);
  };
  look();
}

async function redo(byService = false) {
  if (!served) {
    $("command-text").textContent = `preflight redo ${quoted(current.record_name)} --decisions ${quoted(`${current.stem}.decisions.json`)}`;
    $("command").showModal();
    return;
  }
  await save(true);
  await begin(`/api/videos/${current.identifier}/redo?by_service=${byService}`, {}, redone);
}

async function redone({ outcome, failed }) {
  if (failed || !outcome.changed) return;
  if (outcome.opens) { notice = outcome.message; location.hash = outcome.opens; } else await openVideo(current.identifier, outcome.message);
}

function searchTexts() {
  const { identifier } = current;
  begin(`/api/videos/${identifier}/texts`, {}, async ({ failed }) => {
    if (failed) return;
    const found = await call(`/api/videos/${identifier}`);
    if (current?.identifier !== identifier) return;
    Object.assign(current, { texts: found.texts, texts_known: found.texts_known, weak_spots: found.weak_spots, scanned: found.texts });
    list.open(current, decisions);
    proposeLanguage();
    foresee();
    selectWorst();
  });
}

function ask(words) {
  $("ask-text").textContent = words;
  $("ask").returnValue = "no";
  $("ask").showModal();
  return new Promise((done) => $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true }));
}

function proxyAddress(video) {
  if (served) return `/api/videos/${video.identifier}/proxy.mp4?v=${video.stamp}`;
  const data = atob($(`proxy-${video.identifier}`).textContent);
  const bytes = Uint8Array.from(data, (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
}

function selectWorst() {
  const worst = list.ordered()[0];
  if (worst) list.select(worst);
}

// What a run would do to each text, as in request_draft.py: all of it goes when that is asked for.
function foresee() {
  current.scanned = current.scanned || current.texts;
  current.texts = $("option-all").checked ? current.scanned.map((text) => ({ ...text, status: "removed", severity: 0 })) : current.scanned;
  list.render();
  stage.draw();
}

// Most of the text decides, as `preflight run --language auto` does.
function proposeLanguage() {
  const words = current.texts.filter((text) => text.status !== "kept").map((text) => text.words).join("");
  const chinese = (words.match(/\p{Script=Han}/gu) || []).length, latin = (words.match(/\p{Script=Latin}/gu) || []).length;
  $("option-language").value = 3 * chinese > latin ? "zh" : "en"; // A Chinese word has two characters, an English one five to six.
}

function showVerdict(video) {
  const tone = { accepted: "good", "accepted with remarks": "warn", poor: "bad" }[video.verdict] ?? "";
  $("verdict").hidden = !video.cleaned;
  $("verdict").className = `badge ${tone}`;
  $("verdict").textContent = video.verdict || "not verified";
  $("reasons").hidden = !video.reasons.length;
  $("reasons").textContent = video.reasons.join(" ");
  $("notes-box").hidden = !video.notes.length;
  $("notes").replaceChildren(...video.notes.map((note) => element("li", {}, note)));
}

async function openVideo(identifier, words = "") {
  await flush();
  say("Preparing the picture…");
  clearTimeout(polling);
  $("work").hidden = $("work-note").hidden = true;
  try {
    current = served ? await call(`/api/videos/${identifier}`) : boot.videos.find((video) => video.identifier === identifier);
  } catch (error) { await showIndex(); say(error.message); return; }
  decisions = new Decisions(current.decisions);
  $("index").hidden = true;
  $("video").hidden = false;
  $("back").hidden = $("next-video").hidden = identifier === boot.single;
  $("title").textContent = current.name;
  document.title = `${current.name} - review`;
  const before = !current.cleaned;
  $("options").hidden = !before;
  $("overall").hidden = before;
  $("redo-service").hidden = !served;
  $("save").hidden = served;
  $("option-all").checked = false;
  proposeLanguage();
  $("price").textContent = before ? current.price : "";
  $("run").hidden = $("save-request").hidden = !served;
  $("request-saved").hidden = true;
  $("note").value = decisions.note;
  showVerdict(current);
  $("position").max = String(current.duration);
  list.open(current, decisions);
  markOverall();
  stage.open(proxyAddress(current), current);
  stage.setMode("slider");
  $("split-row").hidden = before;
  for (const button of $("modes").querySelectorAll("[data-mode]")) button.hidden = before;
  drawCurve();
  const opened = current, isLeft = () => current !== opened;
  stage.player.addEventListener("loadeddata", async () => {
    if (isLeft()) return;
    say(words);
    selectWorst();
    if (!served) return;
    try {
      opened.changes = (await call(`/api/videos/${identifier}/changes`)).changes;
      if (isLeft()) return;
      drawCurve();
      const work = await call(`/api/videos/${identifier}/work`);
      if (isLeft()) return;
      if (work && !work.outcome && work.name !== "search") follow(identifier, redone);
      else if (!opened.texts_known && opened.source) searchTexts();
    } catch (error) { say(error.message); }
  }, { once: true });
}

function route() {
  const wanted = decodeURIComponent(location.hash.slice(1)) || boot.single;
  clearInterval(listing);
  const words = notice;
  notice = "";
  if (wanted && wanted !== "list") openVideo(wanted, words);
  else { showIndex(); if (served) listing = setInterval(() => loadIndex(false), LIVE); }
}

const KEYS = {
  " ": () => stage.toggle(), ArrowLeft: (event) => (event.shiftKey ? stage.seek(stage.player.currentTime - 1) : stage.step(-1)),
  ArrowRight: (event) => (event.shiftKey ? stage.seek(stage.player.currentTime + 1) : stage.step(1)),
  n: () => list.move(1), p: () => list.move(-1), 1: () => stage.setMode("slider"), 2: () => stage.setMode("side"), 3: () => stage.setMode("flip"),
  4: () => stage.setMode("difference"), f: () => stage.flip(), l: () => stage.loop(stage.player.currentTime), z: () => stage.zoom(list.current()?.box),
  b: () => setDrawing(!stage.drawing), Enter: () => { if (stage.drawing) onBox([...(list.current()?.box || [0.3, 0.4, 0.7, 0.6])]); }, a: (event) => (event.shiftKey ? overall("accept") : list.decide("accept")),
  x: (event) => (event.shiftKey ? overall("reject") : list.decide("reject")), k: () => list.decide("protect", "remove"), s: () => save(true), r: () => { if (current.cleaned) redo(); }, ".": () => { if (!boot.single) nextVideo(); },
};

function overall(value) {
  if (!current.cleaned) return;
  decisions.overall = decisions.overall === value ? "" : value;
  markOverall();
  save(false);
}

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, dialog");
  if (event.key === "?" && !field) { $("help").showModal(); return; }
  if (!current || field || event.ctrlKey || event.metaKey || event.altKey) return;
  if ([" ", "Enter"].includes(event.key) && event.target.closest("button, a, summary")) return;
  if (event.key.startsWith("Arrow") && event.target.type === "range") return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) { event.preventDefault(); action(event); }
});
$("modes").addEventListener("click", (event) => { if (event.target.dataset.mode) stage.setMode(event.target.dataset.mode); });
$("boxes").addEventListener("click", () => { stage.showMarks = !stage.showMarks; press($("boxes"), stage.showMarks); stage.draw(); });
$("zoom").addEventListener("click", () => stage.zoom(list.current()?.box));
$("split").addEventListener("input", (event) => stage.moveSplit(event.target.value / 1000));
$("play").addEventListener("click", () => stage.toggle());
$("step-back").addEventListener("click", () => stage.step(-1));
$("step-on").addEventListener("click", () => stage.step(1));
$("loop").addEventListener("click", () => stage.loop(stage.player.currentTime));
$("sound").addEventListener("click", () => { stage.player.muted = !stage.player.muted; press($("sound"), !stage.player.muted); });
$("position").addEventListener("input", (event) => stage.seek(Number(event.target.value)));
$("overall").addEventListener("click", (event) => { if (event.target.dataset.overall) overall(event.target.dataset.overall); });
$("save").addEventListener("click", () => save(true));
$("redo").addEventListener("click", () => redo());
$("redo-service").addEventListener("click", () => redo(true));
$("option-all").addEventListener("change", foresee);
$("save-request").addEventListener("click", () => save(true));
$("run").addEventListener("click", () => begin(`/api/videos/${current.identifier}/run`, requestValue(), redone));
$("command-save").addEventListener("click", () => save(true));
$("command-copy").addEventListener("click", (event) => copy($("command-text").textContent, event.target));
$("draw").addEventListener("click", () => setDrawing(!stage.drawing));
$("note").addEventListener("change", (event) => { decisions.note = event.target.value; save(false); });
$("help-open").addEventListener("click", () => $("help").showModal());
$("back").addEventListener("click", () => { location.hash = boot.single ? "list" : ""; });
window.addEventListener("hashchange", route);
window.addEventListener("pagehide", flush);
window.addEventListener("resize", () => stage.draw());
$("curve-box").open = window.innerWidth > 820 && window.innerHeight > 800;
route();
