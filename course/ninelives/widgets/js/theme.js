/**
 * Mark the element as light or dark, now and whenever the page changes. Returns how to stop.
 * @param {HTMLElement} el
 */
export function watchTheme(el) {
  const follow = () => {
    if (!el.isConnected) return;
    const [r, g, b] = (getComputedStyle(el).color.match(/[\d.]+/g) ?? []).map(Number);
    el.dataset.theme = 0.3 * r + 0.59 * g + 0.11 * b > 128 ? "dark" : "light"; // light text means a dark page
  };
  const page = new MutationObserver(follow);
  const system = matchMedia("(prefers-color-scheme: dark)");
  const onPage = new ResizeObserver(follow); // a widget is drawn before it is on the page
  page.observe(document.body, { attributes: true });
  system.addEventListener("change", follow);
  onPage.observe(el);
  return () => {
    page.disconnect();
    onPage.disconnect();
    system.removeEventListener("change", follow);
  };
}
