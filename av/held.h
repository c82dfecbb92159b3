/*
 * The octets of one message on their way to a scanner: in a memfd, which is handed to a scan child or streamed to clamd. Small pieces
 * (header fields come one by one) are gathered, so that a small message costs one write().
 */
#ifndef AV_HELD_H
#define AV_HELD_H

#include "dkim/view.h"

struct av_held;

/* A talloc child of mem. Returns 0 or a negative errno (-ENOMEM, -EMFILE). */
int av_held_new(void *mem, struct av_held **ret);

/* Returns 0 or a negative errno, -ENOSPC or -ENOMEM when memory is short. */
int av_held_append(struct av_held *held, struct view octets);

size_t av_held_octets(const struct av_held *held);

/* Nothing can be written or appended from now on. Returns 0 or a negative errno. */
int av_held_seal(struct av_held *held);

/* After av_held_seal(): its octets for reading, valid until the next call that takes a changeable av_held; the empty view when they
 * cannot be had. Mapped while nobody else has the memfd, and copied from then on. */
struct view av_held_view(struct av_held *held);

/* After av_held_seal(): the memfd, for others. They cannot write to it, but they can cut it. */
int av_held_share(struct av_held *held);

/* Give the memory back, although others may still have its descriptor. The held octets are none then. Returns 0 or a negative errno. */
int av_held_cut(struct av_held *held);

#endif
