#include "milter/survival.h"

#include <talloc.h>

static const char *const words[] = {
#define X(warning, word) word,
	SURVIVAL_WARNINGS(X)
#undef X
};

static void warn(struct survival *survival, enum survival_warning warning)
{
	survival->found |= 1u << warning;
}

void survival_mail_argument(struct survival_params *params, struct view argument)
{
	if (view_eq_nocase(argument, VIEW("BODY=8BITMIME")) || view_eq_nocase(argument, VIEW("BODY=BINARYMIME")))
		params->eight_bit_mime = true;
	else if (view_eq_nocase(argument, VIEW("SMTPUTF8")))
		params->smtputf8 = true;
}

void survival_mta(struct survival_params *params, struct view version)
{
	params->postfix = view_eq_nocase(view_slice(version, 0, 7), VIEW("Postfix"));
}

static bool has_eight_bits(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] > 127)
			return true;
	return false;
}

/* A field has its own line ends: CRLF before each continuation and at the end. Anything else stands bare in it. */
static void look_at_field(struct survival *survival, struct view raw)
{
	size_t line = 0;

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\r' && i + 1 < raw.n && raw.p[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		if (raw.p[i] == '\r')
			warn(survival, SURVIVAL_BARE_CR);
		if (raw.p[i] == '\n')
			warn(survival, SURVIVAL_BARE_LF);
		if (++line > SURVIVAL_LINE_MAX)
			warn(survival, SURVIVAL_LONG_HEADER_LINES);
	}
}

/* Those that Sendmail parses, of the fields that are signed. */
static const struct view address_fields[] = {
	VIEW_INIT("From"), VIEW_INIT("Reply-To"), VIEW_INIT("To"), VIEW_INIT("Cc"),
	VIEW_INIT("Resent-From"), VIEW_INIT("Resent-To"), VIEW_INIT("Resent-Cc"),
};

static void look_at_addresses(struct survival *survival, const struct header_list *headers)
{
	for (size_t i = 0; i < header_list_count(headers); i++) {
		const struct header_field *field = header_list_at(headers, i);

		for (size_t name = 0; name < sizeof address_fields / sizeof *address_fields; name++)
			if (view_eq_nocase(field->name, address_fields[name]))
				survival->found |= survival_addresses(field->value);
	}
}

void survival_header(struct survival *survival, const struct survival_params *params, const struct header_list *headers)
{
	*survival = (struct survival){ 0 };
	for (size_t i = 0; i < header_list_count(headers); i++) {
		const struct view raw = header_list_at(headers, i)->raw;

		look_at_field(survival, raw);
		if (!params->smtputf8 && has_eight_bits(raw))
			warn(survival, SURVIVAL_EIGHT_BIT_HEADER);
	}
	if (params->postfix)
		return;
	look_at_addresses(survival, headers);
	if (header_list_count_name(headers, VIEW("Date")) == 0)
		warn(survival, SURVIVAL_NO_DATE);
	if (header_list_count_name(headers, VIEW("Message-ID")) == 0)
		warn(survival, SURVIVAL_NO_MESSAGE_ID);
}

/* Part of a line, without its LF. A CR at its end is judged by what comes next. */
static void look_at_part(struct survival *survival, const struct survival_params *params, struct view part)
{
	const size_t line_max = params->postfix ? SURVIVAL_LINE_MAX : SURVIVAL_LINE_MAX_SENDMAIL;

	if (part.n == 0)
		return;
	if (survival->after_cr) {
		warn(survival, SURVIVAL_BARE_CR);
		survival->line_octets++; /* that CR */
	}
	survival->after_cr = part.p[part.n - 1] == '\r';
	part.n -= survival->after_cr;
	if (view_find(part, '\r') < part.n)
		warn(survival, SURVIVAL_BARE_CR);
	survival->line_octets += part.n;
	if (survival->line_octets > line_max)
		warn(survival, SURVIVAL_LONG_LINES);
}

void survival_body(struct survival *survival, const struct survival_params *params, struct view chunk)
{
	struct view part;

	if (!params->eight_bit_mime && !(survival->found & 1u << SURVIVAL_EIGHT_BIT_BODY) && has_eight_bits(chunk))
		warn(survival, SURVIVAL_EIGHT_BIT_BODY);
	while (chunk.n > 0 && view_next(&chunk, '\n', &part)) {
		look_at_part(survival, params, part);
		if (!chunk.p) /* the line goes on in the next chunk */
			return;
		if (!survival->after_cr)
			warn(survival, SURVIVAL_BARE_LF);
		survival->after_cr = false;
		survival->line_octets = 0;
	}
}

void survival_end(struct survival *survival)
{
	if (survival->after_cr)
		warn(survival, SURVIVAL_BARE_CR);
}

char *survival_text(void *mem, const struct survival *survival)
{
	char *text = talloc_strdup(mem, "");

	for (size_t i = 0; text && i < SURVIVAL_COUNT; i++)
		if (survival->found & 1u << i)
			text = talloc_asprintf_append(text, "%s%s", *text ? "," : "", words[i]);
	return text;
}
