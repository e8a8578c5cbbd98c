/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ways to be called when a call begins and ends. What a program is for, its section says:
 * "tracepoint/syscalls/EVENT", "fentry/FUNCTION" or "fexit/FUNCTION".
 */
#include <bpf/btf.h>
#include <fcntl.h>

#include "probe_internal.h"
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
		tracefs >= 0 && tracefs_has(tracefs, "events/syscalls/sys_enter_mq_timedreceive2");
	bpf_object__for_each_program(program, p->bpf->obj)
	{
		const char *event = target(program, TRACEPOINT);

		if (event)
			bpf_program__set_autoload(program,
						  p->receive2 || !strstr(event, "receive2"));
	}
	return 0;
}

/* Whether the kernel has it. Its type information says so; a service's sandbox may hide /proc/kallsyms. */
static bool has_function(const struct btf *btf, const char *function)
{
	return btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;
}

/* A program for type 1, which is no function: whoever may load such programs is told that it is invalid. */
static bool functions_denied(void)
{
	static const struct bpf_insn exit_0[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
						 {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = 1);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trial", "GPL", exit_0,
					       ARRAY_SIZE(exit_0), &options);

	return fd == -EPERM;
}

int probe_functions(char *reason, size_t size)
{
	_cleanup_close_ int tracefs = tracefs_open();

	if (tracefs >= 0 && !tracefs_has(tracefs, "available_filter_functions"))
		snprintf(reason, size,
			 "this kernel cannot trace functions (CONFIG_DYNAMIC_FTRACE)");
	else if (functions_denied())
		snprintf(reason, size, "programs on functions are not permitted");
	else
		return 0;
	return -EOPNOTSUPP;
}

static int choose_functions(struct probe *p)
{
	struct bpf_program *program;
	struct btf *btf;
	bool found;

	/* asked first, since loading takes long even in vain */
	if (probe_functions(p->reason, sizeof(p->reason)) < 0)
		return -EOPNOTSUPP;
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		snprintf(p->reason, sizeof(p->reason), "the kernel's types cannot be read: %s",
			 strerror(errno));
		return -errno;
	}
	found = has_function(btf, FUNCTION_PREFIX "sys_mq_timedsend") &&
		has_function(btf, FUNCTION_PREFIX "sys_mq_timedreceive");
	p->receive2 = has_function(btf, FUNCTION_PREFIX "sys_mq_timedreceive2");
	bpf_object__for_each_program(program, p->bpf->obj)
	{
		const char *function = function_of(program);

		if (function)
			bpf_program__set_autoload(program, has_function(btf, function));
	}
	btf__free(btf);
	if (found)
		return 0;
	snprintf(p->reason, sizeof(p->reason),
		 "no functions " FUNCTION_PREFIX "sys_mq_timedsend and " FUNCTION_PREFIX
		 "sys_mq_timedreceive in this kernel");
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
				 fd == -EACCES || fd == -EPERM
					 ? " (run with CAP_PERFMON; with CAP_SYS_ADMIN where "
					   "kernel.perf_event_paranoid is more than 2)"
					 : "");
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
