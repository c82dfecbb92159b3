#include "milter/sockets.h"

#include "milter/listener.h"
#include "milter/log.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

struct open_socket {
	struct open_socket *next;
	const char *text;        /* as the configuration writes it */
	struct socket_spec spec;
	int fd;
	bool kept;               /* by sockets_keep() */
};

struct sockets {
	struct open_socket *first;
};

static int open_socket_destructor(struct open_socket *s)
{
	close(s->fd);
	return 0;
}

struct sockets *sockets_new(void *mem)
{
	return talloc_zero(mem, struct sockets);
}

static struct open_socket *find(const struct sockets *sockets, const char *text)
{
	struct open_socket *s = sockets->first;

	while (s && strcmp(s->text, text) != 0)
		s = s->next;
	return s;
}

/* A daemon that was killed leaves workers that let go of their sockets within seconds: wait for them, as a restart would have to. */
static int open_when_free(void *mem, const struct socket_spec *spec, const struct conf_listener *listener, unsigned tries, char **ret_error)
{
	const struct timespec pause = { 0, SOCKETS_PAUSE_MS * 1000000L };
	int r = -EADDRINUSE;

	for (unsigned i = 0; r == -EADDRINUSE && i < tries; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL); /* cut short by a signal: tried again a little early */
		TALLOC_FREE(*ret_error);
		r = listener_open(mem, spec, listener->socket_mode, listener->socket_group, ret_error);
	}
	return r;
}

/* Returns an exit code. */
static int add(struct sockets *sockets, const struct conf_listener *listener, unsigned tries, char **ret_error)
{
	struct open_socket *s = talloc_zero(sockets, struct open_socket);
	int r;

	if (!s)
		return EX_OSERR;
	s->text = talloc_strdup(s, listener->socket);
	r = s->text ? socket_spec_parse(s, listener->socket, &s->spec, ret_error) : -ENOMEM;
	if (r < 0) {
		talloc_steal(sockets, *ret_error);
		talloc_free(s);
		return r == -ENOMEM ? EX_OSERR : EX_CONFIG;
	}
	s->fd = open_when_free(sockets, &s->spec, listener, tries, ret_error);
	if (s->fd < 0) {
		talloc_free(s);
		return EX_UNAVAILABLE;
	}
	talloc_set_destructor(s, open_socket_destructor);
	s->next = sockets->first;
	sockets->first = s;
	return EX_OK;
}

static int open_one(struct sockets *sockets, const struct conf_listener *listener, const char *file, unsigned tries, int *ret,
                    char **ret_errors)
{
	char *error = NULL;
	int code = EX_OK;

	if (!find(sockets, listener->socket))
		code = add(sockets, listener, tries, &error);
	if (code == EX_OK)
		*ret = find(sockets, listener->socket)->fd;
	else
		*ret_errors = talloc_asprintf_append(*ret_errors, "%s:%u: listener %s: socket = \"%s\": %s\n", file, listener->line, listener->name,
		                                     listener->socket, error ? error : "out of memory");
	talloc_free(error);
	return code;
}

/* Close what sockets_keep() has never seen. */
static void drop_others(struct sockets *sockets)
{
	struct open_socket **place = &sockets->first, *s;

	while ((s = *place)) {
		if (s->kept) {
			place = &s->next;
			continue;
		}
		*place = s->next;
		listener_remove(&s->spec);
		talloc_free(s);
	}
}

int sockets_open(void *mem, struct sockets *sockets, const struct conf *conf, const char *file, unsigned tries, int **ret,
                 char **ret_errors)
{
	int *fds = talloc_array(mem, int, (unsigned)conf->listener_count), worst = EX_OK;

	*ret_errors = talloc_strdup(mem, "");
	if (!fds || !*ret_errors)
		return EX_OSERR;
	for (size_t i = 0; i < conf->listener_count; i++) {
		int code = open_one(sockets, &conf->listeners[i], file, tries, &fds[i], ret_errors);

		worst = code == EX_OK || worst == EX_CONFIG ? worst : code;
	}
	if (worst == EX_OK)
		*ret = fds;
	else
		drop_others(sockets);
	return worst;
}

static void keep(struct sockets *sockets, const struct conf_listener *listener)
{
	struct open_socket *s = find(sockets, listener->socket);
	char *error = NULL;

	if (!s)
		return;
	s->kept = true;
	if (listener_set_access(sockets, &s->spec, listener->socket_mode, listener->socket_group, &error) < 0)
		log_text(CONF_LOG_WARNING, "listener", "listener %s: %s", listener->name, error ? error : "out of memory");
	talloc_free(error);
}

void sockets_keep(struct sockets *sockets, const struct conf *conf)
{
	for (struct open_socket *s = sockets->first; s; s = s->next)
		s->kept = false;
	for (size_t i = 0; conf && i < conf->listener_count; i++)
		keep(sockets, &conf->listeners[i]);
	drop_others(sockets);
}
