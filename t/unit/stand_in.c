#include "t/unit/stand_in.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#define DESCRIPTORS_LOOKED_AT 1024

static atomic_size_t open_sessions;

static bool nodelay_everywhere(void)
{
	struct sockaddr_storage peer;

	for (int fd = 3; fd < DESCRIPTORS_LOOKED_AT; fd++) {
		int on = 0;
		socklen_t n = sizeof peer, m = sizeof on;

		if (getpeername(fd, (struct sockaddr *)&peer, &n) < 0 || peer.ss_family == AF_UNIX)
			continue;
		if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &m) < 0 || !on)
			return false;
	}
	return true;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3, unsigned long *pf0,
                             unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	size_t *octets = calloc(1, sizeof *octets);

	(void)f0, (void)f1, (void)f2, (void)f3;
	if (!octets || smfi_setpriv(ctx, octets) != MI_SUCCESS) {
		free(octets);
		return SMFIS_REJECT;
	}
	atomic_fetch_add(&open_sessions, 1);
	*pf0 = SMFIF_ADDHDRS;
	*pf1 = *pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	size_t *octets = smfi_getpriv(ctx);

	*octets += strlen(name) + strlen(value);
	return SMFIS_CONTINUE;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	size_t *octets = smfi_getpriv(ctx);
	char value[128];

	(void)snprintf(value, sizeof value, "%d header=%zu nodelay=%d", (int)getpid(), *octets, nodelay_everywhere());
	*octets = 0;
	return smfi_addheader(ctx, (char *)STAND_IN_FIELD, value) == MI_SUCCESS ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

static sfsistat on_close(SMFICTX *ctx)
{
	size_t *octets = smfi_getpriv(ctx);

	if (!octets)
		return SMFIS_CONTINUE;
	(void)smfi_setpriv(ctx, NULL);
	free(octets);
	atomic_fetch_sub(&open_sessions, 1);
	return SMFIS_CONTINUE;
}

int callbacks_register(const struct gate *gate)
{
	struct smfiDesc description = {
		.xxfi_name = (char *)"stand-in",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_header = on_header,
		.xxfi_eom = on_eom,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	(void)gate;
	return smfi_register(description) == MI_SUCCESS ? 0 : -EIO;
}

size_t callbacks_open_sessions(void)
{
	return atomic_load(&open_sessions);
}

int gate_new(void *mem, const struct conf *conf, const struct conf_listener *listener, bool tcp, struct gate **ret, char **ret_error)
{
	struct gate *gate = talloc_zero(mem, struct gate);

	*ret_error = NULL;
	if (!gate)
		return -ENOMEM;
	gate->conf = conf;
	gate->listener = listener;
	gate->tcp = tcp;
	*ret = gate;
	return 0;
}

int gate_start(struct gate *gate, char **ret_error)
{
	*ret_error = NULL;
	if (strcmp(gate->listener->name, STAND_IN_BAD_CONFIGURATION) == 0) {
		*ret_error = talloc_strdup(gate, "wanted a file, got none");
		return -ENOENT;
	}
	while (strcmp(gate->listener->name, STAND_IN_NEVER_READY) == 0)
		(void)pause();
	if (strcmp(gate->listener->name, STAND_IN_DIES) == 0)
		_exit(1);
	return 0;
}
