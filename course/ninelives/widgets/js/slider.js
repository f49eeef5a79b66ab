import { html } from "./dom.js";

/**
 * A slider with its name before it and its value after it. `show` brings it up to date.
 * @param {object} options
 * @param {string} options.name
 * @param {string} [options.label] its name for screen readers, where `name` alone does not say enough
 * @param {{ min: number, max: number, step: number }} options.limits
 * @param {() => number} options.read
 * @param {(value: number) => void} options.write
 * @param {() => string} options.say its value in words
 * @param {() => string} [options.spoken] its value in words for screen readers
 * @param {boolean} [options.hidden]
 */
export function slider({ name, label = name, limits, read, write, say, spoken = say, hidden = false }) {
  const input = html("input", { type: "range", ...limits, "aria-label": label });
  const output = html("span", { className: "nl-count" });
  input.addEventListener("input", () => write(input.valueAsNumber));
  const show = () => {
    input.valueAsNumber = read();
    output.textContent = say();
    input.setAttribute("aria-valuetext", spoken());
  };
  const node = html("label", { className: "nl-slider", hidden }, html("span", { className: "nl-name" }, name), input, output);
  return { node, input, show };
}
