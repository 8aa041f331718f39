/** The start page: who may be signed in here, and where each of them goes. */

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";

import { avatar } from "./common/avatar.js";
import { icon } from "./common/icons.js";
import { nameOf } from "./common/names.js";
import { everybody, expiry, linkFor, takeTokens } from "./common/signin.js";
import { startTheme } from "./common/theme.js";
import { cast } from "./cast.js";

/** @typedef {import("./common/signin.js").Person} Person */

/** @param {Person} person @param {string} page @param {string} label */
const personLink = (person, page, label) =>
  html`<li><a class="person-link" href=${linkFor(person, page)}>${avatar(person.user, { size: "small" })}<span>${label}</span><span class="go">${icon("back")}</span></a></li>`;

/** @param {Person[]} people */
function signedIn(people) {
  const { chatters, pair, guest, agents } = cast(people);
  const until = people.map(({ token }) => expiry(token)).filter((date) => date !== undefined);
  const first = until.length > 0 ? new Date(Math.min(...until.map((date) => date.getTime()))) : undefined;
  return html`<div class="cards">
      <section class="card" aria-labelledby="chat-title">
        <h2 id="chat-title">${icon("chat")} Chat</h2>
        <p>Direct messages and groups, history, receipts, typing, presence, files and search.</p>
        <ul class="person-links">${chatters.map((person) => personLink(person, "chat/", `Chat as ${nameOf(person.user)}`))}</ul>
        ${pair ? html`<a class="button primary wide" href="two/">${icon("columns")} Side by side: ${nameOf(pair[0].user)} and ${nameOf(pair[1].user)}</a>` : nothing}
      </section>
      <section class="card" aria-labelledby="support-title">
        <h2 id="support-title">${icon("headset")} Support</h2>
        <p>A shop that embeds a chat with one script tag, and the desk where agents take, answer and close.</p>
        <ul class="person-links">
          ${guest ? personLink(guest, "support/", `Visit the shop as ${nameOf(guest.user)}`) : nothing}
          ${agents.map((person) => personLink(person, "support/agents.html", `Work at the desk as ${nameOf(person.user)}`))}
        </ul>
        ${agents.length > 0 ? html`<p class="hint">Agents serve the desk <code>demo-support</code>. Open the shop in one window and the desk in another.</p>` : nothing}
      </section>
    </div>
    <p class="foot-note">The tokens are kept in this tab only${first ? html`, and are good until ${new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(first)}` : nothing}. A link brings its token along after the <code>#</code>, which no server sees.</p>`;
}

function howTo() {
  return html`<section class="card" aria-labelledby="how-title">
    <h2 id="how-title">${icon("person-plus")} Nobody is signed in yet</h2>
    <p>These pages sign people in with tokens from the address, after the <code>#</code>. That part never leaves the browser, so it stands in no log. A gateway that was started without a configuration file prints a link that is ready to open.</p>
    <ol class="steps">
      <li><span>Ask the gateway for a token for each:</span><pre><code>pollgate jwt --user ann
pollgate jwt --user bob</code></pre></li>
      <li><span>Open this page with them:</span><pre><code>${location.origin}${location.pathname}#ann=TOKEN&bob=TOKEN</code></pre></li>
    </ol>
    <p class="hint">The names mean something here: <code>dora</code> and <code>emil</code> are agents of the support desk, <code>guest</code> is a visitor of the shop, all others chat.</p>
  </section>`;
}

function draw() {
  takeTokens();
  const people = everybody();
  const home = /** @type {HTMLElement} */ (document.querySelector("#cards"));
  render(people.length > 0 ? signedIn(people) : howTo(), home);
}

startTheme();
addEventListener("hashchange", draw);
draw();
