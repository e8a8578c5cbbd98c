// SPDX-License-Identifier: GPL-2.0-or-later
#include "burst.h"

bool burst_allow(struct burst *b, uint64_t now)
{
	if (now - b->begun_ns >= BURST_NS) {
		b->begun_ns = now;
		b->used = 0;
	}
	if (b->used < BURST_MAX) {
		b->used++;
		return true;
	}
	if (!b->suppressed++)
		b->suppressed_ns = now;
	return false;
}

uint64_t burst_suppressed(struct burst *b, uint64_t now)
{
	uint64_t suppressed = b->suppressed;

	if (!suppressed || now - b->suppressed_ns < BURST_NS)
		return 0;
	b->suppressed = 0;
	return suppressed;
}
