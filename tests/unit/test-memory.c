// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "memory.h"
#include "util.h"

/* A private mapping of a file with this text, open for writing. */
static char *map_file(const char *text)
{
	FILE *f = tmpfile();
	char *m;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fflush(f) == 0);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(f), 0);
	assert_ptr_not_equal(m, MAP_FAILED);
	fclose(f);
	return m;
}

static bool resident(char *m)
{
	char line[512];
	uintptr_t start;
	bool found = false;
	uint64_t rss = 0;
	FILE *f = fopen("/proc/self/smaps", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-'))
			found = start == (uintptr_t)m;
		else if (found && sscanf(line, "Rss: %lu", &rss) == 1)
			break;
	}
	fclose(f);
	return rss;
}

static void test_clean_pages_go_and_come_back(void **state)
{
	char *m = map_file("clean");

	assert_int_equal(mprotect(m, 4096, PROT_READ), 0);
	assert_string_equal(m, "clean");
	assert_true(resident(m));
	memory_trim();
	assert_false(resident(m));
	assert_string_equal(m, "clean");
	munmap(m, 4096);
}

/* As relocation leaves them. */
static void test_changed_pages_stay(void **state)
{
	char *m = map_file("clean");

	strcpy(m, "changed");
	assert_int_equal(mprotect(m, 4096, PROT_READ), 0);
	memory_trim();
	assert_string_equal(m, "changed");
	munmap(m, 4096);
}

static void test_blocks_go_back(void **state)
{
	size_t mapped;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* the sanitizer's allocator has no such settings */
#endif
	memory_give_back_blocks();
	mapped = mallinfo2().hblkhd;
	for (int i = 0; i < 3; i++) {
		char *block = malloc(3 * 1024 * 1024);

		assert_non_null(block);
		block[0] = 1;
		assert_true(mallinfo2().hblkhd > mapped);
		free(block);
		assert_int_equal(mallinfo2().hblkhd, mapped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_pages_go_and_come_back),
		cmocka_unit_test(test_changed_pages_stay),
		cmocka_unit_test(test_blocks_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
