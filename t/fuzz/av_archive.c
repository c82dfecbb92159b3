/* The listing of a hostile archive. */
#include "av/archive.h"
#include "t/fuzz/fuzz.h"

#include <string.h>

static void take_name(void *arg, struct view name)
{
	size_t *octets = arg;

	*octets += name.n ? 1 + (size_t)(name.p[name.n - 1] == 'x') : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct av_archive archive;
	size_t count = 0;

	av_archive_list((struct view){ (const char *)octets, n }, take_name, &count, &archive);
	CLAIM(archive.state != AV_ARCHIVE_NONE || count == 0);
	CLAIM(strlen(archive.encrypted) < sizeof archive.encrypted);
	return 0;
}
