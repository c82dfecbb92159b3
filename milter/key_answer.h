/* What DNS said when it was asked for a key, for people and for programs: `postern verify --explain` and `postern testkey`. */
#ifndef MILTER_KEY_ANSWER_H
#define MILTER_KEY_ANSWER_H

#include "dkim/buf.h"
#include "dkim/key_cache.h"

/* Begin a line: two blanks and a column with the title of its section ("" on all but the first), as the lines of a report have. */
void key_answer_line(struct buf *out, const char *title);

/* Append octets of the net, escaped. */
void key_answer_escaped(struct buf *out, struct view octets);

/* Append lines: status, where from, TTL, DNSSEC; where CNAMEs led; each record with its key, or what is wrong with it.
 *   title  of the first line
 *   from   who answered, unless it was the records file */
void key_answer_text(const struct dkim_key_set *set, const char *title, const char *from, struct buf *out);

/* Append members: status, servers (null: the records file), from_records, canonical_name, ttl, secure, milliseconds, records. */
void key_answer_json(const struct dkim_key_set *set, const char *servers, struct buf *out);

#endif
