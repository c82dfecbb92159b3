/* One message through the verifying side of the daemon, without an MTA: for counting instructions.
 *
 *     verify_once CONFIGURATION HEADER
 *
 * CONFIGURATION has one listener. Each line of HEADER is a field: name, colon, value. The body is short. Prints the result. */
#include "milter/gate.h"
#include "milter/message.h"
#include "milter/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "verify_once: %s: %s\n", what, detail ? detail : "failed");
	exit(1);
}

static struct gate *make_gate(void *mem, const char *path)
{
	const struct conf *conf;
	struct conf_errors errors;
	struct gate *gate;
	char *text, *error = NULL;
	size_t n;

	if (conf_read_file(mem, path, &text, &n, &error) < 0)
		fail(path, error);
	if (conf_parse(mem, text, n, path, &conf, &errors) < 0)
		fail(path, "wanted a configuration without faults");
	if (gate_new(mem, conf, &conf->listeners[0], true, &gate, &error) < 0 || gate_start(gate, &error) < 0)
		fail(path, error);
	return gate;
}

static void send_header(struct message *message, const char *path)
{
	FILE *file = fopen(path, "rb");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;

	if (!file)
		fail(path, "wanted a file that can be read");
	while ((n = getline(&line, &capacity, file)) > 0) {
		struct view field = { line, (size_t)n - 1 };
		size_t colon = view_find(field, ':');

		message_header(message, view_slice(field, 0, colon), view_slice(field, colon + 1, field.n));
	}
	free(line);
	fclose(file);
}

int main(int argc, char **argv)
{
	void *mem = talloc_new(NULL);
	struct session *session;
	struct gate *gate;

	if (argc != 3)
		fail("wanted", "CONFIGURATION HEADER");
	gate = make_gate(mem, argv[1]);
	if (session_new(gate, true, &session) < 0 || session_connect(session, "client", NULL, NULL, NULL) < 0 ||
	    session_mail(session, "<a@example.com>", NULL) < 0)
		fail("session", NULL);
	send_header(session->message, argv[2]);
	message_eoh(session->message);
	message_body(session->message, VIEW("Hello\r\n"));
	while (message_finish(session->message, 1000) == 1)
		;
	message_log(session->message, "accept", NULL);
	talloc_free(session);
	talloc_free(mem);
	return 0;
}
