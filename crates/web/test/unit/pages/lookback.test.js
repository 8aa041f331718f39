import assert from "node:assert/strict";
import { test } from "node:test";

import { lookBack, MOST_PAGES } from "../../../../../examples/pages/common/talk/lookback.js";

/** A room of that many pages, of which the first is shown. */
function room(pages, more = {}) {
  const log = { shown: 1, reads: 0, left: false };
  const way = (target) => ({
    reached: () => log.shown >= target,
    left: () => log.left,
    more: () => log.shown < pages,
    page: async () => {
      log.reads += 1;
      log.shown += 1;
      return true;
    },
    ...more,
  });
  return { log, way };
}

test("as far as the message is read, and no further", async () => {
  const { log, way } = room(100);
  assert.equal(await lookBack(way(1)), "passed");
  assert.equal(log.reads, 0, "it is there already");
  assert.equal(await lookBack(way(10)), "passed");
  assert.equal(log.reads, 9);
});

test("at the beginning of the room it ends, found or not", async () => {
  const { log, way } = room(5);
  assert.equal(await lookBack(way(10)), "passed");
  assert.equal(log.reads, 4);
});

test("what lies very far back is not called gone, and looking goes on from there", async () => {
  const { log, way } = room(100);
  assert.equal(await lookBack(way(MOST_PAGES + 2)), "far");
  assert.equal(log.reads, MOST_PAGES);
  assert.equal(await lookBack(way(MOST_PAGES + 2)), "passed");
  assert.equal(log.reads, MOST_PAGES + 1);
});

test("the very last page that is looked at may hold it", async () => {
  assert.equal(await lookBack(room(100).way(MOST_PAGES + 1)), "passed");
});

test("what cannot be read is not asked for again and again", async () => {
  let reads = 0;
  const { way } = room(100, { page: async () => ((reads += 1), false) });
  assert.equal(await lookBack(way(10)), "failed");
  assert.equal(reads, 1);
});

test("nobody looks on for a reader who has gone elsewhere", async () => {
  const { log, way } = room(100);
  const going = way(50);
  const page = async () => {
    if (log.shown === 3) log.left = true;
    return going.page();
  };
  assert.equal(await lookBack({ ...going, page }), "left");
  assert.equal(log.reads, 3);
});
