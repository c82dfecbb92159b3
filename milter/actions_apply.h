/* Carry out the plan of actions.h through libmilter, at the end of a message. */
#ifndef MILTER_ACTIONS_APPLY_H
#define MILTER_ACTIONS_APPLY_H

#include "milter/actions.h"

#include <libmilter/mfapi.h>

#include <stdbool.h>

/* What actions_apply() needs; to be asked for in the negotiation. */
#define ACTIONS_NEGOTIATE (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)

/* Make all edits, or say why not. Only from the end-of-message callback.
 *   leadspc    SMFIP_HDR_LEADSPC was negotiated: the leading blank of values is ours to send, else the MTA's
 *   mem        parent of ret_error
 *   ret        always written: what the callback returns. SMFIS_CONTINUE (later filters still run); SMFIS_DISCARD; SMFIS_REJECT or
 *              SMFIS_TEMPFAIL as the reply says; SMFIS_TEMPFAIL when an edit failed: no message goes on half edited.
 *              When only the text of a reply could not be set, the refusal stands with the MTA's own text.
 *   ret_error  on failure: which call, for the log; NULL when memory is out; may not be NULL itself
 * Returns 0, the error that sticks in the plan, -ENOMEM, or -EIO when libmilter refused a call. */
int actions_apply(const struct actions *actions, SMFICTX *ctx, bool leadspc, void *mem, sfsistat *ret, char **ret_error);

#endif
