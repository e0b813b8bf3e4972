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

const CHECK = 0.4; // severity from which a person should look
const graded = (severity) => (severity >= 0.7 ? ["bad", "bad"] : severity >= CHECK ? ["warn", "check"] : ["", "minor"]);
// One letter or sign is hardly ever a text that somebody wrote over a picture: it is part of one, or of the scene.
const isFragment = (text) => text.words.length > 0 && [...text.words.replace(/[^\p{L}\p{N}]/gu, "")].length <= 1 && !text.weaknesses.length;
const CHOSEN_WORDS = { accept: "accepted", reject: "rejected: fill again", protect: "put back", remove: "remove" };

const EFFECTS = { accept: "It is fine as it is", reject: "Redo fills it again", protect: "The source's pixels stay", remove: "It will be removed" };

// Texts and weak spots of one video. An item is {key, text} or {key, spot}.
class TextList {
  constructor(onChoose, onChange) {
    this.onChoose = onChoose;
    this.onChange = onChange;
    this.chosen = null;
    $("order").addEventListener("change", () => this.render());
  }

  open(video, decisions, chosen = null) {
    this.video = video;
    this.decisions = decisions;
    this.chosen = chosen;
    this.render();
  }

  items() {
    return [...this.video.texts.map((text) => ({ key: `t${text.number}`, text, ...text })), ...this.video.weak_spots.map((spot, number) => ({ key: `s${number}`, spot, ...spot }))];
  }

  ordered(fragments = false) {
    const items = this.items().filter((item) => Boolean(item.text && isFragment(item.text)) === fragments);
    const byTime = (one, other) => one.start - other.start || one.key.localeCompare(other.key, "en", { numeric: true });
    if ($("order").value === "time") return items.sort(byTime);
    return items.sort((one, other) => other.severity - one.severity || byTime(one, other));
  }

  render() {
    const before = !this.video.cleaned;
    const [items, fragments] = [this.ordered(), this.ordered(true)];
    const decided = this.decisions.texts.size;
    $("texts-title").textContent = `Texts (${this.video.texts.length}${decided ? `, ${decided} decided` : ""})`;
    const rows = [];
    if ($("order").value === "worst" && !before) {
      const check = items.filter((item) => item.severity >= CHECK), fine = items.filter((item) => item.severity < CHECK);
      if (check.length) rows.push(element("li", { className: "group" }, `To check (${check.length})`), ...check.map((item) => this.item(item, before)));
      if (fine.length) rows.push(element("li", { className: "group" }, `Fine (${fine.length})`), ...fine.map((item) => this.item(item, before)));
    } else rows.push(...items.map((item) => this.item(item, before)));
    if (!rows.length) rows.push(element("li", {}, this.video.texts_known ? "No text was found." : "The texts are not known."));
    $("texts").replaceChildren(...rows);
    $("fragments-box").hidden = !fragments.length;
    $("fragments-title").textContent = `Single characters (${fragments.length})`;
    $("fragments").replaceChildren(...fragments.map((item) => this.item(item, before)));
    this.renderRegions();
  }

  item(item, before) {
    const isChosen = this.chosen === item.key;
    const { text, spot } = item;
    const name = text ? `${text.number}. ${text.words || "graphic without words"}` : spot.reason;
    const head = element("div", { className: "head" }, element("button", { type: "button", className: "words", "aria-current": String(isChosen), onclick: () => this.select(item) }, name));
    if (item.severity > 0) {
      const [tone, words] = graded(item.severity);
      head.append(element("span", { className: `state ${tone}`, title: "Severity, 0 to 1" }, `${words} ${item.severity.toFixed(2)}`));
    }
    const made = element("li", { className: `${text ? text.status : "spot"}${spot || text.weaknesses.length ? " weak" : ""}${isChosen ? " chosen" : ""}` }, head);
    const times = `${seconds(item.start)} - ${seconds(item.end)}`;
    if (spot) { made.append(element("small", {}, `weak spot, ${times}`)); return made; }
    const status = before ? { removed: "will be removed", kept: "stays", uncertain: "stays, uncertain" }[text.status] : text.status;
    const tone = { removed: "good", kept: "", uncertain: "warn" }[text.status];
    const own = this.decisions.texts.get(text.number);
    const line = element("small", {}, element("span", { className: `state ${tone}` }, status), `, ${times}`);
    if (own) line.append(element("strong", {}, `, ${before ? (own.choice === "remove" ? "to be removed" : "to be kept") : CHOSEN_WORDS[own.choice]}${own.alike ? ", all alike" : ""}`));
    made.append(line);
    const words = [...text.weaknesses, ...(text.note ? [text.note] : [])].join("; ");
    if (words) made.append(element("small", {}, words));
    if (isChosen) made.append(this.choices(text, own, before));
    return made;
  }

  choices(text, own, before) {
    const group = element("div", { className: "row", role: "group", "aria-label": `Decision about text ${text.number}` });
    for (const [choice, words] of choicesFor(text, before)) {
      group.append(element("button", {
        type: "button", title: EFFECTS[choice], "aria-pressed": String(Boolean(own && own.choice === choice)),
        onclick: () => { this.decisions.choose(text.number, choice); this.changed(); },
      }, words));
    }
    if (own) {
      group.append(element("label", {}, element("input", {
        type: "checkbox", checked: own.alike,
        onchange: (event) => { this.decisions.setAlike(text.number, event.target.checked); this.changed(); },
      }), " all alike"));
    }
    return group;
  }

  renderRegions() {
    const edges = ["left", "top", "right", "bottom"];
    const changed = () => { stage.draw(); this.onChange(); };
    // A box keeps an extent: an edge that is moved over the other one stops short of it.
    const move = (box, edge, percent) => {
      const share = Math.min(1, Math.max(0, percent / 100 || 0)), other = box[(edge + 2) % 4];
      box[edge] = edge < 2 ? Math.min(share, other - 0.005) : Math.max(share, other + 0.005);
      this.renderRegions();
    };
    stage.regions = this.decisions.regions;
    $("regions").replaceChildren(...this.decisions.regions.map((region, place) => element("li", {},
      element("strong", {}, region.protect ? "Keep the source" : "Remove"),
      element("div", { className: "row" }, ...["start", "end"].map((name) => element("label", {}, `${name} `, element("input", {
        type: "number", step: "0.001", min: "0", value: String(region[name]), "aria-label": `${name} of box ${place + 1}, in seconds`,
        onchange: (event) => { region[name] = Number(event.target.value); changed(); },
      })))), element("div", { className: "row" }, ...edges.map((name, edge) => element("label", {}, `${name} % `, element("input", {
        type: "number", step: "0.1", min: "0", max: "100", value: (100 * region.box[edge]).toFixed(1), "aria-label": `${name} edge of box ${place + 1}, in percent`,
        onchange: (event) => { move(region.box, edge, Number(event.target.value)); changed(); },
      }))), element("button", { type: "button", onclick: () => { this.decisions.regions.splice(place, 1); this.changed(); } }, "Delete")))));
  }

  changed() {
    this.render();
    this.onChange();
  }

  select(item) {
    this.chosen = item.key;
    this.render();
    if (item.text && isFragment(item.text)) $("fragments-box").open = true;
    this.onChoose(item.text || item.spot);
  }

  current() { return this.items().find((item) => item.key === this.chosen) || null; }

  text() { return this.current()?.text || null; }

  move(steps) {
    const items = this.ordered();
    if (!items.length) return;
    const place = items.findIndex((item) => item.key === this.chosen);
    this.select(items[(place < 0 && steps < 0 ? items.length - 1 : place + steps + items.length) % items.length]);
    this.show();
  }

  // Scrolls the list, and never the page: on a phone the picture has to stay in sight.
  show() {
    const row = $("texts").querySelector("li.chosen"), panel = document.querySelector("aside");
    if (row && getComputedStyle(panel).position === "sticky") row.scrollIntoView({ block: "nearest" });
  }

  decide(...choices) {
    const text = this.text();
    if (!text) return;
    const possible = choicesFor(text, !this.video.cleaned).map(([choice]) => choice);
    const choice = choices.find((item) => possible.includes(item));
    if (choice) { this.decisions.choose(text.number, choice); this.changed(); }
  }
}
