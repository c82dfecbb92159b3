/* Verify one whole message, and say what came of it: what `postern verify` and `postern reflect` share. */
#ifndef MILTER_VERIFY_MESSAGE_H
#define MILTER_VERIFY_MESSAGE_H

#include "dkim/buf.h"
#include "dkim/verify.h"
#include "milter/cmd_message.h"

struct verify_setup {
	struct dkim_resolver_params resolver; /* but for `records`, which are read from records_file */
	const char *records_file;             /* NULL: none */
	const char *authserv_id;
	int64_t now;                          /* the time of reception, since 1970 */
	struct dkim_verify_params params;
};

struct verified;

/* Read the records and start the resolver.
 *   setup, message  borrowed until verified_free()
 *   ret             a talloc object of mem that the caller ends with verified_free()
 *   ret_error       on failure: what people are told; a talloc string of mem, or NULL
 * Returns 0 or a negative errno, whose exit code is cmd_code()'s. */
int verified_new(void *mem, const struct verify_setup *setup, const struct cmd_message *message, struct verified **ret,
                 char **ret_error);

/* Judge every signature: waits for DNS as long as the budget lasts. Returns 0, -ENOMEM or -EIO. */
int verified_judge(struct verified *verified);

/* Takes NULL. */
void verified_free(struct verified *verified);

/* The results, once judged. */
const struct dkim_verify *verified_results(const struct verified *verified);

/* Does one signature pass at least? */
bool verified_passes(const struct verified *verified);

/* Append the Authentication-Results field that the daemon would add, with the line ends of a terminal. Returns 0, -ENOMEM or -EMSGSIZE. */
int verified_add_field(const struct verified *verified, struct buf *out);

struct verified_form {
	bool json;
	bool header_block; /* text: show the canonical header block, too */
};

/* Append what explains result i (explain_report.h). Returns 0, -ENOMEM or -EIO. */
int verified_add_explanation(const struct verified *verified, size_t i, const struct verified_form *form, struct buf *out);

#endif
