"use strict";
// The picture: one video whose upper half is the source and whose lower half is the result, drawn on a canvas.

const $ = (name) => document.getElementById(name);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function press(button, pressed) { button.setAttribute("aria-pressed", String(pressed)); }
const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
const seconds = (value) => `${value.toFixed(3)} s`;

const MODES = ["slider", "side", "flip", "difference"];
const LOOP = 1; // seconds
const WIDEST_ZOOM = 0.6; // of the picture: a caption as wide as the picture is shown around its middle

class Stage {
  constructor(onTime, onBox, onZoom) {
    this.canvas = $("picture");
    this.context = this.canvas.getContext("2d");
    this.player = element("video", { muted: true, playsInline: true, preload: "auto" });
    this.mode = "slider";
    this.flipped = false;
    this.split = 0.5;
    this.marks = [];
    this.regions = []; // boxes that a person drew
    this.showMarks = true;
    this.zoomed = null;
    this.looped = null;
    this.drawing = false;
    this.dragged = null;
    this.onTime = onTime;
    this.onBox = onBox;
    this.onZoom = onZoom;
    this.full = null;
    this.frameTime = null;
    this.stacked = true;
    this.player.addEventListener("loadeddata", () => this.draw());
    this.player.addEventListener("seeked", () => this.draw());
    this.player.addEventListener("pause", () => this.draw());
    this.player.addEventListener("error", () => say("The picture can't be played."));
    this.tick = (_, frame) => { this.frameTime = frame?.mediaTime; this.draw(); this.again(); };
    this.listen();
    this.again();
  }

  again() {
    if ("requestVideoFrameCallback" in this.player) this.player.requestVideoFrameCallback(this.tick);
    else requestAnimationFrame(this.tick);
  }

  open(source, video) {
    this.video = video;
    this.stacked = video.cleaned && video.source;
    this.zoomed = this.looped = null;
    this.marks = [];
    this.full = this.frameTime = null;
    press($("zoom"), false);
    press($("loop"), false);
    this.player.src = source;
    this.player.load();
  }

  listen() {
    const at = (event) => {
      const bounds = this.canvas.getBoundingClientRect();
      return [(event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      const place = at(event);
      if (this.drawing) this.dragged = [place, place];
      else this.moveSplit(place[0]);
      this.held = true;
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.held) return;
      const place = at(event);
      if (this.dragged) { this.dragged[1] = place; this.draw(); } else this.moveSplit(place[0]);
    });
    const release = () => {
      this.held = false;
      if (!this.dragged) return;
      const [one, other] = this.dragged.map((place) => this.toPicture(place));
      this.dragged = null;
      const box = [Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[0], other[0]), Math.max(one[1], other[1])]
        .map((edge) => Math.min(1, Math.max(0, Number(edge.toFixed(4)))));
      if (box[2] - box[0] > 0.005 && box[3] - box[1] > 0.005) this.onBox(box);
      this.draw();
    };
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoomAround(at(event), event.deltaY < 0 ? 0.8 : 1.25);
    }, { passive: false });
    this.canvas.addEventListener("dblclick", (event) => this.zoomAround(at(event), this.zoomed ? 100 : 0.4));
    this.canvas.addEventListener("pointerup", release);
    this.canvas.addEventListener("pointercancel", release);
  }

  // From a place on the canvas (0..1) to one of the picture (0..1).
  toPicture([x, y]) {
    if (this.mode === "side" && this.stacked) {
      if (this.canvas.dataset.columns === "2") x = (x * 2) % 1; else y = (y * 2) % 1;
    }
    const [left, top, right, bottom] = this.window();
    return [left + x * (right - left), top + y * (bottom - top)];
  }

  window() { return this.zoomed || [0, 0, 1, 1]; }

  moveSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    $("split").value = String(Math.round(this.split * 1000));
    this.draw();
  }

  setMode(mode) {
    this.mode = mode;
    this.flipped = false;
    for (const button of $("modes").querySelectorAll("[data-mode]")) press(button, button.dataset.mode === mode);
    $("split-row").hidden = mode !== "slider";
    this.draw();
  }

  flip() {
    if (this.mode !== "flip") this.setMode("flip");
    this.flipped = !this.flipped;
    this.draw();
  }

  zoom(box) {
    if (this.zoomed || !box) this.zoomTo(0.5, 0.5, 1);
    else this.zoomTo((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, Math.min(WIDEST_ZOOM, Math.max(0.12, (box[2] - box[0]) * 1.4, (box[3] - box[1]) * 1.4)));
  }

  // Shows `side` of the picture's width and height around a place, all in 0..1; the whole picture for 1.
  zoomTo(x, y, side) {
    const [left, top] = [x, y].map((centre) => Math.min(1 - side, Math.max(0, centre - side / 2)));
    this.zoomed = side >= 1 ? null : [left, top, left + side, top + side];
    press($("zoom"), Boolean(this.zoomed));
    this.draw();
  }

  // Zooms in or out and keeps what is at a place of the canvas there.
  zoomAround(place, factor) {
    const [left, , right] = this.window(), [x, y] = this.toPicture(place);
    const before = right - left, side = Math.min(1, Math.max(0.05, before * factor)), ratio = side / before;
    const [, top, , bottom] = this.window();
    this.zoomTo(x + ((left + right) / 2 - x) * ratio, y + ((top + bottom) / 2 - y) * ratio, side);
  }

  loop(time) {
    this.looped = this.looped || time === null ? null : [Math.max(0, time - LOOP / 2), time + LOOP / 2];
    press($("loop"), Boolean(this.looped));
    if (this.looped) { this.player.currentTime = this.looped[0]; this.player.play(); }
  }

  seek(time) {
    this.player.pause();
    // The middle of a frame: its edge may be shown as either neighbour.
    this.player.currentTime = Math.min(Math.max(0, time), Math.max(0, (this.player.duration || this.video.duration) - 0.001));
  }

  step(frames) { this.seek((Math.floor(this.player.currentTime * this.video.rate + 1e-6) + frames + 0.5) / this.video.rate); }

  toggle() { if (this.player.paused) this.player.play(); else this.player.pause(); }

  // Asks for the shown part of the frame in the file's own pixels, once the frame stands still.
  async sharpen() {
    clearTimeout(this.waiting);
    const key = this.zoomed && this.player.paused && !this.player.seeking ? `${this.shownAt()} ${this.zoomed}` : null;
    if (this.full && this.full.key === key) return;
    this.full = null;
    if (!key) return;
    this.waiting = setTimeout(async () => {
      const found = await this.onZoom(this.video, this.shownAt(), this.zoomed);
      if (!found || !this.zoomed || key !== `${this.shownAt()} ${this.zoomed}`) return;
      this.full = { key, ...found };
      this.draw();
    }, 120);
  }

  // The time of the shown frame, in seconds of the result.
  shownAt() { return this.frameTime ?? Math.floor(this.player.currentTime * this.video.rate + 1e-6) / this.video.rate; }

  half(lower, width, height, x = 0, y = 0) {
    if (this.full) {
      const image = lower && this.stacked ? this.full.after : this.full.before;
      if (image) { this.context.drawImage(image, x, y, width, height); return; }
    }
    const [left, top, right, bottom] = this.window();
    const [fullWidth, fullHeight] = [this.player.videoWidth, this.player.videoHeight / (this.stacked ? 2 : 1)];
    this.context.drawImage(
      this.player, left * fullWidth, top * fullHeight + (lower && this.stacked ? fullHeight : 0),
      (right - left) * fullWidth, (bottom - top) * fullHeight, x, y, width, height);
  }

  draw() {
    const player = this.player;
    if (!player.videoWidth) return;
    if (this.looped && player.currentTime >= this.looped[1]) player.currentTime = this.looped[0];
    this.sharpen();
    const image = this.full?.before;
    // A crop of more pixels than the proxy has is shown with all of them.
    const grown = image ? Math.max(1, image.naturalWidth / player.videoWidth) : 1;
    const [width, height] = [Math.round(player.videoWidth * grown), Math.round(player.videoHeight / (this.stacked ? 2 : 1) * grown)];
    this.canvas.dataset.pixels = image ? `${image.naturalWidth}x${image.naturalHeight}` : "";
    const side = this.mode === "side" && this.stacked;
    const columns = side && width <= height * 1.2 || side && window.innerWidth > 820 ? 2 : 1;
    const size = side ? (columns === 2 ? [2 * width, height] : [width, 2 * height]) : [width, height];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    this.canvas.dataset.columns = String(columns);
    const context = this.context;
    context.globalCompositeOperation = "source-over";
    if (!this.stacked) this.half(false, width, height);
    else if (side) {
      this.half(false, width, height);
      this.half(true, width, height, columns === 2 ? width : 0, columns === 2 ? 0 : height);
    } else if (this.mode === "flip") this.half(!this.flipped, width, height);
    else if (this.mode === "difference") {
      this.half(false, width, height);
      context.globalCompositeOperation = "difference";
      this.half(true, width, height);
      // Three doublings: eight times the difference.
      context.globalCompositeOperation = "lighter";
      for (let doubling = 0; doubling < 3; doubling += 1) context.drawImage(this.canvas, 0, 0);
      context.globalCompositeOperation = "source-over";
    } else {
      this.half(true, width, height);
      context.save();
      context.beginPath();
      context.rect(0, 0, width * this.split, height);
      context.clip();
      this.half(false, width, height);
      context.restore();
      context.fillStyle = "#fff";
      context.fillRect(width * this.split - 1, 0, 2, height);
    }
    this.label(side, columns, width, height);
    if (this.showMarks) for (const mark of this.marks) this.rectangle(mark.box, mark.color, width, height);
    for (const region of this.regions) {
      if (region.start <= player.currentTime && player.currentTime < region.end) this.rectangle(region.box, region.protect ? "#4c8df6" : "#ff5cf4", width, height);
    }
    if (this.dragged) {
      const [one, other] = this.dragged.map((place) => this.toPicture(place));
      this.rectangle([Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[0], other[0]), Math.max(one[1], other[1])], "#ff0", width, height);
    }
    this.onTime(player.currentTime);
  }

  rectangle(box, color, width, height) {
    const [left, top, right, bottom] = this.window();
    const [x, y] = [(box[0] - left) / (right - left) * width, (box[1] - top) / (bottom - top) * height];
    this.context.strokeStyle = color;
    this.context.lineWidth = 2 * this.canvas.width / (this.canvas.clientWidth || this.canvas.width);
    this.context.strokeRect(x - 2, y - 2, (box[2] - box[0]) / (right - left) * width + 4, (box[3] - box[1]) / (bottom - top) * height + 4);
  }

  label(side, columns, width, height) {
    const written = this.zoomed ? [[this.full ? `full size, ${this.canvas.dataset.pixels} pixels` : "enlarged", "left", 0, height, "bottom"]] : [];
    if (!this.stacked) { this.write(written); return; }
    if (side) written.push(["before", "left", 0, 0], columns === 2 ? ["after", "left", width, 0] : ["after", "left", 0, height]);
    else if (this.mode === "flip") written.push([this.flipped ? "before" : "after", "left", 0, 0]);
    else if (this.mode === "slider") written.push(["before", "left", 0, 0], ["after", "right", width, 0]);
    else written.push(["difference ×8", "left", 0, 0]);
    this.write(written);
  }

  // Writes words into corners, in letters of one size on the screen, however large the canvas is.
  write(written) {
    const scale = this.canvas.width / (this.canvas.clientWidth || this.canvas.width), context = this.context;
    context.font = `${13 * scale}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    for (const [words, side, x, y, edge] of written) {
      const width = context.measureText(words).width + 10 * scale, height = 20 * scale;
      const left = side === "left" ? x + 3 * scale : x - width - 3 * scale, top = edge ? y - height - 3 * scale : y + 3 * scale;
      context.fillStyle = "rgba(0,0,0,.65)";
      context.fillRect(left, top, width, height);
      context.fillStyle = "#fff";
      context.fillText(words, left + 5 * scale, top + height / 2);
    }
  }
}
