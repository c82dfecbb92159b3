/*
 * postern reflect: what stands behind a mailbox such as dkim-test@example.org. One message in, one answer out.
 *
 * An MTA runs it for each message and does with it what the exit code says (pipe(8), sysexits.h). So what is a fault of
 * this host ends with 75, which keeps the message in the queue, even a wrong command line. 65 would return it to the
 * envelope sender, who need not be its author and did not ask for that: it is left for what no MTA hands over.
 */
#include "conf/conf.h"
#include "milter/answer.h"
#include "milter/answer_fields.h"
#include "milter/answer_limit.h"
#include "milter/answer_whom.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/gate.h"
#include "milter/log.h"
#include "milter/mail_file.h"
#include "milter/mailbox.h"
#include "milter/mbox_line.h"
#include "milter/reflect_text.h"
#include "milter/sendmail.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/postern/postern.conf"
#define DEFAULT_STATE "/var/lib/postern/reflect"
#define DEFAULT_SENDMAIL "/usr/sbin/sendmail"
#define DEFAULT_LIMIT 10
#define DEFAULT_TOTAL 1000
#define SENDMAIL_MS 60000 /* it only queues; pipe(8) itself waits 1000 s by default */
#define TOKEN_OCTETS 16
#define TOKEN_TRIES 3 /* a message cannot know a number that is drawn after it came */

/* Without a configuration file, the defaults of every option; the listener only makes it one. */
static const char no_file[] = "listener none { socket = \"unix:/nowhere\" role = verify }\n";

struct reflect {
	const char *from, *sender, *config, *state, *sendmail;
	long long limit, total;
	bool print;
	int64_t now;
	const struct conf *conf;
	const char *authserv_id;
	struct cmd_message message;
	struct view from_line;
	bool too_large; /* message.headers is NULL then */
	char *to;
	struct answer_limit limits;
	struct verify_setup setup;
	struct buf answer;
	char *results; /* "pass", "fail,pass": for the log */
};

#define STRING(field) CMD_STRING, offsetof(struct reflect, field), 0, 0, NULL
#define NUMBER(field, low, high) CMD_NUMBER, offsetof(struct reflect, field), low, high, NULL

static const struct cmd_option options[] = {
	{ "from", 'F', "ADDRESS", "the reflector's own address; must be given", STRING(from) },
	{ "sender", 'f', "ADDRESS", "the envelope sender, as the MTA knows it: ${sender} of\npipe(8); empty, <> or MAILER-DAEMON: a bounce",
	  STRING(sender) },
	{ "config", 'c', "FILE", "the configuration: its sections dns, verify and log are\nused (" DEFAULT_FILE ", when that is there)",
	  STRING(config) },
	{ "state", 's', "DIR", "where answers are counted (" DEFAULT_STATE ")", STRING(state) },
	{ "limit", 'l', "N", "answers that one address gets in an hour (10)", NUMBER(limit, 1, ANSWER_LIMIT_MAX) },
	{ "total", 0, "N", "answers in an hour to all addresses together (1000)", NUMBER(total, 1, ANSWER_LIMIT_MAX) },
	{ "sendmail", 0, "FILE", "the program that takes the answer\n(" DEFAULT_SENDMAIL ")", STRING(sendmail) },
	{ "print", 'p', NULL, "print the answer in place of sending it; nothing is counted", CMD_FLAG, offsetof(struct reflect, print), 0,
	  0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "reflect",
	.usage = "--from ADDRESS [options] < MESSAGE",
	.doc = "Verifies the message on standard input and sends its author an answer that tells what its DKIM\n"
	       "signatures are worth and why; for a mailbox such as dkim-test@. Bounces, mailing lists and automatic\n"
	       "mail are not answered (RFC 3834).\n\n"
	       "Exit codes: 0 answered, or rightly not; 65 no message; 75 anything else, even a wrong\n"
	       "command line, so that the MTA keeps the message and tries again.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

/* Trouble of this host: see above. */
static int keep(int code)
{
	return code == EX_OK || code == EX_DATAERR ? code : EX_TEMPFAIL;
}

static int fail_later(const char *what, const char *error, int r)
{
	return cmd_fail("reflect", EX_TEMPFAIL, "%s%s%s", what, *what ? ": " : "", error ? error : strerror(-r));
}

static int parse_conf(struct reflect *o, const char *file, const char *text, size_t n)
{
	struct conf_errors errors;
	int r = conf_parse(o, text, n, file, &o->conf, &errors);

	for (size_t i = 0; i < errors.count; i++)
		(void)fprintf(stderr, "%s\n", errors.text[i]); /* nothing is left to do when this fails */
	return r < 0 ? fail_later(file, r == -EINVAL ? "wanted a configuration without errors" : NULL, r) : EX_OK;
}

static int read_conf(struct reflect *o)
{
	const char *file = o->config ? o->config : DEFAULT_FILE;
	char *text, *error = NULL;
	size_t n;
	int r;

	if (!o->config && access(file, F_OK) < 0 && errno == ENOENT)
		return parse_conf(o, file, no_file, sizeof no_file - 1);
	r = conf_read_file(o, file, &text, &n, &error);
	return r < 0 ? fail_later("", error, r) : parse_conf(o, file, text, n);
}

/* Standard error is the MTA's, which puts what is written there into bounces: the log goes elsewhere. */
static int open_log(struct reflect *o)
{
	struct conf_log log = o->conf->log;
	int r;

	if (log.target == CONF_LOG_AUTO)
		log.target = CONF_LOG_SYSLOG;
	r = log_open(&log, "reflect");
	return r < 0 ? fail_later("log", NULL, r) : EX_OK;
}

static int name_host(struct reflect *o)
{
	char host[HOST_NAME_MAX + 1] = "";

	o->authserv_id = o->conf->authserv_id;
	if (*o->authserv_id)
		return EX_OK;
	if (gethostname(host, sizeof host - 1) < 0)
		return fail_later("host name", NULL, -errno);
	o->authserv_id = talloc_strdup(o, host);
	return o->authserv_id ? EX_OK : fail_later("host name", NULL, -ENOMEM);
}

static int read_message(struct reflect *o)
{
	struct view text;
	char *error;
	int code, r = mail_file_read(o, NULL, &text, &error);

	if (r < 0)
		code = cmd_fail("reflect", keep(cmd_code(r)), "%s", error ? error : strerror(-r));
	else
		code = keep(cmd_message_parse("reflect", o, mbox_line_cut(text, &o->from_line), &o->message));
	o->too_large = code == EX_DATAERR;
	if (code != EX_OK)
		return o->too_large ? EX_OK : code;
	if (header_list_count(o->message.headers) == 0)
		return cmd_fail("reflect", EX_DATAERR, "standard input: wanted a message, got %zu octets without a header field", text.n);
	return EX_OK;
}

/* One line, whatever was decided.
 *   why  NULL: answered */
static void log_decision(struct reflect *o, const char *why)
{
	struct log_line *line = log_begin(o, CONF_LOG_INFO, "reflect");

	if (!o->too_large)
		log_field(line, "message-id", view_trim_fws(answer_field_value(o->message.headers, VIEW("Message-ID"))));
	log_string(line, "to", o->to ? o->to : "");
	log_string(line, "answered", why ? "no" : "yes");
	if (why)
		log_string(line, "reason", why);
	if (o->results)
		log_string(line, "results", o->results);
	log_end(line);
}

static int name_results(struct reflect *o, const struct dkim_verify *results)
{
	char *text = talloc_strdup(o, dkim_verify_count(results) ? "" : "none");

	for (size_t i = 0; text && i < dkim_verify_count(results); i++)
		text = talloc_asprintf_append(text, "%s%s", i ? "," : "",
		                              dkim_result_text(dkim_reason_result(dkim_verify_result(results, i)->reason)));
	o->results = text;
	return text ? 0 : -ENOMEM;
}

static void make_setup(struct reflect *o)
{
	gate_resolver_params(&o->conf->dns, NULL, &o->setup.resolver);
	o->setup.records_file = *o->conf->dns.records ? o->conf->dns.records : NULL;
	o->setup.authserv_id = o->authserv_id;
	o->setup.now = o->now;
	o->setup.params = (struct dkim_verify_params){
		.minimum_rsa_bits = o->conf->verify.minimum_rsa_bits,
		.maximum_signatures = o->conf->verify.max_signatures,
		.clock_skew = o->conf->verify.clock_skew_s,
		.expired_is_policy = o->conf->verify.expired_is_policy,
		.budget_ms = o->conf->dns.budget_ms,
	};
}

static int draw_token(char token[2 * TOKEN_OCTETS + 1])
{
	uint8_t octets[TOKEN_OCTETS];

	if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
		return -EIO;
	for (size_t i = 0; i < sizeof octets; i++)
		(void)snprintf(token + 2 * i, 3, "%02x", octets[i]); /* room is exact */
	return 0;
}

static int compose(struct reflect *o, struct view text)
{
	char token[2 * TOKEN_OCTETS + 1];
	const struct answer answer = {
		.from = o->from, .to = o->to, .headers = o->message.headers, .text = text, .token = token, .now = o->now,
	};
	int r = -EEXIST;

	for (int i = 0; i < TOKEN_TRIES && r == -EEXIST; i++) {
		buf_init(&o->answer, o, ANSWER_MAX);
		r = draw_token(token);
		if (r == 0)
			r = answer_compose(&answer, &o->answer);
	}
	return r;
}

static int write_answer(struct reflect *o, const struct verified *verified)
{
	struct buf text;
	int r;

	buf_init(&text, o, 2 * ANSWER_TEXT_MAX);
	r = reflect_text(verified, o->from, &text);
	if (r == 0)
		r = name_results(o, verified_results(verified));
	if (r == 0)
		r = compose(o, buf_view(&text));
	return r < 0 ? fail_later("answer", NULL, r) : EX_OK;
}

/* Verify and write; the resolver and its threads have ended before another program is started. */
static int make_answer(struct reflect *o)
{
	struct verified *verified;
	char *error;
	int code, r;

	make_setup(o);
	r = verified_new(o, &o->setup, &o->message, &verified, &error);
	if (r < 0)
		return fail_later("", error, r);
	r = verified_judge(verified);
	code = r < 0 ? fail_later("the message could not be verified", NULL, r) : write_answer(o, verified);
	verified_free(verified);
	return code;
}

static int send_answer(struct reflect *o)
{
	char *error;
	int r = sendmail_run(o, o->sendmail, o->to, buf_view(&o->answer), SENDMAIL_MS, &error);

	return r < 0 ? fail_later("the answer was not sent", error, r) : EX_OK;
}

/* A right that was taken for an answer that could not be sent belongs to the next try. */
static void give_back(struct reflect *o)
{
	char *error;
	int r = answer_limit_give_back(o, &o->limits, o->to, &error);

	if (r < 0)
		(void)fail_later("", error, r); /* the first failure has the exit code already */
}

static int answer_counted(struct reflect *o)
{
	bool granted = false;
	char *error;
	int code, r;

	o->limits = (struct answer_limit){ o->state, (unsigned)o->limit, (unsigned)o->total, o->now };
	r = answer_limit_take(o, &o->limits, o->to, &granted, &error);
	if (r < 0)
		return fail_later("", error, r);
	if (!granted) {
		log_decision(o, "this address, or all together, had as many answers as an hour allows");
		return EX_OK;
	}
	code = make_answer(o);
	if (code == EX_OK)
		code = send_answer(o);
	if (code == EX_OK)
		log_decision(o, NULL);
	else
		give_back(o);
	return code;
}

static int answer_printed(struct reflect *o)
{
	int code = make_answer(o);

	if (code == EX_OK)
		(void)fwrite(o->answer.p, 1, o->answer.n, stdout); /* cmd_finish() looks at ferror() */
	return code;
}

static int answer_message(struct reflect *o)
{
	const struct answer_request request = {
		.headers = o->message.headers, .sender = o->sender ? (struct view){ o->sender, strlen(o->sender) } : (struct view){ NULL, 0 },
		.from_line = o->from_line, .own = o->from,
	};
	enum answer_whom whom;
	int r;

	if (o->too_large) {
		log_decision(o, "the message is too large");
		return EX_OK;
	}
	r = answer_whom(o, &request, &whom, &o->to);
	if (r < 0)
		return fail_later("", NULL, r);
	if (whom == ANSWER_YES)
		return o->print ? answer_printed(o) : answer_counted(o);
	log_decision(o, answer_whom_text(whom));
	(void)cmd_fail("reflect", EX_OK, "not answered: %s", answer_whom_text(whom));
	return EX_OK;
}

static int check_options(struct reflect *o)
{
	if (!o->from || !mailbox_is_valid(view_of(o->from)))
		return cmd_usage("reflect", "--from: wanted the reflector's address, got %s", o->from ? o->from : "none");
	if (*o->sendmail != '/' || *o->state != '/')
		return cmd_usage("reflect", "--sendmail and --state: wanted absolute paths, got %s and %s", o->sendmail, o->state);
	return EX_OK;
}

static int reflect(struct reflect *o)
{
	int (*const steps[])(struct reflect *) = { check_options, read_conf, open_log, name_host, read_message, answer_message };
	int code = EX_OK;

	for (size_t i = 0; i < sizeof steps / sizeof *steps && code == EX_OK; i++)
		code = steps[i](o);
	return code;
}

int cmd_reflect(int argc, char **argv)
{
	struct reflect *o = talloc_zero(NULL, struct reflect);
	int operand, code;

	if (!o)
		return cmd_fail("reflect", EX_TEMPFAIL, "out of memory");
	o->now = time(NULL);
	o->state = DEFAULT_STATE;
	o->sendmail = DEFAULT_SENDMAIL;
	o->limit = DEFAULT_LIMIT;
	o->total = DEFAULT_TOTAL;
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0)
		code = reflect(o);
	talloc_free(o);
	return keep(cmd_finish("reflect", code));
}
