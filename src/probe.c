/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf_util.h"
#include "log.h"
#include "probe_internal.h"

/* Priorities that a queue uses, on average; most use one or a few. */
#define LEVELS_PER_QUEUE 4

/* One chunk of records in so many is at hand, beside its level, where it takes memory, used or not. */
#define NEAR_SHARE 32

const char *const probe_mode_names[PROBE_MODES] = {
	[PROBE_AUTO] = "auto",
	[PROBE_FENTRY] = "fentry",
	[PROBE_TRACEPOINT] = "tracepoint",
	[PROBE_OFF] = "off",
};

const char *const probe_loss_names[PROBE_LOSSES] = {
	[PROBE_LOSS_QUEUES_FULL] = "queues_full",
	[PROBE_LOSS_UNKNOWN_DESCRIPTOR] = "unknown_descriptor",
	[PROBE_LOSS_TASK_STORAGE] = "task_storage",
	[PROBE_LOSS_CALL] = "call",
	[PROBE_LOSS_RECORD] = "record",
	[PROBE_LOSS_UNSEEN] = "unseen",
	[PROBE_LOSS_RECURSION] = "recursion",
};

/* How many levels have chunks at hand. */
static size_t near_levels(size_t chunks_max, size_t levels_max)
{
	size_t n = chunks_max / NEAR_SHARE / MQW_NEAR;

	if (n > levels_max)
		n = levels_max;
	return n ? n : 1;
}

static int size_maps(struct probe *p, size_t records_max)
{
	const size_t chunks_max = records_max / MQW_CHUNK_SIZE;
	const struct {
		struct bpf_map *map;
		size_t entries;
	} sizes[] = {
		{p->bpf->maps.queues, p->queues_max},
		{p->bpf->maps.queue_index, p->queues_max},
		{p->bpf->maps.free_slots, p->queues_max},
		{p->bpf->maps.levels, p->levels_max},
		{p->bpf->maps.level_index, p->levels_max},
		{p->bpf->maps.free_levels, p->levels_max},
		{p->bpf->maps.near_levels, near_levels(chunks_max, p->levels_max)},
		{p->bpf->maps.far_chunks, chunks_max - chunks_max / NEAR_SHARE + 1},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && r == 0; i++)
		r = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
	return r;
}

/* A jiffy, which is what the coarse clocks resolve: posix_get_coarse_res() in kernel/time/posix-timers.c. */
static uint64_t tick_ns(void)
{
	struct timespec tick = {};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (uint64_t)tick.tv_sec * NSEC_PER_SEC + (uint64_t)tick.tv_nsec;
}

static bool has_receive2(const struct probe *p)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, p->bpf->obj)
	{
		if (bpf_program__autoload(program) &&
		    strstr(bpf_program__section_name(program), "mq_timedreceive2"))
			return true;
	}
	return false;
}

static int load(struct probe *p, size_t records_max)
{
	int r;

	p->bpf = probe_skel__open();
	if (!p->bpf)
		return -errno;
	p->bpf->rodata->queues_max = p->queues_max;
	p->bpf->rodata->levels_max = p->levels_max;
	p->bpf->rodata->tick_ns = tick_ns();
	r = attach_choose(p->bpf->obj, p->mode, p->reason, sizeof(p->reason));
	if (r < 0)
		return r;
	p->receive2 = has_receive2(p);
	r = size_maps(p, records_max);
	if (r == 0)
		r = probe_skel__load(p->bpf);
	if (r == 0)
		r = bpf_run(p->bpf->progs.introduce, NULL, 0);
	if (r < 0)
		bpf_explain_load(r, p->reason, sizeof(p->reason));
	return r;
}

static void unload(struct probe *p)
{
	detach(&p->attached_to);
	probe_skel__destroy(p->bpf);
	p->bpf = NULL;
}

static int start(struct probe *p, enum probe_mode mode, size_t records_max)
{
	int r;

	p->mode = mode;
	r = load(p, records_max);
	if (r == 0)
		r = attach(&p->attached_to, p->bpf->obj, mode, p->reason, sizeof(p->reason));
	if (r < 0) {
		unload(p);
		return r;
	}
	p->start_ns = clock_ns(CLOCK_MONOTONIC);
	p->bpf->links.list_calls = bpf_program__attach_iter(p->bpf->progs.list_calls, NULL);
	if (!p->bpf->links.list_calls)
		log_warning_errno(-errno, "Calls under way cannot be listed, ignoring: %m");
	return 0;
}

/* Functions, since they cost other calls nothing and see 32-bit callers; else tracepoints. */
static int start_best(struct probe *p, size_t records_max)
{
	int r = start(p, PROBE_FENTRY, records_max);

	if (r == 0)
		return 0;
	snprintf(p->note, sizeof(p->note), "no fentry: %s", p->reason);
	return start(p, PROBE_TRACEPOINT, records_max);
}

int probe_new(struct probe **ret, enum probe_mode mode, size_t queues_max, size_t records_max)
{
	_cleanup_(probe_freep) struct probe *p = calloc(1, sizeof(*p));
	const char *missing;
	int r;

	if (!p)
		return -ENOMEM;
	p->queues_max = queues_max;
	p->levels_max = LEVELS_PER_QUEUE * queues_max;
	missing = mode == PROBE_OFF ? "switched off by the configuration" : bpf_missing();
	if (missing) {
		snprintf(p->reason, sizeof(p->reason), "%s", missing);
	} else {
		bpf_log_to_debug();
		r = mode == PROBE_AUTO ? start_best(p, records_max) : start(p, mode, records_max);
		p->attached = r == 0;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	probe_unmap_slots(p);
	unload(p);
	free(p);
}

bool probe_attached(const struct probe *p)
{
	return p->attached;
}

bool probe_sees_peeks(const struct probe *p)
{
	return p->attached && p->receive2;
}

enum probe_mode probe_mode(const struct probe *p)
{
	return p->attached ? p->mode : PROBE_OFF;
}

const char *probe_mode_name(const struct probe *p)
{
	return probe_mode_names[probe_mode(p)];
}

const char *probe_reason(const struct probe *p)
{
	return p->attached ? NULL : p->reason;
}

const char *probe_note(const struct probe *p)
{
	return p->attached && *p->note ? p->note : NULL;
}

int probe_map_fd(const struct probe *p, enum probe_map map)
{
	if (!p->attached)
		return -1;
	switch (map) {
	case PROBE_MAP_QUEUES:
		return bpf_map__fd(p->bpf->maps.queues);
	case PROBE_MAP_QUEUE_INDEX:
		return bpf_map__fd(p->bpf->maps.queue_index);
	case PROBE_MAP_LEVELS:
		return bpf_map__fd(p->bpf->maps.levels);
	case PROBE_MAP_LEVEL_INDEX:
		return bpf_map__fd(p->bpf->maps.level_index);
	case PROBE_MAP_NEAR_LEVELS:
		return bpf_map__fd(p->bpf->maps.near_levels);
	case PROBE_MAP_FAR_CHUNKS:
		return bpf_map__fd(p->bpf->maps.far_chunks);
	default:
		return -1;
	}
}

uint64_t probe_unused_since_ns(const struct probe *p, uint64_t listed_ns)
{
	uint64_t since;

	if (!p->attached || p->bpf->bss->losses[MQW_LOSS_QUEUES_FULL])
		return 0;
	/* slots that were released since then were of other queues */
	since = p->released_ns < listed_ns ? p->released_ns : listed_ns;
	return since > p->start_ns ? since : p->start_ns;
}

static uint64_t recursion_misses(const struct probe *p)
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, p->bpf->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
}

uint64_t probe_losses(struct probe *p, enum probe_loss reason)
{
	uint64_t unseen = p->unseen_released;
	size_t n;

	if (!p->attached)
		return 0;
	switch (reason) {
	case PROBE_LOSS_UNSEEN:
		n = probe_slots(p);
		for (size_t i = 0; i < n; i++)
			unseen += ((struct mqw_queue *)p->queues.base)[i].unseen;
		return unseen;
	case PROBE_LOSS_RECURSION:
		return recursion_misses(p);
	default:
		return p->bpf->bss->losses[reason];
	}
}

int probe_calls(struct probe *p, struct mqw_call **ret, size_t *ret_n)
{
	void *data;
	size_t size;
	int r;

	if (!p->attached || !p->bpf->links.list_calls)
		return -EOPNOTSUPP;
	r = bpf_read_iterator(p->bpf->links.list_calls, &data, &size);
	if (r < 0)
		return r;
	*ret = data;
	*ret_n = size / sizeof(**ret);
	return 0;
}
