/* The TXT record that publishes a key, in the forms that name servers and their keepers take. */
#ifndef MILTER_KEYGEN_RECORD_H
#define MILTER_KEYGEN_RECORD_H

#include "dkim/buf.h"

#include <stdint.h>

#define TXT_STRING_OCTETS 255 /* one character-string of a TXT record (RFC 1035 section 3.3) */

struct keygen_record {
	struct view selector, domain;
	struct view text;  /* "v=DKIM1; k=rsa; p=..." */
	uint32_t ttl;      /* seconds */
	bool relative;     /* zone lines: the name stands below the zone of the domain itself */
};

/* Append one form; errors stay in out. */

/* Lines of a zone file: NAME TTL IN TXT ( "string" ... ). The name ends in a dot unless it is relative. */
void keygen_zone(const struct keygen_record *record, struct buf *out);

/* The text alone on one line, for forms that ask for a value. */
void keygen_line(const struct keygen_record *record, struct buf *out);

/* Input for nsupdate(1); the server is the one it finds itself. */
void keygen_nsupdate(const struct keygen_record *record, struct buf *out);

/* String number i of the record; n == 0 behind the last. */
struct view keygen_string(const struct keygen_record *record, size_t i);

#endif
