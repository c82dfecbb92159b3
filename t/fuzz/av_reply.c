/* What a scan child may say: any octets, through a socket pair as a worker receives them. */
#include "av/classify.h"
#include "av/class_map.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

static bool is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (!end)
		return false;
	return end == text || matches((struct view){ text, (size_t)(end - text) }, "[!-~]([ -~]*[!-~])?");
}

/* av_reply_is_valid() again, in words. */
static bool is_valid(const struct av_reply *reply, size_t octets)
{
	bool valid = octets == sizeof *reply && reply->version == AV_WIRE_VERSION;

	if (valid && reply->kind == AV_STARTED)
		return true;
	valid = valid && reply->kind == AV_RESULT && reply->finding_count <= AV_FINDINGS_MAX;
	valid = valid && is_text(reply->facts.engine, sizeof reply->facts.engine);
	for (size_t i = 0; valid && i < reply->finding_count; i++)
		valid = reply->findings[i].kind >= AV_SIGNATURE && reply->findings[i].kind <= AV_FAILURE &&
		        is_text(reply->findings[i].name, AV_NAME_MAX + 1) && is_text(reply->findings[i].part, AV_PART_MAX + 1);
	return valid;
}

/* What is valid can be classified, and has a class. */
static void claim_class(const struct av_reply *reply)
{
	static const char *const none[] = { NULL };
	static struct av_class_map *map;
	struct av_report report = { .outcome = AV_SCANNED, .reply = *reply };
	struct av_verdicts verdicts;
	char *error;
	size_t classes = 0;

	if (!map)
		CLAIM(av_class_map_parse(NULL, VIEW("*a* suspect\n"), "map", none, &map, &error) == 0);
	av_classify(map, &report, &verdicts);
	for (size_t i = 0; i < AV_CLASS_COUNT; i++)
		classes += verdicts.name[i] != NULL;
	CLAIM(classes > 0);
	CLAIM(!verdicts.name[AV_CLASS_CLEAN] || (classes == 1 && reply->findings_left_out == 0));
}

/* A mostly well-formed reply, into which the input is laid: random octets alone would hardly come past its version. */
static size_t build(struct view in, char packet[sizeof(struct av_reply) + 8])
{
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT, .finding_count = take_octet(&in) % 20,
	                          .findings_left_out = take_octet(&in) % 3 };
	size_t octets = sizeof reply;

	for (size_t i = 0; i < AV_FINDINGS_MAX; i++)
		reply.findings[i].kind = AV_SIGNATURE + take_octet(&in) % 7;
	if (take_octet(&in) == 1)
		octets = take_octet(&in) * 17U % (sizeof reply + 8);
	memset(packet, 0, sizeof reply + 8);
	memcpy(packet, &reply, sizeof reply);
	while (in.n > 0) {
		size_t offset = ((size_t)take_octet(&in) << 8 | take_octet(&in)) % sizeof reply;
		struct view octets_in = take(&in, take_octet(&in) % (sizeof reply - offset));

		if (octets_in.n > 0)
			memcpy(packet + offset, octets_in.p, octets_in.n);
	}
	return octets;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	char packet[sizeof(struct av_reply) + 8];
	int pair[2], fds[AV_WIRE_DESCRIPTORS];
	struct av_reply reply;
	size_t length = build((struct view){ (const char *)octets, n }, packet);
	int64_t got;

	CLAIM(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	CLAIM(av_wire_send(pair[0], packet, length, &pair[1], n % 2) == (int64_t)length);
	got = av_wire_receive(pair[1], &reply, sizeof reply, fds);
	CLAIM(got == (length > sizeof reply ? -EMSGSIZE : (int64_t)length));
	CLAIM((fds[0] >= 0) == (got > 0 && n % 2 == 1) && fds[1] == -1);
	if (fds[0] >= 0)
		close(fds[0]);
	if (got > 0) {
		memset((char *)&reply + got, 0xaa, sizeof reply - (size_t)got);
		CLAIM(av_reply_is_valid(&reply, (uint64_t)got) == is_valid(&reply, (size_t)got));
		if (is_valid(&reply, (size_t)got) && reply.kind == AV_RESULT)
			claim_class(&reply);
	}
	close(pair[0]);
	close(pair[1]);
	return 0;
}
