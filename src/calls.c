// SPDX-License-Identifier: GPL-2.0-or-later
#include "calls.h"

/* A sleep whose beginning nobody saw. */
struct sighting {
	struct mqw_sleeper sleeper;
	uint64_t first_ns;
};

struct calls {
	struct sighting *seen;
	size_t n_seen;
};

int calls_new(struct calls **ret)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*ret = c;
	return 0;
}

void calls_free(struct calls *c)
{
	if (!c)
		return;
	free(c->seen);
	free(c);
}

static int compare_calls(const void *a, const void *b)
{
	const struct open_call *x = a, *y = b;
	int c = openers_compare_keys(&x->call.key, &y->call.key);

	if (c)
		return c;
	return x->call.start_ns < y->call.start_ns ? -1 : x->call.start_ns > y->call.start_ns;
}

static int compare_tids(const void *a, const void *b)
{
	const struct mqw_call *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static bool same_sleep(const struct mqw_sleeper *a, const struct mqw_sleeper *b)
{
	return a->tid == b->tid && a->switches == b->switches && a->op == b->op &&
	       openers_compare_keys(&a->key, &b->key) == 0;
}

/* When the sleep was first seen, 0: never. Few are seen: most calls begin under the probes' eyes. */
static uint64_t first_seen(const struct calls *c, const struct mqw_sleeper *s)
{
	for (size_t i = 0; i < c->n_seen; i++)
		if (same_sleep(&c->seen[i].sleeper, s))
			return c->seen[i].first_ns;
	return 0;
}

static struct open_call call_of_sleeper(const struct mqw_sleeper *s, uint64_t first_ns)
{
	struct open_call o = {
		.call = {.key = s->key,
			 .start_ns = first_ns,
			 .pid = s->pid,
			 .tid = s->tid,
			 .op = s->op},
		.at_least = true,
		.asleep = true,
	};

	memcpy(o.call.comm, s->comm, sizeof(o.call.comm));
	return o;
}

int calls_merge(struct calls *c, uint64_t now, const struct mqw_call *under_way, size_t n,
		const struct mqw_sleeper *sleepers, size_t n_sleepers, struct open_call **ret,
		size_t *ret_n)
{
	_cleanup_free_ struct open_call *all = calloc(n + n_sleepers + 1, sizeof(*all));
	_cleanup_free_ struct sighting *seen = calloc(n_sleepers + 1, sizeof(*seen));
	_cleanup_free_ struct mqw_call *by_tid = calloc(n + 1, sizeof(*by_tid));
	size_t n_all = n, n_seen = 0;

	if (!all || !seen || !by_tid)
		return -ENOMEM;
	if (n) {
		memcpy(by_tid, under_way, n * sizeof(*by_tid));
		qsort(by_tid, n, sizeof(*by_tid), compare_tids);
	}
	for (size_t i = 0; i < n; i++)
		all[i].call = by_tid[i];
	for (size_t i = 0; i < n_sleepers; i++) {
		const struct mqw_sleeper *s = &sleepers[i];
		uint64_t first_ns;
		const struct mqw_call *known = bsearch(&(struct mqw_call){.tid = s->tid}, by_tid, n,
						       sizeof(*by_tid), compare_tids);

		if (known && known->op == s->op &&
		    openers_compare_keys(&known->key, &s->key) == 0) {
			all[known - by_tid].asleep = true;
			continue;
		}
		first_ns = first_seen(c, s);
		seen[n_seen++] = (struct sighting){*s, first_ns ? first_ns : now};
		if (first_ns || !under_way)
			all[n_all++] = call_of_sleeper(s, first_ns ? first_ns : now);
	}
	if (n_all)
		qsort(all, n_all, sizeof(*all), compare_calls);
	free(c->seen);
	c->seen = TAKE_PTR(seen);
	c->n_seen = n_seen;
	*ret = TAKE_PTR(all);
	*ret_n = n_all;
	return 0;
}

int calls_read(struct calls *c, struct probe *probe, struct openers *openers,
	       struct open_call **ret, size_t *ret_n)
{
	_cleanup_free_ struct mqw_call *under_way = NULL;
	_cleanup_free_ struct mqw_sleeper *sleepers = NULL;
	size_t n = 0, n_sleepers = 0;
	int asleep = openers_sleepers(openers, &sleepers, &n_sleepers);
	int r = probe_calls(probe, &under_way, &n);

	if (r < 0 && asleep < 0)
		return r;
	r = calls_merge(c, clock_ns(CLOCK_MONOTONIC), under_way, n, sleepers, n_sleepers, ret,
			ret_n);
	/* without the kernel's word what is under way counts as asleep */
	for (size_t i = 0; r == 0 && asleep < 0 && i < *ret_n; i++)
		(*ret)[i].asleep = true;
	return r;
}

const struct open_call *calls_of(const struct open_call *calls, size_t n, const struct mqw_key *key,
				 size_t *ret_n)
{
	return openers_range(calls, n, sizeof(*calls), key, ret_n);
}

uint64_t calls_oldest(const struct open_call *calls, size_t n, enum mqw_op op)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < n; i++)
		if (calls[i].asleep && calls[i].call.op == op &&
		    (!oldest || calls[i].call.start_ns < oldest))
			oldest = calls[i].call.start_ns;
	return oldest;
}
