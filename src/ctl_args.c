/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one table of verbs, one table of options for each. */
#include <getopt.h>
#include <limits.h>

#include "../bpf/mqwatch.h"
#include "ctl.h"
#include "name.h"

enum ctl_option_id {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_JSON,
	OPT_SOCKET,
	OPT_IPCNS,
	OPT_PID,
	OPT_OUTPUT,
	OPT_SORT,
	OPT_NOHEADINGS,
	OPT_ORPHANS,
	OPT_FORMAT,
	OPT_LIMIT,
	OPT_BYTES,
	OPT_NO_PAYLOAD,
	OPT_FORCE,
	OPT_INODE,
};

struct ctl_option {
	const char *name;
	char letter;	      /* '\0': only a long one */
	const char *argument; /* NULL: takes none */
	const char *help;
	enum ctl_option_id id;
};

#define OPTIONS_MAX  16
#define MESSAGES_MAX 65536 /* HARD_MSGMAX in the kernel: no queue holds more */

const char *const ctl_format_names[] = {
	[CTL_FORMAT_TABLE] = "table",
	[CTL_FORMAT_HEX] = "hex",
	[CTL_FORMAT_TEXT] = "text",
	[CTL_FORMAT_RAW] = "raw",
};
static_assert(ARRAY_SIZE(ctl_format_names) == CTL_FORMATS, "a format without a name");

static const struct ctl_option global_options[] = {
	{"json", 'J', NULL, "print the JSON document instead of text for people", OPT_JSON},
	{"socket", '\0', "PATH", "the daemon's control socket", OPT_SOCKET},
	{"ipcns", '\0', "N", "the IPC namespace, by its inode number", OPT_IPCNS},
	{"pid", 'p', "PID", "the IPC namespace of this process", OPT_PID},
	{"help", 'h', NULL, "show help, of the verb if one is given", OPT_HELP},
	{"version", 'V', NULL, "show the version", OPT_VERSION},
};

static const struct ctl_option list_options[] = {
	{"output", 'o', "LIST", "columns to show, separated by commas", OPT_OUTPUT},
	{"sort", 'x', "COLUMN", "sort by a column, -COLUMN from high to low", OPT_SORT},
	{"noheadings", 'n', NULL, "do not print the line of headings", OPT_NOHEADINGS},
	{"orphans", '\0', NULL, "only queues that no process has open", OPT_ORPHANS},
};

#define INODE_OPTION                                                                              \
	{                                                                                         \
		"inode", 'i', "N", "of this name the one with this inode: list --json", OPT_INODE \
	}

static const struct ctl_option queue_options[] = {INODE_OPTION};

static const struct ctl_option dump_options[] = {
	INODE_OPTION,
	{"format", 'f', "FORMAT", "table (the default), hex, text or raw", OPT_FORMAT},
	{"limit", 'l', "N", "at most the first N messages", OPT_LIMIT},
	{"bytes", 'b', "N", "at most N bytes of each payload; K, M and G mean powers of 1024",
	 OPT_BYTES},
	{"no-payload", '\0', NULL, "priorities, sizes, ages and senders only", OPT_NO_PAYLOAD},
	{"force", '\0', NULL, "write raw payloads even to a terminal", OPT_FORCE},
};

static const struct ctl_verb verbs[] = {
	{
		.name = "list",
		.summary = "list the queues",
		.options = list_options,
		.n_options = ARRAY_SIZE(list_options),
		.namespaced = true,
		.run = ctl_list,
	},
	{
		.name = "show",
		.operand = "QUEUE",
		.summary = "everything known of one queue: limits, counters, call times, blocked "
			   "calls",
		.options = queue_options,
		.n_options = ARRAY_SIZE(queue_options),
		.namespaced = true,
		.run = ctl_show,
	},
	{
		.name = "dump",
		.operand = "QUEUE",
		.summary = "show the messages in a queue without receiving them",
		.text = "Formats:\n"
			"  table  priority, size, age and sender of each message, then its payload "
			"as\n"
			"         hexdump -C shows it (1024 bytes of it unless --bytes says "
			"otherwise)\n"
			"  hex    the payloads as hexdump -C shows them\n"
			"  text   one line per payload, control characters escaped\n"
			"  raw    the bytes of the payloads, one after the other\n"
			"With --json there is no format to choose.\n",
		.options = dump_options,
		.n_options = ARRAY_SIZE(dump_options),
		.namespaced = true,
		.run = ctl_dump,
	},
	{
		.name = "who",
		.operand = "QUEUE",
		.summary = "who has a queue open, who waits in it, who is to be notified",
		.options = queue_options,
		.n_options = ARRAY_SIZE(queue_options),
		.namespaced = true,
		.run = ctl_who,
	},
	{
		.name = "limits",
		.summary = "how much of the kernel's limits is used, and what to raise",
		.run = ctl_limits,
	},
	{
		.name = "stalls",
		.operand = "[ID]",
		.summary = "list the queues that got stuck, or show one record",
		.run = ctl_stalls,
	},
	{
		.name = "status",
		.summary = "the daemon's health: what runs, what is degraded, what was lost",
		.run = ctl_status,
	},
	{
		.name = "doctor",
		.summary = "what works on this machine, and what to do about the rest",
		.text = "The states are ok, note (it works, if not in the best way there is) and "
			"problem.\nIt exits with 1 when there is a problem.\n",
		.run = ctl_doctor,
	},
	{
		.name = "help",
		.operand = "[VERB]",
		.summary = "show help",
		.run = ctl_help,
	},
};

const struct ctl_verb *ctl_find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return verbs + i;
	return NULL;
}

const char *ctl_queue_name(const char *argument)
{
	const char *name = argument + (argument[0] == '/');

	if (!*name || strchr(name, '/') || strlen(name) >= MQW_NAME_SIZE)
		return NULL;
	return name;
}

static void print_options(FILE *out, const struct ctl_option *options, size_t n, bool namespaced)
{
	for (size_t i = 0; i < n; i++) {
		char names[64], letter[8] = "    ";

		if (!namespaced && (options[i].id == OPT_IPCNS || options[i].id == OPT_PID))
			continue;

		if (options[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", options[i].letter);
		snprintf(names, sizeof(names), "%s--%s%s%s", letter, options[i].name,
			 options[i].argument ? "=" : "",
			 options[i].argument ? options[i].argument : "");
		fprintf(out, "  %-24s %s\n", names, options[i].help);
	}
}

void ctl_print_help(FILE *out, const struct ctl_verb *verb)
{
	if (!verb) {
		fputs("Usage: mqwatchctl [OPTIONS] VERB [ARGUMENTS]\n\n"
		      "Look into POSIX message queues without disturbing them.\n\nVerbs:\n",
		      out);
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
			fprintf(out, "  %s %-*s %s\n", verbs[i].name,
				12 - (int)strlen(verbs[i].name),
				verbs[i].operand ? verbs[i].operand : "", verbs[i].summary);
	} else {
		fprintf(out, "Usage: mqwatchctl %s%s%s%s\n\n%c%s.\n", verb->name,
			verb->n_options ? " [OPTIONS]" : "", verb->operand ? " " : "",
			verb->operand ? verb->operand : "", verb->summary[0] - 'a' + 'A',
			verb->summary + 1);
		if (verb->n_options) {
			fputs("\nOptions:\n", out);
			print_options(out, verb->options, verb->n_options, true);
		}
		if (verb->text)
			fprintf(out, "\n%s", verb->text);
		if (verb->run == ctl_list)
			ctl_list_print_columns(out);
	}
	fputs("\nOptions of every verb, before or after it:\n", out);
	print_options(out, global_options, ARRAY_SIZE(global_options), !verb || verb->namespaced);
	fputs("\nExit status: 0 success, 1 failure, 2 wrong usage, 3 no such queue, "
	      "4 no permission,\n5 no daemon and no direct way. See mqwatchctl(1).\n",
	      out);
}

static int usage(FILE *err, const struct ctl_verb *verb, const char *what, const char *value,
		 const char *expected)
{
	_cleanup_free_ char *shown = name_escape(value ? value : "");

	fprintf(err, "mqwatchctl: %s%s%s%s; %s%smqwatchctl %s%s--help\n", what, value ? " '" : "",
		shown ? shown : "", value ? "'" : "", expected ? expected : "",
		expected ? ", see " : "see ", verb ? verb->name : "", verb ? " " : "");
	return CTL_USAGE;
}

static int apply_option(const struct ctl_option *option, const char *value, struct ctl_args *args,
			FILE *err)
{
	uint64_t number;
	int r;

	switch (option->id) {
	case OPT_HELP:
		args->help = true;
		return CTL_OK;
	case OPT_VERSION:
		args->version = true;
		return CTL_OK;
	case OPT_JSON:
		args->json = true;
		return CTL_OK;
	case OPT_SOCKET:
		if (!*value)
			return usage(err, args->verb, "--socket: empty path", NULL, NULL);
		args->socket = value;
		return CTL_OK;
	case OPT_IPCNS:
		if (parse_u64(value, 1, UINT32_MAX, &number) < 0)
			return usage(err, args->verb, "--ipcns: no inode number", value,
				     "take it from readlink /proc/PID/ns/ipc");
		args->ipcns = (uint32_t)number;
		return CTL_OK;
	case OPT_PID:
		if (parse_u64(value, 1, INT_MAX, &number) < 0)
			return usage(err, args->verb, "--pid: no process id", value, NULL);
		args->pid = (pid_t)number;
		return CTL_OK;
	case OPT_OUTPUT:
		args->columns = value;
		return CTL_OK;
	case OPT_SORT:
		args->sort = value;
		return CTL_OK;
	case OPT_NOHEADINGS:
		args->noheadings = true;
		return CTL_OK;
	case OPT_ORPHANS:
		args->orphans = true;
		return CTL_OK;
	case OPT_FORMAT:
		r = parse_enum(value, ctl_format_names, CTL_FORMATS);
		if (r < 0)
			return usage(err, args->verb, "--format: unknown format", value,
				     "give table, hex, text or raw");
		args->format = (enum ctl_format)r;
		return CTL_OK;
	case OPT_LIMIT:
		if (parse_u64(value, 1, MESSAGES_MAX, &args->limit) < 0)
			return usage(err, args->verb, "--limit: no number of messages", value,
				     "give 1 to 65536");
		return CTL_OK;
	case OPT_BYTES:
		if (parse_size(value, 1, UINT64_MAX, &args->bytes) < 0)
			return usage(err, args->verb, "--bytes: no size", value,
				     "give 1 or more, like 512 or 64K (none: --no-payload)");
		return CTL_OK;
	case OPT_NO_PAYLOAD:
		args->no_payload = true;
		return CTL_OK;
	case OPT_INODE:
		if (parse_u64(value, 1, UINT64_MAX, &args->inode) < 0)
			return usage(err, args->verb, "--inode: no inode number", value,
				     "mqwatchctl list --json shows it");
		return CTL_OK;
	case OPT_FORCE:
		args->force = true;
		return CTL_OK;
	}
	return CTL_USAGE;
}

/*
 * The options of one side of the verb. getopt_long(3) wants them twice over, as structures and as
 * letters; both come from the tables here.
 */
struct option_set {
	const struct ctl_option *known[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	size_t n;
};

static void add_options(struct option_set *set, const struct ctl_option *options, size_t n)
{
	for (size_t i = 0; i < n && set->n < OPTIONS_MAX; i++) {
		const struct ctl_option *o = options + i;
		char letter[3] = {o->letter, o->argument ? ':' : '\0', '\0'};

		set->longs[set->n] = (struct option){
			.name = o->name,
			.has_arg = o->argument ? required_argument : no_argument,
			.val = o->id,
		};
		set->known[set->n++] = o;
		if (o->letter)
			strcat(set->letters, letter);
	}
}

static const struct ctl_option *find_option(const struct option_set *set, int value)
{
	for (size_t i = 0; i < set->n; i++)
		if (value == (int)set->known[i]->id ||
		    (set->known[i]->letter && value == set->known[i]->letter))
			return set->known[i];
	return NULL;
}

static int parse_options(struct option_set *set, int argc, char *argv[], FILE *err,
			 struct ctl_args *args)
{
	int c, r;

	optind = 0; /* begin anew, glibc's way */
	opterr = 0;
	while ((c = getopt_long(argc, argv, set->letters, set->longs, NULL)) >= 0) {
		const struct ctl_option *option;
		char letter[] = {'-', (char)optopt, '\0'};
		/* a long option is named as it was written, a letter may hide among others */
		const char *written = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];

		if (c == ':')
			return usage(err, args->verb, "option needs a value:", written, NULL);
		if (c == '?')
			return usage(err, args->verb,
				     optopt > 255 ? "option takes no value:" : "unknown option",
				     written, NULL);
		option = find_option(set, c);
		r = apply_option(option, optarg, args, err);
		if (r)
			return r;
	}
	return CTL_OK;
}

static int parse_operands(int argc, char *argv[], FILE *err, struct ctl_args *args)
{
	const struct ctl_verb *verb = args->verb;
	int most = verb->operand ? 1 : 0;

	if (argc > most)
		return usage(err, verb, "unexpected argument", argv[most], NULL);
	if (verb->run == ctl_help) {
		args->topic = argv[0];
		return CTL_OK;
	}
	if (verb->run == ctl_stalls) {
		if (argc && parse_u64(argv[0], 1, UINT64_MAX, &args->stall) < 0)
			return usage(err, verb, "not the number of a record:", argv[0],
				     "mqwatchctl stalls lists them");
		return CTL_OK;
	}
	if (!verb->operand)
		return CTL_OK;
	if (!argc)
		return usage(err, verb, "no queue given", NULL, NULL);
	args->queue = ctl_queue_name(argv[0]);
	if (!args->queue)
		return usage(err, verb, "not a queue's name:", argv[0],
			     "it has 1 to 255 bytes and no '/' but the first");
	return CTL_OK;
}

int ctl_parse(int argc, char *argv[], FILE *err, struct ctl_args *ret)
{
	struct option_set before = {.letters = "+:"}, after = {.letters = ":"};
	struct ctl_args args = {};
	int r;

	add_options(&before, global_options, ARRAY_SIZE(global_options));
	r = parse_options(&before, argc, argv, err, &args);
	if (r)
		return r;
	if (optind >= argc) {
		if (!args.help && !args.version)
			return usage(err, NULL, "no verb given", NULL, NULL);
		*ret = args;
		return CTL_OK;
	}
	argc -= optind;
	argv += optind;
	args.verb = ctl_find_verb(argv[0]);
	if (!args.verb)
		return usage(err, NULL, "unknown verb", argv[0], NULL);

	add_options(&after, args.verb->options, args.verb->n_options);
	add_options(&after, global_options, ARRAY_SIZE(global_options));
	r = parse_options(&after, argc, argv, err, &args);
	if (r)
		return r;
	if (!args.help && !args.version) {
		if (args.ipcns && args.pid)
			return usage(err, args.verb, "--ipcns and --pid exclude each other", NULL,
				     NULL);
		if ((args.ipcns || args.pid) && !args.verb->namespaced)
			return usage(err, args.verb, "--ipcns and --pid mean nothing to this verb:",
				     args.verb->name, NULL);
		r = parse_operands(argc - optind, argv + optind, err, &args);
		if (r)
			return r;
	}
	*ret = args;
	return CTL_OK;
}

int ctl_help(const struct ctl_args *args, FILE *out)
{
	const struct ctl_verb *verb = NULL;

	if (args->topic) {
		verb = ctl_find_verb(args->topic);
		if (!verb)
			return usage(stderr, NULL, "unknown verb", args->topic, NULL);
	}
	ctl_print_help(out, verb);
	return CTL_OK;
}
