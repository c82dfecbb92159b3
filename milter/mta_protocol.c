#include "milter/mta_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Macros as Postfix 3.7 sends them with its defaults. */
const struct mta_stage_row mta_stages[MTA_STAGES] = {
	[MTA_CONNECT]        = { "connect", 'C', 0x1,   0x1000,  2, 0, "j {daemon_name} {daemon_addr} v _" },
	[MTA_HELO]           = { "helo",    'H', 0x2,   0x2000,  2, 1,
	                         "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}" },
	[MTA_MAIL]           = { "mail",    'M', 0x4,   0x4000,  2, 2,
	                         "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}" },
	[MTA_RCPT]           = { "rcpt",    'R', 0x8,   0x8000,  2, 3, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	[MTA_DATA]           = { "data",    'T', 0x200, 0x10000, 4, 4, "i" },
	[MTA_HEADER]         = { "header",  'L', 0x20,  0x80,    2, 6, "i" },
	[MTA_END_OF_HEADER]  = { "end-of-header",  'N', 0x40, 0x40000, 2, 6, "i" },
	[MTA_BODY]           = { "body",    'B', 0x10,  0x80000, 2, 5, "i" },
	[MTA_END_OF_MESSAGE] = { "end-of-message", 'E', 0,    0,       2, 5, "i" },
};

static const struct {
	uint32_t version, actions, protocol;
} versions[] = {
	{ 2, 0x3f,  0x7f },
	{ 3, 0x3f,  0x17f },  /* unknown commands */
	{ 4, 0x3f,  0x37f },  /* DATA */
	{ 6, 0x1ff, 0x1fffff },
};

void mta_version_bits(uint32_t version, uint32_t *ret_actions, uint32_t *ret_protocol)
{
	*ret_actions = *ret_protocol = 0;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].version == version) {
			*ret_actions = versions[i].actions;
			*ret_protocol = versions[i].protocol;
		}
}

static const struct {
	const char *name;
	char reply; /* 0: never a packet of its own */
} verdicts[] = {
	[MTA_CONTINUE]        = { "continue", 'c' },
	[MTA_ACCEPT]          = { "accept", 'a' },
	[MTA_REJECT]          = { "reject", 'r' },
	[MTA_TEMPFAIL]        = { "tempfail", 't' },
	[MTA_DISCARD]         = { "discard", 'd' },
	[MTA_SKIP]            = { "skip", 's' },
	[MTA_SHUTDOWN]        = { "shutdown", '4' },
	[MTA_CONNECTION_FAIL] = { "connection-fail", 'f' },
	[MTA_NOT_SENT]        = { "not-sent", 0 },
};

const char *mta_verdict_name(enum mta_verdict verdict)
{
	return verdicts[verdict].name;
}

bool mta_verdict_of_reply(char reply, enum mta_verdict *ret)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		if (verdicts[i].reply && verdicts[i].reply == reply) {
			*ret = (enum mta_verdict)i;
			return true;
		}
	return false;
}

/* How the data of a packet is laid out. */
enum layout { INDEX_NAME_VALUE, NAME_VALUE, VALUE, VALUE_PARAMETERS, OCTETS, NOTHING };

static const char *const layout_text[] = {
	[INDEX_NAME_VALUE] = "an index and two strings, each ending in NUL",
	[NAME_VALUE]       = "two strings, each ending in NUL",
	[VALUE]            = "one string ending in NUL",
	[VALUE_PARAMETERS] = "one or two strings, each ending in NUL",
	[OCTETS]           = "any octets",
	[NOTHING]          = "no data",
};

static const struct change_row {
	const char *name;
	char reply; /* SMFIR_*; 0: told by the data */
	uint32_t action;
	enum layout layout;
	const char *needs;
} changes[] = {
	[MTA_ADD_HEADER]       = { "add-header",    'h', MTA_ACTION_ADD_HEADERS,    NAME_VALUE,       "SMFIF_ADDHDRS" },
	[MTA_INSERT_HEADER]    = { "insert-header", 'i', MTA_ACTION_ADD_HEADERS,    INDEX_NAME_VALUE, "SMFIF_ADDHDRS" },
	[MTA_CHANGE_HEADER]    = { "change-header", 'm', MTA_ACTION_CHANGE_HEADERS, INDEX_NAME_VALUE, "SMFIF_CHGHDRS" },
	[MTA_DELETE_HEADER]    = { "delete-header", 0,   MTA_ACTION_CHANGE_HEADERS, INDEX_NAME_VALUE, "SMFIF_CHGHDRS" },
	[MTA_REPLACE_BODY]     = { "replace-body",  'b', MTA_ACTION_CHANGE_BODY,    OCTETS,           "SMFIF_CHGBODY" },
	[MTA_CHANGE_FROM]      = { "change-from",   'e', MTA_ACTION_CHANGE_FROM,    VALUE_PARAMETERS, "SMFIF_CHGFROM" },
	[MTA_ADD_RECIPIENT]    = { "add-recipient", '+', MTA_ACTION_ADD_RECIPIENT,  VALUE,            "SMFIF_ADDRCPT" },
	[MTA_ADD_RECIPIENT_PARAMETERS] = { "add-recipient-with-parameters", '2', MTA_ACTION_ADD_RECIPIENT_PARAMETERS,
	                                   VALUE_PARAMETERS, "SMFIF_ADDRCPT_PAR" },
	[MTA_DELETE_RECIPIENT] = { "delete-recipient", '-', MTA_ACTION_DELETE_RECIPIENT, VALUE,       "SMFIF_DELRCPT" },
	[MTA_QUARANTINE]       = { "quarantine",    'q', MTA_ACTION_QUARANTINE,     VALUE,            "SMFIF_QUARANTINE" },
	[MTA_PROGRESS]         = { "progress",      'p', 0,                         NOTHING,          "" },
};

const char *mta_change_name(enum mta_change_kind kind)
{
	return changes[kind].name;
}

/* Cut a NUL-terminated string off the front. */
static bool take_string(struct view *rest, struct view *ret)
{
	size_t n = view_find(*rest, '\0');

	if (n == rest->n)
		return false;
	*ret = view_slice(*rest, 0, n);
	*rest = view_slice(*rest, n + 1, rest->n);
	return true;
}

static bool take_index(struct view *rest, uint32_t *ret)
{
	uint32_t index;

	if (rest->n < sizeof index)
		return false;
	memcpy(&index, rest->p, sizeof index);
	*ret = ntohl(index);
	*rest = view_slice(*rest, sizeof index, rest->n);
	return true;
}

static bool take_layout(enum layout layout, struct view data, struct mta_change *change)
{
	switch (layout) {
	case OCTETS:
		change->value = data;
		return true;
	case NOTHING:
		return data.n == 0;
	case INDEX_NAME_VALUE:
		return take_index(&data, &change->index) && take_string(&data, &change->name) &&
		       take_string(&data, &change->value) && data.n == 0;
	case NAME_VALUE:
		return take_string(&data, &change->name) && take_string(&data, &change->value) && data.n == 0;
	case VALUE:
		return take_string(&data, &change->value) && data.n == 0;
	case VALUE_PARAMETERS:
		return take_string(&data, &change->value) &&
		       (data.n == 0 || (take_string(&data, &change->parameters) && data.n == 0));
	}
	return false;
}

int mta_change_parse(char reply, struct view data, uint32_t actions, struct mta_change *ret, const char **ret_wanted)
{
	struct mta_change change = { .kind = MTA_ADD_HEADER };
	size_t i = 0;

	while (i < sizeof changes / sizeof *changes && (!changes[i].reply || changes[i].reply != reply))
		i++;
	if (i == sizeof changes / sizeof *changes)
		return 0;
	if ((changes[i].action & actions) != changes[i].action) {
		*ret_wanted = changes[i].needs;
		return -EPERM;
	}
	change.kind = (enum mta_change_kind)i;
	if (!take_layout(changes[i].layout, data, &change)) {
		*ret_wanted = layout_text[changes[i].layout];
		return -EPROTO;
	}
	if (change.kind == MTA_CHANGE_HEADER && change.value.n == 0)
		change.kind = MTA_DELETE_HEADER;
	*ret = change;
	return 1;
}
