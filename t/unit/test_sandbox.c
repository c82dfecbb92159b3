/* What a worker may still do (milter/sandbox.h). Each case runs in a process of its own. */
#include "milter/sandbox.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-sandbox-XXXXXX";
static char secret[64], allowed[64], writable[64];

static bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char octet;
	bool ok = fd >= 0 && read(fd, &octet, 1) >= 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Each returns 0, or the number of the step that was wrong. */
static int exec_is_denied(void)
{
	char *argv[] = { (char *)"true", NULL };
	char *none[] = { NULL };

	(void)execve("/bin/true", argv, none);
	return errno == EPERM ? 0 : 1;
}

static int ptrace_is_denied(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM ? 0 : 1;
}

static int listen_is_denied(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && listen(fd, 1) < 0 && errno == EPERM ? 0 : 1;
}

static int files_are_denied(void)
{
	char path[128];

	if (can_read(secret) || can_read("/etc/passwd"))
		return 1;
	if (!can_read(allowed) || !can_read("/etc/hosts") || !can_read("/etc/resolv.conf"))
		return 2;
	(void)snprintf(path, sizeof path, "%s/new", folder);
	if (open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0 || errno != EACCES)
		return 3;
	if (open(allowed, O_WRONLY | O_CLOEXEC) >= 0 || unlink(allowed) == 0 || truncate(allowed, 0) == 0)
		return 4;
	return mkdir(path, 0700) < 0 ? 0 : 5;
}

/* Copies of messages: made under one name, given another, removed. */
static int writable_folder_can_be_written(void)
{
	char inside[160], file[200], renamed[200];
	int fd;

	(void)snprintf(inside, sizeof inside, "%s/ab", writable);
	(void)snprintf(file, sizeof file, "%s/new", inside);
	(void)snprintf(renamed, sizeof renamed, "%s/newer", inside);
	if (mkdir(inside, 0700) < 0)
		return 1;
	fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || rename(file, renamed) < 0 || !can_read(renamed))
		return 2;
	if (symlink("/etc", file) == 0 || mkfifo(file, 0600) == 0)
		return 3;
	return unlink(renamed) < 0 || rmdir(inside) < 0 ? 4 : 0;
}

/* The syslog and journal sockets are named by paths. */
static int unix_socket_can_be_reached(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && sendto(fd, "x", 1, 0, (const struct sockaddr *)address, sizeof *address) == 1 ? 0 : 1;
}

static void *thread(void *arg)
{
	return malloc(1000) ? arg : NULL;
}

/* What a worker lives from: threads, memory, sockets, time, random octets. */
static int work_goes_on(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct timespec now;
	pthread_t id;
	void *result = NULL;
	char octets[16];
	int fd;

	if (pthread_create(&id, NULL, thread, octets) || pthread_join(id, &result) || result != octets)
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0) /* libunbound binds its queries' ports */
		return 2;
	if (memfd_create("x", MFD_CLOEXEC) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 || getentropy(octets, sizeof octets) < 0)
		return 3;
	return localtime(&now.tv_sec) && can_read("/dev/urandom") ? 0 : 4;
}

static const struct case_row {
	const char *name;
	int (*function)(void);
} cases[] = {
	{ "no program is executed", exec_is_denied },
	{ "no process is traced", ptrace_is_denied },
	{ "no socket is set to listen", listen_is_denied },
	{ "only named files are read, and nothing is written", files_are_denied },
	{ "folders that are named writable are written to", writable_folder_can_be_written },
	{ "work goes on", work_goes_on },
};

static int in_sandbox(int (*function)(void))
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 100;
	sandbox_enter((const char *[]){ "", "/no/such/file", allowed, NULL }, (const char *[]){ "", "/no/such/folder", writable, NULL });
	return function();
}

static void wait_for(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

static void test_case(void **state)
{
	const struct case_row *row = *state;
	pid_t pid = fork();

	if (pid == 0)
		_exit(in_sandbox(row->function));
	wait_for(pid);
}

static struct sockaddr_un log_address = { .sun_family = AF_UNIX };

static int reach_log(void)
{
	return unix_socket_can_be_reached(&log_address);
}

static void test_log_socket(void **state)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)state;
	(void)snprintf(log_address.sun_path, sizeof log_address.sun_path, "%s/log", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&log_address, sizeof log_address), 0);
	pid = fork();
	if (pid == 0)
		_exit(in_sandbox(reach_log));
	wait_for(pid);
	close(fd);
	assert_int_equal(unlink(log_address.sun_path), 0);
}

static void make_file(char *path, size_t n, const char *name)
{
	int fd;

	(void)snprintf(path, n, "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	close(fd);
}

static bool kernel_has_all(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		      landlock_enter((const char *[]){ NULL }, (const char *[]){ NULL }) == 0 && seccomp_enter() == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
	int r;

	if (!kernel_has_all())
		return 77; /* meson: skipped */
	if (!mkdtemp(folder))
		return 1;
	make_file(secret, sizeof secret, "secret");
	make_file(allowed, sizeof allowed, "allowed");
	(void)snprintf(writable, sizeof writable, "%s/writable", folder);
	if (mkdir(writable, 0700) < 0)
		return 1;
	TEST_ROWS(cases, test_case);
	test_add("the log's socket is reached", test_log_socket);
	r = test_run("sandbox");
	(void)unlink(secret);
	(void)unlink(allowed);
	(void)rmdir(writable);
	return rmdir(folder) < 0 ? 1 : r;
}
