/* Does an Authentication-Results value claim our authserv-id? Values that RFC 8601 section 2.2 allows are read a second
 * time, by the grammar; for all others only memory and time are at stake here. */
#include "milter/authres.h"
#include "t/fuzz/fuzz.h"

#include <talloc.h>

/* Octets of the comment or blank at the start of v; 0 when none begins here, or a comment does not end. */
static size_t cfws_length(struct view v)
{
	size_t depth = 0;

	if (v.n > 0 && ascii_is_fws(v.p[0]))
		return 1;
	for (size_t i = 0; i < v.n && (i == 0 || depth > 0); i++) {
		if (v.p[i] == '\\')
			i++;
		else if (v.p[i] == '(')
			depth++;
		else if (v.p[i] == ')' && depth > 0 && --depth == 0)
			return i + 1;
	}
	return 0;
}

static struct view skip_cfws(struct view v)
{
	size_t n;

	while ((n = cfws_length(v)) > 0)
		v = view_slice(v, n, v.n);
	return v;
}

/* The inside of the quoted-string at the start of v, unescaped. Returns its octets in v, 0 when it does not end. */
static size_t quoted_string(struct view v, struct buf *ret)
{
	for (size_t i = 1; i < v.n; i++) {
		if (v.p[i] == '"')
			return i + 1;
		if (v.p[i] == '\\' && ++i == v.n)
			break;
		buf_add_char(ret, v.p[i]);
	}
	return 0;
}

static bool is_token_octet(char c)
{
	return matches((struct view){ &c, 1 }, "[]!#$%&'*+.0-9A-Z^_`a-z{|}~-]") && c != ']';
}

static size_t token(struct view v, struct buf *ret)
{
	size_t n = 0;

	while (n < v.n && is_token_octet(v.p[n]))
		n++;
	buf_add(ret, view_slice(v, 0, n));
	return n;
}

static struct view without_dot(struct view name)
{
	return name.n > 0 && name.p[name.n - 1] == '.' ? view_slice(name, 0, name.n - 1) : name;
}

enum reading { NOT_VALID, OURS, NOT_OURS };

/* [CFWS] authserv-id, then CFWS, ";" or the end. */
static enum reading read_id(void *mem, struct view value, struct view wanted)
{
	struct view v = skip_cfws(value);
	struct buf id;
	size_t n;

	buf_init(&id, mem, value.n + 1);
	n = v.n > 0 && v.p[0] == '"' ? quoted_string(v, &id) : token(v, &id);
	if (n == 0)
		return NOT_VALID;
	v = view_slice(v, n, v.n);
	if (v.n > 0 && v.p[0] != ';' && cfws_length(v) == 0)
		return NOT_VALID;
	/* Blanks and controls around a quoted name, and names without any octet, are beyond the grammar's use. */
	if (id.n == 0 || !matches(buf_view(&id), "[!-~]+"))
		return NOT_VALID;
	return view_eq_nocase(without_dot(buf_view(&id)), without_dot(wanted)) ? OURS : NOT_OURS;
}

/* Input: a line with our authserv-id (a host name); the value. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	void *mem = talloc_new(NULL);
	struct view id = copy_of(mem, take_line(&input));
	struct view value = copy_of(mem, input);
	bool claims = authres_claims(value, id);

	if (matches(id, "[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?")) {
		enum reading reading = read_id(mem, value, id);

		CLAIM(reading != OURS || claims);
		CLAIM(reading != NOT_OURS || !claims);
	}
	talloc_free(mem);
	return 0;
}
