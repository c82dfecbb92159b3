/*
 * Where a milter listens, in libmilter's and Sendmail's notation:
 *
 *     inet:PORT@HOST    IPv4        inet:PORT    all IPv4 addresses
 *     inet6:PORT@HOST   IPv6        inet6:PORT   all IPv6 addresses
 *     unix:/PATH        local:/PATH means the same
 *     systemd:NAME      a socket handed over by systemd under that name (FileDescriptorName=)
 *
 * HOST is an address, which may stand in square brackets, or a host name. Postfix writes
 * inet:HOST:PORT; the error text for that gives the form that is wanted here.
 */
#ifndef MILTER_SOCKET_SPEC_H
#define MILTER_SOCKET_SPEC_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum socket_kind { SOCKET_INET, SOCKET_INET6, SOCKET_UNIX, SOCKET_SYSTEMD };

#define SOCKET_SYSTEMD_NAME_MAX 255 /* octets; systemd's own limit, sd_listen_fds_with_names(3) */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

struct socket_spec {
	enum socket_kind kind;
	const char *host; /* SOCKET_INET, SOCKET_INET6: without brackets; NULL: all addresses */
	uint16_t port;    /* host byte order; 0: the kernel chooses (listening only) */
	const char *path; /* SOCKET_UNIX: absolute, at most SOCKET_PATH_MAX octets */
	const char *name; /* SOCKET_SYSTEMD */
};

/* An address as bind() and connect() take it. */
struct socket_address {
	union {
		struct sockaddr any;
		struct sockaddr_in inet;
		struct sockaddr_in6 inet6;
		struct sockaddr_un local;
	} u;
	socklen_t n; /* octets of u in use */
};

/* Parse one of the forms above.
 *   ret        written only on success; its strings belong to mem
 *   ret_error  on failure: a talloc string of mem, wanted and got
 *              ("wanted inet:4443@127.0.0.1, got inet:127.0.0.1:4443, which is Postfix's order");
 *              NULL when memory was out
 * Returns 0, -ENOMEM, -EINVAL, or -ENAMETOOLONG (path or name). */
int socket_spec_parse(void *mem, const char *text, struct socket_spec *ret, char **ret_error);

enum socket_purpose {
	SOCKET_LISTEN,  /* no host: the any-address */
	SOCKET_CONNECT, /* no host: the loopback address; port 0 is refused */
};

/* The address of a specification. A literal asks nobody; a host name goes through getaddrinfo(),
 * which may block as long as the system's resolver does; its first address is taken.
 *   ret_error  as above
 * Returns 0, -ENOMEM, -EINVAL (SOCKET_SYSTEMD has no address; port 0 to connect to; a literal
 * of the other family), or -EHOSTUNREACH (the name has no address of that family). */
int socket_spec_resolve(void *mem, const struct socket_spec *spec, enum socket_purpose purpose,
                        struct socket_address *ret, char **ret_error);

#endif
