import assert from "node:assert/strict";
import { test } from "node:test";

import { hueOf, initials, listOf, nameOf } from "../../../../../examples/pages/common/names.js";
import { pieces } from "../../../../../examples/pages/common/links.js";
import { fileKind, fileSize } from "../../../../../examples/pages/common/sizes.js";
import { ago, clock, dayLabel, daysAgo, shortTime } from "../../../../../examples/pages/common/time.js";

test("a user's id reads as a name, unless it is none", () => {
  assert.equal(nameOf("ann"), "Ann");
  assert.equal(nameOf("mary.jane_watson"), "Mary Jane Watson");
  assert.equal(nameOf("Ann"), "Ann");
  assert.equal(nameOf("user-4711"), "user-4711");
  assert.equal(nameOf("..."), "");
  assert.equal(initials("Mary Jane Watson"), "MW");
  assert.equal(initials("ann"), "A");
  assert.equal(initials("😀 x"), "😀X");
  assert.equal(initials(""), "?");
});

test("a colour is one of twelve and stays", () => {
  const hues = new Set(Array.from({ length: 500 }, (_, n) => hueOf(`user ${n}`)));
  assert.equal(hues.size, 12);
  assert.ok([...hues].every((hue) => Number.isInteger(hue) && hue >= 0 && hue < 12));
  assert.equal(hueOf("ann"), hueOf("ann"));
});

test("lists of names", () => {
  assert.equal(listOf([]), "");
  assert.equal(listOf(["Ann"]), "Ann");
  assert.equal(listOf(["Ann", "Bob"]), "Ann and Bob");
  assert.equal(listOf(["Ann", "Bob", "Cleo"]), "Ann, Bob and Cleo");
  assert.equal(listOf(["Ann", "Bob", "Cleo", "Dan", "Eve"]), "Ann, Bob and 3 others");
});

const links = (text) => pieces(text).filter(({ href }) => href).map(({ href }) => href);

test("addresses are found without the sentence around them, and nothing of the text is lost", () => {
  assert.deepEqual(links("See https://example.org/a?b=c#d."), ["https://example.org/a?b=c#d"]);
  assert.deepEqual(links("(https://example.org/x)"), ["https://example.org/x"]);
  assert.deepEqual(links("https://example.org/wiki/A_(b), https://example.org/c!"), ["https://example.org/wiki/A_(b)", "https://example.org/c"]);
  assert.deepEqual(links("www.example.org and WWW.example.com"), ["https://www.example.org", "https://WWW.example.com"]);
  for (const text of ["", "plain", "a https://x.example b http://y.example/ c", "https://x.example"]) {
    assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
  }
});

test("what would run as a script is no address", () => {
  assert.deepEqual(links("javascript:alert(1) data:text/html,x file:///etc/passwd ftp://x.example"), []);
  assert.deepEqual(links('https://"onmouseover=alert(1)'), []);
});

test("sizes and kinds of files", () => {
  assert.equal(fileSize(0), "0 bytes");
  assert.equal(fileSize(999), "999 bytes");
  assert.equal(fileSize(1000), "1.0 KB");
  assert.equal(fileSize(1536), "1.5 KB");
  assert.equal(fileSize(10 * 1024), "10 KB");
  assert.equal(fileSize(25 * 1024 * 1024), "25 MB");
  assert.equal(fileKind("application/pdf", "offer.v2.pdf"), "PDF");
  assert.equal(fileKind("application/x-tar", "archive"), "TAR");
  assert.equal(fileKind("image/png", "a name. with a sentence"), "PNG");
});

const NOW = new Date(2026, 2, 11, 12).getTime();

test("days by the calendar, not by 24 hours", () => {
  assert.equal(daysAgo(new Date(2026, 2, 10, 23, 59), NOW), 1);
  assert.equal(daysAgo(new Date(2026, 2, 11, 0, 0), NOW), 0);
  assert.equal(dayLabel(NOW, NOW), "Today");
  assert.equal(dayLabel(new Date(2026, 2, 10, 1), NOW), "Yesterday");
  assert.equal(dayLabel(new Date(2026, 2, 7), NOW), new Intl.DateTimeFormat(undefined, { weekday: "long" }).format(new Date(2026, 2, 7)));
  assert.match(dayLabel(new Date(2024, 5, 7), NOW), /2024/);
  assert.doesNotMatch(dayLabel(new Date(2026, 0, 7), NOW), /2026/);
});

test("short times and how long ago", () => {
  assert.equal(shortTime(NOW, NOW), clock(NOW));
  assert.equal(shortTime(NOW - 86_400_000, NOW), "Yesterday");
  assert.match(shortTime(new Date(2025, 2, 1), NOW), /25/);
  assert.equal(ago(NOW - 20_000, NOW), "just now");
  assert.equal(ago(NOW + 5000, NOW), "just now");
  assert.equal(ago(NOW - 5 * 60_000, NOW), "5 min ago");
  assert.equal(ago(NOW - 3 * 3_600_000, NOW), "3 h ago");
  assert.match(ago(NOW - 20 * 3_600_000, NOW), /^yesterday at /);
});
