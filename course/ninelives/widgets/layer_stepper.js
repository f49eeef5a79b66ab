// The layer stepper, drawn in the browser. All numbers arrive once, as int16; see layer_stepper.py.

const UNIT = 32767;
const RULES_UP_TO = 64;  // numbers in a strip

function render({ model, el }) {
  const names = model.get("words").map(visible), stations = model.get("stations"), shapes = model.get("shapes");
  const { tokens: T, blocks: L, channels: C, vocabulary: V, scores: S, parts } = model.get("sizes");
  const lengths = model.get("lengths"), largest = model.get("largest"), ends = model.get("ends"), likely = model.get("likely");
  const colours = model.get("colours"), N = stations.length;
  const data = new Int16Array(fromBase64(model.get("numbers")));
  const station = () => clamp(model.get("station"), 0, N - 1), token = () => clamp(model.get("token"), 0, T - 1);

  const starts = {}, rows = { stream: L + 1, attention: parts, mlp: parts, normed: 1 };
  let next = 0;
  for (const [kind, count] of Object.entries(rows)) { starts[kind] = next; next += count * T * C; }
  const vector = (kind, row) => data.subarray(starts[kind] + (row * T + token()) * C, starts[kind] + (row * T + token() + 1) * C);
  const scores = k => data.subarray(next + (k * T + token()) * S, next + (k * T + token() + 1) * S);
  const colourOf = x => colours.signed[Math.round(127 * (x / UNIT + 1))];

  el.classList.add("nl-explorer", "nl-layer-stepper");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Layer stepper: ${L} ${L === 1 ? "block" : "blocks"}, ${T} ${T === 1 ? "word" : "words"}`);
  for (const name of ["accent", "link", "link-dark"]) el.style.setProperty(`--nl-${name}`, colours[name]);
  el.addEventListener("keydown", keepKeys);

  function choose(name, value, count) {
    const to = clamp(value, 0, count - 1);
    if (to === model.get(name)) return;
    model.set(name, to);
    model.save_changes();
  }
  const goTo = value => choose("station", value, N), read = value => choose("token", value, T);

  const back = html("button", { type: "button", onclick: () => goTo(station() - 1) }, "← Back");
  const on = html("button", { type: "button", onclick: () => goTo(station() + 1) }, "Next →");
  const where = html("span", { className: "nl-where" });
  const help = html("span", { className: "nl-help nl-quiet" }, html("kbd", {}, "←"), html("kbd", {}, "→"), " station, ", html("kbd", {}, "↑"), html("kbd", {}, "↓"), " word");
  const bar = html("div", { className: "nl-bar" }, html("div", { className: "nl-steps" }, back, on), where, help);

  const tiles = names.map((name, i) => html("span", { className: "nl-step-word", onclick: () => read(i) }, name));
  const stops = stations.map((name, s) => {
    const word = html("span", { className: "nl-station-word" }), share = html("span", { className: "nl-station-share" });
    const node = html("div", { className: "nl-station", onclick: () => goTo(s) }, html("span", { className: "nl-station-name" }, name), word, share);
    return { node, word, share };
  });
  const stage = html("div", { className: "nl-stage", tabIndex: 0, role: "application", "aria-roledescription": "layer stepper",
    "aria-label": "The sentence and its way through the layers. Left and right go from station to station, up and down from word to word." },
    html("div", { className: "nl-step-words" }, ...tiles), html("div", { className: "nl-stations" }, ...stops.map(({ node }) => node)));
  stage.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      ArrowRight: () => goTo(station() + 1), ArrowLeft: () => goTo(station() - 1), Home: () => goTo(0), End: () => goTo(N - 1),
      ArrowDown: () => read(token() + 1), ArrowUp: () => read(token() - 1),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const readout = html("p", { className: "nl-readout" });
  const strips = range(4).map(() => {
    const name = html("div", { className: "nl-row-name" }), size = html("div", { className: "nl-row-size nl-quiet" });
    const canvas = html("canvas", { "aria-hidden": "true" }), strip = html("div", { className: "nl-row-strip", role: "img" }, canvas);
    return { name, size, canvas, strip, node: html("div", { className: "nl-row" }, name, strip, size) };
  });
  const key = range(17).map(k => colours.signed[Math.round(254 * k / 16)]);
  const low = html("span"), high = html("span"), what = html("span"), scale = html("i");
  const legend = html("div", { className: "nl-legend" }, what,
    html("span", { className: "nl-scale" }, low, scale, high));
  const heading = html("p", { className: "nl-heading" });
  const bars = html("table", { className: "nl-likely" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  el.replaceChildren(bar, stage, readout, html("div", { className: "nl-rows" }, ...strips.map(({ node }) => node)), legend,
    heading, bars, html("p", { className: "nl-note" }, model.get("note")), live);

  // The same words as in layer_stepper.py.
  function reading() {
    const s = station(), name = `“${names[token()]}”`, length = (kind, row) => two(lengths[kind][row][token()]);
    if (s === 0) return `The embedding of ${name} is a vector of ${C} numbers and of norm ${length("stream", 0)}.`;
    if (s <= L) {
      const after = `After ${stations[s]} the vector of ${name} has norm ${length("stream", s)}`;
      if (!parts) return `${after}; before it was ${length("stream", s - 1)}.`;
      return `${after}. Attention added a vector of norm ${length("attention", s - 1)}, the mlp one of ${length("mlp", s - 1)}.`;
    }
    if (s === L + 1) return `The final norm brings the vector of ${name} from norm ${length("stream", L)} to ${length("normed", 0)}.`;
    if (s === L + 2) return `lm_head gives ${name} a score for each of ${V} words, from ${two(ends[token()][0])} to ${two(ends[token()][1])}.`;
    return `The softmax makes probabilities of the scores of ${name}: none is negative, and together they are 1.`;
  }
  function headingOf(s) {
    if (s <= L) return "If the model stopped here, the likely next words would be:";
    return ["What lm_head will make of it:", "The highest scores:", "The most likely next words:"][s - L - 1];
  }
  const likelyAt = s => likely[s === L + 2 ? L + 1 : Math.min(s, L)][token()];

  function shown() {
    const s = station(), size = (kind, row) => `norm ${two(lengths[kind][row][token()])}`;
    const strip = (name, kind, row) => ({ name, values: vector(kind, row), size: size(kind, row) });
    if (s === 0) return [strip("embedding", "stream", 0)];
    if (s <= L) {
      const added = parts ? [strip("+ attention", "attention", s - 1), strip("+ mlp", "mlp", s - 1)] : [];
      return [strip("before", "stream", s - 1), ...added, strip("= after", "stream", s)];
    }
    if (s === L + 1) return [strip("before", "stream", L), strip("normed", "normed", 0)];
    const [lowest, highest] = ends[token()], raw = { name: "scores", values: scores(0), size: `${two(lowest)} to ${two(highest)}` };
    return s === L + 2 ? [raw] : [raw, { name: "probabilities", values: scores(1), size: "sum 1.00" }];
  }

  function drawStrips() {
    const s = station(), rows = shown();
    strips.forEach(({ name, size, canvas, strip, node }, k) => {
      node.hidden = k >= rows.length;
      if (node.hidden) return;
      name.textContent = rows[k].name;
      size.textContent = rows[k].size;
      paintStrip(canvas, Array.from(rows[k].values, colourOf));
      strip.classList.toggle("nl-ruled", rows[k].values.length <= RULES_UP_TO);
      strip.style.setProperty("--nl-cells", rows[k].values.length);
      strip.setAttribute("aria-label", `${rows[k].name}: ${rows[k].values.length} numbers, ${rows[k].size}`);
      node.classList.toggle("nl-sum", k === rows.length - 1 && k > 0);
    });
    const kind = s <= L + 1 ? "vectors" : s === L + 2 ? "logits" : "probabilities", end = largest[kind];
    const positive = kind === "probabilities";
    low.textContent = positive ? "0.00" : two(-end);
    high.textContent = two(end);
    scale.style.background = `linear-gradient(to right, ${positive ? key.slice(8) : key})`;
    what.textContent = s <= L + 1 ? `One cell for each of ${C} numbers. The scale is the same at all of these stations.`
      : `One cell for each ${S < V ? `of the first ${S} words` : "word"} of the vocabulary${s === N - 1 ? "; the scale is that of the probabilities" : ""}.`;
  }

  function drawLikely() {
    const s = station(), words = likelyAt(s), most = Math.max(1e-9, s === L + 2 ? words[0][1] : 1);
    heading.textContent = headingOf(s);
    bars.setAttribute("aria-label", headingOf(s));
    bars.replaceChildren(html("tbody", {}, ...words.map(([word, value]) => {
      const length = html("i", {});
      length.style.width = `${100 * clamp(value / most, 0, 1)}%`;
      return html("tr", {}, html("th", { scope: "row" }, visible(word)), html("td", { className: "nl-amount" }, two(value)),
        html("td", { className: "nl-long", "aria-hidden": "true" }, length));
    })));
  }

  let said, saying;
  function draw() {
    const s = station(), i = token();
    back.disabled = s === 0;
    on.disabled = s === N - 1;
    where.textContent = `Station ${s + 1} of ${N}: ${stations[s]}, ${shapes[s]}`;
    tiles.forEach((tile, k) => tile.classList.toggle("nl-here", k === i));
    stops.forEach(({ node, word, share }, k) => {
      const [best, value] = likelyAt(k)[0];
      node.classList.toggle("nl-here", k === s);
      word.textContent = visible(best);
      share.textContent = two(value);
    });
    readout.textContent = reading();
    drawStrips();
    drawLikely();
    el.dataset.drawn = `${s}:${i}`;
    // Spoken a moment after the last change, and only if it is new.
    clearTimeout(saying);
    saying = setTimeout(() => {
      const words = likelyAt(station()).map(([word, value]) => `${visible(word)} ${two(value)}`).join(", ");
      const now = `${where.textContent}. ${reading()} ${headingOf(station())} ${words}.`;
      if (now !== said) live.textContent = said = now;
    }, 250);
  }
  const redraw = oncePerFrame(draw);

  const heard = ["change:station", "change:token"];
  for (const event of heard) model.on(event, redraw);
  draw();
  const forgetTheme = watchTheme(el);

  return () => {
    for (const event of heard) model.off(event, redraw);
    el.removeEventListener("keydown", keepKeys);
    clearTimeout(saying);
    forgetTheme();
  };
}

export default { render };
