/* What `postern check --postfix` finds, on canned output of postconf(1): a set-up that is right, and each fault planted in it. */
#include "milter/postfix_findings.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

static const char *const daemons[] = { "ORIGINATING", NULL };
static const char *const none[] = { NULL };

static struct conf_listener two[] = {
	{ .name = "in", .socket = "inet:4443@127.0.0.1", .role = CONF_VERIFY, .socket_group = "" },
	{ .name = "out", .socket = "inet:4445@127.0.0.1", .role = CONF_SIGN, .socket_group = "" },
};
static struct conf_listener two_that_scan[] = {
	{ .name = "in", .socket = "inet:4443@127.0.0.1", .role = CONF_VERIFY, .socket_group = "", .scan = true },
	{ .name = "out", .socket = "inet:4445@127.0.0.1", .role = CONF_SIGN, .socket_group = "", .scan = true },
};
static struct conf_listener automatic[] = {
	{ .name = "one", .socket = "inet:4443@127.0.0.1", .role = CONF_AUTO, .socket_group = "", .originating_daemons = (const char **)(uintptr_t)daemons },
};
static struct conf_listener in_jail[] = {
	{ .name = "one", .socket = "unix:/run/postern/in", .role = CONF_AUTO, .socket_group = "", .originating_daemons = (const char **)(uintptr_t)daemons },
};
static struct conf_listener from_systemd[] = { { .name = "one", .socket = "systemd:in", .role = CONF_SIGN, .socket_group = "" } };

#define CONF(array) \
	{ .listeners = (array), .listener_count = sizeof(array) / sizeof *(array), .dns.budget_ms = 20000, .av.timeout_ms = 30000, \
	  .sign = { .headers = (const char **)(uintptr_t)none, .omit_headers = (const char **)(uintptr_t)none, .oversign = (const char **)(uintptr_t)none } }
static const struct conf two_sockets = CONF(two), one_socket = CONF(automatic), jail = CONF(in_jail), systemd = CONF(from_systemd),
                         scanning = CONF(two_that_scan);

static const char base_main[] =
	"always_add_missing_headers = no\ncleanup_service_name = cleanup\ncompatibility_level = 3.6\ncontent_filter =\n"
	"disable_mime_output_conversion = no\ninternal_mail_filter_classes = bounce\nlocal_header_rewrite_clients = permit_inet_interfaces\n"
	"mail_owner = nobody\nmilter_command_timeout = 30s\nmilter_connect_timeout = 30s\nmilter_content_timeout = 300s\n"
	"milter_default_action = tempfail\nmilter_macro_daemon_name = ORIGINATING\nmilter_protocol = 6\n"
	"non_smtpd_milters = inet:127.0.0.1:4445\nqueue_directory = /var/spool/postfix\nsmtp_line_length_limit = 0\n";
static const char base_services[] =
	"smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n127.0.0.1:10025 inet n - n - - smtpd\npickup unix n - n 60 1 pickup\n"
	"cleanup unix n - n - 0 cleanup\nsmtp unix - - n - - smtp\nfilter unix - - n - - smtp\n";
static const char base_own[] =
	"smtp/inet/smtpd_milters = inet:127.0.0.1:4443\nsmtp/inet/milter_macro_daemon_name = MTA\n"
	"submission/inet/smtpd_milters = inet:127.0.0.1:4445\n";

static const struct row {
	const char *name;
	const struct conf *conf; /* NULL: two sockets */
	const char *main;        /* on top of the base */
	const char *services;
	const char *own;
	const char *want; /* "ID@WHERE " each */
} rows[] = {
	{ "all is right", NULL, "", "", "", "" },
	{ "nothing is used", NULL, "non_smtpd_milters =\n", "", "smtp/inet/smtpd_milters =\nsubmission/inet/smtpd_milters =\n",
	  "not-used@ listener-unused@in listener-unused@out unfiltered@smtp/inet unfiltered@submission/inet local-mail@non_smtpd_milters " },
	{ "a listener from systemd may be any of them", &systemd, "", "", "", "unfiltered@smtp/inet unfiltered@submission/inet local-mail@non_smtpd_milters " },
	{ "a wrong port", NULL, "", "", "smtp/inet/smtpd_milters = inet:127.0.0.1:4444\n",
	  "listener-unused@in milter-unknown@smtp/inet unfiltered@smtp/inet " },
	{ "a list that cannot be read", NULL, "", "", "smtp/inet/smtpd_milters = { inet:127.0.0.1:4443\n",
	  "listener-unused@in milter-list@smtp/inet unfiltered@smtp/inet " },
	{ "milters off on the port that should filter", NULL, "", "", "smtp/inet/receive_override_options = no_address_mappings,no_milters\n",
	  "listener-unused@in no-milters@smtp/inet " },
	{ "milters off for local mail", NULL, "", "", "pickup/unix/receive_override_options = no_milters\n", "no-milters@non_smtpd_milters " },
	{ "milters off where mail comes back", NULL, "content_filter = filter:[127.0.0.1]:10024\nsmtpd_milters = inet:127.0.0.1:4443\n", "",
	  "127.0.0.1:10025/inet/content_filter =\n127.0.0.1:10025/inet/receive_override_options = no_milters\n"
	  "filter/unix/disable_mime_output_conversion = yes\n", "" },
	{ "other filters for some clients", NULL, "", "", "smtp/inet/smtpd_milter_maps = cidr:/etc/x\n", "milter-maps@smtp/inet " },
	{ "a port without filters", NULL, "", "2525 inet n - n - - smtpd\n", "", "unfiltered@2525/inet " },
	{ "postscreen's smtpd without filters", NULL, "", "smtpd pass - - n - - smtpd\n", "", "unfiltered@smtpd/pass " },
	{ "local mail without signature", NULL, "non_smtpd_milters =\n", "", "", "local-mail@non_smtpd_milters " },
	{ "bounces without signature", NULL, "internal_mail_filter_classes = notify\n", "", "", "bounces@non_smtpd_milters " },
	{ "port 25 signs", NULL, "", "", "smtp/inet/smtpd_milters = inet:127.0.0.1:4445\n", "listener-unused@in signs-for-strangers@smtp/inet " },
	{ "role auto, by daemon names", &one_socket, "non_smtpd_milters = inet:127.0.0.1:4443\n", "", "submission/inet/smtpd_milters = inet:127.0.0.1:4443\n", "" },
	{ "role auto, port 25 has the name of our own", &one_socket, "non_smtpd_milters = inet:127.0.0.1:4443\n", "",
	  "submission/inet/smtpd_milters = inet:127.0.0.1:4443\nsmtp/inet/milter_macro_daemon_name = ORIGINATING\n", "signs-for-strangers@smtp/inet " },
	{ "role auto, local mail has no name", &one_socket, "non_smtpd_milters = inet:127.0.0.1:4443\nmilter_macro_daemon_name = mail.example.com\n", "",
	  "submission/inet/smtpd_milters = inet:127.0.0.1:4443\n", "verifies-own@non_smtpd_milters " },
	{ "submission verifies", NULL, "", "", "submission/inet/smtpd_milters = inet:127.0.0.1:4443\n", "verifies-own@submission/inet " },
	{ "both sockets", NULL, "", "", "submission/inet/smtpd_milters = inet:127.0.0.1:4443, inet:127.0.0.1:4445\n",
	  "verifies-own@submission/inet both-sockets@submission/inet " },
	{ "mail comes back and meets the filter", NULL, "content_filter = filter:[127.0.0.1]:10024\n", "",
	  "127.0.0.1:10025/inet/content_filter =\n127.0.0.1:10025/inet/smtpd_milters = inet:127.0.0.1:4443\n"
	  "filter/unix/disable_mime_output_conversion = yes\n", "double-pass@127.0.0.1:10025/inet " },
	{ "a proxy behind the filter", NULL, "", "",
	  "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10024\n127.0.0.1:10025/inet/smtpd_milters =\n", "proxy-filter@smtp/inet " },
	{ "a proxy in front of the filter", NULL, "", "",
	  "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10024\nsmtp/inet/smtpd_milters =\n127.0.0.1:10025/inet/smtpd_milters = inet:127.0.0.1:4443\n", "" },
	{ "an old protocol", NULL, "", "", "submission/inet/milter_protocol = 2\n", "milter-protocol@submission/inet " },
	{ "mail passes without us", NULL, "milter_default_action = accept\n", "", "smtp/inet/milter_default_action = tempfail\n",
	  "default-accept@submission/inet default-accept@non_smtpd_milters " },
	{ "one filter has its own action", NULL, "", "", "smtp/inet/smtpd_milters = { inet:127.0.0.1:4443, default_action=reject }\n", "default-reject@smtp/inet " },
	{ "quarantine keeps the mail", NULL, "milter_default_action = quarantine\n", "", "", "" },
	{ "no time for DNS at all", NULL, "", "", "smtp/inet/milter_content_timeout = 9s\n", "content-timeout@smtp/inet " },
	{ "less time than DNS may take", NULL, "", "", "smtp/inet/milter_content_timeout = 19s\n", "content-timeout-work@smtp/inet " },
	{ "less time than the scanner may take", &scanning, "", "", "smtp/inet/milter_content_timeout = 29s\n", "content-timeout-work@smtp/inet " },
	{ "time enough for the scanner", &scanning, "", "", "smtp/inet/milter_content_timeout = 30s\n", "" },
	{ "time enough for DNS", NULL, "", "", "smtp/inet/milter_content_timeout = 20s\n", "" },
	{ "short answers", NULL, "", "", "smtp/inet/milter_command_timeout = 4s\nsubmission/inet/milter_connect_timeout = 1s\n",
	  "command-timeout@smtp/inet command-timeout@submission/inet " },
	{ "another filter in front of both", NULL, "", "",
	  "smtp/inet/smtpd_milters = unix:/x, inet:127.0.0.1:4443\nsubmission/inet/smtpd_milters = unix:/x, inet:127.0.0.1:4445\n", "order-front@smtp/inet " },
	{ "another filter behind both", NULL, "", "",
	  "smtp/inet/smtpd_milters = inet:127.0.0.1:4443, unix:/x\nsubmission/inet/smtpd_milters = inet:127.0.0.1:4445, unix:/x\n", "order-behind@submission/inet " },
	{ "fields of strangers are changed", NULL, "header_checks = regexp:TABLE\nmime_header_checks = regexp:TABLE\n", "", "", "checks-before@smtp/inet " },
	{ "bodies of strangers are changed", NULL, "body_checks = regexp:TABLE\n", "", "", "checks-before@smtp/inet " },
	{ "fields are changed by another cleanup", NULL, "", "pre unix n - n - 0 cleanup\n", "submission/inet/cleanup_service_name = pre\npre/unix/header_checks = regexp:TABLE\n", "" },
	{ "signed fields are changed on the way out", NULL, "", "", "smtp/unix/smtp_header_checks = regexp:TABLE\n", "checks-after@smtp " },
	{ "fields of the filter are changed", NULL, "milter_header_checks = regexp:TABLE\n", "", "",
	  "checks-ours@smtp/inet checks-ours@submission/inet checks-ours@non_smtpd_milters " },
	{ "fields are added before verification", NULL, "always_add_missing_headers = yes\n", "", "", "missing-headers@smtp/inet " },
	{ "addresses of strangers are completed", NULL, "remote_header_rewrite_domain = invalid\n", "", "", "rewrite-remote@smtp/inet " },
	{ "addresses of all are rewritten", NULL, "local_header_rewrite_clients = static:all\n", "", "", "rewrite-remote@smtp/inet " },
	{ "addresses are rewritten on the way back", NULL, "content_filter = filter:[127.0.0.1]:10024\ncanonical_maps = hash:/x\n", "",
	  "127.0.0.1:10025/inet/content_filter =\nfilter/unix/disable_mime_output_conversion = yes\n", "rewrite-return@127.0.0.1:10025/inet " },
	{ "addresses are rewritten once", NULL, "content_filter = filter:[127.0.0.1]:10024\ncanonical_maps = hash:/x\n", "",
	  "127.0.0.1:10025/inet/content_filter =\n127.0.0.1:10025/inet/receive_override_options = no_address_mappings\n"
	  "filter/unix/disable_mime_output_conversion = yes\n", "" },
	{ "addresses are rewritten on the way out", NULL, "", "", "filter/unix/smtp_generic_maps = hash:/x\n", "generic-maps@filter " },
	{ "8-bit mail on the way to a content filter", NULL, "", "", "smtp/inet/content_filter = filter:[127.0.0.1]:10024\n", "mime-conversion@smtp/inet " },
	{ "Postfix's default folds what RFC 5321 forbids", NULL, "smtp_line_length_limit = 998\n", "", "", "long-lines@ " },
	{ "shorter lines are folded", NULL, "", "", "smtp/unix/smtp_line_length_limit = 512\n", "folded-lines@ " },
	{ "a socket that a jail hides", &jail, "non_smtpd_milters =\n", "chrooted inet n - y - - smtpd\n",
	  "smtp/inet/smtpd_milters =\nsubmission/inet/smtpd_milters =\nchrooted/inet/smtpd_milters = unix:/run/postern/in\n",
	  "not-used@ listener-unused@one unfiltered@smtp/inet unfiltered@submission/inet unfiltered@chrooted/inet local-mail@non_smtpd_milters "
	  "socket-chroot@chrooted/inet " },
};

/* The lines of `base` whose names are not in `top`, and then `top`. */
static char *lay_over(void *mem, const char *base, const char *top)
{
	char *all = talloc_strdup(mem, ""), *padded = talloc_asprintf(mem, "\n%s", top);
	struct view rest = view_of(base), line;

	while (view_next(&rest, '\n', &line)) {
		const char *begin = talloc_asprintf(mem, "\n%.*s=", (int)view_find(line, '='), line.p);

		if (line.n && !strstr(padded, begin))
			all = talloc_asprintf_append(all, "%.*s\n", (int)line.n, line.p);
	}
	return talloc_asprintf_append(all, "%s", top);
}

/* A table that changes Subject and, as a part of the name, our own fields too. */
static char *rules_file(void *mem)
{
	char *path = talloc_strdup(mem, "/tmp/postern-checks-XXXXXX");
	static const char text[] = "/^(Subject|DKIM-Signature):/ IGNORE\n";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	assert_int_equal(close(fd), 0);
	return path;
}

static char *with_table(void *mem, const char *text, const char *path)
{
	char *all = talloc_strdup(mem, text), *at = strstr(all, "TABLE");

	while (at) {
		all = talloc_asprintf(mem, "%.*s%s%s", (int)(at - all), all, path, at + 5);
		at = strstr(all, "TABLE");
	}
	return all;
}

static void keep(void *arg, const struct postfix_finding *finding, const char *where, const char *got)
{
	char **all = arg;

	(void)got;
	assert_true(strlen(finding->text) > 10 && strlen(finding->advice) > 10);
	*all = talloc_asprintf_append(*all, "%s@%s ", finding->id, where);
}

static char *found_in(void *mem, const struct conf *conf, const char *parameters, const char *services, const char *own)
{
	const struct postfix_conf *postfix = NULL;
	struct postfix_site *site = NULL;
	char *error = NULL, *all = talloc_strdup(mem, "");

	if (postfix_conf_parse(mem, parameters, services, own, &postfix, &error) < 0)
		fail_msg("%s", error);
	assert_int_equal(postfix_site_new(mem, postfix, conf, &site), 0);
	assert_int_equal(postfix_find(site, keep, &all), 0);
	return all;
}

static void test_finding(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	char *path = rules_file(mem);
	char *got = found_in(mem, row->conf ? row->conf : &two_sockets, with_table(mem, lay_over(mem, base_main, row->main), path),
	                     talloc_asprintf(mem, "%s%s", base_services, row->services), with_table(mem, lay_over(mem, base_own, row->own), path));

	assert_int_equal(unlink(path), 0);
	assert_string_equal(got, row->want);
	talloc_free(mem);
}

static const struct access_row {
	const char *name;
	mode_t folder, socket;
	bool want;
} access_rows[] = {
	{ "a socket for all", 0755, 0666, false },
	{ "a socket that the daemon's group alone may use", 0755, 0660, true },
	{ "a socket in a folder that is closed", 0750, 0666, true },
};

/* mail_owner is nobody, who is in no group of root's. */
static void test_access(void **state)
{
	const struct access_row *row = *state;
	void *mem = talloc_new(NULL);
	char *folder = talloc_strdup(mem, "/tmp/postern-access-XXXXXX"), *path, *got;
	struct conf_listener listener = { .name = "one", .role = CONF_SIGN, .socket_mode = row->socket, .socket_group = "" };
	struct conf conf = CONF(two);

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, row->folder), 0);
	path = talloc_asprintf(mem, "%s/socket", folder);
	listener.socket = talloc_asprintf(mem, "unix:%s", path);
	conf.listeners = &listener;
	conf.listener_count = 1;
	got = found_in(mem, &conf, lay_over(mem, base_main, talloc_asprintf(mem, "non_smtpd_milters = unix:%s\n", path)),
	               "cleanup unix n - n - 0 cleanup\n", "");
	assert_int_equal(rmdir(folder), 0);
	assert_string_equal(got, row->want ? "socket-access@non_smtpd_milters " : "");
	talloc_free(mem);
}

static void test_every_row_is_tested(void **state)
{
	(void)state;
	for (size_t i = 0; postfix_finding(i); i++) {
		const char *id = talloc_asprintf(NULL, "%s@", postfix_finding(i)->id);
		bool met = strcmp(id, "socket-access@") == 0; /* has a test of its own */

		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			met = met || strstr(rows[k].want, id);
		if (!met)
			fail_msg("no row of this test finds %s", id);
		talloc_free((void *)(uintptr_t)id);
	}
}

int main(void)
{
	TEST_ROWS(rows, test_finding);
	TEST_ROWS(access_rows, test_access);
	test_add("every finding has a row here", test_every_row_is_tested);
	return test_run("postfix_findings");
}
