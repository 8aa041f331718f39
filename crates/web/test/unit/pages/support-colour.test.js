import assert from "node:assert/strict";
import { test } from "node:test";

import { contrast, hex, inkOn, legibleOn, parse } from "../../../../../examples/pages/support/colour.js";
import { accent, ownRem } from "../../../../../examples/pages/support/widget/sheets.js";

const WHITE = [255, 255, 255];
const DARK = [20, 23, 31];

test("a colour is three or six digits, and nothing else", () => {
  assert.deepEqual(parse("#b4552d"), [180, 85, 45]);
  assert.deepEqual(parse(" #FFF "), WHITE);
  for (const text of ["b4552d", "#12", "#12345g", "red", "", undefined, null, "#fff;}"]) assert.equal(parse(text), null);
  assert.equal(hex([180, 85, 45]), "#b4552d");
});

test("contrast is WCAG's", () => {
  assert.equal(contrast(WHITE, [0, 0, 0]), 21);
  assert.equal(contrast(WHITE, WHITE), 1);
});

test("whatever colour a shop has, what is written in it and on it can be read", () => {
  for (let red = 0; red <= 255; red += 51) {
    for (let green = 0; green <= 255; green += 51) {
      for (let blue = 0; blue <= 255; blue += 51) {
        const colour = [red, green, blue];
        assert.ok(contrast(legibleOn(colour, WHITE), WHITE) >= 4.5, `${colour} on white`);
        assert.ok(contrast(legibleOn(colour, DARK), DARK) >= 4.5, `${colour} on dark`);
        const [, light, dark] = /--accent: light-dark\((#\w+), (#\w+)\)/.exec(accent(hex(colour)));
        for (const ground of ["#ffffff", "#f7f8fb", "#f0f2f8"]) assert.ok(contrast(parse(light), parse(ground)) >= 4.5, `${colour} on ${ground}`);
        for (const ground of ["#14171f", "#0f1218", "#1d212c", "#1f2430"]) assert.ok(contrast(parse(dark), parse(ground)) >= 4.5, `${colour} on ${ground}`);
        const [, fill] = /--accent-fill: (#\w+)/.exec(accent(hex(colour)));
        assert.ok(contrast(parse(fill), inkOn(parse(fill))) >= 4.5, `ink on ${colour}`);
      }
    }
  }
});

test("a legible colour is left alone", () => {
  assert.deepEqual(legibleOn([163, 72, 31], WHITE), [163, 72, 31]);
});

test("lengths follow the widget's own size, conditions of media queries the browser's", () => {
  const css = "a { width: 1.5rem; margin: -0.25rem .5rem } @media (max-width: 40rem) { b { top: 2rem } }";
  assert.equal(
    ownRem(css),
    "a { width: calc(1.5 * var(--rem)); margin: calc(-0.25 * var(--rem)) calc(.5 * var(--rem)) } @media (max-width: 40rem) { b { top: calc(2 * var(--rem)) } }",
  );
  assert.equal(ownRem("--remark: 1remote"), "--remark: 1remote");
});
