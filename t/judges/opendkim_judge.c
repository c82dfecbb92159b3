/* libopendkim as a judge: verifies and signs, with keys from the request and the time of the request. */
#include "judge_line.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <dkim.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static DKIM_LIB *library;
static time_t now;

/* libopendkim asks for the time by itself: it gets that of the request. */
time_t time(time_t *ret)
{
	if (ret)
		*ret = now;
	return now;
}

static void check(DKIM_STAT status, const char *what)
{
	if (status == DKIM_STAT_OK)
		return;
	fprintf(stderr, "opendkim_judge: %s: wanted status 0, got %d\n", what, status);
	exit(70); /* EX_SOFTWARE */
}

#define RECORDS_MAX 8

static struct {
	const char *name;
	struct judge_octets text;
} records[RECORDS_MAX];
static size_t record_count;

static void read_records(char *rest)
{
	char *item;

	for (record_count = 0; (item = judge_next_item(&rest)) && record_count < RECORDS_MAX; record_count++) {
		records[record_count].name = strsep(&item, "=");
		records[record_count].text = judge_octets(item);
	}
}

/* As the library's own DNS code does it: several records at one name are refused. */
static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *sig, u_char *buf, size_t capacity)
{
	const struct judge_octets *found = NULL;
	char name[512];

	(void)dkim;
	snprintf(name, sizeof name, "%s._domainkey.%s", (char *)dkim_sig_getselector(sig), (char *)dkim_sig_getdomain(sig));
	for (size_t i = 0; i < record_count; i++) {
		if (strcasecmp(records[i].name, name) != 0)
			continue;
		if (found)
			return DKIM_CBSTAT_ERROR;
		found = &records[i].text;
	}
	if (!found || found->n >= capacity)
		return DKIM_CBSTAT_NOTFOUND;
	memcpy(buf, found->p, found->n);
	buf[found->n] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

/* Octets of the field at the start of the message, its final CRLF left out; 0 at the end of the header. */
static size_t field_length(struct judge_octets message)
{
	if (message.n >= 2 && memcmp(message.p, "\r\n", 2) == 0)
		return 0;
	for (size_t i = 0; i + 1 < message.n; i++)
		if (message.p[i] == '\r' && message.p[i + 1] == '\n' &&
		    (i + 2 == message.n || (message.p[i + 2] != ' ' && message.p[i + 2] != '\t')))
			return i;
	return message.n;
}

static struct judge_octets skip(struct judge_octets octets, size_t n)
{
	return (struct judge_octets){ octets.p + n, octets.n - n };
}

/* Hand over the header; returns the body. A field that the library refuses (one bad signature is enough)
 * is left out, or the other signatures of the message could not be compared. */
static struct judge_octets feed_header(DKIM *dkim, struct judge_octets message, DKIM_STAT *ret)
{
	size_t n;

	*ret = DKIM_STAT_OK;
	while ((n = field_length(message)) > 0) {
		DKIM_STAT status = dkim_header(dkim, (u_char *)message.p, n);

		if (status != DKIM_STAT_OK)
			*ret = status;
		message = skip(message, n + 2 <= message.n ? n + 2 : n);
	}
	return skip(message, message.n < 2 ? message.n : 2);
}

static DKIM_STAT feed_body(DKIM *dkim, struct judge_octets body, size_t chunk)
{
	DKIM_STAT status = DKIM_STAT_OK;

	while (body.n > 0 && status == DKIM_STAT_OK) {
		size_t n = chunk < body.n ? chunk : body.n;

		status = dkim_body(dkim, (u_char *)body.p, n);
		body = skip(body, n);
	}
	return status;
}

static void print_signature(DKIM *dkim, DKIM_SIGINFO *sig, bool first)
{
	const char *selector = (const char *)dkim_sig_getselector(sig);
	const char *error;
	bool passed;

	(void)dkim_sig_process(dkim, sig);
	passed = dkim_sig_geterror(sig) == DKIM_SIGERROR_OK && (dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) &&
	         dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH;
	error = dkim_sig_geterrorstr(dkim_sig_geterror(sig));
	printf("%s{\"selector\": ", first ? "" : ", ");
	judge_print_string(selector ? selector : "", selector ? strlen(selector) : 0);
	printf(", \"result\": \"%s\", \"reason\": \"%s, bh %d\"}", passed ? "pass" : "fail",
	       error ? error : "unknown error", dkim_sig_getbh(sig));
}

static const char *status_text(DKIM_STAT status)
{
	const char *text = dkim_getresultstr(status);

	return text ? text : "unknown status";
}

static void print_signatures(DKIM *dkim, DKIM_STAT header, DKIM_STAT end)
{
	DKIM_SIGINFO **sigs;
	int count = 0;

	if (dkim_getsiglist(dkim, &sigs, &count) != DKIM_STAT_OK)
		count = 0;
	printf("{\"message\": \"header: %s; end: %s\", \"signatures\": [", status_text(header), status_text(end));
	for (int i = 0; i < count; i++)
		print_signature(dkim, sigs[i], i == 0);
	printf("]}");
}

static void verify(char *rest)
{
	DKIM_STAT header, status;
	DKIM *dkim;
	struct judge_octets message;
	size_t chunk;

	now = judge_number(judge_next_item(&rest));
	chunk = (size_t)judge_number(judge_next_item(&rest));
	message = judge_octets(judge_next_item(&rest));
	read_records(rest);
	dkim = dkim_verify(library, (const u_char *)"judge", NULL, &status);
	check(status, "dkim_verify");
	message = feed_header(dkim, message, &header);
	status = dkim_eoh(dkim);
	if (status == DKIM_STAT_OK)
		status = feed_body(dkim, message, chunk);
	if (status == DKIM_STAT_OK)
		status = dkim_eom(dkim, NULL);
	print_signatures(dkim, header, status);
	dkim_free(dkim);
}

/* In a child: libopendkim writes behind the end of its memory when h= lists more names than the message has
 * fields, and must spoil no other verdict than that of this message. */
static void verify_in_child(char *rest)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		verify(rest);
		_exit(fflush(stdout) == 0 ? 0 : 74); /* EX_IOERR */
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("opendkim_judge: child");
		exit(71); /* EX_OSERR */
	}
	if (WIFSIGNALED(status))
		printf("{\"message\": \"crashed with signal %d\", \"signatures\": []}", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		exit(WEXITSTATUS(status));
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t n = 0;

	if (!file || getdelim(&text, &n, '\0', file) < 0) {
		perror(path);
		exit(66); /* EX_NOINPUT */
	}
	fclose(file);
	return text;
}

static dkim_canon_t canon_of(const char *name)
{
	return strncmp(name, "relaxed", strlen("relaxed")) == 0 ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE;
}

static void print_field(DKIM *dkim)
{
	u_char *value;
	size_t n;

	check(dkim_getsighdr_d(dkim, strlen(DKIM_SIGNHEADER) + 2, &value, &n), "dkim_getsighdr_d");
	printf("{\"value\": \" "); /* the blank that it has put behind the colon itself */
	judge_print_octets((char *)value, n);
	printf("\"}");
}

static void sign(char *rest)
{
	DKIM_STAT status;
	DKIM *dkim;
	struct judge_octets message;
	const char *canon, *algorithm, *domain, *selector;
	char *key;

	now = judge_number(judge_next_item(&rest));
	canon = judge_next_item(&rest);
	algorithm = judge_next_item(&rest);
	domain = judge_next_item(&rest);
	selector = judge_next_item(&rest);
	key = read_file(judge_next_item(&rest));
	message = judge_octets(judge_next_item(&rest));
	dkim = dkim_sign(library, (const u_char *)"judge", NULL, (dkim_sigkey_t)key, (const u_char *)selector,
	                 (const u_char *)domain, canon_of(canon), canon_of(strchr(canon, '/') + 1),
	                 strcmp(algorithm, "rsa-sha256") == 0 ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1, &status);
	check(status, "dkim_sign");
	message = feed_header(dkim, message, &status);
	if (status == DKIM_STAT_OK)
		status = dkim_eoh(dkim);
	if (status == DKIM_STAT_OK)
		status = feed_body(dkim, message, message.n);
	if (status == DKIM_STAT_OK)
		status = dkim_eom(dkim, NULL);
	if (status == DKIM_STAT_OK)
		print_field(dkim);
	else
		printf("{\"refused\": \"%s\"}", status_text(status));
	dkim_free(dkim);
	free(key);
}

int main(void)
{
	unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES | DKIM_LIBFLAGS_DELAYSIGPROC;
	int r;

	library = dkim_init(NULL, NULL);
	if (!library)
		return 71; /* EX_OSERR */
	check(dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags), "dkim_options");
	check(dkim_set_key_lookup(library, look_up), "dkim_set_key_lookup");
	r = judge_serve(verify_in_child, sign);
	dkim_close(library);
	return r;
}
