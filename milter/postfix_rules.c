#include "milter/postfix_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <unistd.h>

#define SHOWN_MAX 80 /* octets of a pattern */

struct search {
	const char *table;
	postfix_field_matters *matters;
	const void *arg;
	struct buf *got;
	size_t found;
};

static void begin_finding(struct search *search)
{
	if (search->found++ > 0)
		buf_add_string(search->got, "; ");
}

static bool is_name_octet(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Whether all of one or several names, separated by "|", are plain text and none of them matters. */
static bool none_matters(const struct search *search, struct view names)
{
	struct view name;

	while (view_next(&names, '|', &name)) {
		if (name.n == 0 || search->matters(search->arg, name))
			return false;
		for (size_t i = 0; i < name.n; i++)
			if (!is_name_octet(name.p[i]))
				return false;
	}
	return true;
}

/* Whether the pattern can match nothing but fields that do not matter. */
static bool is_harmless(const struct search *search, struct view pattern)
{
	size_t end;

	if (!search->matters || pattern.n < 2 || pattern.p[0] != '^')
		return false;
	pattern = view_slice(pattern, 1, pattern.n);
	if (pattern.p[0] != '(') {
		end = view_find(pattern, ':');
		return end < pattern.n && none_matters(search, view_slice(pattern, 0, end)) && view_find(view_slice(pattern, 0, end), '|') == end;
	}
	end = view_find(pattern, ')');
	if (end + 1 >= pattern.n || pattern.p[end + 1] != ':')
		return false;
	pattern = view_slice(pattern, 1, end);
	if (pattern.n >= 2 && pattern.p[0] == '?' && pattern.p[1] == ':')
		pattern = view_slice(pattern, 2, pattern.n);
	return none_matters(search, pattern);
}

static bool changes_mail(struct view action)
{
	static const struct view changing[] = { VIEW_INIT("IGNORE"), VIEW_INIT("REPLACE"), VIEW_INIT("STRIP") };

	for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
		if (view_eq_nocase(action, changing[i]))
			return true;
	return false;
}

/* One rule: "/pattern/flags ACTION text", perhaps with "!" in front. Lines with if and endif have no action. */
static void look_at_rule(struct search *search, struct view rule, unsigned line)
{
	size_t end = 1, from, to;
	struct view action, pattern;
	char *shown;

	if (rule.n > 0 && rule.p[0] == '!')
		rule = view_slice(rule, 1, rule.n);
	if (rule.n < 2 || is_name_octet(rule.p[0]))
		return;
	while (end < rule.n && rule.p[end] != rule.p[0])
		end += rule.p[end] == '\\' ? 2 : 1;
	for (from = end; from < rule.n && !ascii_is_fws(rule.p[from]);)
		from++; /* flags */
	while (from < rule.n && ascii_is_fws(rule.p[from]))
		from++;
	for (to = from; to < rule.n && !ascii_is_fws(rule.p[to]);)
		to++;
	action = view_slice(rule, from, to);
	pattern = view_slice(rule, 1, end);
	if (!changes_mail(action) || is_harmless(search, pattern))
		return;
	begin_finding(search);
	shown = view_escape(search->got->mem, pattern, SHOWN_MAX);
	buf_printf(search->got, "%s:%u: %.*s %s", search->table, line, (int)action.n, action.p, shown ? shown : "");
	talloc_free(shown);
}

static bool is_comment(struct view line)
{
	const struct view text = view_trim_fws(line);

	return text.n == 0 || text.p[0] == '#';
}

/* A line that begins with a blank continues the one before, whatever comments lie between. */
static void look_at_table(struct search *search, struct view text)
{
	struct view rest = text, line;
	unsigned number = 0, first = 0;
	struct buf rule;

	buf_init(&rule, search->got->mem, POSTFIX_TABLE_MAX);
	while (view_next(&rest, '\n', &line)) {
		number++;
		if (is_comment(line))
			continue;
		if (!ascii_is_blank(line.p[0])) {
			look_at_rule(search, buf_view(&rule), first);
			buf_clear(&rule);
			first = number;
		}
		buf_add(&rule, line);
	}
	look_at_rule(search, buf_view(&rule), first);
	if (buf_error(&rule))
		search->got->error = buf_error(&rule);
	buf_free(&rule);
}

static int read_table(const char *path, struct buf *out)
{
	char chunk[8192];
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO has no writer here */

	if (fd < 0)
		return -errno;
	while (buf_error(out) == 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(out, (struct view){ chunk, (size_t)n });
	(void)close(fd);
	return n < 0 ? -EIO : 0;
}

static void look_into(struct search *search, const char *table)
{
	const char *path = table;
	struct buf text;

	if (strncmp(path, "proxy:", 6) == 0)
		path += 6;
	buf_init(&text, search->got->mem, POSTFIX_TABLE_MAX);
	search->table = strchr(path, '/');
	if ((strncmp(path, "regexp:/", 8) != 0 && strncmp(path, "pcre:/", 6) != 0) || read_table(search->table, &text) < 0) {
		begin_finding(search);
		buf_printf(search->got, "%s: cannot be read", table);
	} else {
		look_at_table(search, buf_view(&text));
	}
	buf_free(&text);
}

bool postfix_rules_find(const char *tables, postfix_field_matters *matters, const void *arg, struct buf *got)
{
	static const char separators[] = ", \t\r\n";
	struct search search = { .matters = matters, .arg = arg, .got = got };

	for (tables += strspn(tables, separators); *tables; tables += strspn(tables, separators)) {
		const size_t n = strcspn(tables, separators);
		char *table = talloc_strndup(got->mem, tables, n);

		if (table)
			look_into(&search, table);
		else
			got->error = -ENOMEM;
		talloc_free(table);
		tables += n;
	}
	return search.found > 0;
}
