/* Where our own programs lie. */
#ifndef MILTER_PROGRAM_H
#define MILTER_PROGRAM_H

/* The file that this process was started from, which an upgrade replaces: asked once, at start, and remembered as a path, so that
 * later starts run what stands there then. A talloc string of mem. Returns 0 or a negative errno. */
int program_own(void *mem, char **ret);

/* postern-scanner: beside our own program; else, in a build tree (PLACE/milter/postern), as PLACE/av/postern-scanner; else in the
 * folder that it is installed to (libexec).
 *   ret        a talloc string of mem
 *   ret_error  talloc string of mem: wanted and got. Returns 0, -ENOENT or -ENOMEM. */
int program_scanner(void *mem, const char *own, char **ret, char **ret_error);

#endif
