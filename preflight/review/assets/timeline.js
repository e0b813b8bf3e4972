"use strict";
// What happens when: a bar a text, and the curve of how much each frame was changed.

const TIMELINE_LEFT = 44, TIMELINE_RIGHT = 12; // pixels beside the timeline, as beside the curve below it
let plot = null;

const BAR = 7, GAP = 2, MOST_ROWS = 9; // pixels of a text's bar and below it; rows, the last of which takes what is left
const LANES = { removed: "#2e9e55", uncertain: "#d08700", kept: "#7d8798" };
let packed = { of: null, rows: [] };

// Puts each text into the first row that is free at its time: all removed ones first, then uncertain, then kept ones.
function packTexts(texts) {
  if (packed.of === texts) return packed.rows;
  const rows = [], ends = [], order = Object.keys(LANES);
  for (const text of [...texts].sort((one, other) => order.indexOf(one.status) - order.indexOf(other.status) || one.start - other.start)) {
    let row = ends.findIndex((end) => end <= text.start);
    if (row < 0) row = Math.min(ends.length, MOST_ROWS - 1);
    ends[row] = Math.max(ends[row] || 0, text.end);
    rows.push([row, text]);
  }
  packed = { of: texts, rows };
  return rows;
}

function drawTimeline(time) {
  const canvas = $("timeline");
  if (!current) return;
  const rows = packTexts(current.texts);
  const lanes = 1 + Math.max(0, ...rows.map(([row]) => row)), spots = current.weak_spots.length ? BAR : 0;
  const width = canvas.clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT, height = GAP + lanes * (BAR + GAP) + spots + GAP;
  if (width <= 0) return;
  if (canvas.width !== width || canvas.height !== height) { [canvas.width, canvas.height] = [width, height]; canvas.style.height = `${height}px`; }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const x = (value) => value / Math.max(0.001, current.duration) * width;
  for (const [row, text] of rows) {
    context.fillStyle = text.weaknesses.length ? "#d93025" : LANES[text.status];
    context.fillRect(x(text.start), GAP + row * (BAR + GAP), Math.max(2, x(text.end) - x(text.start) - 1), BAR);
  }
  context.fillStyle = "#d93025";
  for (const spot of current.weak_spots) context.fillRect(x(spot.start), height - spots, Math.max(3, x(spot.end) - x(spot.start)), spots);
  context.fillStyle = getComputedStyle(document.body).color;
  context.fillRect(x(time) - 1, 0, 2, height);
}

function drawCurve() {
  plot?.destroy();
  plot = null;
  const changes = current.changes || [];
  $("curve-box").hidden = changes.length < 2;
  if (changes.length < 2 || !$("curve-box").open) return;
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { show: false } };
  plot = new uPlot({
    width: $("curve").clientWidth || 600, height: 110, legend: { show: false }, scales: { x: { time: false, range: () => [0, current.duration] }, y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, { ...axis, size: TIMELINE_LEFT, space: 24 }], padding: [8, TIMELINE_RIGHT, 0, 0], series: [{}, { label: "change", stroke: "#4c8df6", width: 1, points: { show: false } }],
    cursor: { drag: { x: false } },
    hooks: {
      init: [(made) => made.over.addEventListener("click", () => stage.seek(made.posToVal(made.cursor.left, "x")))],
      setCursor: [(made) => { const frame = made.cursor.idx; $("curve-value").textContent = frame == null ? "" : `${seconds(frame / current.rate)}: ${changes[frame].toFixed(1)}`; }],
    },
  }, [changes.map((_, frame) => frame / current.rate), changes], $("curve"));
}

$("curve-box").addEventListener("toggle", () => { if (current) drawCurve(); });
$("timeline").addEventListener("click", (event) => stage.seek((event.offsetX - TIMELINE_LEFT) / ($("timeline").clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT) * current.duration));
window.addEventListener("resize", () => { if (plot) plot.setSize({ width: $("curve").clientWidth, height: 110 }); });
