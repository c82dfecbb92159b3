/* Parameters of a field, and the names in them. */
#include "av/file_name.h"
#include "av/mime.h"
#include "av/parameter.h"
#include "t/fuzz/fuzz.h"

#include <string.h>

static const char *const extensions[] = { "exe", "js", NULL };

static void take_value(void *arg, struct view name, struct view value)
{
	char clean[AV_FILE_NAME_MAX + 1], again[AV_FILE_NAME_MAX + 1];
	const struct view *field = arg;

	CLAIM(lies_inside(name, *field));
	av_file_name_clean(value, clean);
	CLAIM(strlen(clean) <= AV_FILE_NAME_MAX && !strpbrk(clean, "/\\\r\n"));
	/* Dots and blanks that are appended change nothing. */
	if (!strchr(clean, '=') && strlen(clean) + 3 <= AV_FILE_NAME_MAX) {
		char longer[AV_FILE_NAME_MAX + 4];

		strcat(strcpy(longer, clean), ". .");
		av_file_name_clean(view_of(longer), again);
		CLAIM(strcmp(clean, again) == 0);
	}
	CLAIM(!av_file_name_banned(clean, extensions) || strchr(clean, '.'));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view field = { (const char *)octets, n };
	static int begun = 1;
	char head[40];

	if (begun)
		begun = av_mime_begin();
	CLAIM(begun == 0);
	av_parameters(field, take_value, &field);
	av_parameter_head(field, head, sizeof head);
	CLAIM(strlen(head) < sizeof head);
	return 0;
}
