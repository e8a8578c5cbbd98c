/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "origin.h"

/* How far from its place a message is looked for that a record names. */
#define REACH 256

/* A record that waits for a place: place by place from the back, those whose bound is reached. */
struct candidate {
	size_t record;
	size_t bound; /* the last place that it may have */
	uint64_t start_ns;
};

static bool has_record(const struct mqw_peek_message *m)
{
	return m->origin == MQW_ORIGIN_RECORD;
}

/* No other send was under way: the order of return is that of entry. */
static bool alone(const struct mqw_peek_message *m)
{
	return has_record(m) && !m->record.last_message;
}

/* The place of the message at an address, in [from, to) and near j; ORIGIN_NONE if it is not there. */
static size_t find_place(const struct mqw_peek_message *messages, size_t from, size_t to, size_t j,
			 uint64_t address)
{
	if (address == MQW_MESSAGE_UNKNOWN)
		return ORIGIN_NONE;
	for (size_t d = 0; d <= REACH; d++) {
		if (d <= j - from && messages[j - d].message == address)
			return j - d;
		if (d < to - j && messages[j + d].message == address)
			return j + d;
	}
	return ORIGIN_NONE;
}

/*
 * Places the records that tell where their message is; place_of[j - from] is ORIGIN_NONE for the others.
 * Of two that tell the same the later one is right: the memory was used again.
 */
static void assign_found(const struct mqw_peek_message *messages, size_t from, size_t to,
			 size_t *place_of, size_t *owner)
{
	for (size_t j = from; j < to; j++) {
		size_t place = ORIGIN_NONE;

		if (has_record(&messages[j]))
			place = find_place(messages, from, to, j, messages[j].record.message);
		if (place != ORIGIN_NONE && owner[place] != ORIGIN_NONE)
			place_of[owner[place] - from] = ORIGIN_NONE;
		place_of[j - from] = place;
		if (place != ORIGIN_NONE)
			owner[place] = j;
	}
}

static int compare_bounds(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->bound < y->bound ? -1 : x->bound > y->bound;
}

/* Takes the candidate that began last out of c[0..n). */
static size_t take_latest(struct candidate *c, size_t n)
{
	size_t latest = 0, record;

	for (size_t i = 1; i < n; i++)
		if (c[i].start_ns >= c[latest].start_ns)
			latest = i;
	record = c[latest].record;
	c[latest] = c[n - 1];
	return record;
}

/* Sends in [from, to) were under way together with their neighbours. The arrays hold to - from. */
static void assign_raced(const struct mqw_peek_message *messages, size_t from, size_t to,
			 struct candidate *c, struct candidate *eligible, size_t *place_of,
			 size_t *owner)
{
	size_t n = 0, n_eligible = 0;

	assign_found(messages, from, to, place_of, owner);
	/*
	 * A send without a record, or before these, may have raced them and have any of their places,
	 * and a message that was received already is nobody's.
	 */
	if (from == 0 && messages[0].sequence > 0)
		return;
	for (size_t j = from; j < to; j++)
		if (!has_record(&messages[j]) ||
		    (place_of[j - from] == ORIGIN_NONE &&
		     messages[j].record.message != MQW_MESSAGE_UNKNOWN))
			return;
	for (size_t j = from; j < to; j++) {
		size_t bound;

		if (place_of[j - from] != ORIGIN_NONE)
			continue;
		bound = find_place(messages, from, to, j, messages[j].record.last_message);
		c[n++] = (struct candidate){
			.record = j,
			.bound = bound == ORIGIN_NONE ? to - 1 : bound,
			.start_ns = messages[j].record.start_ns,
		};
	}
	qsort(c, n, sizeof(*c), compare_bounds);
	for (size_t place = to; place-- > from;) {
		while (n && c[n - 1].bound >= place)
			eligible[n_eligible++] = c[--n];
		if (n_eligible && owner[place] == ORIGIN_NONE)
			owner[place] = take_latest(eligible, n_eligible--);
	}
}

int origin_assign(const struct mqw_peek_message *messages, size_t n, size_t *owner)
{
	_cleanup_free_ struct candidate *candidates = NULL;
	_cleanup_free_ size_t *places = NULL;
	size_t to;

	for (size_t i = 0; i < n; i++)
		owner[i] = alone(&messages[i]) ? i : ORIGIN_NONE;
	for (size_t from = 0; from < n; from = to) {
		to = from + 1;
		if (alone(&messages[from]))
			continue;
		while (to < n && !alone(&messages[to]))
			to++;
		if (!candidates) {
			candidates = reallocarray(NULL, 2 * n, sizeof(*candidates));
			places = reallocarray(NULL, n, sizeof(*places));
		}
		if (!candidates || !places)
			return -ENOMEM;
		assign_raced(messages, from, to, candidates, candidates + n, places, owner);
	}
	return 0;
}
