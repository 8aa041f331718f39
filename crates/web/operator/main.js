/** Wires the page: what the gateway says goes into the record and the state, and everything is drawn from these. */

import { render } from "/operator/shared/vendor/lit-html/lit-html.js";
import { startTheme, switchTheme } from "/operator/shared/common/theme.js";
import { Frames } from "/operator/shared/client/transport/frames.js";

import { Charts } from "./charts.js";
import { authorization, keep, takeToken, token } from "./credential.js";
import { findings } from "./findings.js";
import { head } from "./head.js";
import { instances } from "./instances.js";
import { limits } from "./limits.js";
import { Live } from "./live.js";
import { MailboxTable } from "./mailboxes.js";
import { Lines } from "./record.js";
import { signIn } from "./signin.js";
import { beginning } from "./state.js";
import { tiles } from "./tiles.js";

/** While nothing is heard, "as of" grows and the plots move on. */
const TICK_MS = 1000;

/** @param {string} id */
const home = (id) => /** @type {HTMLElement} */ (document.querySelector(`#${id}`));

const page = beginning();
const record = new Lines();
const charts = new Charts(home("charts"));
const mailboxes = new MailboxTable(home("mailboxes"), () => void enter());

let asked = false;

/** Soon, once however much has changed; a hidden page is drawn when it is looked at. */
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    render(head(page, { range, theme: restyle, sign: () => void (page.signedIn ? leave() : enter()) }), home("head"));
    render(findings(page), home("findings"));
    render(tiles(page, record), home("tiles"));
    render(instances(page), home("instances"));
    render(limits(page), home("limits"));
    charts.draw(page, record);
    const { state } = page;
    const wrong = state?.findings.filter(({ severity }) => severity !== "info").length ?? 0;
    document.title = `${page.standing === "live" ? (wrong > 0 ? `(${wrong}) ` : "") : "Not live · "}${page.hello?.name ?? "pollgate"} · pollgate`;
    document.body.dataset.standing = page.standing;
  });
}

/** @param {"fine" | "coarse"} step */
function range(step) {
  page.step = step;
  draw();
}

function restyle() {
  switchTheme();
  charts.restyle();
  draw();
}

async function enter() {
  if (!(await signIn())) return;
  signed();
}

function leave() {
  keep("");
  signed();
}

function signed() {
  page.signedIn = token() !== "";
  live.again();
  mailboxes.forget();
  draw();
}

const live = new Live({
  frames: () => new Frames(),
  headers: authorization,
  stands(standing) {
    // trying again is no news to who knows that it is not live
    if (standing !== "connecting" || page.standing === "live") page.standing = standing;
    draw();
  },
  heard(event, data) {
    if (event === "hello") {
      page.hello = data;
      page.state = data.state ?? page.state;
      record.begin(data);
    } else if (event === "look") {
      page.state = data.state;
      record.add("fine", data.fine);
      record.add("coarse", data.coarse);
    }
    page.lastMs = Date.now();
    page.draining = event === "end" || (page.state?.draining ?? false);
    draw();
  },
});

takeToken();
page.signedIn = token() !== "";
startTheme(() => {
  charts.restyle();
  draw();
});
addEventListener("hashchange", () => takeToken() && signed());
addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") live.again();
});
addEventListener("online", () => live.again());
setInterval(() => page.standing !== "live" && draw(), TICK_MS);
live.start();
void mailboxes.load();
draw();
