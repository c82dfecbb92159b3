#include "av/loader_part.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

/* Beyond the time of a scan: to start the child. */
#define PROOF_GRACE_MS 5000

static void tell_missing(struct loader *loader, const struct av_slot *slot)
{
	for (enum av_seal_piece piece = 0; atomic_load(&slot->sealed) && piece < AV_SEAL_PIECES; piece++)
		if (slot->seal.piece[piece] < 0)
			loader_notice(loader, AV_NOTICE_LOG_WARNING, "sandbox: wanted %s, got \"%s\": %s", av_seal_piece_name(piece),
			              strerror(-slot->seal.piece[piece]), av_seal_piece_effect(piece));
}

/* How the child ended says more than that it ended. */
static void tell_end(struct loader *loader, const struct child *child, int status)
{
	int fault = atomic_load(&child->slot->fault);

	if (fault < 0)
		loader->error = talloc_asprintf_append(loader->error, " (%s)", strerror(-fault));
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		loader->error = talloc_asprintf_append(loader->error, " (%s)", strsignal(WTERMSIG(status)));
}

/* It would crash again. What the host has done (no memory for a process, SIGKILL of the one that takes too much, no time) passes:
 * then the next loader tries. */
static bool crashed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL;
}

static int prove_with(struct loader *loader, int jobs[2])
{
	struct child *child = &loader->children[loader->count];
	int r = loader_fork(loader, loader->count, jobs[1]), status = 0;

	close(jobs[1]);
	if (r == 0)
		r = av_proof_run(loader, &loader->proof, jobs[0], loader->settings->timeout_ms + PROOF_GRACE_MS, &loader->error);
	close(jobs[0]); /* the end of its work */
	if (child->pid > 0 && r == -ETIMEDOUT)
		(void)kill(child->pid, SIGKILL);
	while (child->pid > 0 && waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	child->pid = 0;
	loader->database_at_fault = r == -EINVAL || (r == -EPIPE && crashed(status));
	if (r < 0 && loader->error)
		tell_end(loader, child, status);
	else if (r == 0)
		tell_missing(loader, child->slot);
	return r;
}

int loader_prove(struct loader *loader)
{
	int jobs[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, jobs) < 0)
		return -errno;
	return prove_with(loader, jobs);
}
