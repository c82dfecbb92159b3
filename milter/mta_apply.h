/*
 * A message after a filter's changes, as Postfix delivers it. The MTA's own Received field, which the
 * filter never saw and which is not part of the result, takes its place where an insert counts fields.
 * All rules are those that Postfix 3.7 was seen to follow.
 */
#ifndef MILTER_MTA_APPLY_H
#define MILTER_MTA_APPLY_H

#include "dkim/buf.h"
#include "dkim/header.h"
#include "milter/mta_client.h"

/* Apply changes in their order and append the message with CRLF line ends. Changes of envelope and queue
 * leave the message alone.
 *   leading_space  SMFIP_HDR_LEADSPC was negotiated: values come with their own blank; else one space is put in front
 * Returns 0, -ENOMEM, or -EMSGSIZE (out's maximum). */
int mta_apply(void *mem, const struct header_list *headers, struct view body, const struct mta_changes *changes,
              bool leading_space, struct buf *out);

#endif
