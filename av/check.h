/* What a start of the scanner would meet, without the start: for `postern check`. */
#ifndef AV_CHECK_H
#define AV_CHECK_H

#include "av/loader.h"

#include <stdbool.h>

enum av_check_level { AV_CHECK_OK, AV_CHECK_NOTE, AV_CHECK_WARNING, AV_CHECK_ERROR };

/* Look at the database, memory and what the kernel gives for the sandbox.
 *   tell  is called for each finding: "database", "memory", "temporary files", "Landlock", ...; text: one line
 * Returns 0; -EINVAL when the scanner could not work; or another negative errno. */
typedef void av_check_tell(void *arg, enum av_check_level level, const char *what, const char *text);
int av_check(const struct av_loader_settings *settings, av_check_tell *tell, void *arg);

/* "ok", "note", "warning", "error" */
const char *av_check_level_text(enum av_check_level level);

#endif
