// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads and attaches every program of a BPF object and keeps them until it is killed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char *argv[])
{
	struct bpf_object *object;
	struct bpf_program *program;

	if (argc != 2) {
		fputs("Usage: attach OBJECT.bpf.o\n", stderr);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object)) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program)) {
			fprintf(stderr, "%s: %s\n", bpf_program__name(program), strerror(errno));
			return 1;
		}
	}
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
