#!/usr/bin/env bash
# Ann writes to Bob, with nothing but curl. Needs a running gateway and a token for each of them:
#
#   ANN=$(pollgate jwt --user ann) BOB=$(pollgate jwt --user bob) examples/curl.sh [http://127.0.0.1:8080]
set -euo pipefail

url=${1:-http://127.0.0.1:8080}
: "${ANN:?set it to a token for ann: pollgate jwt --user ann}"
: "${BOB:?set it to a token for bob: pollgate jwt --user bob}"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
as() { # as TOKEN PATH [curl arguments]
  local token=$1 path=$2
  shift 2
  # The token goes in through a file descriptor: arguments can be read by everybody on the machine.
  curl --silent --show-error --fail-with-body --max-time 30 "$@" \
    --header @<(printf 'Authorization: Bearer %s' "$token") "$url$path"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$2"; }

# A session of its own for each run, so that it starts with an empty mailbox.
session="curl-$$-$RANDOM"

say "1. Bob starts a loop: an empty cursor, and no waiting this time"
answer=$(as "$BOB" "/v1/poll?cursor=&wait=0&session=$session")
echo "$answer"
cursor=$(field cursor "$answer")

say "2. Bob polls and is held; Ann sends meanwhile"
exec 3< <(as "$BOB" "/v1/poll?cursor=$cursor&session=$session")
sent=$(as "$ANN" /v1/messages --json "{\"to\":\"bob\",\"body\":\"Hi Bob\",\"client_id\":\"$session\"}")
echo "Ann is told:   $sent"
answer=$(cat <&3)
echo "Bob's poll:    $answer"

say "3. The same cursor again gets the same events again: an answer that is lost on the way loses nothing"
as "$BOB" "/v1/poll?cursor=$cursor&wait=0&session=$session"
echo

say "4. The new cursor confirms them: they leave the mailbox"
cursor=$(field cursor "$answer")
as "$BOB" "/v1/poll?cursor=$cursor&wait=0&session=$session"
echo

say "5. The same client_id again is the same message: nothing is sent twice"
as "$ANN" /v1/messages --json "{\"to\":\"bob\",\"body\":\"Hi Bob\",\"client_id\":\"$session\"}" \
  --write-out '\n(status %{http_code})\n'

say "6. A file goes up, along with a message, and comes down to Bob"
file=$(mktemp) && trap 'rm -f "$file"' EXIT
echo "Hi again" >"$file"
uploaded=$(as "$ANN" /v1/attachments --form "file=@$file;filename=note.txt;type=text/plain")
echo "$uploaded"
id=$(field id "$uploaded")
as "$ANN" /v1/messages --json "{\"to\":\"bob\",\"attachments\":[\"$id\"]}"
echo
as "$BOB" "/v1/attachments/$id"

say "7. The room's history"
room=$(sed -n 's/.*"room":"\([^"]*\)".*/\1/p' <<<"$sent")
as "$ANN" "/v1/rooms/$room/messages?limit=5"
echo

say "8. Bob's rooms: what is unread, and the newest message of each"
as "$BOB" "/v1/rooms?limit=3"
echo

say "9. Bob has read it; Ann hears of that, and can ask"
as "$BOB" "/v1/rooms/$room/read" --json "{\"seq\":1}"
as "$ANN" "/v1/rooms/$room/receipts"
echo

say "10. A group room about an order, found by what it is about"
as "$ANN" /v1/rooms --json "{\"name\":\"Order $$\",\"members\":[\"bob\"],\"context\":{\"kind\":\"order\",\"id\":\"$session\"},\"status\":\"open\"}"
echo
as "$BOB" "/v1/rooms?context_kind=order&context_id=$session"
echo

say "11. A word of a message finds it, a moment after it was sent"
as "$BOB" "/v1/search?q=hi&limit=1"
echo
