// SPDX-License-Identifier: GPL-2.0-or-later
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <sys/un.h>
#include <syslog.h>

#include "config_table.h"
#include "name.h"

static const char *const log_level_names[] = {"error", "warning", "notice", "info", "debug"};
static_assert(ARRAY_SIZE(log_level_names) == LOG_DEBUG - LOG_ERR + 1, "every level has a name");
static_assert(sizeof(enum probe_mode) == sizeof(int) && sizeof(enum peek_mode) == sizeof(int),
	      "choices are stored as int");

const struct setting config_settings[CONFIG_SETTINGS] = {
	{
		.section = "web",
		.key = "listen-address",
		.flag = "web.listen-address",
		.argument = "ADDRESS",
		.help = "Serve metrics at HOST:PORT, [IPV6]:PORT or :PORT; repeatable; empty: "
			"nowhere.",
		.initial = "127.0.0.1:10119",
		.type = &setting_addresses,
		.offset = offsetof(struct config, web_listen),
		.max = 256 + sizeof("[]:65535"),
	},
	{
		.section = "control",
		.key = "socket",
		.flag = "control.socket",
		.argument = "PATH",
		.help = "Unix socket that mqwatchctl talks to; empty: none.",
		.initial = "/run/mqwatch/control.sock",
		.type = &setting_string,
		.offset = offsetof(struct config, control_socket),
		.max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
	},
	{
		.section = "control",
		.key = "group",
		.flag = "control.group",
		.argument = "GROUP",
		.help = "Whose members may read the messages of every queue; empty: root only.",
		.initial = "mqwatch",
		.type = &setting_string,
		.offset = offsetof(struct config, control_group),
		.max = LOGIN_NAME_MAX - 1,
	},
	{
		.section = "mqueue",
		.key = "path",
		.flag = "mqueue.path",
		.argument = "PATH",
		.help = "A mounted mqueue file system; empty: /dev/mqueue or a private mount.",
		.initial = "",
		.type = &setting_path,
		.offset = offsetof(struct config, mqueue_path),
		.max = PATH_MAX - 1,
	},
	{
		.section = "queues",
		.key = "namespaces",
		.flag = "queues.namespaces",
		.argument = "WHICH",
		.help = "Watch these IPC namespaces: all, own, an inode number, or a pattern of "
			"units or container ids; repeatable.",
		.initial = "all",
		.type = &setting_patterns,
		.offset = offsetof(struct config, namespaces),
		.max = 255,
	},
	{
		.section = "queues",
		.key = "include",
		.flag = "queues.include",
		.argument = "PATTERN",
		.help = "Watch only queues with such names; repeatable; empty: all.",
		.initial = "",
		.type = &setting_patterns,
		.offset = offsetof(struct config, include),
		.max = MQW_NAME_SIZE,
	},
	{
		.section = "queues",
		.key = "exclude",
		.flag = "queues.exclude",
		.argument = "PATTERN",
		.help = "But none with such names; repeatable; empty: none.",
		.initial = "",
		.type = &setting_patterns,
		.offset = offsetof(struct config, exclude),
		.max = MQW_NAME_SIZE,
	},
	{
		.section = "queues",
		.key = "max",
		.flag = "queues.max",
		.argument = "N",
		.help = "Watch at most so many queues; changes need a restart.",
		.initial = "4096",
		.type = &setting_number,
		.offset = offsetof(struct config, queues_max),
		.min = 1,
		.max = 65536,
	},
	{
		.section = "queues",
		.key = "series",
		.flag = "queues.series",
		.argument = "N",
		.help = "Show at most so many series of queues among the metrics; 0: any number.",
		.initial = "150000",
		.type = &setting_number,
		.offset = offsetof(struct config, series_max),
		.max = 100000000,
	},
	{
		.section = "queues",
		.key = "records",
		.flag = "queues.records",
		.argument = "N",
		.help = "Remember the senders of so many queued messages; changes need a restart.",
		.initial = "1048576",
		.type = &setting_number,
		.offset = offsetof(struct config, records_max),
		.min = 16,
		.max = 16777216,
	},
	{
		.section = "probe",
		.key = "mode",
		.flag = "probe",
		.argument = "MODE",
		.help = "How to count sends and receives: auto, fentry, tracepoint or off.",
		.initial = "auto",
		.type = &setting_choice,
		.offset = offsetof(struct config, probe),
		.min = PROBE_AUTO,
		.names = probe_mode_names,
		.n_names = PROBE_MODES,
	},
	{
		.section = "peek",
		.key = "mode",
		.flag = "peek",
		.argument = "MODE",
		.help = "How to look into queues: auto, syscall, bpf or off.",
		.initial = "auto",
		.type = &setting_choice,
		.offset = offsetof(struct config, peek),
		.min = PEEK_AUTO,
		.names = peek_mode_names,
		.n_names = PEEK_MODES,
	},
	{
		.section = "peek",
		.key = "payload-max",
		.flag = "peek.payload-max",
		.argument = "SIZE",
		.help = "Show at most so many bytes of each message.",
		.initial = "64K",
		.type = &setting_size,
		.offset = offsetof(struct config, peek_payload_max),
		.min = 0,
		.max = UINT64_C(16) << 20,
	},
	{
		.section = "peek",
		.key = "buffer-max",
		.flag = "peek.buffer-max",
		.argument = "SIZE",
		.help = "Memory that one look into a queue may take.",
		.initial = "64M",
		.type = &setting_size,
		.offset = offsetof(struct config, peek_buffer_max),
		.min = UINT64_C(1) << 20,
		.max = UINT64_C(1) << 30,
	},
	{
		.section = "watch",
		.key = "interval",
		.flag = "watch.interval",
		.argument = "TIME",
		.help = "Look at queues so often; 0: no oldest messages, no stalls.",
		.initial = "1s",
		.type = &setting_duration,
		.offset = offsetof(struct config, watch_interval_ns),
		.min = 100 * NSEC_PER_MSEC,
		.max = 3600 * NSEC_PER_SEC,
		.zero = true,
	},
	{
		.section = "watch",
		.key = "priorities",
		.flag = "watch.priorities",
		.argument = "N",
		.help = "Metrics tell the messages of so many priorities of a queue apart; 0: "
			"none.",
		.initial = "0",
		.type = &setting_number,
		.offset = offsetof(struct config, watch_priorities),
		.max = QUEUE_LEVELS_MAX,
	},
	{
		.section = "stall",
		.key = "after",
		.flag = "stall.after",
		.argument = "TIME",
		.help = "A queue where nothing moves for so long is stalled; 0: none ever is.",
		.initial = "10s",
		.type = &setting_duration,
		.offset = offsetof(struct config, stall_after_ns),
		.min = 100 * NSEC_PER_MSEC,
		.max = 7 * 24 * 3600 * NSEC_PER_SEC,
		.zero = true,
	},
	{
		.section = "stall",
		.key = "adaptive",
		.flag = "stall.adaptive",
		.argument = "N",
		.help = "So is one whose messages wait N times longer than usual; 0: not.",
		.initial = "10",
		.type = &setting_number,
		.offset = offsetof(struct config, stall_adaptive),
		.max = 1000000,
	},
	{
		.section = "recorder",
		.key = "directory",
		.flag = "recorder.directory",
		.argument = "PATH",
		.help = "Where records of stalls are kept; empty: $STATE_DIRECTORY or "
			"/var/lib/mqwatch.",
		.initial = "",
		.type = &setting_path,
		.offset = offsetof(struct config, recorder_directory),
		.max = PATH_MAX - 1,
	},
	{
		.section = "recorder",
		.key = "records",
		.flag = "recorder.records",
		.argument = "N",
		.help = "Keep the records of so many stalls; 0: keep none.",
		.initial = "100",
		.type = &setting_number,
		.offset = offsetof(struct config, recorder_records),
		.max = 10000,
	},
	{
		.section = "recorder",
		.key = "size",
		.flag = "recorder.size",
		.argument = "SIZE",
		.help = "Bytes that all records may take together.",
		.initial = "16M",
		.type = &setting_size,
		.offset = offsetof(struct config, recorder_size),
		.min = 64 << 10,
		.max = UINT64_C(1) << 30,
	},
	{
		.section = "recorder",
		.key = "payload",
		.flag = "recorder.payload",
		.argument = "SIZE",
		.help = "Record so many bytes of each message; 0: none.",
		.initial = "0",
		.type = &setting_size,
		.offset = offsetof(struct config, recorder_payload),
		.max = 4096,
	},
	{
		.section = "log",
		.key = "level",
		.flag = "log.level",
		.argument = "LEVEL",
		.help = "What to log at least: error, warning, notice, info or debug.",
		.initial = "info",
		.type = &setting_choice,
		.offset = offsetof(struct config, log_priority),
		.min = LOG_ERR,
		.names = log_level_names,
		.n_names = ARRAY_SIZE(log_level_names),
	},
};

/* Options that are no settings. */
enum {
	OPTION_CONFIG = 256,
	OPTION_CHECK,
	OPTION_VERSION,
	OPTION_SETTING, /* and the setting's index */
};

static const struct {
	const char *flag, *argument, *help;
	int value;
} extra_options[] = {
	{"config", "FILE", "Read settings from FILE (default " CONFIG_DEFAULT_PATH ").",
	 OPTION_CONFIG},
	{"check-config", NULL, "Check the settings, say what is wrong with them, and exit.",
	 OPTION_CHECK},
	{"help", NULL, "Show this text and exit.", 'h'},
	{"version", NULL, "Show the version and exit.", OPTION_VERSION},
};

static void *setting_field(struct config *c, const struct setting *s)
{
	return (char *)c + s->offset;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		if (config_settings[i].type->done)
			config_settings[i].type->done(setting_field(c, &config_settings[i]));
	for (size_t i = 0; i < c->n_stall_patterns; i++)
		free(c->stall_patterns[i].pattern);
	free(c->stall_patterns);
	free(c);
}

int config_new(struct config **ret)
{
	_cleanup_(config_freep) struct config *c = calloc(1, sizeof(*c));
	const struct setting *s;
	int r;

	if (!c)
		return -ENOMEM;
	for (s = config_settings; s < config_settings + CONFIG_SETTINGS; s++) {
		r = s->type->parse(s, s->initial, setting_field(c, s));
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

int config_set(struct config *c, struct config_layer *layer, const struct setting *s,
	       const char *value, FILE *err, const char *origin)
{
	_cleanup_free_ char *escaped = NULL;
	bool *set = &layer->set[s - config_settings];
	void *field = setting_field(c, s);
	int r;

	if (s->type->repeatable && !*set)
		s->type->done(field);
	*set = true;
	r = s->type->parse(s, value, field);
	if (r == 0 || r == -ENOMEM)
		return r;
	escaped = name_escape(value);
	if (!escaped)
		return -ENOMEM;
	fprintf(err, "%s=%s: not allowed; expected ", origin, escaped);
	s->type->print_allowed(s, err);
	fputc('\n', err);
	return -EINVAL;
}

const struct setting *config_pattern_setting(void)
{
	const struct setting *s = config_settings;

	while (s->offset != offsetof(struct config, stall_after_ns))
		s++;
	return s;
}

int config_add_pattern(struct config *c, const char *pattern, const char *value)
{
	const struct setting *s = config_pattern_setting();
	struct config_pattern new = {}, *grown;
	int r;

	for (size_t i = 0; i < c->n_stall_patterns; i++)
		if (strcmp(c->stall_patterns[i].pattern, pattern) == 0)
			return -EEXIST;
	r = s->type->parse(s, value, &new.stall_after_ns);
	if (r < 0)
		return -EINVAL;
	grown = reallocarray(c->stall_patterns, c->n_stall_patterns + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->stall_patterns = grown;
	new.pattern = strdup(pattern);
	if (!new.pattern)
		return -ENOMEM;
	grown[c->n_stall_patterns++] = new;
	return 0;
}

struct stall_rules config_stall_rules(const struct config *c, const char *name)
{
	struct stall_rules rules = {c->stall_after_ns, c->stall_adaptive};
	char path[MQW_NAME_SIZE + 1];

	snprintf(path, sizeof(path), "/%s", name);
	for (size_t i = 0; i < c->n_stall_patterns; i++)
		if (fnmatch(c->stall_patterns[i].pattern, path, 0) == 0)
			rules.after_ns = c->stall_patterns[i].stall_after_ns;
	return rules;
}

/* What the command line says, before any of it is applied. */
struct arguments {
	enum config_action action;
	const char *path; /* NULL: the default one */
	size_t n_flags;
	struct {
		const struct setting *setting;
		const char *value;
	} flags[]; /* as many as there are arguments */
};

/* Names the options that begin as text does, up to its first dot; "" when none does. */
static void print_similar(const char *text, const struct option *options, FILE *err)
{
	size_t n = strcspn(text, ".=");
	bool found = false;

	for (const struct option *o = options; o->name && n > 0; o++) {
		if (strncmp(o->name, text, n) != 0)
			continue;
		fprintf(err, "%s--%s", found ? ", " : "; there is ", o->name);
		found = true;
	}
	fputs(found ? "\n" : "; --help lists all options\n", err);
}

static int bad_option(int c, const char *argument, const struct option *options, FILE *err)
{
	_cleanup_free_ char *escaped = name_escape(argument);

	if (!escaped)
		return -ENOMEM;
	if (c == ':' && optopt >= OPTION_SETTING) {
		fprintf(err, "%s: a value is missing; expected ", escaped);
		config_settings[optopt - OPTION_SETTING].type->print_allowed(
			&config_settings[optopt - OPTION_SETTING], err);
		fputc('\n', err);
	} else if (c == ':') {
		fprintf(err, "%s: a file name is missing\n", escaped);
	} else if (optopt >= OPTION_CONFIG || (optopt == 'h' && argument[1] == '-')) {
		fprintf(err, "%s: this option takes no value\n", escaped);
	} else if (optopt) {
		fprintf(err, "-%c: unknown option; --help lists all options\n", optopt);
	} else {
		fprintf(err, "%s: unknown or ambiguous option", escaped);
		print_similar(argument + 2, options, err);
	}
	return -EINVAL;
}

static void fill_options(struct option *options)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		*options++ = (struct option){config_settings[i].flag, required_argument, NULL,
					     OPTION_SETTING + (int)i};
	for (size_t i = 0; i < ARRAY_SIZE(extra_options); i++)
		*options++ =
			(struct option){extra_options[i].flag,
					extra_options[i].argument ? required_argument : no_argument,
					NULL, extra_options[i].value};
	*options = (struct option){};
}

static int read_arguments(int argc, char *const argv[], FILE *err, struct arguments *a)
{
	struct option options[CONFIG_SETTINGS + ARRAY_SIZE(extra_options) + 1];
	int c, r = 0;

	fill_options(options);
	opterr = 0;
	optind = 0; /* a reload parses again from the start */
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		switch (c) {
		case OPTION_CONFIG:
			a->path = optarg;
			break;
		case OPTION_CHECK:
			a->action = CONFIG_CHECK;
			break;
		case 'h':
			a->action = CONFIG_HELP;
			return 0;
		case OPTION_VERSION:
			a->action = CONFIG_VERSION;
			return 0;
		case ':':
		case '?':
			r = bad_option(c, argv[optind - 1], options, err);
			break;
		default:
			a->flags[a->n_flags].setting = &config_settings[c - OPTION_SETTING];
			a->flags[a->n_flags++].value = optarg;
		}
	}
	for (int i = optind; i < argc; i++) {
		_cleanup_free_ char *escaped = name_escape(argv[i]);

		fprintf(err, "%s: unexpected argument; --help lists all options\n",
			escaped ? escaped : "");
		r = -EINVAL;
	}
	return r;
}

static int apply_file(struct config *c, const char *path, FILE *err)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (!path) {
		path = CONFIG_DEFAULT_PATH;
		if (access(path, F_OK) < 0 && errno == ENOENT)
			return 0;
	}
	r = config_read_file(path, err, &text);
	return r < 0 ? r : config_parse_ini(c, path, text, err);
}

static int apply_flags(struct config *c, const struct arguments *a, FILE *err)
{
	struct config_layer layer = {};
	int error = 0;

	for (size_t i = 0; i < a->n_flags; i++) {
		const struct setting *s = a->flags[i].setting;
		_cleanup_free_ char *origin = NULL;
		int r;

		if (asprintf(&origin, "--%s", s->flag) < 0) {
			origin = NULL;
			return -ENOMEM;
		}
		r = config_set(c, &layer, s, a->flags[i].value, err, origin);
		if (r < 0)
			error = r;
	}
	return error;
}

/* Goes on after an error, so that all are seen at once. */
int config_parse(int argc, char *const argv[], FILE *err, enum config_action *action,
		 struct config **ret)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_free_ struct arguments *a = NULL;
	int r, error;

	r = config_new(&c);
	if (r < 0)
		return r;
	a = calloc(1, sizeof(*a) + (size_t)argc * sizeof(a->flags[0]));
	if (!a)
		return -ENOMEM;
	error = read_arguments(argc, argv, err, a);
	if (a->action == CONFIG_RUN || a->action == CONFIG_CHECK) {
		r = apply_file(c, a->path, err);
		error = error ? error : r;
		r = apply_flags(c, a, err);
		error = error ? error : r;
	}
	if (error)
		return error;
	*action = a->action;
	*ret = TAKE_PTR(c);
	return 0;
}

static void print_option(FILE *out, const char *flag, const char *argument, const char *help)
{
	fprintf(out, "  --%s%s%s\n        %s\n", flag, argument ? "=" : "",
		argument ? argument : "", help);
}

void config_print_help(FILE *out)
{
	fputs("Usage: mqwatchd [OPTION]...\n"
	      "Watch POSIX message queues without disturbing them, and serve metrics.\n\n"
	      "Settings, and below each its line in the configuration file with the default:\n",
	      out);
	for (const struct setting *s = config_settings; s < config_settings + CONFIG_SETTINGS;
	     s++) {
		print_option(out, s->flag, s->argument, s->help);
		fprintf(out, "        [%s] %s=%s\n", s->section, s->key, s->initial);
	}
	fputs("\nOther options:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(extra_options); i++)
		print_option(out, extra_options[i].flag, extra_options[i].argument,
			     extra_options[i].help);
	fputs("\nThe file overrides the defaults, options override the file.\n"
	      "See mqwatchd(8) and mqwatchd.conf(5).\n",
	      out);
}
