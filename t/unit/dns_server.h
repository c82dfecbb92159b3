/* A real DNS server on loopback for a unit test: t/dns_server.py, whose head describes the rules. */
#ifndef T_DNS_SERVER_H
#define T_DNS_SERVER_H

#include <stddef.h>
#include <sys/types.h>

struct dns_server {
	pid_t pid;
	char address[32];    /* "127.0.0.1@PORT" */
	char directory[64];
	char rules[80];      /* paths in it */
	char anchor[80];
};

/* Start it and wait until it listens; the test program ends when that cannot be. */
void dns_server_start(struct dns_server *server, const char *rules);

/* Give it other rules; the next query sees them. */
void dns_server_rules(const struct dns_server *server, const char *rules);

/* How many queries for TXT records of this name it has had (lower case). */
size_t dns_server_queries(const struct dns_server *server, const char *name);

void dns_server_stop(struct dns_server *server);

#endif
