// Compiled against the package's generated types, never run: what a program may rely on, and what it is kept from.

import { Pollgate } from "pollgate-client";

const gate = new Pollgate({
  url: "https://gate.example",
  user: "ann",
  token: async ({ expired }: { expired: boolean }) => (expired ? "new" : "first"),
  transport: "auto",
  session: "phone",
  presence: true,
  share: false,
  cache: { roomsMs: 10_000, messagesMs: 5_000 },
  keep: 100,
});

gate.start();
gate.reconnect();

const { state, transport, leader, attempt } = gate.connectionInfo();
const known: "idle" | "connecting" | "live" | "waiting" | "offline" | "superseded" | "signed-out" | "refused" = state;
// @ts-expect-error a state that there is not
const unknown: "asleep" = state;
const first: boolean = leader;
const tried: number | undefined = attempt;

async function talk(): Promise<string[]> {
  const rooms = await gate.loadRooms({ kind: "group", status: "open" }, { force: true });
  const names: (string | null | undefined)[] = rooms.map((room) => room.name);
  // @ts-expect-error a property that rooms do not have
  rooms[0]?.colour;

  const conversation = gate.conversation({ to: "bob" });
  await conversation.load({ force: true });
  await conversation.loadOlder();
  const entry = await conversation.send({ body: "hi" });
  const sent: boolean = entry.state === "sent" && entry.mine;
  // @ts-expect-error a state that an entry never has
  const never = entry.state === "lost";
  // @ts-expect-error a body is a text
  await conversation.send({ body: 7 });
  conversation.retry(entry.key);
  conversation.discard(entry.key);
  conversation.typing();
  conversation.read();
  conversation.addEventListener("change", () => {});
  const bodies: string[] = conversation.entries.map(({ body }) => body);
  const read: number | undefined = conversation.receipts.get("bob");

  const upload = await gate.upload(new File(["text"], "a.txt"), {
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  const file: Blob = await gate.loadFile(upload.id);
  const total: number = gate.unread().total;
  return bodies;
}

// @ts-expect-error a user is needed
new Pollgate({ token: "t" });
// @ts-expect-error a transport that there is not
new Pollgate({ user: "ann", token: "t", transport: "pigeon" });

gate.stop();
