// The attention explorer, drawn in the browser.
// Weights arrive once as 16-bit integers; see `_as_bytes` in attention_explorer.py for the unit.

const UNIT = 64000;
const LABEL_MAX = 96;        // px; longer words are cut with an ellipsis, the readout has them whole
const PLOT_MAX = 520;        // px
const ANGLE = 55;            // degrees, of the column labels
const SIDE_BY_SIDE = 700;    // px; narrower than this the lines stand under the heatmap
const LINEAR_UP_TO = 32;     // words; above, weights are too small to be seen on a linear scale
const ALL_LINES_UP_TO = 32;  // words; above, lines are drawn for the chosen row only

const argmax = values => values.reduce((best, x, i) => (x > values[best] ? i : best), 0);

// The weights as they come from Python, or as text from an exported page.
function integers(buffer) {
  if (typeof buffer === "string") return new Uint16Array(fromBase64(buffer));
  if (!(buffer instanceof DataView)) return new Uint16Array(buffer);
  return new Uint16Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
}

function download(name, blob) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Which of n labels to draw when each needs `need` px: the important ones first, then every k-th.
function thinned(n, spacing, need, important) {
  const step = Math.max(1, Math.ceil(need / spacing));
  const drawn = [];
  const free = i => drawn.every(k => Math.abs(k - i) * spacing >= need - 0.01);
  for (const i of important) if (free(i)) drawn.push(i);
  for (let i = 0; i < n; i += step) if (free(i)) drawn.push(i);
  return drawn;
}

// One tab stop for a group of buttons; the arrow keys move inside it.
function roving(group, buttons, perLine, chosen) {
  group.addEventListener("keydown", event => {
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + perLine, ArrowUp: at - perLine,
                 Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (to < 0 || to >= buttons.length) return;
    for (const button of buttons) button.tabIndex = -1;
    buttons[to].tabIndex = 0;
    buttons[to].focus();
    chosen?.(to);
  });
}

function render({ model, el }) {
  const [L, H, T, S] = model.get("shape");
  const rowWords = model.get("rows").map(visible), columnWords = model.get("columns").map(visible);
  const cross = model.get("cross"), colours = model.get("colours");
  const data = integers(model.get("weights"));
  const palette = new Uint32Array(colours.weights.map(hex => {
    const rgb = parseInt(hex.slice(1), 16);
    return (255 << 24 | (rgb & 255) << 16 | (rgb >> 8 & 255) << 8 | rgb >> 16) >>> 0;
  }));
  const linear = Math.max(T, S) <= LINEAR_UP_TO;
  const colourIndex = w => Math.min(255, Math.round(255 * (linear ? w : Math.sqrt(w))));

  let rows, columns;            // indices of the words shown
  let weights, weightsKey;      // the present head, rows.length × columns.length, renormalised
  let column = null;            // the chosen word that is read; index into columnWords
  let hover = null;             // { row, column } under the pointer
  let link = null;              // { from, to } of the ranking
  const layer = () => clamp(model.get("layer"), 0, L - 1);
  const head = () => clamp(model.get("head"), 0, H - 1);
  const hidden = () => model.get("hidden");
  const set = (name, value) => { model.set(name, value); model.save_changes(); };

  function chooseWords() {
    const gone = new Set(hidden());
    rows = range(T).filter(i => cross || !gone.has(i));
    columns = range(S).filter(j => !gone.has(j));
  }

  function headWeights(l, h) {
    const base = (l * H + h) * T * S, out = new Float32Array(rows.length * columns.length);
    let k = 0;
    for (const i of rows) {
      const from = base + i * S;
      let total = UNIT;
      if (columns.length < S) { total = 0; for (const j of columns) total += data[from + j]; }
      for (const j of columns) out[k++] = total ? data[from + j] / total : 0;
    }
    return out;
  }

  // The position of the active row and column among the words shown, -1 for none.
  const activeRow = () => rows.indexOf(hover ? hover.row : model.get("token") ?? -1);
  const activeColumn = () => columns.indexOf((hover ? hover.column : column) ?? -1);
  const rowOf = r => weights.subarray(r * columns.length, (r + 1) * columns.length);
  const wordOf = r => rowWords[rows[r]];

  // The same words as `read_row` of ninelives.figures.
  function strongest(r) {
    const row = rowOf(r);
    return range(row.length).filter(c => row[c] >= 0.05).sort((a, b) => row[b] - row[a]).slice(0, 3);
  }
  function reading(r) {
    const row = rowOf(r), named = c => `${columnWords[columns[c]]} ${row[c].toFixed(2)}`;
    const most = Math.max(...row), least = Math.min(...row);
    if (row.length > 1 && most > 0 && most.toFixed(2) === least.toFixed(2) && most - least <= 0.1 * most)
      return `all ${row.length} words alike, ${most.toFixed(2)} each`;
    return strongest(r).map(named).join(", ") || `no word with 0.05 or more (most: ${named(argmax(row))})`;
  }
  const headName = () => (L * H === 1 ? "The only head" : `Layer ${layer() + 1}, head ${head() + 1}`);
  function hiddenNote() {
    const n = hidden().length;
    return n ? `${n} ${n === 1 ? "word" : "words"} hidden; each row is renormalised, so the words shown sum to 1.` : "";
  }

  el.classList.add("nl-explorer");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Attention explorer: ${L} × ${H} heads, ${T} words`);
  for (const name of ["accent", "link", "link-dark"]) el.style.setProperty(`--nl-${name}`, colours[name]);
  el.addEventListener("keydown", keepKeys);

  const slider = (name, label, count) => {
    const input = html("input", { type: "range", min: 1, max: count, step: 1 });
    const output = html("span", { className: "nl-count" });
    input.addEventListener("input", () => set(name, +input.value - 1));
    const show = value => {
      input.value = value + 1;
      output.textContent = `${value + 1} of ${count}`;
      input.setAttribute("aria-valuetext", `${label} ${value + 1} of ${count}`);
    };
    return { show, node: html("label", { className: "nl-slider", hidden: count === 1 },
      html("span", { className: "nl-name" }, label), input, output) };
  };
  const layerSlider = slider("layer", "Layer", L), headSlider = slider("head", "Head", H);

  const saveMenu = html("details", { className: "nl-menu" }, html("summary", {}, "Save"));
  const saveAs = (label, action) => html("button", { type: "button", onclick: () => { saveMenu.open = false; action(); } }, label);
  const saveItems = html("div", { className: "nl-items" },
    saveAs("Picture (PNG)", savePng), saveAs("Drawing (SVG)", saveSvg));
  if (model.send) saveItems.append(saveAs("Page (HTML)", () => model.send({ ask: "html" })));
  saveMenu.append(saveItems);
  saveMenu.addEventListener("keydown", event => {
    if (event.key === "Escape") { saveMenu.open = false; saveMenu.firstChild.focus(); }
  });
  saveMenu.addEventListener("focusout", event => { if (!saveMenu.contains(event.relatedTarget)) saveMenu.open = false; });

  const readout = html("p", { className: "nl-readout" });
  const note = html("p", { className: "nl-note" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });

  const canvas = html("canvas", { "aria-hidden": "true" });
  const heat = svg("svg", { "aria-hidden": "true" }), lines = svg("svg", { role: "img", class: "nl-lines" });
  const heatBox = html("div", { className: "nl-heat", tabIndex: 0, role: "application", "aria-roledescription": "heatmap" }, canvas, heat);
  const plots = html("div", { className: "nl-plots" }, heatBox, lines);

  const stops = range(17).map(k => colours.weights[colourIndex(k / 16)]);
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, "Each row is a word that reads, each column a word it reads."),
    html("span", { className: "nl-scale" }, "0", html("i", { style: `background: linear-gradient(to right, ${stops})` }), "1"));

  el.replaceChildren(
    html("div", { className: "nl-bar" }, layerSlider.node, headSlider.node, saveMenu),
    readout, plots, legend, note);

  const panels = {};
  if (L * H > 1) {
    panels.heads = { title: "All heads", body: html("div", {}), fill: fillHeads };
    panels.rank = { title: "Rank heads", body: html("div", {}), fill: fillRanking };
  }
  panels.words = { title: "In words", body: html("div", {}), fill: fillWords };
  panels.hide = { title: "Hide words", body: html("div", {}), fill: fillHiding };
  let open = Object.keys(panels)[0];

  const tabs = Object.entries(panels).map(([name, panel]) => {
    panel.tab = html("button", { type: "button", role: "tab", onclick: () => openPanel(name) }, panel.title);
    panel.body.setAttribute("role", "tabpanel");
    panel.body.setAttribute("aria-label", panel.title);
    panel.body.className = `nl-panel nl-panel-${name}`;
    return panel.tab;
  });
  const tablist = html("div", { className: "nl-tabs", role: "tablist", "aria-label": "More about these heads" }, ...tabs);
  roving(tablist, tabs, 1, k => openPanel(Object.keys(panels)[k]));
  el.append(tablist, ...Object.values(panels).map(panel => panel.body), live);

  function openPanel(name) {
    open = name;
    for (const [key, { tab, body, fill }] of Object.entries(panels)) {
      tab.setAttribute("aria-selected", key === name);
      tab.tabIndex = key === name ? 0 : -1;
      body.hidden = key !== name;
      if (key === name) fill();
    }
  }

  const thumbs = [];
  let thumbsKey, thumbsRun = 0;
  function fillHeads() {
    if (!thumbs.length) buildHeads();
    for (const [k, thumb] of thumbs.entries()) {
      const chosen = k === layer() * H + head();
      thumb.setAttribute("aria-selected", chosen);
      thumb.tabIndex = chosen ? 0 : -1;
    }
    if (thumbsKey === hidden().join()) return;
    thumbsKey = hidden().join();
    const run = ++thumbsRun;
    // One head at a time, so that many heads of a long text leave the keys free.
    const paint = k => {
      if (run !== thumbsRun || k === thumbs.length) return;
      const until = performance.now() + 8;
      do paintThumb(k++); while (k < thumbs.length && performance.now() < until);
      setTimeout(paint, 0, k);
    };
    paint(0);
  }
  function buildHeads() {
    const grid = html("div", { className: "nl-heads", role: "grid", "aria-label": "All heads; arrow keys choose one" });
    grid.style.setProperty("--nl-heads", H);
    grid.append(html("div", { role: "row" }, html("span", { className: "nl-corner", role: "columnheader" }, "Head"),
      ...range(H).map(h => html("span", { role: "columnheader" }, `${h + 1}`))));
    for (const l of range(L)) {
      const line = html("div", { role: "row" }, html("span", { role: "rowheader" }, `Layer ${l + 1}`));
      for (const h of range(H)) {
        const thumb = html("div", { role: "gridcell", className: "nl-thumb", title: `Layer ${l + 1}, head ${h + 1}`,
          "aria-label": `Layer ${l + 1}, head ${h + 1}` }, html("canvas", { "aria-hidden": "true" }));
        thumb.addEventListener("click", () => chooseHead(l * H + h));
        thumbs.push(thumb);
        line.append(thumb);
      }
      grid.append(line);
    }
    roving(grid, thumbs, H, chooseHead);
    panels.heads.body.replaceChildren(grid);
  }
  function chooseHead(k) {
    model.set("layer", Math.floor(k / H));
    model.set("head", k % H);
    model.save_changes();
  }
  function paintThumb(k) {
    const across = Math.min(columns.length, 56), down = Math.min(rows.length, 56);
    putPixels(thumbs[k].firstChild, inBlocks(headWeights(Math.floor(k / H), k % H), across, down), across, down);
  }
  // The strongest weight of each block: an average would wash single strong links away.
  function inBlocks(w, across, down) {
    const R = rows.length, C = columns.length, peak = new Float32Array(across * down);
    for (let r = 0, i = 0; r < R; r++) {
      const line = Math.floor(r * down / R) * across;
      for (let c = 0; c < C; c++, i++) {
        const at = line + Math.floor(c * across / C);
        if (w[i] > peak[at]) peak[at] = w[i];
      }
    }
    return peak;
  }
  function putPixels(target, w, across, down) {
    target.width = across;
    target.height = down;
    if (!across || !down) return;
    const context = target.getContext("2d"), image = context.createImageData(across, down);
    const out = new Uint32Array(image.data.buffer);
    for (let k = 0; k < w.length; k++) out[k] = palette[colourIndex(w[k])];
    context.putImageData(image, 0, 0);
  }

  const chooser = label => {
    const select = html("select", { "aria-label": label });
    return { select, node: html("label", {}, html("span", {}, label), select) };
  };
  const fromWord = chooser("From"), toWord = chooser("to");
  const ranking = html("ol", { className: "nl-ranking" });
  const more = html("button", { type: "button", className: "nl-plain", onclick: () => { more.all = !more.all; fillRanking(); } });
  for (const [{ select }, end] of [[fromWord, "from"], [toWord, "to"]]) {
    select.addEventListener("change", () => { link = { ...link, [end]: +select.value }; fillRanking(); });
  }
  function fillRanking() {
    const { body } = panels.rank;
    if (!body.firstChild) body.append(html("div", { className: "nl-link" }, fromWord.node, toWord.node), ranking, more);
    if (!rows.length || !columns.length) return;
    const token = model.get("token");
    if (!link || !rows.includes(link.from) || !columns.includes(link.to)) {
      const r = Math.max(0, rows.indexOf(token ?? rows.at(-1)));
      link = { from: rows[r], to: columns[argmax(rowOf(r))] };
    }
    const options = (select, words, shown, value) => {
      if (select.shown !== shown) {
        select.replaceChildren(...shown.map(i => html("option", { value: i }, words[i])));
        select.shown = shown;
      }
      select.value = value;
    };
    options(fromWord.select, rowWords, rows, link.from);
    options(toWord.select, columnWords, columns, link.to);
    const cell = k => {
      const base = k * T * S + link.from * S;
      if (columns.length === S) return data[base + link.to] / UNIT;
      const total = columns.reduce((sum, j) => sum + data[base + j], 0);
      return total ? data[base + link.to] / total : 0;
    };
    const order = range(L * H).map(k => [k, cell(k)]).sort((a, b) => b[1] - a[1]);
    const focused = ranking.contains(document.activeElement) ? +document.activeElement.dataset.k : -1;
    ranking.replaceChildren(...order.slice(0, more.all ? L * H : 8).map(([k, w]) => {
      const bar = html("i", {});
      bar.style.width = `${100 * w}%`;
      return html("li", {}, html("button", { type: "button", "data-k": k,
        "aria-pressed": k === layer() * H + head(),
        onclick: () => { chooseHead(k); set("token", link.from); column = link.to; } },
        html("span", {}, `Layer ${Math.floor(k / H) + 1}, head ${k % H + 1}`),
        html("span", { className: "nl-track" }, bar), html("b", {}, w.toFixed(2))));
    }));
    if (focused >= 0) ranking.querySelector(`[data-k="${focused}"]`)?.focus();
    more.hidden = L * H <= 8;
    more.textContent = more.all ? "Show the first 8" : `Show all ${L * H}`;
  }

  let chips = [];
  const everyWord = html("button", { type: "button", className: "nl-plain", onclick: () => set("hidden", []) }, "Show every word");
  function fillHiding() {
    if (!chips.length) {
      chips = columnWords.map((word, j) => html("button", { type: "button", className: "nl-chip", tabIndex: j ? -1 : 0,
        onclick: () => set("hidden", hidden().includes(j) ? hidden().filter(k => k !== j) : [...hidden(), j].sort((a, b) => a - b)) }, word));
      const group = html("div", { className: "nl-chips", role: "group", "aria-label": "Words to hide" }, ...chips);
      roving(group, chips, 1);
      panels.hide.body.append(html("p", {}, "Choose a word to hide it. The rest of each row is renormalised, so that it sums to 1 again."), group, everyWord);
    }
    chips.forEach((chip, j) => chip.setAttribute("aria-pressed", hidden().includes(j)));
    everyWord.disabled = !hidden().length;
  }

  function fillWords() {
    const few = range(Math.min(rows.length, 64));
    panels.words.body.replaceChildren(
      html("p", {}, `${headName()}. ${hiddenNote()}`),
      html("ul", {}, ...few.map(r => html("li", {}, `${wordOf(r)} reads ${reading(r)}`))));
    if (rows.length > few.length) panels.words.body.append(html("p", {}, `The first ${few.length} of ${rows.length} words.`));
  }

  const ruler = document.createElement("canvas").getContext("2d");
  const cut = new Map();
  function shortened(word, size) {
    const key = `${size} ${word}`;
    if (cut.has(key)) return cut.get(key);
    ruler.font = `600 ${size}px ${getComputedStyle(el).fontFamily}`;
    let text = word, width = ruler.measureText(text).width;
    while (width > LABEL_MAX && text.length > 2) {
      text = text.slice(0, -2) + "…";
      width = ruler.measureText(text).width;
    }
    cut.set(key, { text, width });
    return cut.get(key);
  }

  let place, placeKey;
  function geometry() {
    const width = Math.min(el.clientWidth, 1120) || 700;
    const key = [width, hidden().join()].join("|");
    if (key === placeKey) return;
    placeKey = key;
    const R = Math.max(1, rows.length), C = Math.max(1, columns.length);
    const size = Math.max(R, C) > 40 ? 11 : 12.5;
    const widest = (shown, words) => Math.max(8, ...shown.map(i => shortened(words[i], size).width));
    const left = widest(rows, rowWords) + 10, right = widest(columns, columnWords);
    const fewestLines = left + right + 150;
    const side = width >= SIDE_BY_SIDE;
    const room = side ? Math.min(width * 0.62, width - fewestLines - 28) : width;
    const radians = ANGLE * Math.PI / 180;
    const fit = overhang => {
      let w = Math.min(40, (room - left - overhang) / C, PLOT_MAX / C), h = Math.min(40, PLOT_MAX / R);
      if (!cross || Math.min(w, h) >= 16) w = h = Math.min(w, h);
      return [w, h].map(x => (x >= 3 ? Math.floor(x) : x));
    };
    let overhang = 4, [cw, ch] = fit(overhang);
    const upright = right <= cw - 6;
    if (!upright) {
      overhang = right * Math.cos(radians) + 6;
      [cw, ch] = fit(overhang);
    }
    const top = upright ? size + 12 : right * Math.sin(radians) + size;
    const heatWidth = Math.ceil(left + cw * C + overhang);
    const rh = cross ? Math.min(Math.max(ch, 16), PLOT_MAX / C) : ch;   // of the words read, beside the lines
    const linesTop = side ? top : 26;
    place = { size, left, right, top, cw, ch, rh, upright, heatWidth, linesTop,
      plotWidth: cw * C, plotHeight: ch * R, heatHeight: top + ch * R + 4,
      linesWidth: Math.floor(Math.min(side ? width - heatWidth - 28 : width, 440)),
      linesHeight: linesTop + Math.max(ch * R, rh * C) + 4 };
  }

  function drawHeat() {
    const { size, left, top, cw, ch, upright, heatWidth, heatHeight, plotWidth, plotHeight } = place;
    const R = rows.length, C = columns.length, key = [layer(), head(), placeKey, devicePixelRatio].join();
    const r = activeRow(), c = activeColumn();
    if (key !== canvas.key) {
      canvas.key = key;
      const ratio = devicePixelRatio || 1;
      const across = Math.min(C, Math.ceil(plotWidth * ratio)), down = Math.min(R, Math.ceil(plotHeight * ratio));
      putPixels(canvas, inBlocks(weights, across, down), across, down);
      Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${plotWidth}px`, height: `${plotHeight}px` });
    }
    heat.setAttribute("width", heatWidth);
    heat.setAttribute("height", heatHeight);
    const parts = [svg("rect", { x: left - 0.5, y: top - 0.5, width: plotWidth + 1, height: plotHeight + 1, class: "nl-frame" })];
    for (const i of thinned(R, ch, size + 2, r < 0 ? [] : [r])) {
      parts.push(svg("text", { x: left - 7, y: top + (i + 0.5) * ch, "font-size": size, "text-anchor": "end",
        "dominant-baseline": "central", class: i === r ? "nl-word nl-on" : "nl-word" }, shortened(wordOf(i), size).text));
    }
    const need = upright ? 1 : (size + 1) / Math.sin(ANGLE * Math.PI / 180);
    for (const j of thinned(C, cw, need, c < 0 ? [] : [c])) {
      const x = left + (j + 0.5) * cw, y = top - 6;
      const where = upright ? { x, y, "text-anchor": "middle" } : { transform: `translate(${x + 2} ${y}) rotate(${-ANGLE})` };
      parts.push(svg("text", { ...where, "font-size": size, class: j === c ? "nl-word nl-on" : "nl-word" },
        shortened(columnWords[columns[j]], size).text));
    }
    if (Math.min(cw, ch) >= 28) {
      for (let i = 0, k = 0; i < R; i++) for (let j = 0; j < C; j++, k++) {
        if (weights[k] < 0.005) continue;
        parts.push(svg("text", { x: left + (j + 0.5) * cw, y: top + (i + 0.5) * ch, "font-size": 10.5, "text-anchor": "middle",
          "dominant-baseline": "central", class: isDark(palette[colourIndex(weights[k])]) ? "nl-cell nl-cell-light" : "nl-cell" },
          weights[k].toFixed(2)));
      }
    }
    if (r >= 0) parts.push(svg("rect", { x: left - 1, y: top + r * ch - 1, width: plotWidth + 2, height: Math.max(ch, 2) + 2, rx: 2, class: "nl-chosen" }));
    if (r >= 0 && c >= 0) parts.push(svg("rect", { x: left + c * cw, y: top + r * ch, width: Math.max(cw, 3), height: Math.max(ch, 3), class: "nl-chosen nl-chosen-cell" }));
    heat.replaceChildren(...parts);
  }
  const isDark = abgr => 0.3 * (abgr & 255) + 0.59 * (abgr >> 8 & 255) + 0.11 * (abgr >> 16 & 255) < 140;

  function drawLines() {
    const { size, left, right, ch, rh, linesTop, linesWidth, linesHeight } = place;
    const R = rows.length, C = columns.length, r = activeRow(), c = activeColumn();
    lines.setAttribute("width", linesWidth);
    lines.setAttribute("height", linesHeight);
    const from = left, to = linesWidth - right - 48, middle = (from + to) / 2;
    const yFrom = i => linesTop + (i + 0.5) * ch, yTo = j => linesTop + (j + 0.5) * rh;
    const parts = [
      svg("text", { x: from - 6, y: linesTop - 11, "text-anchor": "end", "font-size": 11, class: "nl-caption" }, "reads"),
      svg("text", { x: to + 6, y: linesTop - 11, "font-size": 11, class: "nl-caption" }, "is read")];
    const drawn = r >= 0 ? [r] : Math.max(R, C) <= ALL_LINES_UP_TO ? range(R) : [];
    for (const i of drawn) rowOf(i).forEach((w, j) => {
      if (w < (r >= 0 ? 0.01 : 0.05)) return;
      const strength = r >= 0 ? 1 : 0.6;
      parts.push(svg("path", { d: `M${from} ${yFrom(i)} C${middle} ${yFrom(i)} ${middle} ${yTo(j)} ${to} ${yTo(j)}`,
        "stroke-width": (0.8 + 5 * w * strength).toFixed(2), "stroke-opacity": (strength * (0.1 + 0.9 * Math.sqrt(w))).toFixed(3), class: "nl-line" }));
    });
    if (!drawn.length) parts.push(svg("text", { x: middle, y: linesTop + ch * R / 2, "text-anchor": "middle", "font-size": 12, class: "nl-caption" }, "Choose a word"));
    for (const i of thinned(R, ch, size + 2, r < 0 ? [] : [r])) {
      parts.push(svg("text", { x: from - 6, y: yFrom(i), "font-size": size, "text-anchor": "end", "dominant-baseline": "central",
        "data-row": rows[i], class: `nl-word nl-reader${i === r ? " nl-on" : ""}` }, shortened(wordOf(i), size).text));
    }
    const most = r < 0 ? [] : strongest(r), row = r < 0 ? [] : rowOf(r);
    for (const j of thinned(C, rh, size + 2, c < 0 ? most : [...most, c])) {
      const weak = r >= 0 && row[j] < 0.05 && j !== c;
      parts.push(svg("text", { x: to + 6, y: yTo(j), "font-size": size, "dominant-baseline": "central",
        class: `nl-word${weak ? " nl-weak" : ""}${most[0] === j || c === j ? " nl-on" : ""}` }, shortened(columnWords[columns[j]], size).text));
      if (r >= 0 && !weak) parts.push(svg("text", { x: linesWidth - 2, y: yTo(j), "text-anchor": "end", "font-size": size, "dominant-baseline": "central", class: "nl-number" }, row[j].toFixed(2)));
    }
    lines.replaceChildren(...parts);
  }

  let said = {}, saying;
  function sayIt() {
    const r = activeRow(), c = activeColumn(), pinned = model.get("token") != null;
    const cell = r >= 0 && c >= 0 ? `${wordOf(r)} reads ${columnWords[columns[c]]} ${rowOf(r)[c].toFixed(2)}` : "";
    const sentence = r >= 0 ? `${wordOf(r)} reads ${reading(r)}` : "";
    readout.replaceChildren(html("span", { className: "nl-where" }, headName()));
    if (r >= 0) {
      readout.append(html("strong", {}, wordOf(r)), ` reads ${reading(r)}`);
      if (cell && !strongest(r).includes(c)) readout.append(html("span", { className: "nl-quiet" }, ` · ${columnWords[columns[c]]} ${rowOf(r)[c].toFixed(2)}`));
      if (pinned) readout.append(html("button", { type: "button", className: "nl-plain", onclick: unpin }, "Clear"));
    } else {
      readout.append(html("span", { className: "nl-quiet" },
        columns.length ? "Point at a word, or use the arrow keys in the heatmap, to read its row." : "Every word is hidden."));
    }
    note.textContent = hiddenNote();
    const label = `${headName()}, ${cross ? "cross-" : ""}attention weights. Up and down choose the word that reads, left and right a word it reads, Escape clears.`;
    heatBox.setAttribute("aria-label", label);
    lines.setAttribute("aria-label", sentence || `Lines of ${headName()}`);
    // Spoken a moment after the last change, and only what is new.
    clearTimeout(saying);
    saying = setTimeout(() => {
      const now = { head: headName(), sentence, cell, note: hiddenNote() };
      const parts = [];
      if (said.head && now.head !== said.head) parts.push(now.head);
      if (now.note !== said.note && (now.note || said.note)) parts.push(now.note || "Every word is shown.");
      if (now.cell && now.cell !== said.cell && now.sentence === said.sentence && !parts.length) parts.push(now.cell);
      else if (now.sentence) parts.push(now.sentence);
      said = now;
      live.textContent = parts.join(". ");
    }, 250);
  }

  function draw() {
    if (!el.clientWidth) return;   // not on the page yet: the size watch draws once it is
    geometry();
    const key = [layer(), head(), hidden().join()].join("|");
    if (key !== weightsKey) { weights = headWeights(layer(), head()); weightsKey = key; }
    layerSlider.show(layer());
    headSlider.show(head());
    drawHeat();
    drawLines();
    sayIt();
    panels[open].fill();
    el.dataset.drawn = [layer(), head(), model.get("token") ?? "", column ?? ""].join(":");
  }
  const redraw = oncePerFrame(draw);

  function choose(r, c) {
    hover = null;
    column = c < 0 ? null : columns[c];
    if (c >= 0) link = { from: rows[r], to: columns[c] };
    if (model.get("token") !== rows[r]) set("token", rows[r]);
    redraw();
  }
  function unpin() {
    hover = column = null;
    set("token", null);
    heatBox.focus();
    redraw();
  }
  heatBox.addEventListener("keydown", event => {
    const R = rows.length, C = columns.length;
    if (!R || !C || event.ctrlKey || event.metaKey || event.altKey) return;
    const r = rows.indexOf(model.get("token") ?? -1), c = columns.indexOf(column ?? -1);
    const moves = {
      ArrowDown: () => choose(r < 0 ? 0 : Math.min(R - 1, r + 1), c),
      ArrowUp: () => choose(r < 0 ? R - 1 : Math.max(0, r - 1), c),
      ArrowRight: () => choose(Math.max(r, 0), c < 0 ? 0 : Math.min(C - 1, c + 1)),
      ArrowLeft: () => choose(Math.max(r, 0), c < 0 ? C - 1 : Math.max(0, c - 1)),
      Home: () => choose(0, c),
      End: () => choose(R - 1, c),
      Escape: unpin,
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  });

  const cellAt = event => {
    const box = heat.getBoundingClientRect();
    const r = Math.floor((event.clientY - box.top - place.top) / place.ch);
    const c = Math.floor((event.clientX - box.left - place.left) / place.cw);
    if (r < 0 || r >= rows.length || c >= columns.length || event.clientX < box.left) return null;
    return { row: rows[r], column: c < 0 ? null : columns[c] };   // left of the cells stands the row's word
  };
  const pointAt = cell => {
    if (cell?.row === hover?.row && cell?.column === hover?.column) return;
    hover = cell;
    redraw();
  };
  const pin = cell => {
    if (!cell) return;
    if (model.get("token") === cell.row && column === cell.column) unpin();
    else choose(rows.indexOf(cell.row), columns.indexOf(cell.column ?? -1));
  };
  const readerAt = event => {
    const row = event.target.getAttribute("data-row");
    return row === null ? null : { row: +row, column: null };
  };
  heatBox.addEventListener("pointermove", event => pointAt(cellAt(event)));
  heatBox.addEventListener("pointerleave", () => pointAt(null));
  heatBox.addEventListener("click", event => pin(cellAt(event)));
  lines.addEventListener("pointerover", event => pointAt(readerAt(event)));
  lines.addEventListener("pointerleave", () => pointAt(null));
  lines.addEventListener("click", event => pin(readerAt(event)));

  // What is on the screen as one drawing that stands alone, in the light colours.
  function drawing() {
    el.dataset.print = "";
    const copyStyled = (source, target) => {
      const style = getComputedStyle(source);
      for (const name of ["fill", "stroke", "stroke-width", "font-weight"]) target.setAttribute(name, style.getPropertyValue(name));
      [...source.children].forEach((child, k) => copyStyled(child, target.children[k]));
      return target;
    };
    const group = (source, x, y, ...before) => svg("g", { transform: `translate(${x} ${y})` }, ...before,
      ...[...source.children].map(child => copyStyled(child, child.cloneNode(true))));
    const { left, top, plotWidth, plotHeight, heatWidth, heatHeight, linesTop, linesWidth, linesHeight } = place;
    const header = 58, pad = 16, width = heatWidth + linesWidth + 28 + 2 * pad;
    const height = header + Math.max(heatHeight, linesHeight + top - linesTop) + pad + (hiddenNote() ? 22 : 0);
    const sentence = activeRow() >= 0 ? `${wordOf(activeRow())} reads ${reading(activeRow())}` : "";
    const image = svg("image", { x: left, y: top, width: plotWidth, height: plotHeight, href: canvas.toDataURL(),
      preserveAspectRatio: "none", style: "image-rendering: pixelated" });
    const text = (y, size, weight, words) => svg("text", { x: pad, y, "font-size": size, "font-weight": weight, fill: "#1f2328" }, words);
    const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`,
      "font-family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" },
      svg("title", {}, `${headName()}. ${sentence}`), svg("rect", { width, height, fill: "#ffffff" }),
      text(26, 15, 600, headName()), text(46, 13, 400, sentence),
      group(heat, pad, header, image), group(lines, pad + heatWidth + 28, header + top - linesTop));
    if (hiddenNote()) root.append(text(height - 14, 11, 400, hiddenNote()));
    delete el.dataset.print;
    return { text: new XMLSerializer().serializeToString(root), width, height };
  }
  const fileName = ending => `attention-layer-${layer() + 1}-head-${head() + 1}.${ending}`;
  function saveSvg() {
    download(fileName("svg"), new Blob([drawing().text], { type: "image/svg+xml" }));
  }
  async function savePng() {
    const { text, width, height } = drawing();
    const image = new Image();
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
    await image.decode();
    const target = html("canvas", { width: Math.ceil(2 * width), height: Math.ceil(2 * height) });
    target.getContext("2d").drawImage(image, 0, 0, target.width, target.height);
    target.toBlob(blob => download(fileName("png"), blob));
  }
  const onMessage = message => {
    if (message.kind === "html") download("attention.html", new Blob([message.page], { type: "text/html" }));
  };

  const onHidden = () => { chooseWords(); redraw(); };
  const heard = { "change:layer": redraw, "change:head": redraw, "change:token": redraw, "change:hidden": onHidden, "msg:custom": onMessage };
  for (const [event, listener] of Object.entries(heard)) model.on(event, listener);

  const forgetTheme = watchTheme(el);
  const sizeWatch = new ResizeObserver(redraw);
  sizeWatch.observe(el);

  chooseWords();
  weights = headWeights(layer(), head());
  openPanel(open);
  draw();

  return () => {
    for (const [event, listener] of Object.entries(heard)) model.off(event, listener);
    el.removeEventListener("keydown", keepKeys);
    forgetTheme();
    sizeWatch.disconnect();
    clearTimeout(saying);
    thumbsRun = -1;
  };
}

export default { render };
