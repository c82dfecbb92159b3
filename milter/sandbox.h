/* What a worker may still do once it serves: Landlock on files, seccomp on system calls. */
#ifndef MILTER_SANDBOX_H
#define MILTER_SANDBOX_H

/* After privileges_drop() and before there are threads. From here on files can be read that the C library, libunbound
 * and OpenSSL look into (/etc/resolv.conf, /etc/hosts, /usr, ...) and those named here; nothing else can be written, made
 * or removed; no program can be executed, no process traced, nothing mounted, no socket set to listen.
 *   readable  further files or folders, NULL-terminated; "" and what does not exist are passed over
 *   writable  folders in which regular files and folders may also be made, written and removed; likewise
 * A piece that the kernel lacks or refuses is a warning in the log, and the rest stands: an old kernel or a strict
 * container must not stop mail. */
void sandbox_enter(const char *const *readable, const char *const *writable);

/* The two pieces. Return 0 or a negative errno (-ENOSYS, -EOPNOTSUPP: the kernel has none). */
int landlock_enter(const char *const *readable, const char *const *writable);
int seccomp_enter(void);

#endif
