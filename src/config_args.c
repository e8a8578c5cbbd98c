// SPDX-License-Identifier: GPL-2.0-or-later
/* The daemon's command line, its help, and the order in which the layers of settings apply. */
#include <getopt.h>

#include "config_table.h"
#include "name.h"

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
