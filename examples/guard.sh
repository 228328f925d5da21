#!/bin/sh
# The guard at work in the sandbox, with you as everybody who joins. It takes curl and jq, and a build of the program:
#   cargo build --release && sh examples/guard.sh
set -eu
sundown=${SUNDOWN:-target/release/sundown}
sandbox=http://127.0.0.1:${PORT:-8081}
group=-1001

control() {
    curl -sS -H 'content-type: application/json' "$sandbox/control/$1" -d "$2"
}

look() {
    curl -sS "$sandbox/control/$1"
}

person() {
    printf '"user": {"id": %s, "first_name": "%s"}' "$1" "$2"
}

says() { # ID NAME CHAT TEXT
    control message "{$(person "$1" "$2"), \"chat_id\": $3, \"text\": \"$4\"}" >/dev/null
    sleep 1.2 # the conversation goes on in the sandbox's log
}

owner_says() {
    says 7999999999 Owner $group "$1"
}

joins() { # ID NAME
    control join "{$(person "$1" "$2"), \"chat_id\": $group}" | jq -r 'select(.ok == false).description'
    sleep 1.2
    is "$1" "$2"
}

# Shows somebody's place in the group.
is() {
    look "members?chat_id=$group" |
        jq -r ".result[] | select(.user.id == $1) | \"                             = $2: \" + .status"
}

is_muted() { # ID
    look "members?chat_id=$group" | jq -e ".result[] | select(.user.id == $1 and .status == \"restricted\")" >/dev/null
}

# You answer until it is decided.
answers() { # ID NAME CHAT
    while is_muted "$1"; do
        answers_once "$@"
    done
    is "$1" "$2"
}

# You answer the newest message of a chat: by a button's label, or in words.
answers_once() { # ID NAME CHAT
    newest=$(look "messages?chat_id=$3" | jq -c '[.result[] | select(.from.is_bot and (.reply_markup or .text or .photo))] | last')
    printf '%s' "$newest" | jq -r 'select(.photo) | "(its picture: '"$sandbox/control/photo?chat_id=$3"'&message_id=\(.message_id))"'
    printf '%s' "$newest" | jq -r '[.reply_markup.inline_keyboard // [] | .[][] | "[\(.text)]"] | "(its buttons: \(join(" ")))"'
    printf '%s answers? ' "$2" >&2
    read -r answer
    data=$(printf '%s' "$newest" | jq -c --arg said "$answer" '.reply_markup.inline_keyboard // [] | .[][] | select(.text == $said).callback_data')
    if [ -n "$data" ]; then
        echo "                             $2 presses [$answer]"
        control press "{$(person "$1" "$2"), \"chat_id\": $3, \"message_id\": $(printf '%s' "$newest" | jq .message_id), \"data\": $data}" >/dev/null
        sleep 1
    else
        says "$1" "$2" "$3" "$answer"
    fi
    sleep 2.5 # so that the group is told too
}

state=$(mktemp -d)
"$sundown" sandbox --listen "${sandbox#http://}" --log-level sundown::conversation=info &
server=$!
TELOXIDE_TOKEN=123456789:any-secret-will-do-for-the-sandbox "$sundown" run --api-url "$sandbox" --state-dir "$state" --log-level warn >"$state/log" 2>&1 &
bot=$!
trap 'kill $bot $server; rm -r "$state"' EXIT
sleep 2

control group "{\"chat_id\": $group, \"title\": \"Tea room\"}" >/dev/null
owner_says "/guard on"

owner_says "/guard captcha button"
joins 5 Ada
answers 5 Ada $group

id=6
for round in "arithmetic Ben" "emoji Cleo" "code Dan" "image Eve"; do
    name=${round#* }
    owner_says "/guard captcha ${round% *}"
    joins $id "$name"
    says $id "$name" $id "/start v_$group" # the link in the group's button
    answers $id "$name" $id
    id=$((id + 1))
done

owner_says "/guard captcha code"
owner_says "/guard attempts 1"
joins 10 Mallory
says 10 Mallory 10 "/start v_$group"
answers 10 Mallory 10
joins 10 Mallory
control clock '{"advance": 301}' >/dev/null
echo "                             five minutes later"
joins 10 Mallory
