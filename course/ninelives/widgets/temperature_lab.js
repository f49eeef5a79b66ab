// The temperature lab, drawn in the browser. Python is asked for the next scores alone, after each drawn word.

const MOST_BARS = 15;
const MOST_WORDS = 60;   // that "Write on" writes
const PAUSE = 180;       // ms between two words of it
const TINY = 1.1754943508222875e-38;   // the smallest float32 that keeps its digits

function render({ model, el }) {
  const vocabulary = model.get("vocabulary").map(visible), prompt = model.get("prompt").map(visible), V = vocabulary.length;
  const alone = !model.widget_manager;   // a page without Python
  const end = model.get("end_token"), colours = model.get("colours");
  const drawn = () => model.get("drawn"), temperature = () => model.get("temperature");
  const topK = () => model.get("top_k") ?? V, topP = () => model.get("top_p") ?? 1;
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  // ── the scores ───────────────────────────────────────────────────────────────────────────
  const known = new Map();   // scores by the words drawn before them, so that stepping back asks nobody
  let logits = new Float64Array(V), order = range(V), shownAfter;
  function take() {
    const scores = model.get("scores");
    if (scores.numbers !== undefined) known.set(scores.after.join(), scores.numbers);
    const after = drawn().join(), numbers = known.get(after);
    if (numbers === undefined || shownAfter === after) return;
    shownAfter = after;
    logits = Float64Array.from(new Float32Array(fromBase64(numbers)));
    order = range(V).sort((a, b) => logits[b] - logits[a] || a - b);
  }
  const stale = () => shownAfter !== drawn().join();
  const failed = () => { const { after, error } = model.get("scores"); return error !== undefined && after.join() === drawn().join() ? error : ""; };
  const ended = () => end !== null && drawn().includes(end);

  // The same as `next_token_probabilities` in Python.
  function probabilities(t, k, p) {
    const chances = new Float64Array(V), highest = logits[order[0]];
    if (t === 0) { chances[order[0]] = 1; return chances; }
    const least = (logits[order[Math.min(k, V) - 1]] - highest) / Math.max(t, TINY);
    let sum = 0;
    for (const word of order) {
      const scaled = (logits[word] - highest) / Math.max(t, TINY);
      if (scaled < least) break;
      sum += chances[word] = Math.exp(scaled);
    }
    let before = 0, kept = 0;
    for (const word of order) {
      const chance = chances[word] / sum;
      if (p < 1 && before >= p) { chances[word] = 0; continue; }
      before += chance;
      kept += chances[word] = chance;
    }
    if (p < 1) for (const word of order) chances[word] /= kept;
    return chances;
  }
  let chances, plain;   // now, and at temperature 1 with all words
  function pick() {
    let u = Math.random(), last = order[0];
    for (const word of order) {
      if (!chances[word]) continue;
      last = word;
      if ((u -= chances[word]) < 0) break;
    }
    return last;
  }

  // ── controls ─────────────────────────────────────────────────────────────────────────────
  el.classList.add("nl-explorer", "nl-temperature-lab");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Temperature lab: a vocabulary of ${V} words`);
  for (const [name, colour] of Object.entries(colours)) el.style.setProperty(`--nl-${name}`, colour);
  el.addEventListener("keydown", keepKeys);

  const slider = (name, limits, read, write, say) => {
    const input = html("input", { type: "range", ...limits, "aria-label": name });
    const output = html("span", { className: "nl-count" });
    input.addEventListener("input", () => write(+input.value));
    const show = () => {
      input.value = read();
      output.textContent = say();
      input.setAttribute("aria-valuetext", say());
    };
    return { show, node: html("div", { className: "nl-slider" }, html("span", { className: "nl-name" }, name), input, output) };
  };
  // A few numbers of words, close together where each counts.
  const ks = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].filter(k => k < V).concat(V);
  const sliders = [
    slider("Temperature", { min: 0, max: 3, step: 0.05 }, temperature, value => set({ temperature: value }),
      () => two(temperature()) + (temperature() === 0 ? " greedy" : "")),
    slider("Top-k", { min: 0, max: ks.length - 1, step: 1 }, () => ks.findIndex(k => k >= Math.min(topK(), V)),
      value => set({ top_k: ks[value] === V ? null : ks[value] }), () => (topK() < V ? String(topK()) : "all words")),
    slider("Top-p", { min: 0.05, max: 1, step: 0.05 }, topP, value => set({ top_p: value === 1 ? null : value }),
      () => (topP() < 1 ? two(topP()) : "all words")),
  ];

  // Disabled for the reader, but still able to hold the focus while Python reads.
  const button = (text, act, may) => {
    const node = html("button", { type: "button", onclick: () => { if (may()) act(); } }, text);
    return { node, may, show: () => node.setAttribute("aria-disabled", String(!may())) };
  };
  const ready = () => !stale() && !failed() && !ended();
  let writing = 0;   // words still to be written on
  const draw = () => {
    const word = pick();
    const before = drawn();
    set({ drawn: [...before, word], chances: [...before.map((_, k) => model.get("chances")[k] ?? 0), chances[word]] });
  };
  const back = () => { writing = 0; set({ drawn: drawn().slice(0, -1), chances: model.get("chances").slice(0, drawn().length - 1) }); };
  const drawOne = button("Draw a word", draw, () => ready() && !writing);
  const drawTen = button("Ten tries", () => {
    for (const _ of range(10)) { const word = pick(); tries.set(word, (tries.get(word) ?? 0) + 1); }
    redraw();
  }, () => ready() && !writing);
  const writeOn = button("Write on", () => {
    if (writing) { writing = 0; redraw(); return; }
    writing = MOST_WORDS;
    goOn();
  }, () => writing > 0 || (ready() && !alone));
  const stepBack = button("Step back", back, () => drawn().length > 0);
  const startAgain = button("Start again", () => { writing = 0; set({ drawn: [], chances: [] }); }, () => drawn().length > 0);
  const buttons = [drawOne, drawTen, writeOn, stepBack, startAgain];

  let pausing;
  function goOn() {
    clearTimeout(pausing);
    if (!writing) return;
    if (failed() || ended()) writing = 0;
    else if (!stale()) { writing -= 1; draw(); }
    redraw();
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const onSlider = event.target.type === "range";
    if (event.key === "Enter" && onSlider) { if (drawOne.may()) draw(); }
    else if (event.key === "Backspace") { if (stepBack.may()) back(); }
    else return;
    event.preventDefault();
  }
  el.addEventListener("keydown", keys);

  const text = html("div", { className: "nl-written", role: "group", "aria-label": "The text so far" });
  const note = html("p", { className: "nl-notice" });
  const readout = html("p", { className: "nl-readout" });
  const bars = range(Math.min(V, MOST_BARS) + (V > MOST_BARS)).map(() => {
    const word = html("th", { scope: "row" }), bar = html("i"), mark = html("b"), dot = html("s");
    const amount = html("td", { className: "nl-amount" }), seen = html("td", { className: "nl-seen" });
    const track = html("div", { className: "nl-odds" }, bar, mark, dot);
    return { word, bar, mark, dot, amount, seen, node: html("tr", {}, word, html("td", { "aria-hidden": "true" }, track), amount, seen) };
  });
  const seenHead = html("th", { scope: "col" });
  const table = html("table", { className: "nl-next", "aria-label": "Probabilities of the next word" },
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Next word"), html("th", { "aria-hidden": "true" }), html("th", { scope: "col" }, "Probability"), seenHead)),
    html("tbody", {}, ...bars.map(({ node }) => node)));
  const key = (className, words) => html("span", { className: "nl-key" }, html("i", { className }), words);
  const legend = html("div", { className: "nl-legend" }, key("nl-key-mark", "at temperature 1, of all words"), key("nl-key-dot", "share of the tries"),
    html("span", {}, "On a slider: Enter draws a word, Backspace steps back."));
  const yours = html("p", { className: "nl-yours" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  el.replaceChildren(html("div", { className: "nl-bar" }, ...sliders.map(s => s.node)), text,
    html("div", { className: "nl-bar nl-acts" }, ...buttons.map(b => b.node)), note, readout, table, legend, yours, live);

  // ── drawing ──────────────────────────────────────────────────────────────────────────────
  let tries = new Map(), triedAt;
  const short = word => (word.length > 18 ? word.slice(0, 17) + "…" : word);

  function reading() {
    let entropy = 0, kept = 0;
    for (const chance of chances) if (chance > 0) { kept += 1; entropy -= chance * Math.log(chance); }
    return `Entropy ${two(entropy)} nats: as undecided as among ${Math.exp(entropy).toFixed(1)} equally likely words.`
      + (kept < V ? ` ${kept} of ${V} words can be drawn.` : "");
  }

  function lastDraw() {
    const words = drawn(), chance = model.get("chances")[words.length - 1];
    if (!words.length) return "";
    const word = `“${vocabulary[words[words.length - 1]]}”`;
    return chance === undefined ? `The last word is ${word}.` : `Drawn: ${word}, which had the probability ${two(chance)}.`;
  }

  function notice() {
    if (failed()) return `After this text the model cannot go on: ${failed()}`;
    if (ended()) return "The text has ended. Step back or start again.";
    if (stale() && alone) return "This page has no Python behind it, so nobody can read the new word: the bars are still those of the text before it. Step back to draw again.";
    if (stale()) return waited ? "Waiting for Python to read the new word. If this stays, run the cell again." : "";
    return alone ? "This page has no Python behind it: the bars move, and one word can be drawn, but the model cannot read on." : "";
  }

  function drawText() {
    const words = drawn(), odds = model.get("chances");
    text.replaceChildren(...prompt.map(word => html("span", { className: "nl-given" }, word)),
      ...words.map((word, k) => html("span", { className: "nl-new-word", title: odds[k] === undefined ? "" : `had the probability ${odds[k].toFixed(3)}` },
        html("span", {}, vocabulary[word]), html("small", {}, odds[k] === undefined ? "" : two(odds[k])))),
      html("span", { className: "nl-gap", "aria-hidden": "true" }, ended() ? "" : "…"));
  }

  function drawBars() {
    const shown = order.slice(0, MOST_BARS), total = [...tries.values()].reduce((a, b) => a + b, 0);
    const rows = shown.map(word => ({ name: vocabulary[word], chance: chances[word], plain: plain[word], tried: tries.get(word) ?? 0, cut: !chances[word] }));
    if (V > MOST_BARS) {
      const sum = (values, of = word => values[word]) => order.slice(MOST_BARS).reduce((a, word) => a + of(word), 0);
      rows.push({ name: `${V - MOST_BARS} other ${V - MOST_BARS === 1 ? "word" : "words"}`, chance: sum(chances), plain: sum(plain), tried: sum(null, word => tries.get(word) ?? 0), rest: true });
    }
    rows.forEach(({ name, chance, plain, tried, cut, rest }, k) => {
      const { word, bar, mark, dot, amount, seen, node } = bars[k];
      word.textContent = short(name);
      bar.style.width = `${100 * chance}%`;
      mark.style.left = `${100 * plain}%`;
      dot.style.left = `${100 * tried / (total || 1)}%`;
      dot.hidden = !tried;
      amount.textContent = chance.toFixed(3);
      seen.textContent = !total ? "" : tried ? `${tried}, that is ${two(tried / total)}` : "0";
      node.className = rest ? "nl-rest" : cut ? "nl-cut" : "";
    });
    seenHead.textContent = total ? `of ${total} tries` : "";
  }

  let said, saying, waited = false, waiting;
  function show() {
    take();
    if (stale()) waiting ??= setTimeout(() => { waited = true; redraw(); }, 600);
    else { clearTimeout(waiting); waiting = undefined; waited = false; }
    chances = probabilities(temperature(), topK(), topP());
    plain = probabilities(1, V, 1);
    const at = [shownAfter, temperature(), topK(), topP()].join(":");
    if (at !== triedAt) tries = new Map();
    triedAt = at;
    for (const { show } of [...sliders, ...buttons]) show();
    writeOn.node.textContent = writing ? "Stop" : "Write on";
    drawText();
    drawBars();
    note.textContent = notice();
    readout.replaceChildren(html("span", { className: "nl-where" }, lastDraw()), reading());
    yours.textContent = compared();
    table.classList.toggle("nl-stale", stale());
    el.dataset.drawn = [temperature(), topK(), topP(), drawn().join()].join(":") + (stale() ? ":stale" : "");
    clearTimeout(saying);
    // Spoken a moment after the last change, and only if it is new.
    saying = setTimeout(() => {
      const best = order.slice(0, 3).filter(word => chances[word]).map(word => `${vocabulary[word]} ${two(chances[word])}`).join(", ");
      const now = [lastDraw(), notice(), `Next: ${best}.`, reading()].filter(Boolean).join(" ");
      if (now !== said) live.textContent = said = now;
    }, 250);
  }

  function compared() {
    const theirs = model.get("yours");
    if (!("temperature" in theirs)) return "";
    if (theirs.temperature !== temperature() || theirs.after.join() !== shownAfter)
      return alone ? `Your next_token_probabilities was asked at temperature ${two(theirs.temperature)} of the first text alone.` : yours.textContent;
    const name = `Your next_token_probabilities at temperature ${two(theirs.temperature)}`;
    if (theirs.error !== undefined) return `${name} raises ${theirs.error}`;
    return theirs.away <= 1e-4 ? `${name} agrees with the bars before top-k and top-p.` : `${name} differs from the bars by up to ${two(theirs.away)}.`;
  }

  const redraw = oncePerFrame(show);
  const arrived = () => { redraw(); if (writing) { clearTimeout(pausing); pausing = setTimeout(() => { take(); goOn(); }, PAUSE); } };
  const heard = { "change:scores": arrived };
  for (const name of ["temperature", "top_k", "top_p", "drawn", "chances", "yours"]) heard[`change:${name}`] = redraw;
  for (const [event, listener] of Object.entries(heard)) model.on(event, listener);
  show();
  const forgetTheme = watchTheme(el);

  return () => {
    for (const [event, listener] of Object.entries(heard)) model.off(event, listener);
    el.removeEventListener("keydown", keepKeys);
    el.removeEventListener("keydown", keys);
    for (const timer of [saying, waiting, pausing]) clearTimeout(timer);
    forgetTheme();
  };
}

export default { render };
