/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols.h"
#include "util.h"

void symbols_walk(FILE *symbols, bool (*each)(const char *symbol, void *data), void *data)
{
	_cleanup_free_ char *line = NULL;
	size_t capacity = 0;
	bool more = true;

	while (more && getline(&line, &capacity, symbols) >= 0) {
		char *rest = line, *symbol;

		strsep(&rest, " ");
		strsep(&rest, " ");
		symbol = strsep(&rest, "\t\n");
		/* "[module]" follows a module's */
		if (symbol && (!rest || *rest != '['))
			more = each(symbol, data);
	}
}
