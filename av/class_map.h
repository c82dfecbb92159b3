/* The administrator's rows from signature names to classes: av.class-map and av.ignore. */
#ifndef AV_CLASS_MAP_H
#define AV_CLASS_MAP_H

#include "av/classify.h"

#define AV_CLASS_MAP_OCTETS_MAX (1024 * 1024) /* each name is compared with every row */

/* Rows from text: PATTERN CLASS, blanks between; empty lines and what follows a # are passed over.
 *   file       its name, for the error
 *   ret        a talloc child of mem that owns all it needs
 *   ret_error  "file:line: wanted ..., got ..." as a talloc string of mem
 * Returns 0, -EINVAL or -ENOMEM. */
int av_class_map_parse(void *mem, struct view text, const char *file, const char *const *ignore, struct av_class_map **ret,
                       char **ret_error);

/* The class of a name by the first row that matches; false when none does. Ignored names are AV_CLASS_CLEAN. */
bool av_class_map_find(const struct av_class_map *map, const char *name, enum av_class *ret);

#endif
