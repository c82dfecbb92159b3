#include "milter/sandbox.h"

#include "milter/log.h"

#include <string.h>

static void report(const char *piece, const char *effect, int r)
{
	if (r < 0)
		log_text(CONF_LOG_WARNING, "sandbox", "wanted %s, got \"%s\": %s", piece, strerror(-r), effect);
	else
		log_text(CONF_LOG_DEBUG, "sandbox", "%s is in force", piece);
}

void sandbox_enter(const char *const *readable, const char *const *writable)
{
	report("Landlock", "this worker can open every file that its user can", landlock_enter(readable, writable));
	report("the seccomp filter", "this worker can execute programs", seccomp_enter());
}
