/*
 * Proof that an engine finds: before it may scan mail, a scan child of its own must find what is known to be bad, in a file
 * and in an attachment, and nothing in what is clean. Which signatures a database has is not known; so one more is loaded
 * beside it, for a random text that no mail holds.
 */
#ifndef AV_PROOF_H
#define AV_PROOF_H

#define AV_PROOF_FILE "postern-proof.ndb"
#define AV_PROOF_RANDOM 32 /* octets */

struct av_proof {
	char text[2 * AV_PROOF_RANDOM + 1]; /* what the signature stands for, in hexadecimal digits */
};

/* Make up a text and write its signature into AV_PROOF_FILE of the current directory. Returns 0 or a negative errno. */
int av_proof_new(struct av_proof *ret);

/* Let a scan child judge the samples.
 *   jobs        sending end of its queue
 *   timeout_ms  for each sample
 *   ret_error   on failure: a talloc string of mem, wanted and got
 * Returns 0; -EINVAL when something else was found than is in them; or a negative errno. */
int av_proof_run(void *mem, const struct av_proof *proof, int jobs, unsigned timeout_ms, char **ret_error);

#endif
