#include "t/unit/dns_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
	perror(what);
	abort();
}

static void write_rules(const char *path, const char *rules)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(rules, file) == EOF || fclose(file))
		give_up(path);
}

/* A new file in the old one's place: the server never sees half of the rules. */
void dns_server_rules(const struct dns_server *server, const char *rules)
{
	char fresh[sizeof server->rules + 4];

	snprintf(fresh, sizeof fresh, "%s.new", server->rules);
	write_rules(fresh, rules);
	if (rename(fresh, server->rules))
		give_up(server->rules);
}

static void run_server(const char *rules, int out)
{
	const char *source = getenv("POSTERN_SOURCE");
	char program[4096];

	snprintf(program, sizeof program, "%s/t/dns_server.py", source ? source : ".");
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || dup2(out, STDOUT_FILENO) < 0)
		give_up("dns_server.py");
	execl(program, program, "0", rules, (char *)NULL);
	give_up(program);
}

void dns_server_start(struct dns_server *server, const char *rules)
{
	unsigned port;
	FILE *out;
	int fds[2];

	snprintf(server->directory, sizeof server->directory, "/tmp/postern-test-XXXXXX");
	if (!mkdtemp(server->directory) || pipe(fds))
		give_up(server->directory);
	snprintf(server->rules, sizeof server->rules, "%s/rules", server->directory);
	snprintf(server->anchor, sizeof server->anchor, "%s/rules.anchor", server->directory);
	dns_server_rules(server, rules);
	server->pid = fork();
	if (server->pid < 0)
		give_up("fork");
	if (server->pid == 0)
		run_server(server->rules, fds[1]);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	if (!out || fscanf(out, "ready %u", &port) != 1)
		give_up("dns_server.py is not ready");
	fclose(out);
	snprintf(server->address, sizeof server->address, "127.0.0.1@%u", port);
}

size_t dns_server_queries(const struct dns_server *server, const char *name)
{
	char path[sizeof server->rules + 4], line[512], asked[300], type[32];
	size_t count = 0;
	FILE *log;

	snprintf(path, sizeof path, "%s.log", server->rules);
	log = fopen(path, "r");
	if (!log)
		give_up(path);
	while (fgets(line, sizeof line, log))
		count += sscanf(line, "%*s %299s %31s", asked, type) == 2 && !strcmp(asked, name) && !strcmp(type, "TXT");
	fclose(log);
	return count;
}

void dns_server_stop(struct dns_server *server)
{
	static const char *const ends[] = { "", ".log", ".anchor" };
	char path[sizeof server->rules + 8];

	if (kill(server->pid, SIGTERM) || waitpid(server->pid, NULL, 0) != server->pid)
		give_up("dns_server.py does not stop");
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(path, sizeof path, "%s%s", server->rules, ends[i]);
		unlink(path); /* not all need be there */
	}
	if (rmdir(server->directory))
		give_up(server->directory);
}
