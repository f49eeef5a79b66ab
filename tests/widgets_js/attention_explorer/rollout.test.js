import assert from "node:assert/strict";
import { test } from "node:test";
import { attentionOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { rolloutShares } from "../../../course/ninelives/widgets/attention_explorer/rollout.js";
import { cases } from "../cases.js";

test("each head has the share of the rollout that it has in Python", () => {
  const some = cases("attention_explorer").filter(({ says }) => says.shares.length);
  assert.equal(some.length, 2);
  for (const { state, says } of some) {
    const { shares, total } = rolloutShares(attentionOf(state), 2, 0);
    assert.deepEqual(shares.map(share => (100 * share).toFixed(1)), says.shares.slice(0, -1));
    assert.equal((100 * total).toFixed(1), says.shares.at(-1));
  }
});

test("where no path leads, no head has a share", () => {
  const { state } = cases("attention_explorer").filter(({ says }) => says.shares.length)[1];
  assert.deepEqual(rolloutShares(attentionOf(state), 0, 3), { shares: [0, 0, 0, 0], total: 0 });
});
