// The position lab, drawn in the browser. The vectors of every word at every place arrive once,
// as float32 in base64; see position_lab.py for what the parts of a vector are.

const SAME = 1e-5;           // of the largest number: less is no difference
const NUMBERS_UP_TO = 16;    // channels
const NUMBER_WIDTH = 42;     // px; narrower cells hold no number
const RULES_UP_TO = 64;      // channels
const DRAG_FROM = 4;         // px; a shorter way is a click
const LENGTH_OF_MOVE = 160;  // ms

function render({ model, el }) {
  const names = model.get("words").map(visible), C = model.get("channels"), T = names.length;
  const colours = model.get("colours"), largest = model.get("largest");
  const data = new Float32Array(fromBase64(model.get("vectors")));
  const order = () => model.get("order"), word = () => clamp(model.get("word"), 0, T - 1);
  const set = (name, value) => { model.set(name, value); model.save_changes(); };

  const vector = (w, place) => data.subarray((w * T + place) * C, (w * T + place + 1) * C);
  const wordParts = range(T).map(w => range(C).map(c => range(T).reduce((sum, place) => sum + vector(w, place)[c], 0) / T));
  const minus = (a, b) => Array.from(a, (x, c) => x - b[c]);
  const length = v => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const near = (a, b) => a.every((x, c) => Math.abs(x - b[c]) < SAME * largest);
  const colourOf = x => colours.signed[Math.round(127 * (clamp(x / largest, -1, 1) + 1))];

  // The same as `_new_places`, `_reading` and `_bag` of position_lab.py.
  function newPlaces() {
    if (!model.get("positions")) return [];
    const left = range(T).map(w => vector(w, w));
    return range(T).filter(place => {
      const same = left.findIndex(before => near(before, vector(order()[place], place)));
      if (same >= 0) left.splice(same, 1);
      return same < 0;
    });
  }
  function reading() {
    const w = word(), place = order().indexOf(w), name = `“${names[w]}”`;
    if (!model.get("positions")) return `${name} at place ${place}: without positions its vector is the same at every place`;
    const size = two(length(vector(w, place)));
    if (place === w) return `${name} at place ${place}, where it began: the length of its vector is ${size}`;
    return `${name} moved from place ${w} to place ${place}: its vector changed by ${two(length(minus(vector(w, place), vector(w, w))))} (its length is ${size})`;
  }
  const atStart = () => order().every((w, place) => w === place);
  function bag(fresh) {
    if (T === 1) return "A sentence of one word has one place: there is nothing to move.";
    if (atStart()) return "The sentence stands as it began.";
    if (!fresh.length) return `The same ${T} vectors as at the start, in another order: as a bag of vectors, the two sentences are equal.`;
    return `${fresh.length} of the ${T} vectors ${fresh.length === 1 ? "is" : "are"} new: as a bag of vectors, this is another sentence.`;
  }

  el.classList.add("nl-explorer", "nl-position-lab");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Position lab: ${T} ${T === 1 ? "word" : "words"} of ${C} channels`);
  el.style.setProperty("--nl-accent", colours.accent);
  el.addEventListener("keydown", keepKeys);

  const group = `positions-${Math.random().toString(36).slice(2)}`;
  const choice = (label, value) => {
    const input = html("input", { type: "radio", name: group, onchange: () => set("positions", value) });
    return { input, value, node: html("label", { className: "nl-switch" }, input, label) };
  };
  const choices = [choice("With positions", true), choice("Without positions", false)];
  const back = html("button", { type: "button", className: "nl-plain", onclick: () => { goBack(); tiles[word()].focus(); } }, "Back to the start");
  const bar = html("div", { className: "nl-bar" },
    html("div", { className: "nl-choices", role: "radiogroup", "aria-label": "Positions" }, ...choices.map(({ node }) => node)), back);

  const readout = html("p", { className: "nl-readout" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  const help = html("p", { className: "nl-help nl-quiet", hidden: T === 1, id: `${group}-help` },
    "Drag a word, or use the keys: ", html("kbd", {}, "←"), html("kbd", {}, "→"), " move it, ",
    html("kbd", {}, "↑"), html("kbd", {}, "↓"), " pick another, ", html("kbd", {}, "Home"), html("kbd", {}, "End"), " move it to either end, ",
    html("kbd", {}, "Esc"), " goes back to the start.");
  const sentence = html("div", { className: "nl-sentence", role: "listbox", "aria-orientation": "horizontal",
    "aria-label": "The sentence", "aria-describedby": help.id });
  const tiles = names.map((name, w) => {
    const tile = html("div", { className: "nl-tile", role: "option", "data-word": w }, html("span", { className: "nl-tile-word", "data-word": name }, name),
      html("canvas", { "aria-hidden": "true" }), html("span", { className: "nl-tile-place" }));
    [, tile.strip, tile.place] = tile.children;
    return tile;
  });
  sentence.append(...tiles);
  const bagLine = html("p", { className: "nl-bag" });

  const strips = ["word", "place", "sum", "before"].map(kind => {
    const name = html("div", { className: "nl-strip-name" }), size = html("div", { className: "nl-strip-length nl-quiet" });
    const canvas = html("canvas", { "aria-hidden": "true" });
    const cells = range(C <= RULES_UP_TO ? C : 0).map(() => html("span", {}));
    const over = html("div", { className: "nl-strip-cells", "aria-hidden": "true" }, ...cells);
    over.style.gridTemplateColumns = `repeat(${C}, 1fr)`;
    const strip = html("div", { className: "nl-strip", role: "img" }, canvas, over);
    return { name, size, canvas, cells, strip, row: html("div", { className: `nl-strip-row nl-strip-${kind}` }, name, strip, size) };
  });
  const stops = range(17).map(k => colours.signed[Math.round(254 * k / 16)]);
  const legend = html("div", { className: "nl-legend" }, html("span", {}, `Each vector has ${C} numbers, one cell each.`),
    html("span", { className: "nl-scale" }, two(-largest), html("i", { style: `background: linear-gradient(to right, ${stops})` }), two(largest)));
  el.replaceChildren(bar, readout, sentence, help, bagLine,
    html("div", { className: "nl-strips" }, ...strips.map(({ row }) => row)), legend,
    html("p", { className: "nl-note" }, model.get("note")), live);

  const paint = (canvas, values) => paintStrip(canvas, Array.from(values, colourOf));
  const given = (w, place) => (model.get("positions") ? vector(w, place) : wordParts[w]);

  // The picked tile stays where it is in the document and the others are put around it:
  // a node that is moved would lose the focus and the pointer.
  let drawnOrder = "";
  function arrange() {
    if (drawnOrder === order().join()) return;
    const where = tile => { const { x, y } = tile.getBoundingClientRect(); return [x, y]; };
    const picked = tiles[word()], at = order().indexOf(word()), before = tiles.map(where);
    const focused = sentence.contains(document.activeElement);
    for (const animation of tiles.flatMap(tile => tile.getAnimations())) animation.cancel();
    for (const w of order().slice(0, at)) sentence.insertBefore(tiles[w], picked);
    sentence.append(...order().slice(at + 1).map(w => tiles[w]));
    if (focused) picked.focus({ preventScroll: true });
    if (drawnOrder) tiles.forEach((tile, w) => tile !== drag?.tile && glide(tile, before[w], where(tile)));
    drawnOrder = order().join();
  }
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  function glide(tile, from, to) {
    const [x, y] = [from[0] - to[0], from[1] - to[1]];
    if (calm.matches || Math.hypot(x, y) < 1) return;
    tile.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: LENGTH_OF_MOVE, easing: "ease-out" });
  }

  function drawTiles(fresh) {
    order().forEach((w, place) => {
      const tile = tiles[w], isNew = fresh.includes(place), picked = w === word();
      tile.setAttribute("aria-selected", picked);
      tile.setAttribute("aria-label", `${names[w]}, place ${place}${isNew ? ", a new vector" : ""}`);
      tile.tabIndex = picked ? 0 : -1;
      tile.classList.toggle("nl-new", isNew);
      tile.place.textContent = isNew ? `${place} · new` : place;
      paint(tile.strip, given(w, place));
    });
  }

  let stripWidth = 0;
  function drawStrips() {
    const w = word(), place = order().indexOf(w), positions = model.get("positions"), moved = positions && place !== w;
    const shown = [
      [names[w], wordParts[w]],
      [`+ place ${place}`, minus(vector(w, place), wordParts[w])],
      ["= the model gets", given(w, place)],
      [`before, place ${w}`, vector(w, w)],
    ];
    const isOff = [false, !positions, false, !moved];
    strips.forEach(({ name, size, canvas, cells, strip, row }, k) => {
      const [title, values] = shown[k], numbers = Array.from(values, two);
      name.textContent = title;
      size.textContent = k === 1 && isOff[k] ? "not added" : `length ${two(length(values))}`;
      row.classList.toggle("nl-off", isOff[k]);
      row.setAttribute("aria-hidden", isOff[k]);
      strip.setAttribute("aria-label", `${title}: length ${two(length(values))}${C <= NUMBERS_UP_TO ? `, numbers ${numbers.join(", ")}` : ""}`);
      paint(canvas, values);
      stripWidth = strip.clientWidth || stripWidth;  // 0 in a frame for which JupyterLab has hidden the cell
      const roomy = k < 3 && !isOff[k] && C <= NUMBERS_UP_TO && stripWidth >= NUMBER_WIDTH * C;
      cells.forEach((cell, c) => {
        cell.textContent = roomy ? numbers[c] : "";
        cell.style.color = inkOn(colourOf(values[c]));
      });
    });
  }

  let said, saying;
  function draw() {
    const fresh = newPlaces(), name = `“${names[word()]}”`;
    arrange();
    for (const { input, value } of choices) input.checked = value === model.get("positions");
    back.disabled = atStart();
    drawTiles(fresh);
    follow();
    drawStrips();
    readout.replaceChildren(html("strong", {}, name), `${reading().slice(name.length)}.`);
    bagLine.textContent = bag(fresh);
    bagLine.classList.toggle("nl-quiet", atStart());
    el.dataset.drawn = [order().join(), word(), +model.get("positions")].join(":");
    // Spoken a moment after the last change, and only if it is new.
    clearTimeout(saying);
    saying = setTimeout(() => {
      const now = `${reading()}. ${bag(newPlaces())}`;
      if (now !== said) live.textContent = said = now;
    }, 250);
  }
  const redraw = oncePerFrame(draw);

  function moveTo(place) {
    const others = order().filter(w => w !== word()), to = clamp(place, 0, T - 1);
    if (to !== order().indexOf(word())) set("order", [...others.slice(0, to), word(), ...others.slice(to)]);
  }
  function pick(w) {
    if (w !== word()) set("word", w);
    tiles[w].focus({ preventScroll: true });
  }
  function goBack() { if (!atStart()) set("order", range(T)); }

  sentence.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = order().indexOf(word());
    const action = {
      ArrowLeft: () => moveTo(place - 1), ArrowRight: () => moveTo(place + 1), Home: () => moveTo(0), End: () => moveTo(T - 1),
      ArrowUp: () => pick(order()[Math.max(0, place - 1)]), ArrowDown: () => pick(order()[Math.min(T - 1, place + 1)]),
      Escape: () => (drag ? drop(false) : goBack()),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    if (!drag || event.key === "Escape") action();
  });

  let drag = null;   // { tile, start: [x, y], grip: [x, y] in the tile, at: [x, y] of the tile in the sentence, from: order }
  sentence.addEventListener("pointerdown", event => {
    const tile = event.target.closest(".nl-tile");
    if (!tile || event.button || drag) return;
    if (+tile.dataset.word !== word()) set("word", +tile.dataset.word);
    const box = tile.getBoundingClientRect();
    drag = { tile, start: [event.clientX, event.clientY], grip: [event.clientX - box.x, event.clientY - box.y], at: null, from: order() };
    tile.setPointerCapture(event.pointerId);
  });
  sentence.addEventListener("pointermove", event => {
    if (!drag) return;
    if (!drag.at && Math.hypot(event.clientX - drag.start[0], event.clientY - drag.start[1]) < DRAG_FROM) return;
    const { tile, grip } = drag, box = sentence.getBoundingClientRect();
    drag.at = [clamp(event.clientX - grip[0] - box.x, 0, box.width - tile.offsetWidth), clamp(event.clientY - grip[1] - box.y, 0, box.height - tile.offsetHeight)];
    tile.classList.add("nl-dragged");
    moveTo(placeUnder(drag.at[0] + tile.offsetWidth / 2, drag.at[1] + tile.offsetHeight / 2));
    follow();
  });
  for (const [event, keep] of [["pointerup", true], ["pointercancel", false]]) sentence.addEventListener(event, () => drop(keep));

  // How many of the other words stand before a point of the sentence, read line by line.
  function placeUnder(x, y) {
    return tiles.filter(tile => {
      if (tile === drag.tile) return false;
      if (tile.offsetTop + tile.offsetHeight < y) return true;
      return tile.offsetTop <= y && tile.offsetLeft + tile.offsetWidth / 2 < x;
    }).length;
  }
  function follow() {
    if (drag?.at) drag.tile.style.transform = `translate(${drag.at[0] - drag.tile.offsetLeft}px, ${drag.at[1] - drag.tile.offsetTop}px)`;
  }
  function drop(keep) {
    if (!drag) return;
    const { tile, from, at } = drag;
    if (!keep) set("order", from);
    drag = null;
    tile.classList.remove("nl-dragged");
    tile.style.transform = "";
    if (at && keep) glide(tile, at, [tile.offsetLeft, tile.offsetTop]);
  }

  const heard = ["order", "word", "positions"].map(name => `change:${name}`);
  for (const event of heard) model.on(event, redraw);
  let forgetTheme;
  const sizeWatch = new ResizeObserver(() => {   // also tells when it comes onto the page
    forgetTheme ??= watchTheme(el);
    redraw();
  });
  sizeWatch.observe(el);
  draw();

  return () => {
    for (const event of heard) model.off(event, redraw);
    el.removeEventListener("keydown", keepKeys);
    sizeWatch.disconnect();
    clearTimeout(saying);
    forgetTheme?.();
  };
}

// White or ink, whichever stands out more on a "#rrggbb".
function inkOn(hex) {
  const [r, g, b] = [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
  return 0.3 * r + 0.59 * g + 0.11 * b < 140 ? "#ffffff" : "#1b1f24";
}

export default { render };
