/* The supervisor's side of the status socket. It takes one word from root or its own user, and nothing else. */
#ifndef MILTER_STATUS_SERVER_H
#define MILTER_STATUS_SERVER_H

#include "milter/poll_set.h"
#include "milter/status_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define STATUS_CLIENTS_MAX 16       /* further ones wait in the backlog */
#define STATUS_REQUEST_MS 5000      /* to ask, and to take the whole answer */
#define STATUS_ANSWER_MAX 50000     /* lines of one answer: a line for each worker and listener that there can be */

struct status_server;
struct status_client;

/* Called with a request; the answer may come later, then with status_client_wait(). */
typedef void status_request(void *arg, struct status_client *client, const char *word);

/* Make the socket with mode 0600; its folder too (0755) when that alone is missing. What a dead daemon left there is replaced.
 *   ret        a talloc child of mem, whose end closes and removes it
 *   ret_error  a talloc string of mem: wanted and got. Returns 0, -EADDRINUSE (somebody answers there) or another negative errno. */
int status_server_open(void *mem, const char *path, status_request *request, void *arg, struct status_server **ret, char **ret_error);

const char *status_server_path(const struct status_server *server);

void status_server_watch(struct status_server *server, struct poll_set *set);

/* Let go of those who are done or late. Returns the time until this must be called again, in ms; -1: nothing waits. */
int status_server_tick(struct status_server *server, int64_t now_ms);

void status_client_line(struct status_client *client, enum status_packet kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The end of the answer.
 *   fd  sent along; stays the caller's; -1: none */
void status_client_end(struct status_client *client, bool good, int fd);

/* The answer comes with status_server_answer(), for this number or a later one. It has its own time limits. */
void status_client_wait(struct status_client *client, unsigned number);

/*   errors  lines; NULL: none */
void status_server_answer(struct status_server *server, unsigned number, bool good, const char *errors);

#endif
