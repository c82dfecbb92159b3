/* The parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231), read as leniently as the most
 * lenient reader would: each reading that is possible is told. */
#ifndef AV_PARAMETER_H
#define AV_PARAMETER_H

#include "dkim/view.h"

/* Beyond so many parameters in one field no more are read; the longest name that a file can have needs some 40 segments. */
#define AV_PARAMETERS_MAX 200

/* One value that a reader may see.
 *   name   of the parameter as it stands before "*" (RFC 2231), any case
 *   value  decoded: quotes, percent signs and segments are gone; NUL may be in it */
typedef void av_parameter_found(void *arg, struct view name, struct view value);

/* Tell all values of all parameters, repeated ones each time, then those that RFC 2231 joins from segments: by number and, when
 * that differs, in the order of writing.
 *   field  raw value of the field, folds included
 * Returns 0, -ENOMEM, or -E2BIG when there are more than AV_PARAMETERS_MAX (the first ones have been told). */
int av_parameters(struct view field, av_parameter_found *found, void *arg);

/* What stands before the first parameter, without comments and FWS: "text/plain". At most size - 1 octets, in lower case. */
void av_parameter_head(struct view field, char *ret, size_t size);

#endif
