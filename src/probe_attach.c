/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ways to be called when a call begins and ends. What a program is for, its section says:
 * "tracepoint/syscalls/EVENT", "fentry/FUNCTION" or "fexit/FUNCTION".
 */
#include <fcntl.h>

#include "probe_internal.h"
#include "symbols.h"
#include "tracefs.h"

#define TRACEPOINT "tracepoint/syscalls/"
#define FENTRY	   "fentry/"
#define FEXIT	   "fexit/"

#if defined(__x86_64__)
#define FUNCTION_PREFIX "__x64_"
#else
#define FUNCTION_PREFIX "__arm64_"
#endif

/* What follows prefix in a program's section, or NULL. */
static const char *target(const struct bpf_program *program, const char *prefix)
{
	const char *section = bpf_program__section_name(program);
	size_t size = strlen(prefix);

	return strncmp(section, prefix, size) == 0 ? section + size : NULL;
}

static const char *function_of(const struct bpf_program *program)
{
	return target(program, FENTRY) ?: target(program, FEXIT);
}

static bool is_exit(const struct bpf_program *program)
{
	const char *event = target(program, TRACEPOINT);

	return event ? strncmp(event, "sys_exit_", 9) == 0 : target(program, FEXIT) != NULL;
}

static int choose_tracepoints(struct probe *p)
{
	_cleanup_close_ int tracefs = tracefs_open();
	struct bpf_program *program;

	p->receive2 =
		tracefs >= 0 &&
		faccessat(tracefs, "events/syscalls/sys_enter_mq_timedreceive2", F_OK, 0) == 0;
	bpf_object__for_each_program(program, p->bpf->obj)
	{
		const char *event = target(program, TRACEPOINT);

		if (event)
			bpf_program__set_autoload(program,
						  p->receive2 || !strstr(event, "receive2"));
	}
	return 0;
}

struct functions {
	struct probe *probe;
	bool send, receive;
};

/* Chooses the programs for a function that the kernel has. */
static bool choose_function(const char *symbol, void *data)
{
	struct functions *f = data;
	struct bpf_program *program;

	if (strncmp(symbol, "__", 2) != 0 || !strstr(symbol, "_sys_mq_timed"))
		return true;
	bpf_object__for_each_program(program, f->probe->bpf->obj)
	{
		const char *function = function_of(program);

		if (function && strcmp(function, symbol) == 0)
			bpf_program__set_autoload(program, true);
	}
	if (strcmp(symbol, FUNCTION_PREFIX "sys_mq_timedsend") == 0)
		f->send = true;
	else if (strcmp(symbol, FUNCTION_PREFIX "sys_mq_timedreceive") == 0)
		f->receive = true;
	else if (strcmp(symbol, FUNCTION_PREFIX "sys_mq_timedreceive2") == 0)
		f->probe->receive2 = true;
	return true;
}

static int choose_functions(struct probe *p)
{
	_cleanup_close_ int tracefs = tracefs_open();
	struct functions found = {.probe = p};
	FILE *f;

	/* asked first, since loading takes long even in vain */
	if (tracefs >= 0 && faccessat(tracefs, "available_filter_functions", F_OK, 0) < 0) {
		snprintf(p->reason, sizeof(p->reason),
			 "this kernel cannot trace functions (CONFIG_DYNAMIC_FTRACE)");
		return -EOPNOTSUPP;
	}
	f = fopen(SYMBOLS_PATH, "re");
	if (!f) {
		snprintf(p->reason, sizeof(p->reason), "%s: %s", SYMBOLS_PATH, strerror(errno));
		return -errno;
	}
	p->receive2 = false;
	symbols_walk(f, choose_function, &found);
	fclose(f);
	if (found.send && found.receive)
		return 0;
	snprintf(p->reason, sizeof(p->reason),
		 "no functions " FUNCTION_PREFIX "sys_mq_timedsend and " FUNCTION_PREFIX
		 "sys_mq_timedreceive in " SYMBOLS_PATH);
	return -EOPNOTSUPP;
}

int probe_choose(struct probe *p)
{
	return p->mode == PROBE_FENTRY ? choose_functions(p) : choose_tracepoints(p);
}

static int attach_tracepoint(struct probe *p, int tracefs, struct bpf_program *program,
			     struct bpf_link **ret)
{
	const char *event = target(program, TRACEPOINT);
	struct bpf_link *link;
	int fd, r;

	fd = tracefs_open_event(tracefs, event);
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

static int attach_function(struct probe *p, struct bpf_program *program, struct bpf_link **ret)
{
	struct bpf_link *link = bpf_program__attach(program);
	int r = -errno;

	if (!link) {
		snprintf(p->reason, sizeof(p->reason), "attaching to %s() failed: %s",
			 function_of(program), strerror(-r));
		return r;
	}
	*ret = link;
	return 0;
}

/* Those of the probes that are loaded and are for exits, or that are not. */
static int attach_all(struct probe *p, int tracefs, bool exits)
{
	struct bpf_program *program;
	int r;

	bpf_object__for_each_program(program, p->bpf->obj)
	{
		bool at_event = target(program, TRACEPOINT);

		if (!bpf_program__autoload(program) || is_exit(program) != exits ||
		    (!at_event && !function_of(program)))
			continue;
		if (p->n_links == ARRAY_SIZE(p->links))
			return -E2BIG;
		r = at_event ? attach_tracepoint(p, tracefs, program, &p->links[p->n_links])
			     : attach_function(p, program, &p->links[p->n_links]);
		if (r < 0)
			return r;
		p->n_links++;
	}
	return 0;
}

/* Exits first: an exit without its entry is understood, an entry without its exit would linger. */
int probe_attach(struct probe *p)
{
	_cleanup_close_ int tracefs = -1;
	int r;

	if (p->mode == PROBE_TRACEPOINT) {
		tracefs = tracefs_open();
		if (tracefs < 0) {
			snprintf(p->reason, sizeof(p->reason),
				 "no tracefs (%s): mount -t tracefs tracefs /sys/kernel/tracing",
				 strerror(-tracefs));
			return tracefs;
		}
	}
	r = attach_all(p, tracefs, true);
	return r < 0 ? r : attach_all(p, tracefs, false);
}

void probe_detach(struct probe *p)
{
	while (p->n_links > 0)
		bpf_link__destroy(p->links[--p->n_links]);
}
