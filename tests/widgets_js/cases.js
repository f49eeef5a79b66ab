// What Python says of states of the labs, written by the tests in tests/widgets.
import { readFileSync } from "node:fs";

/** @param {string} lab @returns {{ state: any, says: any }[]} */
export const cases = lab => JSON.parse(readFileSync(new URL(`./cases/${lab}.json`, import.meta.url), "utf8"));
