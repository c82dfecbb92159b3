/* A small MTA for tests: one milter connection, every command answered, nothing negotiated away. */
#ifndef T_SMALL_MTA_H
#define T_SMALL_MTA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SMALL_MTA_FIELD_MAX 256

/* Connect and negotiate. Returns a descriptor, or -1. */
int small_mta_open(const struct sockaddr *address, socklen_t n);

/* Send one message with one header field of `octets` octets, and take the verdict.
 *   ret_field  value of the field that the filter added; "" when none
 * True when the filter answered every command and accepted. */
bool small_mta_message(int fd, size_t octets, char ret_field[SMALL_MTA_FIELD_MAX]);

/* End the session. */
void small_mta_quit(int fd);

#endif
