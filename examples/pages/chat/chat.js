/** Starts the chat for whoever is signed in. */

import { html, render } from "../vendor/lit-html/lit-html.js";

import { Pollgate } from "/client/pollgate.js";

import { icon } from "../common/icons.js";
import { signIn } from "../common/signin.js";
import { startTheme } from "../common/theme.js";
import { Chat } from "./app.js";

startTheme(() => /** @type {Chat | null} */ (document.querySelector("pg-chat"))?.update());
// Another link pasted into the same tab changes only the fragment: it means somebody else.
addEventListener("hashchange", () => location.hash.includes("=") && location.reload());

const person = signIn();
if (person) {
  const { user, token } = person;
  const asked = new URL(location.href).searchParams.get("transport");
  const transport = asked === "ws" || asked === "sse" || asked === "poll" ? asked : "auto";
  const chat = new Chat();
  chat.me = user;
  chat.gate = new Pollgate({ user, token, transport });
  document.body.append(chat);
  chat.gate.start();
} else {
  render(
    html`<main class="alone">
      ${icon("chat")}
      <h1>Nobody is signed in</h1>
      <p>This page takes a token in its address, after the <code>#</code>: <code>#ann=TOKEN</code>. The start page has links that are ready.</p>
      <a class="button primary" href="../">To the start page</a>
    </main>`,
    document.body,
  );
}
