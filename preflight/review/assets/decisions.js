"use strict";
// What a person decides about one video: per text, per box, and as a whole.

class Decisions {
  constructor(stored = {}) {
    this.overall = stored.overall || "";
    this.texts = new Map((stored.texts || []).map((item) => [item.number, { choice: item.choice, alike: item.alike }]));
    this.regions = stored.regions || [];
    this.note = stored.note || "";
  }

  choose(number, choice) {
    const before = this.texts.get(number);
    if (before && before.choice === choice) this.texts.delete(number);
    else this.texts.set(number, { choice, alike: before ? before.alike : false });
  }

  setAlike(number, alike) {
    const before = this.texts.get(number);
    if (before) before.alike = alike;
  }

  toJSON() {
    return {
      schema: 1,
      overall: this.overall,
      texts: [...this.texts].sort((a, b) => a[0] - b[0]).map(([number, { choice, alike }]) => ({ number, choice, alike })),
      regions: this.regions,
      note: this.note,
    };
  }
}

// The choices for a text: what a result offers, and what a request before a run offers.
function choicesFor(text, before) {
  if (before) return text.status === "removed" ? [["protect", "Keep it"]] : [["remove", "Remove it"]];
  if (text.status === "removed") return [["accept", "Accept"], ["reject", "Reject"], ["protect", "Put back"]];
  return [["accept", "Leave it"], ["remove", "Remove after all"]];
}

class TextList {
  constructor(onChoose, onChange) {
    this.onChoose = onChoose;
    this.onChange = onChange;
    this.chosen = null;
    $("order").addEventListener("change", () => this.render());
  }

  open(video, decisions) {
    this.video = video;
    this.decisions = decisions;
    this.chosen = null;
    this.render();
  }

  ordered() {
    const texts = [...this.video.texts];
    const byTime = (one, other) => one.start - other.start || one.number - other.number;
    if ($("order").value === "time") return texts.sort(byTime);
    return texts.sort((one, other) => other.severity - one.severity || byTime(one, other));
  }

  render() {
    const before = !this.video.cleaned;
    $("texts-title").textContent = `Texts (${this.video.texts.length})`;
    $("texts").replaceChildren(...this.ordered().map((text) => this.item(text, before)));
    if (!this.video.texts.length) $("texts").replaceChildren(element("li", {}, "No text is known."));
    const spots = [...this.video.weak_spots].sort((one, other) => other.severity - one.severity);
    $("spots").replaceChildren(...spots.map((spot) => element("li", { className: "weak" },
      element("button", { type: "button", className: "words", onclick: () => this.onChoose({ ...spot, number: null }) }, spot.reason),
      element("small", {}, `${seconds(spot.start)} - ${seconds(spot.end)}`))));
    if (!spots.length) $("spots").replaceChildren(element("li", {}, "None."));
    this.renderRegions();
  }

  item(text, before) {
    const status = before ? { removed: "will be removed", kept: "stays", uncertain: "stays, uncertain" }[text.status] : text.status;
    const tone = { removed: "good", kept: "", uncertain: "warn" }[text.status];
    const made = element("li", { className: `${text.status}${text.weaknesses.length ? " weak" : ""}${this.chosen === text.number ? " chosen" : ""}` },
      element("button", { type: "button", className: "words", onclick: () => this.select(text) }, `${text.number}. ${text.words || "graphic without words"}`),
      element("small", {}, element("span", { className: `state ${tone}` }, status), ` ${seconds(text.start)} - ${seconds(text.end)}`));
    for (const words of [...text.weaknesses, ...(text.note ? [text.note] : [])]) made.append(element("small", {}, words));
    const own = this.decisions.texts.get(text.number);
    const group = element("div", { className: "row", role: "group", "aria-label": `Decision about text ${text.number}` });
    for (const [choice, words] of choicesFor(text, before)) {
      group.append(element("button", {
        type: "button", "aria-pressed": String(Boolean(own && own.choice === choice)),
        onclick: () => { this.decisions.choose(text.number, choice); this.changed(); },
      }, words));
    }
    if (own) {
      group.append(element("label", {}, element("input", {
        type: "checkbox", checked: own.alike,
        onchange: (event) => { this.decisions.setAlike(text.number, event.target.checked); this.changed(); },
      }), " all alike"));
    }
    made.append(group);
    return made;
  }

  renderRegions() {
    $("regions").replaceChildren(...this.decisions.regions.map((region, place) => element("li", {},
      element("strong", {}, region.protect ? "Keep the source" : "Remove"),
      element("div", { className: "row" }, ...["start", "end"].map((name) => element("label", {}, `${name} `, element("input", {
        type: "number", step: "0.001", min: "0", value: String(region[name]), "aria-label": `${name} of box ${place + 1}, in seconds`,
        onchange: (event) => { region[name] = Number(event.target.value); this.onChange(); },
      }))), element("button", { type: "button", onclick: () => { this.decisions.regions.splice(place, 1); this.changed(); } }, "Delete")))));
  }

  changed() {
    this.render();
    this.onChange();
  }

  select(text) {
    this.chosen = text.number;
    this.render();
    this.onChoose(text);
  }

  text() { return this.video.texts.find((text) => text.number === this.chosen) || null; }

  move(steps) {
    const texts = this.ordered();
    if (!texts.length) return;
    const place = texts.findIndex((text) => text.number === this.chosen);
    this.select(texts[(place < 0 && steps < 0 ? texts.length - 1 : place + steps + texts.length) % texts.length]);
    const row = $("texts").querySelector("li.chosen");
    if (row) row.scrollIntoView({ block: "nearest" });
  }

  decide(...choices) {
    const text = this.text();
    if (!text) return;
    const possible = choicesFor(text, !this.video.cleaned).map(([choice]) => choice);
    const choice = choices.find((item) => possible.includes(item));
    if (choice) { this.decisions.choose(text.number, choice); this.changed(); }
  }
}
