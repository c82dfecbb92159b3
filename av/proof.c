#include "av/proof.h"

#include "av/scan_child.h"
#include "av/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#define SIGNATURE_NAME "Postern.Proof"

#define HEADER "Received: by localhost\r\nFrom: a@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"

/* Small, so that no limit that an administrator may set ends their scan. */
static const struct sample {
	const char *name;
	enum av_job_kind kind;
	bool bad;
	const char *before, *after; /* the text of the proof stands between */
} samples[] = {
	{ "a known-bad file", AV_JOB_FILE, true, "", "" },
	{ "a known-bad attachment", AV_JOB_MESSAGE, true,
	  HEADER "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
	         "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.dat\r\n\r\n",
	  "\r\n--b--\r\n" },
	{ "a clean file", AV_JOB_FILE, false, "nothing is wrong with this\n", NULL },
	{ "a clean message", AV_JOB_MESSAGE, false, HEADER "Content-Type: text/plain\r\n\r\nNothing is wrong with this.\r\n", NULL },
	{ "an empty message", AV_JOB_MESSAGE, false, HEADER "\r\n", NULL },
};

static void to_hexadecimal(char *ret, const unsigned char *octets, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[octets[i] >> 4];
		ret[2 * i + 1] = digits[octets[i] & 0xf];
	}
	ret[2 * n] = '\0';
}

/* Target 0: any kind of file; offset *: anywhere. */
static int write_signature(const struct av_proof *proof)
{
	char pattern[2 * sizeof proof->text];
	FILE *file = fopen(AV_PROOF_FILE, "we");
	int r = 0;

	if (!file)
		return -errno;
	to_hexadecimal(pattern, (const unsigned char *)proof->text, sizeof proof->text - 1);
	if (fprintf(file, SIGNATURE_NAME ":0:*:%s\n", pattern) < 0)
		r = -EIO;
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	return r;
}

int av_proof_new(struct av_proof *ret)
{
	unsigned char random[AV_PROOF_RANDOM];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -EIO; /* up to 256 octets come whole or not at all */
	to_hexadecimal(ret->text, random, sizeof random);
	return write_signature(ret);
}

/* Sealed memory with the sample's octets. Returns a descriptor or a negative errno. */
static int make_memory(const struct sample *sample, const struct av_proof *proof, uint64_t *ret_octets)
{
	int fd = memfd_create("proof", MFD_CLOEXEC | MFD_ALLOW_SEALING), n;

	if (fd < 0)
		return -errno;
	n = sample->bad ? dprintf(fd, "%s%s%s", sample->before, proof->text, sample->after) : dprintf(fd, "%s", sample->before);
	if (n < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	*ret_octets = (uint64_t)n;
	return fd;
}

/* Returns our end of the replies, or a negative errno. */
static int send_job(int jobs, const struct sample *sample, const struct av_proof *proof)
{
	struct av_job job = { AV_WIRE_VERSION, sample->kind, 0 };
	int memory = make_memory(sample, proof, &job.octets), pair[2];
	int64_t n;

	if (memory < 0)
		return memory;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		n = -errno;
		close(memory);
		return (int)n;
	}
	n = av_wire_send(jobs, &job, sizeof job, (const int[]){ memory, pair[1] }, 2);
	close(memory);
	close(pair[1]);
	if (n < 0)
		close(pair[0]);
	return n < 0 ? (int)n : pair[0];
}

/* Returns 0, -ETIMEDOUT, -EPIPE (the child died), -EBADMSG or another negative errno. */
static int take_result(int replies, int64_t until_ms, struct av_reply *ret)
{
	for (;;) {
		struct pollfd polled = { .fd = replies, .events = POLLIN };
		int64_t left = until_ms - av_now_ms(), n;
		int fds[AV_WIRE_DESCRIPTORS];

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&polled, 1, left > 1000 ? 1000 : (int)left) < 0 && errno != EINTR)
			return -errno;
		n = av_wire_receive(replies, ret, sizeof *ret, fds);
		if (n == -EAGAIN || n == -EINTR)
			continue;
		for (size_t i = 0; n > 0 && i < AV_WIRE_DESCRIPTORS; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		if (!av_reply_is_valid(ret, (uint64_t)n))
			return -EBADMSG;
		if (ret->kind == AV_RESULT)
			return 0;
	}
}

/* What an administrator's limits and bans say of the samples is no matter here. */
static const struct av_finding *find(const struct av_reply *reply, bool ours)
{
	for (uint32_t i = 0; i < reply->finding_count; i++) {
		const struct av_finding *finding = &reply->findings[i];
		bool is_ours = strncmp(finding->name, SIGNATURE_NAME, strlen(SIGNATURE_NAME)) == 0;
		bool is_wrong = finding->kind == AV_FAILURE ||
		                (finding->kind == AV_SIGNATURE && strncmp(finding->name, "Heuristics.", strlen("Heuristics.")) != 0);

		if (ours ? is_ours : is_wrong)
			return finding;
	}
	return NULL;
}

/* Returns 0 or -EINVAL. */
static int judge(void *mem, const struct sample *sample, const struct av_reply *reply, char **ret_error)
{
	const struct av_finding *finding = find(reply, sample->bad);
	const char *got = reply->finding_count ? reply->findings[0].name : "nothing";

	if (sample->bad == (finding != NULL))
		return 0;
	if (finding)
		got = finding->name;
	*ret_error = talloc_asprintf(mem, "self-test: wanted %s in %s, got %s", sample->bad ? SIGNATURE_NAME : "nothing", sample->name, got);
	return -EINVAL;
}

static int try_sample(void *mem, const struct sample *sample, const struct av_proof *proof, int jobs, unsigned timeout_ms, char **ret_error)
{
	int replies = send_job(jobs, sample, proof), r;
	struct av_reply reply;

	r = replies < 0 ? replies : take_result(replies, av_now_ms() + timeout_ms, &reply);
	if (replies >= 0)
		close(replies);
	if (r == 0)
		return judge(mem, sample, &reply, ret_error);
	*ret_error = talloc_asprintf(mem, "self-test: wanted a result for %s, got %s", sample->name,
	                             r == -EPIPE ? "the end of the scan process" : strerror(-r));
	return r;
}

int av_proof_run(void *mem, const struct av_proof *proof, int jobs, unsigned timeout_ms, char **ret_error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof samples / sizeof *samples; i++)
		r = try_sample(mem, &samples[i], proof, jobs, timeout_ms, ret_error);
	return r;
}
