// SPDX-License-Identifier: GPL-2.0-or-later
#include <fnmatch.h>

#include "config_table.h"
#include "name.h"

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
