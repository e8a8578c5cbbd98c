/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's symbols. Their names may be read by anyone, if not their addresses. */
#ifndef MQWATCH_SYMBOLS_H
#define MQWATCH_SYMBOLS_H

#include <stdbool.h>
#include <stdio.h>

#define SYMBOLS_PATH "/proc/kallsyms"

/*
 * Calls each for the symbols of the kernel itself, those of modules left out, until it returns false.
 * symbols is written as /proc/kallsyms is.
 */
void symbols_walk(FILE *symbols, bool (*each)(const char *symbol, void *data), void *data);

#endif /* MQWATCH_SYMBOLS_H */
