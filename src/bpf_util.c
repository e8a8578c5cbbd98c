/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "log.h"
#include "util.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static int print_debug(enum libbpf_print_level level, const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	(void)level;
	if (log_max_priority() < LOG_DEBUG)
		return 0;
	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
		return 0;
	}
	/* what the verifier has to say is one message of many lines */
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_debug("%s", line);
	return 0;
}

void bpf_log_to_debug(void)
{
	libbpf_set_print(print_debug);
}

const char *bpf_missing(void)
{
	char magic[2];
	FILE *f;
	size_t n;

	f = fopen(KERNEL_BTF, "re");
	n = f ? fread(magic, 1, sizeof(magic), f) : 0;
	if (f)
		fclose(f);
	if (n < sizeof(magic))
		return "the kernel shows no type information in " KERNEL_BTF
		       ": use a kernel built with CONFIG_DEBUG_INFO_BTF=y";
	return NULL;
}

int bpf_begin(char *reason, size_t size)
{
	const char *missing = bpf_missing();

	if (missing) {
		snprintf(reason, size, "%s", missing);
		return -EOPNOTSUPP;
	}
	bpf_log_to_debug();
	return 0;
}

/* A mapping is made of whole pages. */
static size_t mapped_size(struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t value = (bpf_map__value_size(map) + 7) & ~7UL;

	return (value * bpf_map__max_entries(map) + page - 1) / page * page;
}

void *bpf_map_array(struct bpf_map *map)
{
	void *m = mmap(NULL, mapped_size(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map),
		       0);

	return m == MAP_FAILED ? NULL : m;
}

void bpf_unmap_array(struct bpf_map *map, void *values)
{
	if (values)
		munmap(values, mapped_size(map));
}

int bpf_run(struct bpf_program *program, void *context, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = size);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) < 0 ? -errno
									      : (int)options.retval;
}

int bpf_read_iterator(struct bpf_link *link, void **ret, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	size_t size = 0, capacity = 0;
	ssize_t n;

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
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

void bpf_explain_load(int error, char *reason, size_t size)
{
	if (error == -EPERM || error == -EACCES)
		snprintf(reason, size,
			 "loading BPF programs is not permitted: run with CAP_BPF and CAP_PERFMON");
	else
		snprintf(reason, size,
			 "loading BPF programs failed: %s (details with --log.level=debug)",
			 strerror(-error));
}
