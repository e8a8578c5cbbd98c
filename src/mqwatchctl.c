/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mqwatchctl: looks into POSIX message queues, see mqwatchctl(1). */
#include <locale.h>

#include "ctl.h"

int main(int argc, char *argv[])
{
	struct ctl_args args;
	int r;

	setlocale(LC_ALL, "");
	r = ctl_parse(argc, argv, stderr, &args);
	if (r)
		return r;
	if (args.help)
		ctl_print_help(stdout, args.verb);
	else if (args.version)
		puts("mqwatchctl " MQWATCH_VERSION);
	else
		r = args.verb->run(&args, stdout);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		/* a reader that has seen enough is no error to speak of */
		if (errno != EPIPE)
			ctl_error("cannot write to standard output: %s", strerror(errno));
		return r ? r : CTL_FAILURE;
	}
	return r;
}
