// What the widgets have in common. `browser_code` in shared.py puts it before a widget's own module,
// so that each stays one file without imports.

const html = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node && !name.includes("-")) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

const svg = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
const range = n => Array.from({ length: n }, (_, i) => i);

// Blanks at the ends of a word and line breaks shown as signs.
const visible = word => word.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ +| +$/g, blanks => "␣".repeat(blanks.length));

// The bytes of a base64 text.
const fromBase64 = text => Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer;

// Two decimals, with a true minus and no minus zero.
const two = x => x.toFixed(2).replace(/^-(?=0\.00$)/, "").replace("-", "−");

// One pixel for each "#rrggbb", side by side.
function paintStrip(canvas, colours) {
  canvas.width = colours.length;
  canvas.height = 1;
  const context = canvas.getContext("2d"), image = context.createImageData(colours.length, 1);
  colours.forEach((hex, k) => {
    const rgb = parseInt(hex.slice(1), 16);
    image.data.set([rgb >> 16, rgb >> 8 & 255, rgb & 255, 255], 4 * k);
  });
  context.putImageData(image, 0, 0);
}

// However often it is asked for, drawn once, with the next frame.
function oncePerFrame(draw) {
  let waiting = 0;
  return () => { waiting ||= requestAnimationFrame(() => { waiting = 0; draw(); }); };
}

// JupyterLab would take plain keys for commands of the notebook; Ctrl+S and Shift+Enter stay its own.
function keepKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")) return;
  event.stopPropagation();
}

// Mark the element as light or dark, now and whenever the page changes; returns how to stop.
function watchTheme(el) {
  const follow = () => {
    if (!el.isConnected) return;
    const [r, g, b] = getComputedStyle(el).color.match(/[\d.]+/g).map(Number);
    el.dataset.theme = 0.3 * r + 0.59 * g + 0.11 * b > 128 ? "dark" : "light";
  };
  const page = new MutationObserver(follow), system = matchMedia("(prefers-color-scheme: dark)");
  const placed = new ResizeObserver(follow);   // a widget is drawn before it stands on the page
  page.observe(document.body, { attributes: true });
  system.addEventListener("change", follow);
  placed.observe(el);
  return () => { page.disconnect(); placed.disconnect(); system.removeEventListener("change", follow); };
}
