/* What a scan child may still do before it reads hostile octets. */
#ifndef AV_SEAL_H
#define AV_SEAL_H

#include <stdbool.h>
#include <stddef.h>

/* Address space beyond what the engine takes already, for libclamav's maps and buffers; a multiple of what may be unpacked comes on top. */
#define AV_SEAL_MEMORY ((size_t)1024 * 1024 * 1024)
#define AV_SEAL_DESCRIPTORS 256 /* nested archives hold a few each, twenty deep */

enum av_seal_piece {
	AV_SEAL_PRIVILEGES, /* no capabilities, no new ones, no core dump, no tracer */
	AV_SEAL_LIMITS,     /* memory, descriptors, size of files, processes, core files */
	AV_SEAL_LANDLOCK,   /* no file but those in the current directory */
	AV_SEAL_SECCOMP,    /* no system call but those that a scan needs; any other one kills */
};
#define AV_SEAL_PIECES (AV_SEAL_SECCOMP + 1)

struct av_seal_result {
	int piece[AV_SEAL_PIECES]; /* 0: in force; else a negative errno (-ENOSYS, -EOPNOTSUPP: the kernel has none) */
};

/* "seccomp", and what can happen without it. */
const char *av_seal_piece_name(enum av_seal_piece piece);
const char *av_seal_piece_effect(enum av_seal_piece piece);

/* Enter all pieces, in a process with one thread whose current directory is the only one that it will use. A piece that the
 * kernel lacks or refuses is told in ret, and the rest stands.
 *   file_size  octets of one file
 *   memory     octets of address space beyond those of now */
void av_seal(size_t file_size, size_t memory, struct av_seal_result *ret);

/* From now on, so many more seconds of processor time end the process. Works under the seal. Returns 0 or a negative errno. */
int av_seal_processor_time(unsigned seconds);

/* The pieces of their own. Return 0 or a negative errno. */
int av_seal_landlock(void);
int av_seal_seccomp(void);

/* What the build decides (seal_calls.c, or seal_calls_sanitizer.c): sanitizers reserve terabytes of address space, make
 * system calls of their own, and tell what they found on standard error. */
extern const bool av_seal_limits_memory;
extern const bool av_seal_closes_stderr;
extern const int av_seal_more_calls[]; /* numbers; ends with -1 */

#endif
