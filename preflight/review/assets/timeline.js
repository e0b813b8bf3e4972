"use strict";
// What happens when: a bar a text, and the curve of how much each frame was changed.

const TIMELINE_LEFT = 44, TIMELINE_RIGHT = 12; // pixels beside the timeline, as beside the curve below it
let plot = null;

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
  $("curve-box").hidden = changes.length < 2;
  if (changes.length < 2 || !$("curve-box").open) return;
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { show: false } };
  plot = new uPlot({
    width: $("curve").clientWidth || 600, height: 110, legend: { show: false }, scales: { x: { time: false, range: () => [0, current.duration] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, { ...axis, size: TIMELINE_LEFT }], padding: [8, TIMELINE_RIGHT, 0, 0], series: [{}, { label: "change", stroke: "#4c8df6", width: 1 }],
    cursor: { drag: { x: false } },
    hooks: {
      init: [(made) => made.over.addEventListener("click", () => stage.seek(made.posToVal(made.cursor.left, "x")))],
      setCursor: [(made) => { const frame = made.cursor.idx; $("curve-value").textContent = frame == null ? "" : `${seconds(frame / current.rate)}: ${changes[frame].toFixed(1)}`; }],
    },
  }, [changes.map((_, frame) => frame / current.rate), changes], $("curve"));
}

$("curve-box").open = window.innerWidth > 820 && window.innerHeight > 800;
$("curve-box").addEventListener("toggle", () => { if (current) drawCurve(); });
$("timeline").addEventListener("click", (event) => stage.seek((event.offsetX - TIMELINE_LEFT) / ($("timeline").clientWidth - TIMELINE_LEFT - TIMELINE_RIGHT) * current.duration));
window.addEventListener("resize", () => { if (plot) plot.setSize({ width: $("curve").clientWidth, height: 110 }); });
