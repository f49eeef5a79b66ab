// Puts each widget of a page where its still picture is. Without this script, or where it fails, the picture stays.
(() => {
  const root = document.documentElement;
  // A widget looks at its colour again when an attribute of the body changes; the theme changes one of the page.
  const follow = () => {
    document.body.dataset.nlTheme = root.dataset.theme ?? "";
  };
  follow();
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  for (const [id, lab, state] of globalThis.nineLivesWidgets ?? []) {
    const el = document.getElementById(id);
    const still = [...el.childNodes];
    try {
      globalThis.nineLivesLabs[lab](el, state);
    } catch (error) {
      el.className = "nl-live";
      el.replaceChildren(...still);
      console.error(`${id}: ${error}`);
    }
  }
})();
