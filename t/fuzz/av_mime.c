/* The walk through a hostile message, with all that is done to its parts but the engine's scan. */
#include "av/archive.h"
#include "av/file_name.h"
#include "av/mime.h"
#include "t/fuzz/fuzz.h"

#include <string.h>

#define PARTS_MAX 20

static void take_part(void *arg, const struct av_mime_part *part)
{
	char clean[AV_FILE_NAME_MAX + 1];
	unsigned *visited = arg;

	++*visited;
	CLAIM(part->number[0] || part->octets.n == 0);
	CLAIM(strlen(part->type) < 128);
	for (size_t i = 0; i < part->name_count; i++) {
		av_file_name_clean(part->names[i], clean);
		CLAIM(strlen(clean) <= AV_FILE_NAME_MAX);
	}
	/* Each octet is there to be read. */
	CLAIM(part->octets.n == 0 || memchr(part->octets.p, part->octets.p[part->octets.n - 1], part->octets.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static int begun = 1;
	unsigned visited = 0;
	struct av_mime_settings settings = { PARTS_MAX, take_part, &visited };
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT };
	bool limited = false;

	if (begun)
		begun = av_mime_begin();
	CLAIM(begun == 0);
	bool ok = av_mime_walk(&settings, (struct view){ (const char *)octets, n }, &reply);

	for (uint32_t i = 0; i < reply.finding_count; i++)
		limited |= reply.findings[i].kind == AV_LIMIT;
	CLAIM(ok == !limited);
	CLAIM(av_reply_is_valid(&reply, sizeof reply));
	CLAIM(visited <= 2 * PARTS_MAX + 2);
	return 0;
}
