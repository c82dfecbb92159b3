/*
 * Packets of the milter protocol over a socket, as the MTA sends and receives them: four octets of
 * length (network order), one octet that names the packet, data. Calls block, but never past the deadline
 * that the connection was born with.
 */
#ifndef MILTER_MTA_WIRE_H
#define MILTER_MTA_WIRE_H

#include "dkim/view.h"
#include "milter/socket_spec.h"

#include <stdint.h>

/* The largest packet that a filter may send: the largest size that any MTA negotiates
 * (MILTER_MDS_1M). Anything above is a broken filter, or no milter at all. */
#define MTA_PACKET_MAX (1024 * 1024)

struct mta_wire; /* a talloc object; freeing it closes the connection */

/* Connect.
 *   timeout_ms  for the whole life of the connection
 * Returns 0, -ENOMEM, -ETIMEDOUT, or the negative errno of socket() or connect(). */
int mta_wire_connect(void *mem, const struct socket_address *address, unsigned timeout_ms, struct mta_wire **ret);

/* Send one packet. Returns 0, -EMSGSIZE (data does not fit a length field), -ETIMEDOUT, or the errno of
 * send(): -EPIPE or -ECONNRESET when the filter has hung up. */
int mta_wire_send(struct mta_wire *wire, char command, struct view data);

/* Receive one packet.
 *   ret_data  valid until the next mta_wire_receive()
 * Returns 0, -ENOMEM, -EMSGSIZE (above MTA_PACKET_MAX; the connection is of no more use), -EPROTO
 * (length 0), -ECONNRESET (end of the connection), -ETIMEDOUT, or another errno of recv(). */
int mta_wire_receive(struct mta_wire *wire, char *ret_reply, struct view *ret_data);

/* The length that the last packet announced, for an error text. */
uint32_t mta_wire_announced(const struct mta_wire *wire);

/* Milliseconds since the connection was started. */
double mta_wire_elapsed_ms(const struct mta_wire *wire);

#endif
