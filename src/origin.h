/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which send each queued message is of. The k messages of a level are its last k sends; but sends are
 * recorded as they return, and of two that were under way together the second to return may
 * have been the first to enter the queue. Each such record therefore names the message that was
 * the level's last when it returned: the sender's own, unless another had come behind it meanwhile.
 * Of all records that name a message the first to return is taken for its sender's; what remains is
 * matched in order.
 */
#ifndef MQWATCH_ORIGIN_H
#define MQWATCH_ORIGIN_H

#include <linux/types.h>

#include "../bpf/mqwatch.h"
#include "util.h"

#define ORIGIN_NONE SIZE_MAX

/*
 * messages[0..n) are of one level, in order, each with the record in its place; whole: they are all of
 * the level. Sets owner[i] to the index of the message whose record is message i's, or ORIGIN_NONE.
 */
void origin_assign(const struct mqw_peek_message *messages, size_t n, bool whole, size_t *owner);

#endif /* MQWATCH_ORIGIN_H */
