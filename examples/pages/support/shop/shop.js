/**
 * The make-believe shop's part of signing in. A real shop's back end makes a token for its visitor, and the widget's
 * tag names the address; here the token comes with the page's own address, after the `#`.
 */

import { signIn } from "../../common/signin.js";
import { nameOf } from "../../common/names.js";

const visitor = signIn();
const who = document.getElementById("who");
if (who) {
  who.textContent = visitor
    ? `You are ${nameOf(visitor.user)}, a visitor.`
    : "Nobody is signed in: open it with #NAME=TOKEN, from “pollgate jwt --user NAME”.";
}

/** What `data-token-call` names. */
async function haldenChatToken() {
  if (!visitor) throw new Error("This visitor has no token.");
  return { ...visitor, names: { dora: "Dora Lind", emil: "Emil Berg" } };
}
Object.assign(globalThis, { haldenChatToken });
