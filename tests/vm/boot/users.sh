# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Who may see what. alice owns the queues, bob is a stranger.

useradd -m carol # a member of alice's group
useradd -m dave  # a member of group mqwatch
usermod -aG alice carol
usermod -aG mqwatch dave

secret=TOPSECRET
encoded=$(printf %s "$secret" | base64)
own() {
	runuser -u alice -- mqfill "$@"
}
check "alice has queues" own --mode=0600 create /private
own --mode=0640 create /shared
# not as an argument: the journal notes the command lines of those that it hears of
echo "5:$secret" | own send /private
echo "5:$secret" | own send /shared

mark
check "a stranger lists the queues" says '/private' runuser -u bob -- mqwatchctl list
check "and is refused a dump" exits_saying 4 'may be read by' runuser -u bob -- mqwatchctl dump /private
check "of the group's queue, too" exits 4 dump_as bob /shared
{
	for verb in list 'show /private' 'show /shared' stalls status; do
		# shellcheck disable=SC2086 # a verb and its operand
		runuser -u bob -- mqwatchctl --json $verb
		# shellcheck disable=SC2086
		runuser -u bob -- mqwatchctl $verb
	done
	dump_as bob /private
	curl -sS $url/metrics
	curl -sS $url/
} >/tmp/stranger 2>&1
check "he saw something" grep -q /private /tmp/stranger
check "no payload, sender or command line" not grep -E "$secret|$encoded|mqfill" /tmp/stranger
check "nothing of that is logged" logged 0 "Payload of queue"

check "the owner dumps" says "$encoded" dump_as alice /private
check "so does a member of the group" says "$encoded" dump_as carol /shared
check "whom the mode must allow it" exits 4 dump_as carol /private
check "they leave no entry" logged 0 "Payload of queue"
check "a member of group mqwatch dumps" says "$encoded" dump_as dave /private
check "that is one entry" logged 1 'Payload of queue /private .* read by user'
check "of the service" logged 1 "Payload of queue /private .*user $(id -u dave)\b" -u $unit -p notice
check "to be searched for by queue and reader" logged 1 "Payload of queue" -u $unit MQ_QUEUE=/private \
	"MQ_READER_UID=$(id -u dave)" "MQ_OWNER_UID=$(id -u alice)"
check "journalctl -x explains it" says 'member of the' journal -x -u $unit MQ_QUEUE=/private
check "root dumps" says "$encoded" dump_as root /private
check "that is one more" logged 2 "Payload of queue /private"
check "whoever sees no payload leaves none" says '"payload":null' \
	mqwatchctl --json dump --no-payload /private
check "two in all" logged 2 "Payload of queue"
check "senders are known to those" says '"comm":"mqfill"' dump_as dave /private
check "no payload in the journal" sh -c "! journalctl -q -o export | grep -aE '$secret|$encoded'"
own unlink /private
own unlink /shared
