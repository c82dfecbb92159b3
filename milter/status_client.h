/* The other side of the status socket (status_wire.h): what `postern status`, `postern reload` and `postern scan` use. */
#ifndef MILTER_STATUS_CLIENT_H
#define MILTER_STATUS_CLIENT_H

/* Called with each line of the answer, in order. Return 0 to go on, or a negative errno that ends it. */
typedef int status_client_take(void *arg, const char *line);

/* Ask one thing of the daemon that answers at `path`, and wait for the end of the answer.
 *   take       for its lines; errors of the daemon come in ret_error
 *   ret_fd     a descriptor that came along, close-on-exec, the caller's; -1: none; may be NULL
 *   ret_error  a talloc string of mem, with a line for each error
 * Returns 0; -ENOENT or -ECONNREFUSED when no daemon is there; -EBADMSG when the daemon says no (ret_error says why); or another
 * negative errno. */
int status_ask(void *mem, const char *path, const char *word, status_client_take *take, void *arg, int *ret_fd, char **ret_error);

/* Where the daemon of a configuration answers: status.socket of the file, or its default where there is no file.
 *   file       NULL: /etc/postern/postern.conf
 *   ret_conf   what was read; NULL when there is no file
 *   ret_path   a string of mem, "" when the configuration says none
 * Returns an exit code; on failure standard error says why, in the name of `command`. */
struct conf;
int status_find(void *mem, const char *command, const char *file, const struct conf **ret_conf, const char **ret_path);

#endif
