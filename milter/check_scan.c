/* What scanning needs: the map of classes, a folder for copies, a clamd that answers. */
#include "milter/check.h"

#include "av/clamd.h"
#include "av/classify.h"
#include "dkim/clock.h"
#include "milter/program.h"
#include "milter/run_program.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define SCANNER_CHECK_MS 60000 /* it counts the signatures of the database */
#define CLAMD_ANSWER_MS 10000 /* one that loads a database takes connections and answers later */

static const char *or_memory(const char *error)
{
	return error ? error : "out of memory";
}

static bool any_scans(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].scan)
			return true;
	return false;
}

static void check_class_map(struct check *check, const struct conf_av *conf)
{
	struct av_class_map *map;
	char *error;

	if (!*conf->class_map)
		return;
	if (av_class_map_new(check, conf->class_map, conf->ignore, &map, &error) < 0) {
		check_add(check, CHECK_FAILS, "class-map", "", "%s", or_memory(error));
		return;
	}
	talloc_free(map);
	check_add(check, CHECK_OK, "class-map", "", "%s", conf->class_map);
}

/* Of the workers, which are root no more when they write. Groups that the user is in beside his own are not looked at. */
static bool may_write(const struct stat *st, const char *user_name)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(user_name) : NULL;
	const uid_t uid = user ? user->pw_uid : geteuid();
	const gid_t gid = user ? user->pw_gid : getegid();

	if (st->st_uid == uid)
		return (st->st_mode & 0700) == 0700;
	return st->st_gid == gid ? (st->st_mode & 0070) == 0070 : (st->st_mode & 0007) == 0007;
}

static void check_copies(struct check *check, const struct conf *conf)
{
	const char *path = conf->av.copy_directory;
	struct stat st;

	if (!conf->av.copy[0])
		return;
	if (stat(path, &st) < 0)
		check_add(check, CHECK_WARNING, "copies", "", "%s: wanted a folder, got %s: no copies would be kept", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode) || !may_write(&st, conf->user))
		check_add(check, CHECK_WARNING, "copies", "", "%s: wanted a folder in which user %s may write: no copies would be kept", path,
		          geteuid() == 0 ? conf->user : "who starts the daemon");
	else
		check_add(check, CHECK_OK, "copies", "", "%s", path);
}

/* Scan a few octets. Returns 0 with facts, or a negative errno. */
static int ask_clamd(void *mem, const char *socket, struct av_reply *ret, char **ret_error)
{
	const char *const sockets[] = { socket, NULL };
	const int64_t until_ms = clock_monotonic_ms() + CLAMD_ANSWER_MS;
	struct clamd_call *call;
	struct clamd *clamd;
	int r = clamd_new(mem, sockets, &clamd, ret_error);

	if (r < 0)
		return r;
	r = clamd_call_new(clamd, clamd, VIEW("postern check\r\n"), &call);
	if (r == 0)
		do {
			r = clamd_call_step(call, 1000);
		} while (r == -EAGAIN && clock_monotonic_ms() < until_ms);
	if (r == 0)
		clamd_call_reply(call, ret);
	talloc_free(clamd);
	return r;
}

/* Workers go on to the next one of the list: it is enough that one answers. */
static void check_clamd(struct check *check, const struct conf_av *conf)
{
	bool any = false;

	for (size_t i = 0; conf->clamd[i]; i++) {
		struct av_reply reply;
		char *error = NULL;
		int r = ask_clamd(check, conf->clamd[i], &reply, &error);

		any = any || r == 0;
		if (r == 0)
			check_add(check, CHECK_OK, "clamd", "", "%s: ClamAV %s, database %u", conf->clamd[i], reply.facts.engine, reply.facts.database);
		else if (r == -EAGAIN || r == -ENOTCONN || r == -ECONNRESET)
			check_add(check, CHECK_WARNING, "clamd", "", "%s: wanted a clamd, got no answer", conf->clamd[i]);
		else
			check_add(check, CHECK_WARNING, "clamd", "", "%s: %s", conf->clamd[i], error ? error : strerror(-r));
	}
	if (!any)
		check_add(check, CHECK_FAILS, "clamd", "", "wanted one that answers, got none: mail would follow on-error");
}

/* One line of what the scanner says: level, what, text, tabs between. */
static void add_line(struct check *check, struct view line)
{
	static const struct {
		const char *level;
		enum check_state state;
	} levels[] = { { "ok", CHECK_OK }, { "note", CHECK_OK }, { "warning", CHECK_WARNING }, { "error", CHECK_FAILS } };
	struct view level = VIEW(""), what = VIEW("");
	enum check_state state = CHECK_FAILS;

	if (line.n == 0 || !view_next(&line, '\t', &level) || !view_next(&line, '\t', &what))
		return;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		if (view_eq(level, view_of(levels[i].level)))
			state = levels[i].state;
	check_add(check, state, "scanner", view_string(check, what), "%s", view_string(check, line));
}

/* The program must be there, for the daemon does not start without it. */
static void check_scanner(struct check *check, const char *file)
{
	char *own = NULL, *program = NULL, *error = NULL, *output;
	struct view rest, line;
	int code, r = program_own(check, &own);

	if (r == 0)
		r = program_scanner(check, own, &program, &error);
	if (r == 0)
		r = run_program(check, (const char *const[]){ program, "--check", file, NULL }, SCANNER_CHECK_MS, &output, &code, &error);
	if (r < 0) {
		check_add(check, CHECK_FAILS, "scanner", "", "%s", or_memory(error));
		return;
	}
	rest = view_of(output);
	while (view_next(&rest, '\n', &line))
		add_line(check, line);
}

void check_scan(struct check *check, const struct conf *conf, const char *file)
{
	if (!any_scans(conf))
		return;
	check_class_map(check, &conf->av);
	check_copies(check, conf);
	if (conf->av.clamd[0])
		check_clamd(check, &conf->av);
	else
		check_scanner(check, file);
}
