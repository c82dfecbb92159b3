/*
 * Scanning by clamd: INSTREAM within an IDSESSION, over connections that are kept. The first clamd of the list that answers scans; one
 * that cannot be reached is left alone for a while.
 */
#ifndef AV_CLAMD_H
#define AV_CLAMD_H

#include "av/wire.h"
#include "dkim/view.h"

#define CLAMD_CONNECT_MS 5000 /* a clamd that takes longer to take a connection is passed over, */
#define CLAMD_DOWN_MS 10000   /* and not asked again for so long while there is another */
#define CLAMD_IDLE_MAX 32     /* connections kept */
#define CLAMD_FACTS_MS 60000  /* how long an answer to VERSION counts: clamd loads new databases by itself */

struct clamd; /* thread-safe */

/* A talloc child of mem.
 *   specs      "unix:/path", "inet:PORT@HOST", "inet6:PORT@HOST"; NULL-terminated; borrowed
 *   ret_error  wanted and got, a talloc string of mem; NULL when memory is out
 * Returns 0, -ENOMEM, or -EINVAL for a host that has no address. */
int clamd_new(void *mem, const char *const *specs, struct clamd **ret, char **ret_error);

struct clamd_call;

/* One scan.
 *   octets  borrowed while the call lives
 * A talloc child of mem. Returns 0 or -ENOMEM. */
int clamd_call_new(void *mem, struct clamd *clamd, struct view octets, struct clamd_call **ret);

/* Go on for at most `milliseconds`. Returns
 *     0            answered, see clamd_call_reply()
 *     -EAGAIN      not yet
 *     -ENOTCONN    no clamd can be reached; calling again tries anew
 *     -ECONNRESET  a clamd took the message, and its connection ended; calling again sends it anew, to the next one
 *     -EFBIG       more octets than clamd's StreamMaxLength
 *     -EBADMSG     what it answered is no answer
 *     -ENOMEM and other errors of our own */
int clamd_call_step(struct clamd_call *call, unsigned milliseconds);

/* Does a clamd have the message under way? Its name for the log, else NULL. */
const char *clamd_call_begun(const struct clamd_call *call);

/* Facts and findings; kind AV_RESULT. */
void clamd_call_reply(const struct clamd_call *call, struct av_reply *ret);

#endif
