/* The map of classes against its rows, written as a regular expression per line. */
#include "av/class_map.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define WORD "[^ \t\r#]+"
#define BLANK "[ \t\r]"
#define CLASS "([iI][nN][fF][eE][cC][tT][eE][dD]|[bB][aA][nN][nN][eE][dD]|[eE][rR][rR][oO][rR]|" \
              "[uU][nN][sS][cC][aA][nN][nN][aA][bB][lL][eE]|[sS][uU][sS][pP][eE][cC][tT]|" \
              "[eE][nN][cC][rR][yY][pP][tT][eE][dD]|[iI][gG][nN][oO][rR][eE])"

static bool is_row(struct view line)
{
	line = view_slice(line, 0, view_find(line, '#'));
	return matches(line, BLANK "*") || matches(line, BLANK "*" WORD BLANK "+" CLASS BLANK "*");
}

static bool is_map(struct view text)
{
	while (text.n > 0) {
		size_t end = view_find(text, '\n');

		if (!is_row(view_slice(text, 0, end)))
			return false;
		text = view_slice(text, end + 1, text.n);
	}
	return true;
}

/* A NUL in a comment does no harm; the regular expressions know none. */
static bool can_be_judged(struct view text)
{
	return view_find(text, '\0') == text.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static const char *const ignored[] = { "Ignored.*", NULL };
	void *mem = talloc_new(NULL);
	struct view in = copy_of(mem, (struct view){ (const char *)octets, n });
	struct av_finding finding = { .kind = AV_SIGNATURE, .name = "Ignored.Name" };
	struct av_class_map *map;
	char *error;
	int r = av_class_map_parse(mem, in, "map", ignored, &map, &error);

	CLAIM(r == 0 || r == -EINVAL);
	if (can_be_judged(in))
		CLAIM((r == 0) == is_map(in));
	if (r == 0)
		CLAIM(av_classify_finding(map, &finding) == AV_CLASS_CLEAN);
	else
		claim_error_text(error, "map:");
	talloc_free(mem);
	return 0;
}
