/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process: its command line, and whose it is by its cgroup. */
#ifndef MQWATCH_PROCESS_H
#define MQWATCH_PROCESS_H

#include "util.h"

#define PROCESS_TEXT_MAX 4096

/* "" where it is not known. */
struct process {
	char command[PROCESS_TEXT_MAX]; /* arguments with blanks between them; any bytes */
	char unit[256];			/* of systemd */
	char container[65];		/* 64 hexadecimal digits */
};

/* Numbers of processes that BPF programs tell are those that /proc has. */
bool process_numbers_global(void);

/*
 * Calls each() with the number of every process in /proc, until it returns other than 0, which is then the
 * result; else 0, or -errno when there is no /proc.
 */
int process_each(int (*each)(uint32_t pid, void *data), void *data);

/*
 * Of the process that had this number, in the initial PID namespace, at alive_ns (CLOCK_MONOTONIC):
 * -ESRCH when it is gone, or another one has its number.
 */
int process_read(uint32_t pid, uint64_t alive_ns, struct process *ret);

/* Only unit and container, of the process that has this number in /proc now. */
int process_read_cgroup(uint32_t pid, struct process *ret);

/* Sets unit and container from the text of /proc/PID/cgroup. Pure, for fuzzing. */
void process_parse_cgroup(const char *text, struct process *ret);

/* When the process began, in clock ticks since boot, from the text of /proc/PID/stat; -EINVAL. Pure. */
int process_parse_start(const char *text, uint64_t *ret);

#endif /* MQWATCH_PROCESS_H */
