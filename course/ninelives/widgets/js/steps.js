// Long work in short steps, so that a page can draw and hear keys between them.

const LONGEST = 12; // ms of a step; one piece of the work may take longer

/**
 * Go through work that is a generator, once the next frame is on the screen; each of its yields is a place to pause.
 * @param {Iterator<unknown>} work
 * @returns {() => void} stops it
 */
export function inSteps(work) {
  let isStopped = false;
  function step() {
    const begun = performance.now();
    while (!isStopped && performance.now() - begun < LONGEST) if (work.next().done) return;
    if (!isStopped) setTimeout(step);
  }
  requestAnimationFrame(() => { requestAnimationFrame(() => { setTimeout(step); }); }); // the first draws, after the second it is on the screen
  return () => { isStopped = true; };
}
