// The mask lab, drawn in the browser. Python is asked for the learner's own mask alone.

const ANGLE = 55;  // degrees, of the column labels

function render({ model, el }) {
  const words = model.get("words"), prefix = model.get("prefix"), scores = model.get("scores"), colours = model.get("colours");
  const B = words.length, N = scores.length;
  const T = Math.max(...words.map(sentence => sentence.length)), P = N - T;
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const lengths = () => model.get("lengths"), prefixLengths = () => model.get("prefix_lengths");
  const chosen = () => [clamp(model.get("sentence"), 0, B - 1), clamp(model.get("token"), 0, N - 1)];
  const isReal = (b, i) => (i < P ? i >= P - prefixLengths()[b] : i - P < lengths()[b]);
  const label = (b, i) => (!isReal(b, i) ? "pad" : i < P ? prefix[b][i - P + prefixLengths()[b]] : words[b][i - P]);

  // The same masks as `MaskLab.masks` in Python.
  function mayLook(b, i, j) {
    if (!isReal(b, j) || (model.get("rows_too") && !isReal(b, i))) return false;
    if (j < P) return true;
    return i >= P && (!model.get("causal") || j <= i);
  }
  const opened = (b, i) => range(N).filter(j => mayLook(b, i, j));
  function softmax(row, columns) {
    const most = Math.max(...columns.map(j => row[j]));
    const powers = row.map((score, j) => (columns.includes(j) ? Math.exp(score - most) : 0));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);   // 0 ÷ 0 is NaN, as it would be in the model
  }

  el.classList.add("nl-explorer", "nl-mask-lab");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Mask lab: ${B} ${B === 1 ? "sentence" : "sentences"} of up to ${T} words`);
  for (const [name, colour] of Object.entries(colours)) el.style.setProperty(`--nl-${name}`, colour);
  el.addEventListener("keydown", keepKeys);

  const toggle = (name, text) => {
    const input = html("input", { type: "checkbox", onchange: () => set(name, input.checked) });
    return { show: () => { input.checked = model.get(name); }, node: html("label", { className: "nl-switch" }, input, text) };
  };
  const toggles = [toggle("causal", "Causal: nobody looks ahead"), toggle("rows_too", "Close the rows of padding too")];

  const slider = (trait, b, text, name, count) => {
    const input = html("input", { type: "range", min: 1, max: count, step: 1, "aria-label": name });
    const output = html("span", { className: "nl-count" });
    input.addEventListener("input", () => set(trait, model.get(trait).map((n, k) => (k === b ? +input.value : n))));
    const show = () => {
      const value = model.get(trait)[b];
      input.value = value;
      output.textContent = `${value} of ${count}`;
      input.setAttribute("aria-valuetext", `${value} of ${count} words`);
    };
    return { show, node: html("div", { className: "nl-slider", hidden: count === 1 }, html("span", { className: "nl-name" }, text), input, output) };
  };

  const size = N > 16 ? 11 : 12.5, cell = clamp(Math.floor(200 / N), 13, 26), plot = cell * N;
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = `600 ${size}px "DejaVu Sans", sans-serif`;
  const widest = Math.min(96, Math.max(...[...words, ...prefix, ["pad"]].flat().map(word => ruler.measureText(word).width)));
  const left = widest + 10, top = widest * Math.sin(ANGLE * Math.PI / 180) + size, overhang = Math.max(34, widest * Math.cos(ANGLE * Math.PI / 180) + 6);
  const short = word => (word.length > 14 ? word.slice(0, 13) + "…" : word);

  const ones = range(B).map(b => {
    const drawing = svg("svg", { "aria-hidden": "true", width: left + plot + overhang, height: top + plot + 4 });
    const box = html("div", { className: "nl-mask", tabIndex: 0, role: "application", "aria-roledescription": "mask" }, drawing);
    const sliders = [slider("lengths", b, "Words", `Words of sentence ${b + 1}`, words[b].length)];
    if (P) sliders.unshift(slider("prefix_lengths", b, "Prefix", `Words of prefix ${b + 1}`, prefix[b].length));
    box.addEventListener("click", event => {
      const y = event.clientY - drawing.getBoundingClientRect().top - top;
      if (y >= 0 && y < plot) choose(b, Math.floor(y / cell));
    });
    box.addEventListener("keydown", event => {
      const [, row] = chosen();
      const to = { ArrowDown: row + 1, ArrowUp: row - 1, Home: 0, End: N - 1 }[event.key];
      const beside = { ArrowRight: b + 1, ArrowLeft: b - 1 }[event.key];
      if (to === undefined && beside === undefined) return;
      event.preventDefault();
      if (beside === undefined) return choose(b, clamp(to, 0, N - 1));
      if (beside < 0 || beside >= B) return;
      choose(beside, row);
      ones[beside].box.focus();
    });
    box.addEventListener("focus", () => { if (chosen()[0] !== b) choose(b, chosen()[1]); });
    return { box, drawing, sliders, node: html("div", { className: "nl-one" }, html("h4", {}, `Sentence ${b + 1}`), ...sliders.map(s => s.node), box) };
  });

  const key = (style, text) => html("span", { className: "nl-key" }, html("i", { style }), text);
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, "Each row is a word that looks, each column a word that is looked at."),
    key("background: var(--nl-lines)", "may look"), key("background: var(--nl-raised); outline: 1px solid var(--nl-rule)", "may not"));
  const yoursKey = key("background: var(--nl-accent); scale: 0.6", "yours differs");
  const yoursLine = html("p", { className: "nl-yours" });
  const readout = html("p", { className: "nl-readout" });
  const table = html("table", { className: "nl-softmax", "aria-label": "Softmax of the chosen row" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  legend.append(yoursKey);
  el.replaceChildren(html("div", { className: "nl-bar" }, ...toggles.map(t => t.node)),
    html("div", { className: "nl-batch" }, ...ones.map(one => one.node)), legend, yoursLine, readout, table, live);

  function choose(b, row) {
    model.set("sentence", b);
    model.set("token", row);
    model.save_changes();
  }

  // ── the learner's own mask ───────────────────────────────────────────────────────────────
  const asked = () => "lengths" in model.get("yours");
  const answered = () => asked() && model.get("yours").lengths.join() === lengths().join();
  const differs = (b, i, j) => i >= P && j >= P && answered() && model.get("yours").masks !== undefined
    && (model.get("yours").masks[b][(i - P) * T + j - P] === "1") !== mayLook(b, i, j);
  function compared() {
    if (!asked()) return "";
    if (!answered()) return `Your get_attention_mask was asked for the lengths ${model.get("yours").lengths.join(", ")}.`;
    if (model.get("yours").error) return `Your get_attention_mask: ${model.get("yours").error}`;
    const count = range(B).flatMap(b => range(N).flatMap(i => range(N).filter(j => differs(b, i, j)))).length;
    return count ? `Your get_attention_mask differs from what is shown in ${count} ${count === 1 ? "cell" : "cells"}.`
      : "Your get_attention_mask agrees with what is shown.";
  }

  // ── drawing ──────────────────────────────────────────────────────────────────────────────
  const square = (i, j, inset = 0) => `M${left + j * cell + inset} ${top + i * cell + inset}h${cell - 2 * inset}v${cell - 2 * inset}h${2 * inset - cell}z`;
  function drawMask(b) {
    const [sentence, row] = chosen(), open = range(N).map(i => opened(b, i));
    const cells = (test, inset = 0) => range(N).flatMap(i => range(N).filter(j => test(i, j)).map(j => square(i, j, inset))).join("");
    const rules = range(N - 1).map(k => `M${left + (k + 1) * cell} ${top}v${plot}M${left} ${top + (k + 1) * cell}h${plot}`).join("");
    const parts = [
      svg("rect", { x: left, y: top, width: plot, height: plot, class: "nl-closed" }),
      svg("path", { d: cells((i, j) => open[i].includes(j)), class: "nl-open" }),
      svg("path", { d: rules, class: "nl-rules" }),
      svg("path", { d: cells((i, j) => differs(b, i, j), 0.32 * cell), class: "nl-differs" })];
    if (P) parts.push(svg("path", { d: `M${left + P * cell} ${top}v${plot}M${left} ${top + P * cell}h${plot}`, class: "nl-border" }));
    for (const i of range(N)) {
      const here = b === sentence && i === row, y = top + (i + 0.5) * cell, x = left + (i + 0.5) * cell;
      const style = isReal(b, i) ? "nl-word" : "nl-word nl-weak";
      parts.push(svg("text", { x: left - 7, y, "font-size": size, "text-anchor": "end", "dominant-baseline": "central", class: here ? `${style} nl-on` : style }, short(label(b, i))));
      parts.push(svg("text", { transform: `translate(${x + 2} ${top - 6}) rotate(${-ANGLE})`, "font-size": size, class: style }, short(label(b, i))));
      if (!open[i].length) parts.push(svg("text", { x: left + plot + 6, y, "font-size": size - 1, "dominant-baseline": "central", class: "nl-empty" }, "NaN"));
      if (here) parts.push(svg("rect", { x: left - 1, y: top + i * cell - 1, width: plot + 2, height: cell + 2, rx: 2, class: "nl-chosen" }));
    }
    ones[b].drawing.replaceChildren(...parts);
    ones[b].box.setAttribute("aria-label", `Mask of sentence ${b + 1}. Up and down choose a row, left and right a sentence.`);
  }

  function sentenceOfRow() {
    const [b, i] = chosen(), open = opened(b, i), shut = range(N).filter(j => !open.includes(j));
    const named = list => {
      const real = list.filter(j => isReal(b, j)).map(j => label(b, j)), pads = list.length - real.length;
      return [...real, ...(pads ? [pads === 1 ? "pad" : `${pads} pads`] : [])].join(", ");
    };
    if (!open.length) return "may look at nothing, so its softmax is 0 ÷ 0, NaN.";
    return `may look at ${named(open)}${shut.length ? `; not at ${named(shut)}` : ", that is everything"}.`;
  }

  const share = w => {
    const bar = html("i", {});
    bar.style.width = `${100 * w}%`;
    return html("div", { className: "nl-share" }, Number.isNaN(w) ? html("b", {}, "NaN") : w.toFixed(2), Number.isNaN(w) ? "" : bar);
  };
  function fillTable() {
    const [b, i] = chosen(), open = opened(b, i);
    const before = softmax(scores[i], range(N)), after = softmax(scores[i], open);
    table.replaceChildren(
      html("thead", {}, html("tr", {}, ...["Word", "Score", "Softmax without mask", "With mask"].map((name, k) => html("th", { scope: "col", className: k === 1 ? "nl-right" : "" }, name)))),
      html("tbody", {}, ...range(N).map(j => html("tr", { className: open.includes(j) ? "" : "nl-shut" },
        html("th", { scope: "row" }, label(b, j)), html("td", { className: "nl-right" }, scores[i][j].toFixed(1)),
        html("td", { className: "nl-without" }, share(before[j])), html("td", {}, share(after[j]))))));
  }

  let said, saying;
  function draw() {
    const [b, i] = chosen();
    for (const { show } of [...toggles, ...ones.flatMap(one => one.sliders)]) show();
    range(B).forEach(drawMask);
    yoursLine.textContent = compared();
    yoursKey.hidden = !/differs/.test(yoursLine.textContent);
    readout.replaceChildren(html("span", { className: "nl-where" }, `Sentence ${b + 1}, place ${i + 1}`), html("strong", {}, label(b, i)), ` ${sentenceOfRow()}`);
    fillTable();
    el.dataset.drawn = [lengths().join(), prefixLengths().join(), +model.get("causal"), +model.get("rows_too"), b, i].join(":");
    clearTimeout(saying);
    // Spoken a moment after the last change, and only if it is new.
    saying = setTimeout(() => {
      const now = `Sentence ${b + 1}, place ${i + 1}: ${label(b, i)} ${sentenceOfRow()} ${yoursLine.textContent}`;
      if (now !== said) live.textContent = said = now;
    }, 250);
  }
  const redraw = oncePerFrame(draw);

  const heard = ["lengths", "prefix_lengths", "causal", "rows_too", "sentence", "token", "yours"].map(name => `change:${name}`);
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
