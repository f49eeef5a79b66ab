// How a lab says whose function it shows, and whether the learner's agrees. Python says the same; see yours.py.

/** The package's function is shown. @param {string} name @param {string} [why] continues "yours"; missing: the lab has no other */
export const standsIn = (name, why) =>
  why ? `The package's ${name} is shown; yours ${why}` : `The package's ${name} is shown, not yours.`;

/** @param {string} name @param {string} shown what the lab calls its own picture */
export const agrees = (name, shown) => `Your ${name} agrees with ${shown}.`;

/** @param {string} name @param {string} shown @param {string} how where, or by how much */
export const differsFrom = (name, shown, how) => `Your ${name} differs from ${shown} ${how}.`;
