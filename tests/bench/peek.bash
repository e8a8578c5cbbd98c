# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A snapshot of a whole queue, payloads included, against taking its messages out.

section_peek() {
	local depth size

	echo "Wall-clock time, the median of $rounds rounds ± half the distance between the quartiles. The peek leaves"
	echo 'the messages where they are, and what it shows is proven; draining has no use for them afterwards.'
	echo
	echo '| messages | of bytes | peek, µs | ± | drain, µs | ± | peek / drain |'
	echo '| ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
	for depth in 10 100 1000 5000; do
		for size in 16 512 7168; do
			# what RLIMIT_MSGQUEUE allows to a user, unless it was raised
			[ $((depth * (size + 72))) -le 800000 ] || continue
			as_user 0 "$tools/mqfill" --depth=$depth --message-size=$size --mode=0666 create /bench-peek
			"$tools/peekdrain" /bench-peek "$rounds" "$size" >"$work/peek"
			"$tools/mqfill" unlink /bench-peek
			awk -v d=$depth -v s=$size -v p="$(cut -d' ' -f1 "$work/peek" | median)" \
				-v ps="$(cut -d' ' -f1 "$work/peek" | spread)" \
				-v q="$(cut -d' ' -f2 "$work/peek" | median)" \
				-v qs="$(cut -d' ' -f2 "$work/peek" | spread)" 'BEGIN {
				printf "| %d | %d | %.0f | %.0f | %.0f | %.0f | %.2f |\n", d, s, p, ps, q, qs, p / q
			}'
		done
	done
}
