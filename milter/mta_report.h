/* What a filter did to a message, for people and for programs. */
#ifndef MILTER_MTA_REPORT_H
#define MILTER_MTA_REPORT_H

#include "dkim/buf.h"
#include "milter/mta_session.h"

#define MTA_REPORT_MAX (512 * 1024 * 1024) /* octets; JSON writes an octet of MTA_CHANGES_OCTETS_MAX as up to six */

struct mta_report_options {
	bool quiet; /* text: the verdict line alone */
	bool time;  /* milliseconds per stage */
};

/* Append the report; errors stay in out. Octets of the message are escaped: nothing that a filter sends reaches a
 * terminal raw. */
void mta_report_text(const struct mta_client *client, const struct mta_message *message, const struct mta_outcome *outcome,
                     const struct mta_report_options *options, struct buf *out);
void mta_report_json(const struct mta_client *client, const struct mta_message *message, const struct mta_outcome *outcome,
                     const struct mta_report_options *options, struct buf *out);

#endif
