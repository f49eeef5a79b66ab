// The translation written word by word.

const PACE = 420; // ms from word to word

/**
 * @param {object} actions
 * @param {() => number} actions.step how many words are written
 * @param {() => number} actions.last how many there are
 * @param {(step: number) => void} actions.write
 * @param {() => void} actions.changed it has started or stopped
 */
export function player({ step, last, write, changed }) {
  let timer = 0;
  function stop() {
    clearInterval(timer);
    timer = 0;
    changed();
  }
  function play() {
    clearInterval(timer);
    if (!last()) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      write(last());
      return;
    }
    write(1);
    timer = window.setInterval(() => {
      if (step() >= last()) stop();
      else write(step() + 1);
    }, PACE);
    changed();
  }
  return { play, stop, isPlaying: () => timer > 0, forget: () => clearInterval(timer) };
}
