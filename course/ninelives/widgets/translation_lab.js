// The translation lab, drawn in the browser. Python translates; what is written when, and where it looked, is drawn here.

const PACE = 420;  // ms from word to word

function render({ model, el }) {
  const get = name => model.get(name);
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const [L, H] = get("heads"), colours = get("colours"), alive = Boolean(model.send);
  const step = () => clamp(get("step"), 0, get("french").length);
  const waiting = () => get("text") !== get("answered");

  el.classList.add("nl-explorer", "nl-translation-lab");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Translation lab");
  for (const [name, colour] of Object.entries(colours)) el.style.setProperty(`--nl-${name}`, colour);
  el.addEventListener("keydown", keepKeys);

  const field = html("input", { type: "text", value: get("text"), spellcheck: false, autocomplete: "off", disabled: !alive });
  const ask = html("button", { type: "button", onclick: translate, disabled: !alive }, "Translate");
  field.addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    translate();
  });
  function translate() {
    if (field.value !== get("answered")) { playNext = true; set("text", field.value); }
    else play();
  }

  const slider = html("input", { type: "range", min: 0, step: 1, "aria-label": "Words written" });
  // Set first: to stop draws, and would put the slider back, so that the next key of the same frame started there.
  slider.addEventListener("input", () => { set("step", +slider.value); stop(); });
  const count = html("span", { className: "nl-count" });
  const again = html("button", { type: "button", onclick: () => (timer ? stop() : play()) });
  const chooser = html("select", { "aria-label": "Head" }, html("option", { value: -1 }, "mean of all heads"),
    ...range(L * H).map(k => html("option", { value: k }, `layer ${Math.floor(k / H) + 1}, head ${k % H + 1}`)));
  chooser.addEventListener("change", () => set("view", +chooser.value));

  const error = html("p", { className: "nl-error", role: "alert" });
  const before = html("div", { className: "nl-tiles", role: "list", "aria-label": "The sentence" });
  const after = html("div", { className: "nl-tiles", role: "group", "aria-label": "Its translation" });
  const readout = html("p", { className: "nl-readout" });
  const candidates = html("div", { className: "nl-candidates", role: "list", "aria-label": "Most likely words" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  const steps = html("div", { className: "nl-bar nl-steps" },
    html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Words written"), slider, count), again,
    html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Attention"), chooser));
  const texts = html("div", { className: "nl-texts" }, html("h4", {}, "English, and where the word that is being written looks"), before,
    html("h4", {}, "French"), after, readout, candidates);
  el.replaceChildren(
    html("div", { className: "nl-ask" }, html("label", {}, html("span", { className: "nl-name" }, "English sentence"), field), ask),
    html("p", { className: "nl-note" }, alive ? "" : "This page has no Python: run the notebook to translate other sentences."),
    error, steps, texts, live);

  // ── word by word ─────────────────────────────────────────────────────────────────────────
  let timer = 0, playNext = false;
  function stop() { clearInterval(timer); timer = 0; draw(); }
  function play() {
    clearInterval(timer);
    const last = get("french").length;
    if (!last) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return set("step", last);
    set("step", 1);
    timer = setInterval(() => {
      if (step() >= last) return stop();
      set("step", step() + 1);
    }, PACE);
    draw();
  }

  // ── drawing ──────────────────────────────────────────────────────────────────────────────
  const named = word => (word === "<end>" ? "(end)" : visible(word));
  function shown(row) {
    const heads = get("weights").flat(), view = get("view");
    if (view >= 0) return heads[view][row];
    return heads[0][row].map((_, j) => heads.reduce((sum, head) => sum + head[row][j], 0) / heads.length);
  }
  const fill = (tile, word, weight) => {
    const bar = html("i", {});
    bar.style.setProperty("--nl-w", weight ?? 0);
    tile.replaceChildren(bar, html("b", {}, word), html("small", {}, weight === null ? "\u00a0" : weight.toFixed(2)));
    return tile;
  };

  let said, saying;
  function draw() {
    const english = get("english"), french = get("french"), k = step(), P = english.length, row = k ? shown(k - 1) : null;
    error.hidden = !get("error") || waiting();
    error.textContent = error.hidden ? "" : get("error");
    steps.hidden = texts.hidden = !french.length;
    slider.max = french.length;
    slider.value = k;
    slider.setAttribute("aria-valuetext", `${k} of ${french.length} words`);
    count.textContent = `${k} of ${french.length}`;
    again.textContent = timer ? "Stop" : "Write it again";
    chooser.value = get("view");
    before.replaceChildren(...english.map((word, j) => {
      const tile = html("span", { className: "nl-word-bar", role: "listitem" });
      return fill(tile, visible(word), row ? row[j] : 0);
    }));
    const focused = after.contains(document.activeElement) ? [...after.children].indexOf(document.activeElement) : -1;
    after.replaceChildren(...french.map((word, j) => {
      const tile = html("button", { type: "button", className: j < k ? "nl-word-bar" : "nl-word-bar nl-later", disabled: j >= k, onclick: () => { set("step", j + 1); stop(); } });
      tile.setAttribute("aria-current", j === k - 1);
      return fill(tile, named(word), row && j < k - 1 ? row[P + j] : null);
    }));
    after.children[focused]?.focus();
    const words = [...english, ...french.map(named)];
    const reads = row ? range(row.length).filter(j => row[j] >= 0.05).sort((a, b) => row[b] - row[a]).slice(0, 3).map(j => `${words[j]} ${row[j].toFixed(2)}`) : [];
    const where = chooser.selectedOptions[0]?.textContent ?? "";
    readout.replaceChildren(...(row ? [html("span", { className: "nl-where" }, `Word ${k} of ${french.length}`), html("strong", {}, named(french[k - 1])),
      ` looks at ${reads.join(", ") || "no word with 0.05 or more"} (${where}). Most likely here:`] : ["No word is written yet."]));
    candidates.replaceChildren(...(row ? get("likely")[k - 1].flatMap(([word, p]) => {
      const bar = html("i", { "aria-hidden": "true" });
      bar.style.width = `${100 * p}%`;
      return [html("span", { role: "listitem" }, named(word)), bar, html("span", {}, p.toFixed(2))];
    }) : []));
    el.dataset.drawn = [get("answered"), k, get("view"), waiting() ? "waiting" : get("error") ? "error" : "done"].join("|");
    clearTimeout(saying);
    // Spoken when nothing moves any more, and only if it is new.
    saying = setTimeout(() => {
      const now = get("error") ? "" : k === french.length && !timer ? `Translation: ${get("translation")}` : row ? readout.textContent : "";
      if (!timer && now !== said) live.textContent = said = now;
    }, 300);
  }
  const redraw = oncePerFrame(draw);
  const answer = () => {
    if (!playNext || waiting()) return redraw();
    playNext = false;
    get("error") ? redraw() : play();
  };
  const asked = () => { if (field.value !== get("text")) field.value = get("text"); redraw(); };

  const listeners = [...["error", "english", "french", "weights", "likely", "step", "view"].map(name => [`change:${name}`, redraw]),
    ["change:answered", answer], ["change:text", asked]];
  for (const [event, listener] of listeners) model.on(event, listener);
  draw();
  const forgetTheme = watchTheme(el);

  return () => {
    for (const [event, listener] of listeners) model.off(event, listener);
    el.removeEventListener("keydown", keepKeys);
    clearInterval(timer);
    clearTimeout(saying);
    forgetTheme();
  };
}

export default { render };
