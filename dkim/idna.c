#include "dkim/idna.h"

#include "dkim/buf.h"
#include "dkim/domain.h"

#include <errno.h>
#include <idn2.h>
#include <stdint.h>
#include <talloc.h>

#define FLAGS (IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

/* "xn--" (RFC 5890 section 2.3.2.5) in any case. */
static bool is_a_label(struct view label)
{
	return label.n > 4 && view_eq_nocase(view_slice(label, 0, 4), VIEW("xn--"));
}

/* 0, -EINVAL, or -ENOMEM for what libidn2 says. */
static int idn2_errno(int code)
{
	if (code == IDN2_OK)
		return 0;
	return code == IDN2_MALLOC ? -ENOMEM : -EINVAL;
}

/* The A-label of a U-label; the caller frees it with idn2_free(). */
static int map(const char *u_label, char **ret)
{
	uint8_t *mapped = NULL;
	int r = idn2_errno(idn2_lookup_u8((const uint8_t *)u_label, &mapped, FLAGS));

	if (r == 0)
		*ret = (char *)mapped;
	return r;
}

/* The U-label that an A-label in lower case stands for: the one that leads back to it (RFC 5891 section 5.4). Punycode
 * says other things too. -EINVAL when there is none; else the caller frees it with idn2_free(). */
static int unmap(const char *a_label, char **ret)
{
	char *u_label = NULL, *again = NULL;
	int r = idn2_errno(idn2_to_unicode_8z8z(a_label, &u_label, 0));

	if (r == 0)
		r = map(u_label, &again);
	if (r == 0 && !view_eq(view_of(again), view_of(a_label)))
		r = -EINVAL;
	idn2_free(again);
	if (r == 0)
		*ret = u_label;
	else
		idn2_free(u_label);
	return r;
}

/* What the mapping gave must be one A-label in which nothing was hidden from it: "xn--" behind an invisible character
 * would come out as it stood. */
static int check_a_label(const char *a_label)
{
	struct view v = view_of(a_label);
	char *u_label = NULL;
	int r = is_a_label(v) && domain_is_valid(v) && domain_is_single_label(v) ? unmap(a_label, &u_label) : -EINVAL;

	idn2_free(u_label);
	return r;
}

/* One U-label at a time: across a whole name the library would judge the ASCII labels too, and split labels at dots
 * that only the mapping brings (U+3002). */
static int add_a_label(struct buf *out, struct view label)
{
	char *u_label = view_string(out->mem, label);
	char *a_label = NULL;
	int r;

	if (!u_label)
		return -ENOMEM;
	r = map(u_label, &a_label);
	talloc_free(u_label);
	if (r == 0)
		r = check_a_label(a_label);
	if (r == 0)
		buf_add_string(out, a_label);
	idn2_free(a_label);
	return r;
}

int idna_to_ascii(void *mem, struct view name, struct view *ret)
{
	struct view rest = name, label;
	struct buf out;
	int r = 0;

	if (!domain_is_valid(name))
		return -EINVAL;
	if (domain_is_ascii(name)) {
		*ret = name;
		return 0;
	}
	buf_init(&out, mem, DOMAIN_NAME_MAX);
	while (r == 0 && view_next(&rest, '.', &label)) {
		if (out.n > 0)
			buf_add_char(&out, '.');
		if (domain_is_ascii(label))
			buf_add(&out, label);
		else
			r = add_a_label(&out, label);
	}
	if (r == 0)
		r = buf_error(&out);
	if (r == 0)
		*ret = buf_view(&out);
	else
		buf_free(&out);
	return r == -EMSGSIZE ? -EINVAL : r;
}

/* As it stands when it stands for nothing. */
static int add_u_label(struct buf *out, struct view a_label)
{
	char *text = view_string(out->mem, a_label);
	char *u_label = NULL;
	int r;

	if (!text)
		return -ENOMEM;
	for (char *c = text; *c; c++)
		*c = ascii_lower(*c); /* U-labels have no capitals */
	r = unmap(text, &u_label);
	talloc_free(text);
	if (r == 0)
		buf_add_string(out, u_label);
	else if (r == -EINVAL)
		buf_add(out, a_label);
	idn2_free(u_label);
	return r == -ENOMEM ? r : 0;
}

static int add_labels(struct buf *out, struct view name)
{
	struct view label;
	bool first = true;
	int r = 0;

	for (; r == 0 && view_next(&name, '.', &label); first = false) {
		if (!first)
			buf_add_char(out, '.');
		if (is_a_label(label))
			r = add_u_label(out, label);
		else
			buf_add(out, label);
	}
	return r < 0 ? r : buf_error(out);
}

int idna_to_unicode(void *mem, struct view name, struct view *ret)
{
	struct buf out;
	int r = 0;

	*ret = name;
	if (!domain_is_valid(name))
		return 0;
	buf_init(&out, mem, DOMAIN_UTF8_MAX);
	r = add_labels(&out, name);
	if (r == 0 && !view_eq(buf_view(&out), name))
		*ret = buf_view(&out);
	else
		buf_free(&out);
	return r == -ENOMEM ? r : 0;
}
