"use strict";
// The page: the index of all videos, one video, and how decisions are kept.

const boot = JSON.parse($("boot").textContent);
const served = boot.mode === "served";
const PAGE = 100; // rows of the index at once
const TIMELINE_LEFT = 44, TIMELINE_RIGHT = 12; // pixels beside the timeline, as beside the curve below it
const LIVE = 3000; // milliseconds between two looks at the index
let place = 0, version = "", current = null, decisions = new Decisions(), plot = null, saving = null, listing = null;

function say(words) { $("status").textContent = words; }

async function call(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  const value = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw Object.assign(new Error(value?.error || `The page's server answered ${answer.status}.`), { status: answer.status, value });
  return value;
}

const send = (path, method, value) => call(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

function onTime(time) {
  $("clock").textContent = seconds(time);
  $("position").value = String(time);
  $("play").textContent = stage.player.paused ? "Play" : "Pause";
  drawTimeline(time);
}

function onBox(box) {
  const text = list.text();
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

const stage = new Stage(onTime, onBox);
const list = new TextList(onChoose, () => { markOverall(); save(false); });

function setDrawing(on) {
  stage.drawing = on;
  press($("draw"), on);
  if (on) { stage.player.pause(); say("Drag over the picture."); } else say("");
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
  clearTimeout(saving);
  const before = !current.cleaned;
  if (!served) {
    if (asked) download(`${current.stem}.decisions.json`, decisions);
    else say("Not saved yet: press Save.");
    return Promise.resolve();
  }
  if (before && !asked) return Promise.resolve();
  return new Promise((done) => {
    saving = setTimeout(async () => {
      try {
        if (before) say(`Saved. Next: ${(await send(`/api/videos/${current.identifier}/request`, "PUT", requestValue())).next_step}`);
        else { await send(`/api/videos/${current.identifier}/decisions`, "PUT", decisions); say("Saved."); }
      } catch (error) { say(`Not saved: ${error.message}`); }
      done();
    }, asked ? 0 : 300);
  });
}

async function redo(pay = false) {
  await save(true);
  if (!served) { say(`Next: preflight redo ${current.record_name} --decisions ${current.stem}.decisions.json`); return; }
  say("Redoing…");
  try {
    const answer = await send(`/api/videos/${current.identifier}/redo`, "POST", { pay });
    say(answer.message);
    if (answer.changed) await openVideo(current.identifier, answer.message);
  } catch (error) {
    if (error.status === 402 && await ask(error.value.error)) await redo(true);
    else say(error.message);
  }
}

function ask(words) {
  $("ask-text").textContent = words;
  $("ask").returnValue = "no";
  $("ask").showModal();
  return new Promise((done) => $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true }));
}

function drawTimeline(time) {
  const canvas = $("timeline");
  const width = canvas.clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT, height = 56;
  if (!current || width <= 0) return;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const x = (value) => value / Math.max(0.001, current.duration) * width;
  const lanes = { removed: ["#2e9e55", 4], uncertain: ["#d08700", 20], kept: ["#7d8798", 34] };
  for (const text of current.texts) {
    const [color, y] = lanes[text.status];
    context.fillStyle = text.weaknesses.length ? "#d93025" : color;
    context.fillRect(x(text.start), y, Math.max(2, x(text.end) - x(text.start) - 1), 11);
  }
  context.fillStyle = "#d93025";
  for (const spot of current.weak_spots) context.fillRect(x(spot.start), 49, Math.max(3, x(spot.end) - x(spot.start)), 5);
  context.fillStyle = getComputedStyle(document.body).color;
  context.fillRect(x(time) - 1, 0, 2, height);
}

function drawCurve() {
  plot?.destroy();
  plot = null;
  const changes = current.changes || [];
  $("curve").hidden = changes.length < 2;
  if (changes.length < 2) return;
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { show: false } };
  plot = new uPlot({
    width: $("curve").clientWidth || 600, height: 110, legend: { show: false }, scales: { x: { time: false, range: () => [0, current.duration] } },
    axes: [axis, { ...axis, size: TIMELINE_LEFT }], padding: [8, TIMELINE_RIGHT, 0, 0], series: [{}, { label: "change", stroke: "#4c8df6", width: 1 }],
    cursor: { drag: { x: false } },
    hooks: { init: [(made) => made.over.addEventListener("click", () => stage.seek(made.posToVal(made.cursor.left, "x")))] },
  }, [changes.map((_, frame) => frame / current.rate), changes], $("curve"));
}

function proxyAddress(video) {
  if (served) return `/api/videos/${video.identifier}/proxy.mp4?v=${video.stamp}`;
  const data = atob($(`proxy-${video.identifier}`).textContent);
  const bytes = Uint8Array.from(data, (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
}

async function openVideo(identifier, notice = "") {
  say("Preparing the picture…");
  try {
    current = served ? await call(`/api/videos/${identifier}`) : boot.videos.find((video) => video.identifier === identifier);
  } catch (error) { say(error.message); return; }
  decisions = new Decisions(current.decisions);
  $("index").hidden = true;
  $("video").hidden = false;
  $("back").hidden = boot.single;
  $("title").textContent = current.name;
  document.title = `${current.name} - review`;
  const before = !current.cleaned;
  $("options").hidden = !before;
  $("redo").hidden = before;
  $("save").textContent = before ? "Save the request" : served ? "Save" : "Save decisions";
  for (const button of $("overall").querySelectorAll("[data-overall]")) button.hidden = before;
  $("price").textContent = before ? current.price : "";
  $("note").value = decisions.note;
  $("notes").textContent = [current.verdict ? `Verdict: ${current.verdict}.` : "", ...current.reasons, ...current.notes].filter(Boolean).join(" ");
  $("position").max = String(current.duration);
  list.open(current, decisions);
  markOverall();
  stage.open(proxyAddress(current), current);
  stage.setMode("slider");
  if (before) { $("split-row").hidden = true; $("modes").querySelectorAll("[data-mode]").forEach((button) => { button.hidden = true; }); }
  drawCurve();
  stage.player.addEventListener("loadeddata", async () => {
    say(notice);
    if (served) { current.changes = (await call(`/api/videos/${identifier}/changes`)).changes; drawCurve(); }
    const worst = list.ordered()[0];
    if (worst) list.select(worst);
  }, { once: true });
}

function rowOf(row) {
  const tone = { accepted: "good", "accepted with remarks": "warn", "not verified": "" }[row.state] ?? "bad";
  const link = row.next_step && !row.removed && !row.duration
    ? element("span", {}, row.name)
    : element("a", { href: `#${row.identifier}` }, row.name);
  const thumb = element("td", {});
  if (served && row.duration) thumb.append(element("img", { src: `/api/videos/${row.identifier}/thumb.jpg`, alt: "", loading: "lazy" }));
  return element("tr", {}, thumb, element("td", {}, link),
    element("td", { className: `state ${tone}` }, row.state), element("td", {}, String(row.removed)), element("td", {}, String(row.kept)),
    element("td", {}, row.duration ? `${row.duration.toFixed(1)} s` : ""), element("td", {}, row.decision),
    element("td", {}, ...(row.error ? [row.error, " "] : []), ...(row.next_step ? [element("code", {}, row.next_step)] : [])));
}

async function loadIndex(force) {
  const query = new URLSearchParams({ offset: String(place), limit: String(PAGE), search: $("filter-name").value, state: $("filter-state").value, order: $("filter-order").value });
  let answer;
  try { answer = served ? await call(`/api/index?${query}`) : offlineIndex(); } catch (error) { say(error.message); return; }
  if (!force && answer.version === version) return;
  version = answer.version;
  $("rows").replaceChildren(...answer.rows.map(rowOf));
  $("page-place").textContent = `${answer.count ? place + 1 : 0}-${Math.min(place + PAGE, answer.count)} of ${answer.count}`;
  $("page-back").disabled = place === 0;
  $("page-on").disabled = place + PAGE >= answer.count;
  const { videos, failed, jobs, minutes, cost, accepted, rejected } = answer.totals;
  $("totals").textContent = `${videos} videos, ${minutes} minutes, ${jobs} jobs${cost === null ? "" : `, cost ${cost}`}; ${accepted} accepted and ${rejected} rejected by you; ${failed} without a result.`;
}

function offlineIndex() {
  const found = boot.rows.filter((row) => row.name.toLowerCase().includes($("filter-name").value.toLowerCase()) && ["", row.state, row.decision || "open"].includes($("filter-state").value));
  return { rows: found.slice(place, place + PAGE), count: found.length, totals: boot.totals, version: String(Math.random()) };
}

function showIndex() {
  stage.player.pause();
  current = null;
  $("video").hidden = true;
  $("index").hidden = false;
  $("back").hidden = true;
  $("title").textContent = boot.title;
  document.title = boot.title;
  say("");
  loadIndex(true);
}

function route() {
  const wanted = decodeURIComponent(location.hash.slice(1)) || boot.single;
  clearInterval(listing);
  if (wanted) openVideo(wanted);
  else { showIndex(); if (served) listing = setInterval(() => loadIndex(false), LIVE); }
}

const KEYS = {
  " ": () => stage.toggle(), ArrowLeft: (event) => (event.shiftKey ? stage.seek(stage.player.currentTime - 1) : stage.step(-1)),
  ArrowRight: (event) => (event.shiftKey ? stage.seek(stage.player.currentTime + 1) : stage.step(1)),
  n: () => list.move(1), p: () => list.move(-1), 1: () => stage.setMode("slider"), 2: () => stage.setMode("side"), 3: () => stage.setMode("flip"),
  4: () => stage.setMode("difference"), f: () => stage.flip(), l: () => stage.loop(stage.player.currentTime), z: () => stage.zoom(list.text()?.box),
  b: () => setDrawing(!stage.drawing), a: (event) => (event.shiftKey ? overall("accept") : list.decide("accept")),
  x: (event) => (event.shiftKey ? overall("reject") : list.decide("reject")), k: () => list.decide("protect", "remove"), s: () => save(true),
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
  if (event.key === " " && event.target.closest("button")) return;
  if (event.key.startsWith("Arrow") && event.target.type === "range") return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) { event.preventDefault(); action(event); }
});
$("modes").addEventListener("click", (event) => { if (event.target.dataset.mode) stage.setMode(event.target.dataset.mode); });
$("boxes").addEventListener("click", () => { stage.showMarks = !stage.showMarks; press($("boxes"), stage.showMarks); stage.draw(); });
$("zoom").addEventListener("click", () => stage.zoom(list.text()?.box));
$("split").addEventListener("input", (event) => stage.moveSplit(event.target.value / 1000));
$("play").addEventListener("click", () => stage.toggle());
$("step-back").addEventListener("click", () => stage.step(-1));
$("step-on").addEventListener("click", () => stage.step(1));
$("loop").addEventListener("click", () => stage.loop(stage.player.currentTime));
$("sound").addEventListener("click", () => { stage.player.muted = !stage.player.muted; press($("sound"), !stage.player.muted); });
$("position").addEventListener("input", (event) => stage.seek(Number(event.target.value)));
$("timeline").addEventListener("click", (event) => stage.seek((event.offsetX - TIMELINE_LEFT) / ($("timeline").clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT) * current.duration));
$("overall").addEventListener("click", (event) => { if (event.target.dataset.overall) overall(event.target.dataset.overall); });
$("save").addEventListener("click", () => save(true));
$("redo").addEventListener("click", () => redo());
$("draw").addEventListener("click", () => setDrawing(!stage.drawing));
$("note").addEventListener("change", (event) => { decisions.note = event.target.value; save(false); });
$("help-open").addEventListener("click", () => $("help").showModal());
$("back").addEventListener("click", () => { location.hash = ""; });
$("filters").addEventListener("input", () => { place = 0; loadIndex(true); });
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("page-back").addEventListener("click", () => { place = Math.max(0, place - PAGE); loadIndex(true); });
$("page-on").addEventListener("click", () => { place += PAGE; loadIndex(true); });
window.addEventListener("hashchange", route);
window.addEventListener("resize", () => { stage.draw(); if (plot) plot.setSize({ width: $("curve").clientWidth, height: 110 }); });
route();
