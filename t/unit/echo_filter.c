/*
 * A libmilter filter for tests: `echo_filter SOCKET BEHAVIOUR...`. It answers with fields that tell what
 * it was given, makes every kind of change, or refuses, as the behaviours say.
 */
#include <libmilter/mfapi.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_OCTETS 4096 /* of one echoed field; tests keep their input shorter */

static char **behaviours;

/* What one connection was given. */
struct seen {
	char connect[LINE_OCTETS], helo[LINE_OCTETS], mail[LINE_OCTETS], rcpt[LINE_OCTETS], macros[LINE_OCTETS];
	char last_header[LINE_OCTETS];
	size_t headers, chunks, body;
};

static bool behaves(const char *name)
{
	for (size_t i = 0; behaviours[i]; i++)
		if (strcmp(behaviours[i], name) == 0)
			return true;
	return false;
}

static struct seen *seen_of(SMFICTX *ctx)
{
	return smfi_getpriv(ctx);
}

static void note(char *line, const char *format, const char *a, const char *b)
{
	size_t n = strlen(line);

	if (snprintf(line + n, LINE_OCTETS - n, format, a, b) < 0)
		abort();
}

static void note_macro(SMFICTX *ctx, const char *stage, char *name)
{
	const char *value = smfi_getsymval(ctx, name);
	char text[LINE_OCTETS];

	if (snprintf(text, sizeof text, "%s:%s=%s;", stage, name, value ? value : "(none)") < 0)
		abort();
	note(seen_of(ctx)->macros, "%s%s", text, "");
}

static void must(int result)
{
	if (result != MI_SUCCESS)
		abort(); /* the test notices the end of the connection */
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	struct seen *seen = calloc(1, sizeof *seen);

	if (!seen)
		return SMFIS_TEMPFAIL;
	must(smfi_setpriv(ctx, seen));
	note(seen->connect, "%s%s", name, address ? "" : " (no address)");
	note_macro(ctx, "connect", "{daemon_name}");
	note_macro(ctx, "connect", "{client_addr}");
	note_macro(ctx, "connect", "i");
	if (behaves("hang"))
		sleep(30);
	return behaves("accept-connect") ? SMFIS_ACCEPT : behaves("reject-connect") ? SMFIS_REJECT : SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	note(seen_of(ctx)->helo, "%s%s", name, "");
	return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
	note(seen_of(ctx)->mail, "%s%s", arguments[0], arguments[1] ? " (arguments)" : "");
	note_macro(ctx, "mail", "{auth_type}");
	return behaves("tempfail-mail") ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
	note(seen_of(ctx)->rcpt, "%s%s", arguments[0], "");
	note_macro(ctx, "rcpt", "{rcpt_addr}");
	if (behaves("reject-first-rcpt") && strcmp(arguments[0], "<first@example.net>") == 0) {
		must(smfi_setmlreply(ctx, "550", "5.1.1", "nobody here", "100% sure", NULL));
		return SMFIS_REJECT;
	}
	return behaves("reject-rcpt") ? SMFIS_REJECT : SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *ctx)
{
	note_macro(ctx, "data", "i");
	return behaves("discard-data") ? SMFIS_DISCARD : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct seen *seen = seen_of(ctx);

	seen->headers++;
	seen->last_header[0] = '\0';
	note(seen->last_header, "%s:[%s]", name, value);
	return SMFIS_CONTINUE;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t n)
{
	struct seen *seen = seen_of(ctx);

	(void)chunk;
	seen->chunks++;
	seen->body += n;
	return behaves("skip") ? SMFIS_SKIP : SMFIS_CONTINUE;
}

static void echo(SMFICTX *ctx)
{
	struct seen *seen = seen_of(ctx);
	char counts[LINE_OCTETS];

	if (snprintf(counts, sizeof counts, "headers=%zu chunks=%zu body=%zu", seen->headers, seen->chunks, seen->body) < 0)
		abort();
	must(smfi_addheader(ctx, "X-Connect", seen->connect));
	must(smfi_addheader(ctx, "X-Helo", seen->helo));
	must(smfi_addheader(ctx, "X-Mail", seen->mail));
	must(smfi_addheader(ctx, "X-Rcpt", seen->rcpt));
	must(smfi_addheader(ctx, "X-Macros", seen->macros));
	must(smfi_addheader(ctx, "X-Counts", counts));
	must(smfi_addheader(ctx, "X-Last", seen->last_header));
}

static void change_header(SMFICTX *ctx)
{
	must(smfi_chgheader(ctx, "X-Old", 2, NULL));
	must(smfi_chgheader(ctx, "Subject", 1, " changed"));
	must(smfi_chgheader(ctx, "X-Missing", 1, " appended"));
	must(smfi_insheader(ctx, 0, "X-Top", " a\n\tb"));
	must(smfi_insheader(ctx, 2, "X-Second", " below the MTA's own Received"));
	must(smfi_addheader(ctx, "X-End", " end"));
}

static void change_rest(SMFICTX *ctx)
{
	static unsigned char new_body[] = "new body\r\n";

	must(smfi_progress(ctx));
	must(smfi_replacebody(ctx, new_body, sizeof new_body - 1));
	must(smfi_replacebody(ctx, new_body, sizeof new_body - 1));
	must(smfi_chgfrom(ctx, "<new@example.org>", "RET=HDRS"));
	must(smfi_addrcpt(ctx, "<more@example.net>"));
	must(smfi_addrcpt_par(ctx, "<par@example.net>", "NOTIFY=NEVER"));
	must(smfi_delrcpt(ctx, "<second@example.net>"));
	must(smfi_quarantine(ctx, "held \x01 back"));
}

static sfsistat on_eom(SMFICTX *ctx)
{
	if (behaves("echo"))
		echo(ctx);
	if (behaves("headers"))
		change_header(ctx);
	if (behaves("rest"))
		change_rest(ctx);
	if (behaves("die"))
		_exit(1);
	if (behaves("reply-eom")) {
		must(smfi_setreply(ctx, "451", "4.7.1", "later, 50%% likely"));
		return SMFIS_TEMPFAIL;
	}
	return behaves("accept-eom") ? SMFIS_ACCEPT : SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	free(seen_of(ctx));
	must(smfi_setpriv(ctx, NULL));
	return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long reserved,
                             unsigned long more, unsigned long *ret_actions, unsigned long *ret_protocol,
                             unsigned long *ret_reserved, unsigned long *ret_more)
{
	const unsigned long no_reply = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
	                               SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;
	unsigned long wanted = SMFIP_SKIP;

	(void)reserved;
	(void)more;
	if (behaves("no-reply"))
		wanted |= no_reply;
	if (behaves("leading-space"))
		wanted |= SMFIP_HDR_LEADSPC;
	if (behaves("no-helo"))
		wanted |= SMFIP_NOHELO;
	if (behaves("no-body"))
		wanted |= SMFIP_NOBODY;
	if (behaves("symbols"))
		must(smfi_setsymlist(ctx, SMFIM_CONNECT, "{client_addr} i"));
	*ret_actions = actions;
	*ret_protocol = protocol & wanted;
	*ret_reserved = *ret_more = 0;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "echo",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT |
		              SMFIF_QUARANTINE | SMFIF_CHGFROM | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc < 2)
		return 64;
	behaviours = argv + 2;
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 70;
	return smfi_main() == MI_SUCCESS ? 0 : 70;
}
