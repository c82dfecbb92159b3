/* postern probe: acts as the MTA towards any milter and shows what it would do to a message. */
#include "milter/cmd.h"
#include "milter/cmd_message.h"
#include "milter/cmd_options.h"
#include "milter/mail_file.h"
#include "milter/mta_apply.h"
#include "milter/mta_report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define PROBE_APPLIED_MAX (3ull * (MAIL_FILE_MAX + MTA_CHANGES_OCTETS_MAX)) /* each LF may become CR LF tab */
#define PROBE_MACROS_MAX 200 /* -D together with the defaults; MTAs know about 60 names */
#define PROBE_PORT 49152     /* of the client that is played; the first dynamic port */

struct probe {
	const char *client, *helo, *sender;
	struct cmd_strings recipients;
	long long version, actions, protocol, chunk, timeout;
	bool no_leadspc, apply, json;
	struct mta_report_options report;
	struct mta_macro macro[PROBE_MACROS_MAX];
	size_t macro_count;
	struct mta_envelope envelope;
	struct cmd_message message;
};

static int add_macro(struct probe *probe, const char *name, const char *value, enum mta_stage since)
{
	if (probe->macro_count == PROBE_MACROS_MAX)
		return -E2BIG;
	probe->macro[probe->macro_count++] = (struct mta_macro){ name, value, since };
	return 0;
}

/* -D NAME=VALUE; a name of several letters gets its braces. */
static int set_macro(void *context, const char *text)
{
	struct probe *probe = context;
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : 0;
	char *name;

	if (n == 0)
		return -EINVAL;
	name = talloc_asprintf(probe, n > 1 && text[0] != '{' ? "{%.*s}" : "%.*s", (int)n, text);
	if (!name)
		return -ENOMEM;
	return add_macro(probe, name, equals + 1, MTA_CONNECT);
}

static const struct cmd_option options[] = {
	{ "client", 0, "NAME,ADDRESS", "the SMTP client that is played\n(localhost,127.0.0.1)",
	  CMD_STRING, offsetof(struct probe, client), 0, 0, NULL },
	{ "helo", 0, "NAME", "its HELO name (the client's NAME)", CMD_STRING, offsetof(struct probe, helo), 0, 0, NULL },
	{ "from", 'f', "ADDRESS", "MAIL FROM; angle brackets are added,\n\"\" is the null sender (<sender@example.org>)",
	  CMD_STRING, offsetof(struct probe, sender), 0, 0, NULL },
	{ "rcpt", 'r', "ADDRESS", "RCPT TO; may be repeated\n(<recipient@example.net>)",
	  CMD_STRINGS, offsetof(struct probe, recipients), 0, 0, NULL },
	{ "define", 'D', "NAME=VALUE", "a macro, e.g. daemon_name=ORIGINATING or\nauth_type=PLAIN; may be repeated",
	  CMD_CALL, 0, 0, 0, set_macro },
	{ "version", 0, "N", "offer protocol version 2, 3, 4 or 6 (6)", CMD_NUMBER, offsetof(struct probe, version), 2, 6, NULL },
	{ "actions", 0, "BITS", "offer only these actions (SMFIF_*)",
	  CMD_NUMBER, offsetof(struct probe, actions), 0, UINT32_MAX, NULL },
	{ "protocol", 0, "BITS", "offer only these protocol bits (SMFIP_*)",
	  CMD_NUMBER, offsetof(struct probe, protocol), 0, UINT32_MAX, NULL },
	{ "no-leadspc", 0, NULL, "do not offer SMFIP_HDR_LEADSPC", CMD_FLAG, offsetof(struct probe, no_leadspc), 0, 0, NULL },
	{ "chunk", 0, "N", "octets of body in one packet (65535)",
	  CMD_NUMBER, offsetof(struct probe, chunk), 1, MTA_CHUNK_OCTETS, NULL },
	{ "timeout", 0, "SECONDS", "for the whole session (60)", CMD_NUMBER, offsetof(struct probe, timeout), 1, 86400, NULL },
	{ "apply", 0, NULL, "write the changed message to standard output,\nthe report to standard error",
	  CMD_FLAG, offsetof(struct probe, apply), 0, 0, NULL },
	{ "quiet", 'q', NULL, "report the verdict alone", CMD_FLAG, offsetof(struct probe, report.quiet), 0, 0, NULL },
	{ "time", 0, NULL, "report milliseconds per stage", CMD_FLAG, offsetof(struct probe, report.time), 0, 0, NULL },
	{ "json", 0, NULL, "report as JSON; an octet above 127 appears as the\ncharacter of that number",
	  CMD_FLAG, offsetof(struct probe, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "probe",
	.usage = "SOCKET [options] [FILE]",
	.doc = "Acts as Postfix towards the milter at SOCKET (inet:PORT@HOST, inet6:PORT@HOST, unix:/PATH),\n"
	       "hands it the message of FILE or standard input and reports every change and the verdict.\n\n"
	       "Exit codes: 0 the message passes; 69 it is rejected or discarded; 75 it is tempfailed, or the\n"
	       "filter cannot be reached or is too slow; 76 the filter broke the protocol; 68 the host of\n"
	       "SOCKET has no address; 64, 65, 66, 71, 74 our own side (sysexits.h).\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_min = 1,
	.operands_max = 2,
};

static struct probe *probe_new(void)
{
	struct probe *probe = talloc_zero(NULL, struct probe);

	if (!probe)
		return NULL;
	probe->client = "localhost,127.0.0.1";
	probe->sender = "sender@example.org";
	probe->version = MTA_VERSION_MAX;
	probe->actions = probe->protocol = UINT32_MAX;
	probe->chunk = MTA_CHUNK_OCTETS;
	probe->timeout = 60;
	return probe;
}

/* An address as the SMTP command has it. */
static const char *in_brackets(struct probe *probe, const char *address)
{
	return address[0] == '<' ? address : talloc_asprintf(probe, "<%s>", address);
}

static int make_recipients(struct probe *probe)
{
	static const char *const usual[] = { "recipient@example.net" };
	const char *const *from = probe->recipients.count > 0 ? probe->recipients.string : usual;
	size_t count = probe->recipients.count > 0 ? probe->recipients.count : 1;
	const char **to = talloc_zero_array(probe, const char *, (unsigned)count);

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		to[i] = in_brackets(probe, from[i]);
		if (!to[i])
			return -ENOMEM;
	}
	probe->envelope.recipients = to;
	probe->envelope.recipient_count = count;
	return 0;
}

static int make_envelope(struct probe *probe)
{
	const char *comma = strchr(probe->client, ',');
	struct in6_addr address;

	if (!comma || (inet_pton(AF_INET, comma + 1, &address) != 1 && inet_pton(AF_INET6, comma + 1, &address) != 1))
		return -EINVAL;
	probe->envelope.client_name = talloc_strndup(probe, probe->client, (size_t)(comma - probe->client));
	probe->envelope.client_address = comma + 1;
	probe->envelope.client_port = PROBE_PORT;
	probe->envelope.helo = probe->helo ? probe->helo : probe->envelope.client_name;
	probe->envelope.sender = in_brackets(probe, probe->sender);
	if (!probe->envelope.client_name || !probe->envelope.sender)
		return -ENOMEM;
	return make_recipients(probe);
}

/* The address alone, for macros. */
static char *without_brackets(struct probe *probe, const char *path)
{
	size_t n = strlen(path);

	return n >= 2 && path[n - 1] == '>' ? talloc_strndup(probe, path + 1, n - 2) : talloc_strdup(probe, path + 1);
}

/* What Postfix would say; -D goes above all of these. The queue id comes with DATA, as Postfix has none before. */
static int make_macros(struct probe *probe)
{
	const struct mta_envelope *e = &probe->envelope;
	char host[HOST_NAME_MAX + 1] = "localhost";
	const char *name = gethostname(host, sizeof host - 1) == 0 ? talloc_strdup(probe, host) : "localhost";
	const char *sender = without_brackets(probe, e->sender);
	const char *at = sender ? strrchr(sender, '@') : NULL;
	const struct mta_macro defaults[] = {
		{ "j", name, MTA_CONNECT },
		{ "{daemon_name}", name, MTA_CONNECT },
		{ "{daemon_addr}", "127.0.0.1", MTA_CONNECT },
		{ "v", "postern probe " POSTERN_VERSION, MTA_CONNECT },
		{ "_", talloc_asprintf(probe, "%s [%s]", e->client_name, e->client_address), MTA_CONNECT },
		{ "{client_name}", e->client_name, MTA_CONNECT },
		{ "{client_ptr}", e->client_name, MTA_CONNECT },
		{ "{client_addr}", e->client_address, MTA_CONNECT },
		{ "{client_port}", talloc_asprintf(probe, "%d", PROBE_PORT), MTA_CONNECT },
		{ "{client_resolve}", "OK", MTA_CONNECT },
		{ "{mail_addr}", sender, MTA_MAIL },
		{ "{mail_host}", at ? at + 1 : "", MTA_MAIL },
		{ "{mail_mailer}", "smtp", MTA_MAIL },
		{ "{rcpt_mailer}", "smtp", MTA_RCPT },
		{ "i", "PROBE", MTA_DATA },
	};
	size_t n = sizeof defaults / sizeof *defaults;

	if (probe->macro_count + n > PROBE_MACROS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (!defaults[i].value)
			return -ENOMEM;
	memmove(probe->macro + n, probe->macro, probe->macro_count * sizeof *probe->macro);
	memcpy(probe->macro, defaults, sizeof defaults);
	probe->macro_count += n;
	return 0;
}

static int prepare(struct probe *probe)
{
	int r = make_envelope(probe);

	if (r == -EINVAL)
		return cmd_usage("probe", "--client: wanted NAME,ADDRESS with an IPv4 or IPv6 address, got \"%s\"", probe->client);
	if (r == 0)
		r = make_macros(probe);
	if (r == -E2BIG)
		return cmd_usage("probe", "--define: wanted at most %d macros with the usual ones, got more", PROBE_MACROS_MAX);
	return r < 0 ? cmd_fail("probe", EX_OSERR, "out of memory") : EX_OK;
}

static int reach(struct probe *probe, const char *socket, struct mta_client **ret)
{
	struct socket_address address;
	struct socket_spec spec;
	char *error;
	int r;

	r = socket_spec_parse(probe, socket, &spec, &error);
	if (r < 0)
		return cmd_usage("probe", "SOCKET: %s", error ? error : "out of memory");
	r = socket_spec_resolve(probe, &spec, SOCKET_CONNECT, &address, &error);
	if (r < 0)
		return cmd_fail("probe", r == -EHOSTUNREACH ? EX_NOHOST : EX_USAGE, "SOCKET: %s", error ? error : "out of memory");
	r = mta_client_connect(probe, &address, (unsigned)probe->timeout * 1000, ret, &error);
	if (r < 0)
		return cmd_fail("probe", EX_TEMPFAIL, "%s: %s", socket, error ? error : "out of memory");
	return EX_OK;
}

static int broken(const struct mta_client *client, const char *socket, int error)
{
	int code = error == -EPROTO ? EX_PROTOCOL : error == -ENOMEM ? EX_OSERR : EX_TEMPFAIL;

	return cmd_fail("probe", code, "%s: %s", socket, error == -ENOMEM ? "out of memory" : mta_client_error(client));
}

static int talk(struct probe *probe, struct mta_client *client, struct mta_outcome *outcome)
{
	const struct mta_macros macros = { probe->macro, probe->macro_count };
	const struct mta_message message = {
		.envelope = &probe->envelope,
		.headers = probe->message.headers,
		.body = probe->message.body,
		.chunk = (size_t)probe->chunk,
		.macros = &macros,
	};
	struct mta_offer offer = { .version = (uint32_t)probe->version };
	int r;

	mta_version_bits(offer.version, &offer.actions, &offer.protocol);
	offer.actions &= (uint32_t)probe->actions;
	offer.protocol &= (uint32_t)probe->protocol;
	if (probe->no_leadspc)
		offer.protocol &= ~(uint32_t)MTA_PROTOCOL_LEADING_SPACE;
	r = mta_client_negotiate(client, &offer);
	return r < 0 ? r : mta_session_run(probe, client, &message, outcome);
}

static int verdict_code(enum mta_verdict verdict)
{
	switch (verdict) {
	case MTA_REJECT:
	case MTA_DISCARD:
		return EX_UNAVAILABLE;
	case MTA_TEMPFAIL:
	case MTA_SHUTDOWN:
	case MTA_CONNECTION_FAIL:
		return EX_TEMPFAIL;
	case MTA_CONTINUE:
	case MTA_ACCEPT:
	case MTA_SKIP:
	case MTA_NOT_SENT:
		break;
	}
	return EX_OK;
}

static bool write_view(FILE *out, struct view v)
{
	return v.n == 0 || fwrite(v.p, 1, v.n, out) == v.n;
}

static int report(struct probe *probe, const struct mta_client *client, const struct mta_outcome *outcome)
{
	const struct mta_message message = { .envelope = &probe->envelope };
	FILE *to = probe->apply ? stderr : stdout;
	struct buf out;

	buf_init(&out, probe, MTA_REPORT_MAX);
	(probe->json ? mta_report_json : mta_report_text)(client, &message, outcome, &probe->report, &out);
	if (buf_error(&out))
		return cmd_fail("probe", EX_OSERR, "report: %s", strerror(-buf_error(&out)));
	return write_view(to, buf_view(&out)) ? EX_OK : cmd_fail("probe", EX_IOERR, "report: %s", strerror(errno));
}

/* Nothing is written of a message that would not be delivered. */
static int apply(struct probe *probe, const struct mta_client *client)
{
	bool leading_space = mta_client_answer(client)->protocol & MTA_PROTOCOL_LEADING_SPACE;
	struct buf out;
	int r;

	buf_init(&out, probe, PROBE_APPLIED_MAX);
	r = mta_apply(probe, probe->message.headers, probe->message.body, mta_client_changes(client), leading_space, &out);
	if (r < 0)
		return cmd_fail("probe", EX_OSERR, "changed message: %s", strerror(-r));
	return write_view(stdout, buf_view(&out)) ? EX_OK : cmd_fail("probe", EX_IOERR, "standard output: %s", strerror(errno));
}

static int probe_run(struct probe *probe, const char *socket, const char *path)
{
	struct mta_client *client;
	struct mta_outcome outcome;
	int verdict, code, r;

	if (probe->version == 5)
		return cmd_usage("probe", "--version: wanted 2, 3, 4 or 6, got \"5\"");
	code = prepare(probe);
	if (code == EX_OK)
		code = cmd_message_read("probe", probe, path, &probe->message);
	if (code == EX_OK)
		code = reach(probe, socket, &client);
	if (code != EX_OK)
		return code;
	r = talk(probe, client, &outcome);
	if (r < 0)
		return broken(client, socket, r);
	verdict = verdict_code(outcome.reply.verdict);
	code = report(probe, client, &outcome);
	if (code == EX_OK && probe->apply && verdict == EX_OK)
		code = apply(probe, client);
	return code == EX_OK ? verdict : code;
}

int cmd_probe(int argc, char **argv)
{
	struct probe *probe = probe_new();
	int first, code;

	if (!probe)
		return cmd_fail("probe", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, probe, &first, &code) == 0)
		code = probe_run(probe, argv[first], argv[first + 1]);
	talloc_free(probe);
	return cmd_finish("probe", code);
}
