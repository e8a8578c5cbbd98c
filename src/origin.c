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

/* The place of the message that record j names, in [from, to); if it is not near j, the last one. */
static size_t find_bound(const struct mqw_peek_message *messages, size_t from, size_t to, size_t j)
{
	uint64_t named = messages[j].record.last_message;

	for (size_t d = 0; d <= REACH; d++) {
		if (d <= j - from && messages[j - d].message == named)
			return j - d;
		if (d < to - j && messages[j + d].message == named)
			return j + d;
	}
	return to - 1;
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

/* Sends in [from, to) were under way together with their neighbours; c and eligible hold to - from. */
static void assign_raced(const struct mqw_peek_message *messages, size_t from, size_t to,
			 struct candidate *c, struct candidate *eligible, size_t *owner)
{
	size_t n = 0, n_eligible = 0;

	for (size_t j = from; j < to; j++)
		if (has_record(&messages[j]))
			c[n++] = (struct candidate){
				.record = j,
				.bound = find_bound(messages, from, to, j),
				.start_ns = messages[j].record.start_ns,
			};
	qsort(c, n, sizeof(*c), compare_bounds);
	for (size_t place = to; place-- > from;) {
		while (n && c[n - 1].bound >= place)
			eligible[n_eligible++] = c[--n];
		/* a record that is missing leaves its own place open */
		if (n_eligible && has_record(&messages[place]))
			owner[place] = take_latest(eligible, n_eligible--);
	}
}

int origin_assign(const struct mqw_peek_message *messages, size_t n, size_t *owner)
{
	_cleanup_free_ struct candidate *candidates = NULL;
	size_t to;

	for (size_t i = 0; i < n; i++)
		owner[i] = alone(&messages[i]) ? i : ORIGIN_NONE;
	for (size_t from = 0; from < n; from = to) {
		to = from + 1;
		if (alone(&messages[from]))
			continue;
		while (to < n && !alone(&messages[to]))
			to++;
		if (!candidates)
			candidates = reallocarray(NULL, 2 * n, sizeof(*candidates));
		if (!candidates)
			return -ENOMEM;
		assign_raced(messages, from, to, candidates, candidates + n, owner);
	}
	return 0;
}
