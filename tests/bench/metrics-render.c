// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * metrics-render [QUEUES [ROUNDS]]: CPU time to render the metrics page of so many queues. The first round
 * takes fresh memory from the kernel, as a daemon's first scrape does.
 */
#include <inttypes.h>
#include <time.h>

#include "../unit/fake-table.h"

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static size_t count_series(const struct text *page)
{
	size_t n = 0;

	for (size_t i = 0; i < page->size; i++)
		n += page->data[i] == '\n' && (i + 1 == page->size || page->data[i + 1] != '#');
	return n;
}

int main(int argc, char *argv[])
{
	uint64_t n = 256, rounds = 200, begin, took, first = 0, best = UINT64_MAX;
	struct table table;
	const struct metrics_input input = {.table = &table,
					    .status = &fake_status,
					    .realtime_offset_ns = 1763940000 * NSEC_PER_SEC,
					    .quota = &fake_quota,
					    .scrape_ns = 1};
	size_t series = 0, size = 0;

	if ((argc > 1 && parse_u64(argv[1], 1, 65536, &n) < 0) ||
	    (argc > 2 && parse_u64(argv[2], 1, 1000000, &rounds) < 0)) {
		fputs("Usage: metrics-render [QUEUES [ROUNDS]]\n", stderr);
		return 2;
	}
	table = (struct table){.n = n, .queues = calloc(n, sizeof(struct queue))};
	if (!table.queues)
		return 1;
	for (uint64_t i = 0; i < n; i++) {
		char name[40];

		snprintf(name, sizeof(name), "bench-queue-%" PRIu64, i);
		fake_queue(&table.queues[i], 4026531839, name);
		for (int e = MQW_EINTR; e < MQW_ERRORS; e++) {
			table.queues[i].counters->op[MQW_SEND].errors[e] = 0;
			table.queues[i].counters->op[MQW_RECEIVE].errors[e] = 0;
		}
	}
	for (uint64_t i = 0; i < rounds; i++) {
		struct text page = {};

		begin = cpu_ns();
		metrics_render(&page, &input);
		took = cpu_ns() - begin;
		first = i == 0 ? took : first;
		best = took < best ? took : best;
		if (page.failed)
			return 1;
		series = count_series(&page);
		size = page.size;
		text_free(&page);
	}
	printf("%" PRIu64
	       " queues, %zu series, %zu bytes: %.1f ns per series, %.3f ms; first %.3f ms\n",
	       n, series, size, (double)best / (double)series, (double)best / 1e6,
	       (double)first / 1e6);
	free(table.queues);
	return 0;
}
