/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "log.h"
#include "mount.h"
#include "probe.h"
#include "probe.skel.h"

#define TRACEFS_MAGIC 0x74726163 /* linux/magic.h */

const char *const probe_mode_names[PROBE_MODES] = {
	[PROBE_AUTO] = "auto",
	[PROBE_TRACEPOINT] = "tracepoint",
	[PROBE_OFF] = "off",
};

const char *const probe_loss_names[PROBE_LOSSES] = {
	[PROBE_LOSS_QUEUES_FULL] = "queues_full",
	[PROBE_LOSS_UNKNOWN_DESCRIPTOR] = "unknown_descriptor",
	[PROBE_LOSS_TASK_STORAGE] = "task_storage",
	[PROBE_LOSS_CALL] = "call",
	[PROBE_LOSS_UNSEEN] = "unseen",
	[PROBE_LOSS_RECURSION] = "recursion",
};

struct probe {
	struct probe_skel *bpf;
	bool attached;
	char reason[256];
	size_t queues_max;
	struct mqw_queue *slots; /* the first mapped_slots of the queues map */
	size_t mapped_slots;
	uint64_t unseen_released; /* of slots that were released */
};

/* The trace file system's events/syscalls directory, wherever it is mounted, or a mount of our own. */
static int open_tracefs(void)
{
	static const char *const paths[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	struct statfs sfs;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstatfs(fd, &sfs) == 0 && sfs.f_type == TRACEFS_MAGIC)
			return fd;
		close(fd);
	}
	return mount_detached("tracefs");
}

static int open_tracepoint(int tracefs, const char *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
	};
	_cleanup_close_ int fd = -1;
	char path[128], text[32];
	uint64_t id;
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "events/syscalls/%s/id", event);
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	r = parse_u64(text, 0, UINT32_MAX, &id);
	if (r < 0)
		return r;
	attr.config = id;
	r = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return r < 0 ? -errno : r;
}

static int attach_one(struct probe *p, int tracefs, struct bpf_program *program, const char *event,
		      struct bpf_link **ret)
{
	struct bpf_link *link;
	int fd, r;

	fd = open_tracepoint(tracefs, event);
	if (fd < 0) {
		if (fd == -ENOENT)
			snprintf(p->reason, sizeof(p->reason),
				 "no tracepoint syscalls:%s: use a kernel with "
				 "CONFIG_FTRACE_SYSCALLS=y",
				 event);
		else
			snprintf(p->reason, sizeof(p->reason),
				 "tracepoint syscalls:%s cannot be opened: %s%s", event,
				 strerror(-fd),
				 fd == -EACCES || fd == -EPERM ? " (run with CAP_PERFMON)" : "");
		return fd;
	}
	link = bpf_program__attach_perf_event(program, fd);
	if (!link) {
		r = -errno;
		close(fd);
		snprintf(p->reason, sizeof(p->reason), "attaching to syscalls:%s failed: %s", event,
			 strerror(-r));
		return r;
	}
	*ret = link;
	return 0;
}

/* Exits first: an exit without its entry is understood, an entry without its exit would linger. */
static int attach(struct probe *p)
{
	_cleanup_close_ int tracefs = open_tracefs();
	struct probe_skel *bpf = p->bpf;
	int r;

	if (tracefs < 0) {
		snprintf(p->reason, sizeof(p->reason),
			 "no tracefs (%s): mount -t tracefs tracefs /sys/kernel/tracing",
			 strerror(-tracefs));
		return tracefs;
	}
	r = attach_one(p, tracefs, bpf->progs.exit_send, "sys_exit_mq_timedsend",
		       &bpf->links.exit_send);
	if (r == 0)
		r = attach_one(p, tracefs, bpf->progs.exit_receive, "sys_exit_mq_timedreceive",
			       &bpf->links.exit_receive);
	if (r == 0)
		r = attach_one(p, tracefs, bpf->progs.enter_send, "sys_enter_mq_timedsend",
			       &bpf->links.enter_send);
	if (r == 0)
		r = attach_one(p, tracefs, bpf->progs.enter_receive, "sys_enter_mq_timedreceive",
			       &bpf->links.enter_receive);
	if (r < 0)
		return r;
	bpf->links.list_calls = bpf_program__attach_iter(bpf->progs.list_calls, NULL);
	if (!bpf->links.list_calls)
		log_warning_errno(-errno, "Calls under way cannot be listed, ignoring: %m");
	return 0;
}

static int load(struct probe *p)
{
	const char *missing = bpf_missing();
	int r;

	if (missing) {
		snprintf(p->reason, sizeof(p->reason), "%s", missing);
		return -EOPNOTSUPP;
	}
	bpf_log_to_debug();
	p->bpf = probe_skel__open();
	if (!p->bpf)
		return -errno;
	p->bpf->rodata->queues_max = p->queues_max;
	r = bpf_map__set_max_entries(p->bpf->maps.queues, p->queues_max);
	if (r == 0)
		r = bpf_map__set_max_entries(p->bpf->maps.slots, p->queues_max);
	if (r == 0)
		r = bpf_map__set_max_entries(p->bpf->maps.free_slots, p->queues_max);
	if (r == 0)
		r = probe_skel__load(p->bpf);
	if (r < 0)
		bpf_explain_load(r, p->reason, sizeof(p->reason));
	return r;
}

int probe_new(struct probe **ret, enum probe_mode mode, size_t queues_max)
{
	_cleanup_(probe_freep) struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->queues_max = queues_max;
	if (mode == PROBE_OFF)
		snprintf(p->reason, sizeof(p->reason), "switched off by the configuration");
	else
		p->attached = load(p) == 0 && attach(p) == 0;
	if (!p->attached && p->bpf) {
		probe_skel__destroy(p->bpf);
		p->bpf = NULL;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	if (p->slots)
		munmap(p->slots, p->mapped_slots * sizeof(*p->slots));
	probe_skel__destroy(p->bpf);
	free(p);
}

bool probe_attached(const struct probe *p)
{
	return p->attached;
}

const char *probe_mode_name(const struct probe *p)
{
	return probe_mode_names[p->attached ? PROBE_TRACEPOINT : PROBE_OFF];
}

const char *probe_reason(const struct probe *p)
{
	return p->attached ? NULL : p->reason;
}

int probe_queues_fd(const struct probe *p)
{
	return p->bpf ? bpf_map__fd(p->bpf->maps.queues) : -1;
}

int probe_slots_fd(const struct probe *p)
{
	return p->bpf ? bpf_map__fd(p->bpf->maps.slots) : -1;
}

/* Maps only what is used: all pages of a mapping of the array count as resident at once. */
static int map_slots(struct probe *p, size_t n)
{
	size_t grown = p->mapped_slots ? p->mapped_slots : 64;
	void *m;

	while (grown < n)
		grown *= 2;
	if (grown > p->queues_max)
		grown = p->queues_max;
	m = mmap(NULL, grown * sizeof(*p->slots), PROT_READ | PROT_WRITE, MAP_SHARED,
		 probe_queues_fd(p), 0);
	if (m == MAP_FAILED)
		return -errno;
	if (p->slots)
		munmap(p->slots, p->mapped_slots * sizeof(*p->slots));
	p->slots = m;
	p->mapped_slots = grown;
	return 0;
}

size_t probe_slots(struct probe *p)
{
	size_t n;
	int r;

	if (!p->attached)
		return 0;
	n = __atomic_load_n(&p->bpf->bss->next_slot, __ATOMIC_ACQUIRE);
	if (n > p->queues_max)
		n = p->queues_max;
	if (n > p->mapped_slots) {
		r = map_slots(p, n);
		if (r < 0) {
			log_warning_errno(r, "Some of the probes' counters cannot be read: %m");
			n = p->mapped_slots;
		}
	}
	return n;
}

const struct mqw_queue *probe_slot(const struct probe *p, size_t i)
{
	const struct mqw_queue *q = &p->slots[i];

	return __atomic_load_n(&q->key.ino, __ATOMIC_ACQUIRE) ? q : NULL;
}

int probe_retire_slot(struct probe *p, size_t i)
{
	struct mqw_key key = p->slots[i].key;

	__atomic_store_n(&p->slots[i].retired, 1, __ATOMIC_RELEASE);
	return bpf_map_delete_elem(probe_slots_fd(p), &key) < 0 ? -errno : 0;
}

int probe_release_slot(struct probe *p, size_t i)
{
	uint32_t slot = i;

	p->unseen_released += p->slots[i].unseen;
	memset(&p->slots[i], 0, sizeof(p->slots[i]));
	return bpf_map_update_elem(bpf_map__fd(p->bpf->maps.free_slots), NULL, &slot, BPF_ANY) < 0
		       ? -errno
		       : 0;
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
			unseen += p->slots[i].unseen;
		return unseen;
	case PROBE_LOSS_RECURSION:
		return recursion_misses(p);
	default:
		return p->bpf->bss->losses[reason];
	}
}

int probe_calls(struct probe *p, struct mqw_call **ret, size_t *ret_n)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = 0, capacity = 0;
	ssize_t n;

	if (!p->attached || !p->bpf->links.list_calls)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(p->bpf->links.list_calls));
	if (fd < 0)
		return -errno;
	do {
		if (capacity - size < 4096) {
			char *grown = realloc(data, capacity + 16384);

			if (!grown)
				return -ENOMEM;
			data = grown;
			capacity += 16384;
		}
		n = read(fd, data + size, capacity - size);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			size += n;
	} while (n != 0);
	*ret = (struct mqw_call *)TAKE_PTR(data);
	*ret_n = size / sizeof(**ret);
	return 0;
}
