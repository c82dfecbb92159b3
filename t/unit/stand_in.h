/*
 * A filter in the place of gate.c and callbacks.c, for tests of the processes around them. It adds
 * one field to each message: "X-Stand-In: PID header=OCTETS nodelay=0|1", octets of the header fields that it
 * got, and whether all TCP connections of the process have TCP_NODELAY.
 */
#ifndef T_STAND_IN_H
#define T_STAND_IN_H

#include "milter/callbacks.h"
#include "milter/gate.h"

#define STAND_IN_FIELD "X-Stand-In"

/* Names of listeners with which gate_start() does something else than to succeed. */
#define STAND_IN_BAD_CONFIGURATION "bad-configuration" /* fails as for a file that is missing */
#define STAND_IN_NEVER_READY "never-ready"             /* sleeps for ever */
#define STAND_IN_DIES "dies"                           /* ends the process */

#endif
