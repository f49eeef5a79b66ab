// The training monitor, drawn in the browser. Python sends entries and takes one word: stop.

const MARKS = ["circle", "square", "up", "diamond", "down", "plus", "cross"];

function render({ model, el }) {
  const get = name => model.get(name);
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const colours = get("colours"), names = [get("name"), ...Object.keys(get("beside"))];
  const historyOf = name => (name === get("name") ? get("entries") : get("beside")[name]);
  const style = name => { const k = names.indexOf(name); return { colour: colours.lines[k], mark: MARKS[k] }; };
  const shown = () => names.filter(name => !get("hidden").includes(name));
  const isNumber = x => typeof x === "number";
  const count = n => n.toLocaleString("en");
  const short = x => (x === 0 ? "0" : Math.abs(x) < 0.001 ? x.toExponential(1).replace("e-", "e−") : String(+x.toPrecision(3)));

  el.classList.add("nl-explorer", "nl-monitor");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", `Training monitor: ${get("name")}`);
  for (const name of ["accent", "link", "link-dark"]) el.style.setProperty(`--nl-${name}`, colours[name]);
  el.addEventListener("keydown", keepKeys);

  // ── progress ─────────────────────────────────────────────────────────────────────────────
  const fill = html("i", {});
  const bar = html("div", { className: "nl-progress", role: "progressbar", "aria-valuemin": 0, "aria-label": "Progress" }, fill);
  const told = html("span", { className: "nl-told" });
  const stop = html("button", { type: "button", className: "nl-stop", onclick: () => { if (get("state") === "running") set("stop_asked", true); } }, "Stop");
  const lasting = seconds => {
    const s = Math.round(seconds);
    return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  };
  function progress() {
    const step = get("step"), most = get("max_iters"), seconds = get("seconds"), at = `step ${count(step)} of ${count(most)}`;
    switch (get("state")) {
      case "waiting": return `${get("can_stop") ? "making ready" : "not begun"}, ${count(most)} steps`;
      case "running": return get("stop_asked") ? `${at}, stopping …` : `${at} · ${lasting(seconds)} so far${step ? `, ${lasting(seconds / step * (most - step))} left` : ""}`;
      case "stopped": return `stopped at ${at}. Run the cell again to go on.`;
      default: return `finished, ${count(most)} steps in ${lasting(seconds)}`;
    }
  }
  function drawProgress() {
    const share = get("step") / get("max_iters");
    fill.style.width = `${100 * share}%`;
    bar.setAttribute("aria-valuenow", get("step"));
    bar.setAttribute("aria-valuemax", get("max_iters"));
    bar.setAttribute("aria-valuetext", progress());
    told.replaceChildren(html("strong", {}, get("name")), ` ${progress()}`);
    stop.hidden = !get("can_stop");
    stop.disabled = get("state") !== "running" || get("stop_asked");
  }

  // ── which trainings, which measure ───────────────────────────────────────────────────────
  const chips = names.map(name => {
    const { colour, mark } = style(name);
    const sign = svg("svg", { width: 26, height: 12, "aria-hidden": "true" },
      svg("path", { d: "M1 6H25", class: "nl-curve", style: `stroke: ${colour}` }), marker(mark, 13, 6, colour));
    const button = html("button", { type: "button", className: "nl-chip", onclick: () => {
      const hidden = get("hidden");
      set("hidden", hidden.includes(name) ? hidden.filter(other => other !== name) : [...hidden, name]);
    } }, sign, name);
    return { name, button };
  });
  const choice = html("select", { "aria-label": "Measure", onchange: () => set("measure", choice.value) });
  const choosing = html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Measure"), choice);

  function marker(kind, x, y, colour) {
    const r = 4, path = {
      circle: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
      square: `M${x - r + 0.5} ${y - r + 0.5}h${2 * r - 1}v${2 * r - 1}h${1 - 2 * r}z`,
      up: `M${x} ${y - r}l${r} ${2 * r - 1}h${-2 * r}z`, down: `M${x} ${y + r}l${r} ${1 - 2 * r}h${-2 * r}z`,
      diamond: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`,
      plus: `M${x - r} ${y - 1.5}h${r - 1.5}v${1.5 - r}h3v${r - 1.5}h${r - 1.5}v3h${1.5 - r}v${r - 1.5}h-3v${1.5 - r}h${1.5 - r}z`,
      cross: `M${x - r} ${y - r + 1.5}l1.5 -1.5l${r - 1.5} ${r - 1.5}l${r - 1.5} ${1.5 - r}l1.5 1.5l${1.5 - r} ${r - 1.5}l${r - 1.5} ${r - 1.5}l-1.5 1.5l${1.5 - r} ${1.5 - r}l${1.5 - r} ${r - 1.5}l-1.5 -1.5l${r - 1.5} ${1.5 - r}z`,
    }[kind];
    return svg("path", { d: path, class: "nl-mark", style: `fill: ${colour}` });
  }

  // ── curves ───────────────────────────────────────────────────────────────────────────────
  const W = 226, H = 170, LEFT = 46, TOP = 22, BOTTOM = 26;
  const panels = ["loss", "measure", "rate"].map(kind => {
    const drawing = svg("svg", { width: LEFT + W + 12, height: TOP + H + BOTTOM, "aria-hidden": "true" });
    const box = html("div", { className: `nl-panel-plot nl-plot-${kind}`, tabIndex: kind === "loss" ? 0 : -1, role: "application",
      "aria-roledescription": "curves" }, drawing);
    const pick = event => {
      const x = event.clientX - drawing.getBoundingClientRect().left - LEFT;
      choose(x / W * furthest());
    };
    box.addEventListener("pointerdown", event => { pick(event); box.focus(); });
    box.addEventListener("pointermove", event => { if (event.buttons) pick(event); });
    box.addEventListener("keydown", event => {
      const steps = allSteps(), here = get("cursor") ?? steps.at(-1), k = steps.findLastIndex(step => step <= here);
      const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: steps.length - 1 }[event.key];
      if (event.key === "Escape") set("cursor", null);
      if (to === undefined || !steps.length) return;
      event.preventDefault();
      set("cursor", steps[clamp(to, 0, steps.length - 1)]);
    });
    return { kind, drawing, box };
  });
  const furthest = () => Math.max(get("max_iters"), ...shown().map(name => historyOf(name).at(-1)?.step ?? 0));
  const allSteps = () => [...new Set(shown().flatMap(name => historyOf(name).map(entry => entry.step)))].sort((a, b) => a - b);
  function choose(step) {
    const steps = allSteps();
    if (steps.length) set("cursor", steps.reduce((best, other) => (Math.abs(other - step) < Math.abs(best - step) ? other : best)));
  }
  const key = kind => (kind === "measure" ? get("measure") : kind);
  function ticks(top) {
    const rough = top / 4, power = 10 ** Math.floor(Math.log10(rough)), unit = [1, 2, 5, 10].find(m => m * power >= rough) * power;
    return range(Math.floor(top / unit + 1e-9) + 1).map(k => k * unit);
  }
  const points = (name, what) => historyOf(name).filter(entry => isNumber(entry[what])).map(entry => [entry.step, entry[what]]);
  function drawPanel({ kind, drawing, box }) {
    const what = key(kind);
    box.hidden = !what || !names.some(name => points(name, what).length) && kind !== "loss";
    if (box.hidden) return;
    // The training itself is drawn last: one that repeats an earlier one to the digit would else lie hidden under it.
    const lines = shown().reverse().map(name => ({ name, ...style(name), points: points(name, what) }));
    const most = Math.max(0, ...lines.flatMap(line => line.points.map(([, y]) => y)));
    const top = kind === "measure" && most <= 1 ? 1 : most * 1.05 || 1, last = furthest();
    const x = step => LEFT + step / last * W, y = value => TOP + H - value / top * H;
    const parts = [svg("text", { x: LEFT, y: 12, class: "nl-word nl-on", "font-size": 12.5 }, what === "rate" ? "learning rate" : what)];
    for (const value of ticks(top)) parts.push(
      svg("path", { d: `M${LEFT} ${y(value)}h${W}`, class: "nl-rule" }),
      svg("text", { x: LEFT - 7, y: y(value), "text-anchor": "end", "dominant-baseline": "central", class: "nl-number nl-weak", "font-size": 11 }, short(value)));
    for (const step of ticks(last)) parts.push(
      svg("text", { x: x(step), y: TOP + H + 17, "text-anchor": "middle", class: "nl-number nl-weak", "font-size": 11 }, count(step)));
    const cursor = get("cursor");
    if (cursor !== null) parts.push(svg("path", { d: `M${x(cursor)} ${TOP}v${H}`, class: "nl-cursor" }));
    for (const { name, colour, mark, points } of lines) {
      if (!points.length) continue;
      const d = points.map(([step, value], k) => `${k ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
      parts.push(svg("path", { d, class: "nl-curve", "data-name": name, "data-points": points.length, style: `stroke: ${colour}` }));
      const [step, value] = (cursor === null ? null : points.findLast(([step]) => step <= cursor)) ?? points.at(-1);
      parts.push(marker(mark, x(step), y(value), colour));
    }
    drawing.replaceChildren(...parts);
    box.setAttribute("aria-label", `${what === "rate" ? "Learning rate" : what} by step. Left and right read a step out, Escape goes back to the latest.`);
  }

  // ── what is read out ─────────────────────────────────────────────────────────────────────
  const readout = html("p", { className: "nl-readout" });
  const samples = html("table", { className: "nl-samples", "aria-label": "Samples" });
  const live = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  // Without a cursor, the others are read out where the training itself is: later steps would be no comparison.
  const readStep = () => get("cursor") ?? get("entries").at(-1)?.step ?? Infinity;
  const entryOf = name => historyOf(name).findLast(entry => entry.step <= readStep());
  function sentence() {
    const own = get("name"), now = entryOf(own)?.step;
    const parts = shown().map(name => [name, entryOf(name)]).filter(([, entry]) => entry).map(([name, entry]) => {
      const numbers = ["loss", get("measure"), ...(name === own ? ["rate"] : [])].filter(what => isNumber(entry[what]));
      return `${name}${entry.step === now ? "" : `, step ${count(entry.step)}`}: ${numbers.map(what => `${what} ${short(entry[what])}`).join(", ")}`;
    });
    if (!parts.length) return "Nothing yet: the first numbers come with the first evaluation.";
    return `${now === undefined ? "" : `Step ${count(now)}. `}${parts.join("; ")}.`;
  }
  function fillSamples() {
    const rows = entryOf(get("name"))?.samples ?? [];
    samples.hidden = !rows.length;
    samples.replaceChildren(
      html("thead", {}, html("tr", {}, ...["Given", "Answer", ""].map(name => html("th", { scope: "col" }, name)))),
      html("tbody", {}, ...rows.map(([given, answer, wanted]) => html("tr", {}, html("td", {}, given), html("td", {}, answer),
        html("td", { className: answer === wanted ? "nl-right" : "nl-wrong" }, answer === wanted ? "✓ right" : `✗ ${wanted}`)))));
  }

  el.replaceChildren(html("div", { className: "nl-bar" }, told, stop), bar,
    html("div", { className: "nl-bar nl-which" }, ...(names.length > 1 ? chips.map(chip => chip.button) : []), choosing),
    html("div", { className: "nl-plots" }, ...panels.map(panel => panel.box)), readout, samples, live);

  let said, saying, spoken = 0;
  function draw() {
    drawProgress();
    for (const { name, button } of chips) {
      button.setAttribute("aria-pressed", get("hidden").includes(name));
      button.title = get("hidden").includes(name) ? `Show ${name}` : `Hide ${name}`;
    }
    choosing.hidden = get("measures").length < 2;
    choice.replaceChildren(...get("measures").map(name => html("option", { value: name, selected: name === get("measure") }, name)));
    panels.forEach(drawPanel);
    readout.textContent = sentence();
    fillSamples();
    el.dataset.state = get("state");
    el.dataset.entries = get("entries").length;
    el.dataset.step = get("step");
    // Spoken when something is chosen or over, and at most every five seconds while it runs.
    const now = get("state") === "running" && get("cursor") === null ? sentence() : `${get("name")} ${progress()} ${sentence()}`;
    if (now === said) return;
    said = now;
    clearTimeout(saying);
    saying = setTimeout(() => { spoken = Date.now(); live.textContent = said; },
      get("state") === "running" && get("cursor") === null ? Math.max(250, spoken + 5000 - Date.now()) : 250);
  }
  const redraw = oncePerFrame(draw);

  const heard = ["entries", "step", "seconds", "state", "stop_asked", "can_stop", "measure", "measures", "hidden", "cursor"].map(name => `change:${name}`);
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
