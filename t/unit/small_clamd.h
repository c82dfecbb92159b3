/* A clamd for tests: a thread behind a unix socket that answers as a script says. */
#ifndef T_SMALL_CLAMD_H
#define T_SMALL_CLAMD_H

/* One letter per scan, the last one for all that follow:
 *     c  OK      f  FOUND      n  "(null) FOUND"      e  ERROR      l  size limit, then hang up without reading on
 *     h  hang up when all was read      g  garbage      i  another id      s  OK, in three pieces      x  OK, then hang up */
struct small_clamd;

/* ret_spec: "unix:/path", static. */
struct small_clamd *small_clamd_start(const char *script, const char **ret_spec);

/* End it; what it has seen. */
struct small_clamd_seen { unsigned connections, scans, versions; unsigned long octets; } small_clamd_stop(struct small_clamd *clamd);

#endif
