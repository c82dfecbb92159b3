/* The parts of an address list that Sendmail writes anew when it delivers, as 8.17 was seen to. */
#include "milter/survival.h"

struct scan {
	size_t comment;   /* depth */
	bool quoted;      /* within "..." */
	bool angle;       /* within <...> */
	bool escaped;     /* behind a backslash, in quotes and comments */
	bool special;     /* the mailbox so far has an octet that Sendmail will not leave unquoted in a name */
	bool after_comma;
	unsigned found;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* An octet that stands for itself. Returns false when it belongs to a quoted string or a comment. */
static bool leave_quotes(struct scan *s, char c)
{
	if (s->escaped) {
		s->escaped = false;
		return false;
	}
	if (c == '\\' && (s->quoted || s->comment > 0)) {
		s->escaped = true;
		return false;
	}
	if (s->comment == 0 && c == '"') {
		s->quoted = !s->quoted;
		return false;
	}
	if (s->quoted)
		return false;
	if (c == '(')
		s->comment++;
	if (s->comment == 0)
		return true;
	if (c == ')')
		s->comment--;
	return false;
}

static void look_at(struct scan *s, char c)
{
	switch (c) {
	case ',':
		s->after_comma = !s->angle; /* a comma within is part of a route (RFC 5322 section 4.4) */
		/* fallthrough */
	case ';':
	case ':':
		s->special = false;
		break;
	case '<':
		if (s->special)
			s->found |= 1u << SURVIVAL_UNQUOTED_NAME;
		s->angle = true;
		break;
	case '>':
		s->angle = s->special = false;
		break;
	case '.':
	case '\'':
	case '@':
	case '[':
	case ']':
	case '\\':
		s->special = !s->angle;
		break;
	default:
		break;
	}
}

unsigned survival_addresses(struct view value)
{
	struct scan s = { .found = 0 };

	for (size_t i = 0; i < value.n; i++) {
		if (s.after_comma && !is_blank(value.p[i]))
			s.found |= 1u << SURVIVAL_TIGHT_LIST;
		s.after_comma = false;
		if (leave_quotes(&s, value.p[i]))
			look_at(&s, value.p[i]);
	}
	return s.found;
}
