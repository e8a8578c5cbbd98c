/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which send each queued message is of. The k messages of a level are its last k sends; but sends are
 * recorded as they return, and of sends that were under way together the first to return need
 * not be the first to enter the queue. A record of such a send names the message that was the
 * level's last when it returned, which is the sender's own or stands behind it: so no record is
 * of a message behind the one it names. Within this bound the later begun is further back: senders
 * that wait for room are served in the order in which they came (wq_add() in ipc/mqueue.c).
 */
#ifndef MQWATCH_ORIGIN_H
#define MQWATCH_ORIGIN_H

#include <linux/types.h>

#include "../bpf/mqwatch.h"
#include "util.h"

#define ORIGIN_NONE SIZE_MAX

/*
 * messages[0..n) are all messages of a level, in order, each with the record that has its place in the
 * order of return. Sets owner[i] to the index of the one whose record is of message i, or to
 * ORIGIN_NONE. -ENOMEM: no owner is set.
 */
int origin_assign(const struct mqw_peek_message *messages, size_t n, size_t *owner);

#endif /* MQWATCH_ORIGIN_H */
