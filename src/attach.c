// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>

#include "attach.h"
#include "tracefs.h"

#define TRACEPOINT "tracepoint/syscalls/"
#define FENTRY	   "fentry/"
#define FEXIT	   "fexit/"

#if defined(__x86_64__)
#define FUNCTION_PREFIX "__x64_sys_"
#else
#define FUNCTION_PREFIX "__arm64_sys_"
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

/* What is for a call that not every kernel has. */
static bool is_optional(const char *name)
{
	return strstr(name, "mq_timedreceive2") != NULL;
}

static void choose_tracepoints(struct bpf_object *object)
{
	_cleanup_close_ int tracefs = tracefs_open();
	struct bpf_program *program;
	char path[128];

	bpf_object__for_each_program(program, object)
	{
		const char *event = target(program, TRACEPOINT);

		if (!event)
			continue;
		snprintf(path, sizeof(path), "events/syscalls/%s", event);
		bpf_program__set_autoload(program,
					  !is_optional(event) ||
						  (tracefs >= 0 && tracefs_has(tracefs, path)));
	}
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

int attach_permits_functions(char *reason, size_t size)
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

/* The one by which a call is entered as a rule, by programs of the kernel's own kind. */
static bool is_main(const char *function)
{
	return strncmp(function, FUNCTION_PREFIX, strlen(FUNCTION_PREFIX)) == 0 &&
	       !strstr(function, "time32") && !is_optional(function);
}

static int choose_functions(struct bpf_object *object, char *reason, size_t size)
{
	struct bpf_program *program;
	struct btf *btf;
	int r;

	/* asked first, since loading takes long even in vain */
	r = attach_permits_functions(reason, size);
	if (r < 0)
		return r;
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		r = -errno;
		snprintf(reason, size, "the kernel's types cannot be read: %s", strerror(-r));
		return r;
	}
	bpf_object__for_each_program(program, object)
	{
		const char *function = function_of(program);
		bool there = function && has_function(btf, function);

		if (!function)
			continue;
		bpf_program__set_autoload(program, there);
		if (!there && is_main(function)) {
			snprintf(reason, size, "no function %s() in this kernel", function);
			r = -EOPNOTSUPP;
		}
	}
	btf__free(btf);
	return r;
}

int attach_choose(struct bpf_object *object, enum probe_mode mode, char *reason, size_t size)
{
	if (mode == PROBE_FENTRY)
		return choose_functions(object, reason, size);
	choose_tracepoints(object);
	return 0;
}

static int attach_tracepoint(struct bpf_link **ret, struct bpf_program *program, int tracefs,
			     char *reason, size_t size)
{
	const char *event = target(program, TRACEPOINT);
	struct bpf_link *link;
	int fd, r;

	fd = tracefs_open_event(tracefs, event);
	if (fd < 0) {
		if (fd == -ENOENT)
			snprintf(reason, size,
				 "no tracepoint syscalls:%s: use a kernel with "
				 "CONFIG_FTRACE_SYSCALLS=y",
				 event);
		else
			snprintf(reason, size, "tracepoint syscalls:%s cannot be opened: %s%s",
				 event, strerror(-fd),
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
		snprintf(reason, size, "attaching to syscalls:%s failed: %s", event, strerror(-r));
		return r;
	}
	*ret = link;
	return 0;
}

static int attach_function(struct bpf_link **ret, struct bpf_program *program, char *reason,
			   size_t size)
{
	struct bpf_link *link = bpf_program__attach(program);
	int r = -errno;

	if (!link) {
		snprintf(reason, size, "attaching to %s() failed: %s", function_of(program),
			 strerror(-r));
		return r;
	}
	*ret = link;
	return 0;
}

/* Those that are loaded and are for exits, or that are not. */
static int attach_these(struct attached *a, struct bpf_object *object, int tracefs, bool exits,
			char *reason, size_t size)
{
	struct bpf_program *program;
	int r;

	bpf_object__for_each_program(program, object)
	{
		bool at_event = target(program, TRACEPOINT);

		if (!bpf_program__autoload(program) || is_exit(program) != exits ||
		    (!at_event && !function_of(program)))
			continue;
		if (a->n == ARRAY_SIZE(a->links))
			return -E2BIG;
		r = at_event ? attach_tracepoint(&a->links[a->n], program, tracefs, reason, size)
			     : attach_function(&a->links[a->n], program, reason, size);
		if (r < 0)
			return r;
		a->n++;
	}
	return 0;
}

/* Exits first: an exit without its entry is understood, an entry without its exit would linger. */
int attach(struct attached *a, struct bpf_object *object, enum probe_mode mode, char *reason,
	   size_t size)
{
	_cleanup_close_ int tracefs = -1;
	int r;

	if (mode == PROBE_TRACEPOINT) {
		tracefs = tracefs_open();
		if (tracefs < 0) {
			snprintf(reason, size,
				 "no tracefs (%s): mount -t tracefs tracefs /sys/kernel/tracing",
				 strerror(-tracefs));
			return tracefs;
		}
	}
	r = attach_these(a, object, tracefs, true, reason, size);
	return r < 0 ? r : attach_these(a, object, tracefs, false, reason, size);
}

void detach(struct attached *a)
{
	while (a->n > 0)
		bpf_link__destroy(a->links[--a->n]);
}
