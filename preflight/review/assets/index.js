"use strict";
// The list of all videos.

const PAGE = 100; // rows of the index at once
const LIVE = 3000; // milliseconds between two looks at the index
let place = 0, version = "", listing = null;

async function copy(words, button) {
  try { await navigator.clipboard.writeText(words); } catch {
    // A file has no clipboard in some browsers: the old way works there.
    const field = element("textarea", { value: words });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

function command(words) {
  if (!words.startsWith("preflight ")) return [words];
  return [element("code", {}, words), " ", element("button", { type: "button", onclick: (event) => copy(words, event.target) }, "Copy")];
}

function rowOf(row) {
  const tone = { accepted: "good", "accepted with remarks": "warn", "not verified": "", "not run yet": "" }[row.state] ?? "bad";
  const opens = ["result", "new"].includes(row.kind);
  const link = opens ? element("a", { href: `#${row.identifier}` }, row.name) : element("span", {}, row.name);
  const thumb = element("td", {});
  if (served && opens) thumb.append(element("img", { src: `/api/videos/${row.identifier}/thumb.jpg`, alt: "", loading: "lazy" }));
  const weakness = element("td", {});
  if (row.kind === "result" && row.severity > 0) { const [grade, words] = graded(row.severity); weakness.append(element("span", { className: `state ${grade}` }, `${words} ${row.severity.toFixed(2)}`)); }
  const counted = row.kind === "result" && row.texts_known;
  const next = element("td", { className: "more" }, ...(row.error ? [row.error, " "] : []));
  if (row.kind === "new") next.append("Open it, or run it: ", element("button", { type: "button", title: row.next_step, onclick: (event) => copy(row.next_step, event.target) }, "Copy the command"));
  else if (row.next_step) next.append(...command(row.next_step));
  return element("tr", {}, thumb, element("td", {}, link), element("td", { className: `state ${tone}` }, row.state), weakness,
    element("td", { className: "more" }, counted ? String(row.removed) : ""), element("td", { className: "more" }, counted ? String(row.kept) : ""),
    element("td", { className: "more" }, row.duration ? `${row.duration.toFixed(1)} s` : ""), element("td", {}, { accept: "accepted", reject: "rejected" }[row.decision] || ""), next);
}

function totalWords({ videos, new: fresh, failed, attention, jobs, minutes, cost, accepted, rejected }) {
  const parts = [];
  if (videos) parts.push(`${videos} ${videos === 1 ? "result" : "results"}, ${minutes} minutes, ${jobs} ${jobs === 1 ? "job" : "jobs"}${cost === null ? "" : `, cost ${cost}`}`, `${attention} to check, ${accepted} accepted and ${rejected} rejected by you`);
  if (failed) parts.push(`${failed} jobs without a result`);
  if (fresh) parts.push(`${fresh} ${fresh === 1 ? "video" : "videos"} not run yet`);
  return parts.length ? `${parts.join("; ")}.` : "";
}

async function loadIndex(force) {
  const query = new URLSearchParams({ offset: String(place), limit: String(PAGE), search: $("filter-name").value, state: $("filter-state").value, order: $("filter-order").value });
  let answer;
  try { answer = served ? await call(`/api/index?${query}`) : offlineIndex(); } catch (error) { say(error.message); return; }
  if (current || (!force && answer.version === version)) return;
  version = answer.version;
  $("rows").replaceChildren(...answer.rows.map(rowOf));
  $("no-rows").hidden = answer.rows.length > 0;
  $("page-place").textContent = `${answer.count ? place + 1 : 0}-${Math.min(place + PAGE, answer.count)} of ${answer.count}`;
  $("page-back").disabled = place === 0;
  $("page-on").disabled = place + PAGE >= answer.count;
  $("totals").textContent = totalWords(answer.totals);
  const running = answer.work && !answer.work.outcome;
  $("run-new").hidden = !served || !answer.totals.new;
  $("run-all").disabled = Boolean(running);
  $("run-all").textContent = running ? "Running…" : `Run all ${answer.totals.new} new`;
  showWork(answer.work);
}

function offlineIndex() {
  const found = boot.rows.filter((row) => row.name.toLowerCase().includes($("filter-name").value.toLowerCase()) && ["", row.state, row.decision || "open"].includes($("filter-state").value));
  const keys = { name: (one, other) => one.name.localeCompare(other.name), duration: (one, other) => other.duration - one.duration, severity: (one, other) => other.severity - one.severity };
  found.sort(keys[$("filter-order").value]);
  return { rows: found.slice(place, place + PAGE), count: found.length, totals: boot.totals, version: String(Math.random()) };
}

async function showIndex() {
  await flush();
  stage.player.pause();
  current = null;
  $("video").hidden = true;
  $("index").hidden = false;
  $("back").hidden = $("next-video").hidden = $("verdict").hidden = true;
  $("title").textContent = boot.title;
  document.title = boot.title;
  say("");
  loadIndex(true);
}

// The worst video that nobody has decided about, but for the one that is shown.
async function nextVideo() {
  const answer = served ? await call("/api/index?state=open&limit=3") : { rows: boot.rows.filter((row) => !row.decision) };
  const next = answer.rows.find((row) => row.kind === "result" && row.identifier !== current?.identifier);
  if (next) location.hash = next.identifier; else say("Every other result is decided.");
}

$("run-all").addEventListener("click", () => begin("/api/videos/all/run", {}, () => { version = ""; loadIndex(true); }));
$("filters").addEventListener("input", () => { place = 0; loadIndex(true); });
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("page-back").addEventListener("click", () => { place = Math.max(0, place - PAGE); loadIndex(true); });
$("page-on").addEventListener("click", () => { place += PAGE; loadIndex(true); });
$("next-video").addEventListener("click", nextVideo);
