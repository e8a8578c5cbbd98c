/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "origin.h"

/* How far from its place a message is looked for that a record names. */
#define REACH 256

/* Index of the message at that address, the nearest place first; ORIGIN_NONE if it is not near. */
static size_t find_message(const struct mqw_peek_message *messages, size_t n, size_t place,
			   uint64_t address)
{
	for (size_t d = 0; d <= REACH; d++) {
		if (d <= place && messages[place - d].message == address)
			return place - d;
		if (d < n - place && messages[place + d].message == address)
			return place + d;
	}
	return ORIGIN_NONE;
}

/* The record j is nobody's yet and may be that of a message whose own record is not known. */
static bool left_over(const struct mqw_peek_message *messages, size_t n, bool whole, size_t j)
{
	const struct mqw_peek_message *m = &messages[j];

	if (m->origin != MQW_ORIGIN_RECORD || !m->record.last_message)
		return false;
	/* of messages that are not shown here, those behind these, this may be one's */
	return whole || find_message(messages, n, j, m->record.last_message) != ORIGIN_NONE;
}

void origin_assign(const struct mqw_peek_message *messages, size_t n, bool whole, size_t *owner)
{
	_cleanup_free_ bool *taken = NULL;
	size_t next = 0, open = 0;

	for (size_t i = 0; i < n; i++) {
		bool alone =
			messages[i].origin == MQW_ORIGIN_RECORD && !messages[i].record.last_message;

		owner[i] = alone ? i : ORIGIN_NONE;
		open += !alone;
	}
	if (!open)
		return;
	taken = calloc(n, sizeof(*taken));
	if (!taken)
		return;
	for (size_t j = 0; j < n; j++) {
		const struct mqw_peek_message *m = &messages[j];
		size_t i;

		if (m->origin != MQW_ORIGIN_RECORD || !m->record.last_message)
			continue;
		i = find_message(messages, n, j, m->record.last_message);
		if (i == ORIGIN_NONE || owner[i] != ORIGIN_NONE)
			continue;
		owner[i] = j;
		taken[j] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (owner[i] != ORIGIN_NONE || messages[i].origin != MQW_ORIGIN_RECORD)
			continue;
		while (next < n && (taken[next] || !left_over(messages, n, whole, next)))
			next++;
		if (next < n)
			owner[i] = next++;
	}
}
