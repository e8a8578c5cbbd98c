/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <malloc.h>
#include <sys/mman.h>

#include "memory.h"
#include "util.h"

#define BLOCK_SIZE (128 * 1024)
#define HUGE_PAGE  ((size_t)2 * 1024 * 1024)
#define START_SIZE (32 * 1024 * 1024) /* glibc's greatest threshold, DEFAULT_MMAP_THRESHOLD_MAX */

void memory_keep_blocks(void)
{
	mallopt(M_MMAP_THRESHOLD, START_SIZE);
	mallopt(M_TRIM_THRESHOLD, START_SIZE);
}

void memory_give_back_blocks(void)
{
	/* set, as the default grows with the blocks that are freed: one metrics page, and all are kept */
	mallopt(M_MMAP_THRESHOLD, BLOCK_SIZE);
	mallopt(M_TRIM_THRESHOLD, BLOCK_SIZE);
}

void *memory_block(size_t size)
{
	void *block;

	if (size < HUGE_PAGE / 2)
		return malloc(size);
	size = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	block = aligned_alloc(HUGE_PAGE, size);
	if (block)
		madvise(block, size, MADV_HUGEPAGE);
	return block;
}

struct mapping {
	uintptr_t start, end;
	bool file; /* of a file, and not to be written */
};

static bool parse_mapping(const char *line, struct mapping *ret)
{
	uintptr_t start, end;
	uint64_t inode;
	char mode[5];

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %" SCNu64, &start, &end, mode,
		   &inode) != 4)
		return false;
	*ret = (struct mapping){
		.start = start,
		.end = end,
		.file = inode && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p',
	};
	return true;
}

/*
 * Starting runs through much code once: dynamic linking, loading BPF programs, name services. What is used
 * again comes back from the page cache. Pages that were written to, by relocation or a debugger, are no longer
 * the file's and must stay.
 */
static void drop_file_pages(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	struct mapping m = {};
	char line[512];
	uint64_t own;

	while (f && fgets(line, sizeof(line), f)) {
		if (parse_mapping(line, &m))
			continue;
		if (m.file && sscanf(line, "Anonymous: %" SCNu64, &own) == 1 && own == 0)
			madvise((void *)m.start, m.end - m.start, MADV_DONTNEED);
	}
	if (f)
		fclose(f);
}

void memory_trim(void)
{
	malloc_trim(0);
	drop_file_pages();
}
