/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the users of BPF objects share: libbpf's messages, detached mounts, reasons for failure. */
#ifndef MQWATCH_BPF_UTIL_H
#define MQWATCH_BPF_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* libbpf's messages go to our log, at debug priority: the caller reports failure in its own words. */
void bpf_log_to_debug(void);

/* NULL where BPF programs can be expected to load, else a line that says what is missing. */
const char *bpf_missing(void);

/* Before a load: 0 and libbpf's messages go to the log, or -EOPNOTSUPP and reason says what is missing. */
int bpf_begin(char *reason, size_t size);

struct bpf_link;

/* All that a task iterator writes; the caller frees *ret. */
int bpf_read_iterator(struct bpf_link *link, void **ret, size_t *ret_size);

struct bpf_map;

/* The values of an array that can be mapped, or NULL; and the end of it, NULL is allowed. */
void *bpf_map_array(struct bpf_map *map);
void bpf_unmap_array(struct bpf_map *map, void *values);

struct bpf_program;

/* Runs a program of type "syscall", which reads and writes the context: its return value, or -errno if it could not run. */
int bpf_run(struct bpf_program *program, void *context, size_t size);

/* One line for a failed load (error is -errno) that names the remedy, into reason. */
void bpf_explain_load(int error, char *reason, size_t size);

#endif /* MQWATCH_BPF_UTIL_H */
