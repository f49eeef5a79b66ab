// Puts each widget of a page where its still picture is. Without this script, or where it fails, the picture stays; on paper, too.
(() => {
  const root = document.documentElement;
  const here = document.currentScript;
  // A widget looks at its colour again when an attribute of the body changes; the theme changes one of the page.
  const follow = () => {
    document.body.dataset.nlTheme = root.dataset.theme ?? "";
  };
  follow();
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  const load = (file) => {
    const script = document.createElement("script");
    script.src = new URL(file, here.src);
    document.head.append(script);
    return script;
  };
  const mount = () => {
    for (const [id, lab, state] of globalThis.nineLivesWidgets ?? []) {
      const el = document.getElementById(id);
      const still = [...el.childNodes];
      try {
        globalThis.nineLivesLabs[lab](el, state);
        const paper = document.createElement("div");
        paper.className = "nl-paper";
        paper.append(...still);
        el.after(paper);
      } catch (error) {
        el.className = "nl-live";
        el.replaceChildren(...still);
        console.error(`${id}: ${error}`);
      }
    }
  };
  // What the widgets know comes after the page, which can be read without it; up to 0.9 MB.
  if (here.dataset.widgets) load(here.dataset.widgets).onload = mount;
  // From a folder on disk a browser shows a notebook instead of downloading it, and reads nothing but scripts: one has the notebook's text.
  const notebook = document.querySelector(".nl-open a[download]");
  if (notebook && location.protocol === "file:") {
    const { href } = notebook;
    notebook.onclick = (event) => {
      if (notebook.href !== href) return;
      event.preventDefault();
      load(`${href}.js`).onload = () => {
        notebook.download = href.split("/").at(-1);
        notebook.href = URL.createObjectURL(new Blob([globalThis.nineLivesNotebook]));
        notebook.click();
      };
    };
  }
  // Code can be copied. A browser allows it on pages from disk, and from servers that encrypt.
  for (const code of navigator.clipboard ? document.querySelectorAll(".bd-article div.highlight:not(.cell_output *)") : []) {
    const button = document.createElement("button");
    button.className = "nl-copy";
    button.textContent = "Copy";
    button.onclick = async () => {
      await navigator.clipboard.writeText(code.querySelector("pre").textContent.trimEnd());
      button.textContent = "Copied";
      button.onblur = button.onmouseleave = () => {
        button.textContent = "Copy";
      };
    };
    code.append(button);
  }
  // Paper is white, and nobody can open there what a question's cell shows.
  let chosen, closed;
  addEventListener("beforeprint", () => {
    chosen = root.dataset.theme;
    root.dataset.theme = "light";
    closed = [...document.querySelectorAll(".nl-outcome:not([open])")];
    for (const outcome of closed) outcome.open = true;
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = chosen;
    for (const outcome of closed) outcome.open = false;
  });
  // The weights of networks come last: a widget asks for them when it has to compute.
  addEventListener("load", () => {
    for (const name of globalThis.nineLivesNeeds ?? []) load(`networks/${name}.js`);
  });
})();
