/* What a scan child can no longer do (av/seal.h). Each row runs in a process of its own, sealed as scan children are, in a
 * folder of its own. */
#include "av/seal.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE ((size_t)64 * 1024)
#define MEMORY ((size_t)64 * 1024 * 1024)

static char folder[] = "/tmp/postern-seal-XXXXXX";
static int inherited_socket; /* a datagram socket of the parent's */

enum end { DENIED, KILLED, WORKS };

/* Each returns 0 when it was done, or the errno that denied it. */
static int opened(int fd)
{
	return fd < 0 ? errno : 0;
}

static int try_read_passwd(void)
{
	return opened(open("/etc/passwd", O_RDONLY));
}

static int try_read_binary(void)
{
	return opened(open("/proc/self/exe", O_RDONLY));
}

static int try_list_root(void)
{
	return opened(open("/", O_RDONLY | O_DIRECTORY));
}

static int try_write_outside(void)
{
	return opened(open("/tmp/postern-seal-outside", O_WRONLY | O_CREAT, 0600));
}

static int try_climb_out(void)
{
	return opened(open("../postern-seal-outside", O_WRONLY | O_CREAT, 0600));
}

static int try_remove_outside(void)
{
	return rmdir("/tmp") < 0 ? errno == EBUSY || errno == ENOTEMPTY ? 0 : errno : 0; /* those come after the permission */
}

static int try_socket(void)
{
	return opened(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_unix_socket(void)
{
	return opened(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_connect_inherited(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return connect(inherited_socket, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
}

static int try_exec(void)
{
	char *argv[] = { (char *)"true", NULL }, *none[] = { NULL };

	(void)execve("/bin/true", argv, none);
	return errno;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int try_vfork_call(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? errno : 0;
}

static int try_kill_parent(void)
{
	return kill(getpid(), 0) < 0 ? errno : 0;
}

/* The kernel would send the signal when the descriptor becomes ready. */
static int try_signal_by_descriptor(void)
{
	return fcntl(inherited_socket, F_SETOWN, getpid()) < 0 ? errno : 0;
}

static int try_number_of_signal(void)
{
	return fcntl(inherited_socket, F_SETSIG, SIGKILL) < 0 ? errno : 0;
}

static int try_notification(void)
{
	return fcntl(inherited_socket, F_NOTIFY, DN_CREATE) < 0 ? errno : 0;
}

static int try_mode_outside(void)
{
	return chmod("..", 01777) < 0 ? errno : 0;
}

static int try_mode_at(void)
{
	return syscall(SYS_fchmodat, AT_FDCWD, "..", 01777) < 0 ? errno : 0;
}

static int try_mode_of_descriptor(void)
{
	return fchmod(inherited_socket, 0777) < 0 ? errno : 0;
}

static int try_memory_of_another(void)
{
	return syscall(SYS_process_vm_readv, getpid(), NULL, 0UL, NULL, 0UL, 0UL) < 0 ? errno : 0;
}

static int try_mount(void)
{
	return syscall(SYS_mount, "none", ".", "tmpfs", 0UL, NULL) < 0 ? errno : 0;
}

static int try_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0) < 0 ? errno : 0;
}

static int try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL) < 0 ? errno : 0;
}

static int try_become_root(void)
{
	return setresuid(0, 0, 0) < 0 ? errno : 0;
}

static int try_memfd(void)
{
	return opened((int)syscall(SYS_memfd_create, "x", MFD_CLOEXEC));
}

static int try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int try_make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

static int try_higher_limit(void)
{
	struct rlimit limit = { 1000, 1000 };

	return setrlimit(RLIMIT_NPROC, &limit) < 0 ? errno : 0;
}

static int try_symbolic_link(void)
{
	return symlink("/etc/passwd", "link") < 0 ? errno : 0;
}

static int try_device(void)
{
	return mknod("device", S_IFCHR | 0600, 0) < 0 ? errno : 0;
}

/* SIGXFSZ would end the process; ignored, write() says why. */
static int try_large_file(void)
{
	static char octets[2 * FILE_SIZE];
	int fd = open("large", O_WRONLY | O_CREAT, 0600);

	if (fd < 0)
		return 0;
	if (write(fd, octets, sizeof octets) == (ssize_t)FILE_SIZE && write(fd, octets, 1) < 0)
		return errno;
	return 0;
}

static int try_many_descriptors(void)
{
	int fd = 0;

	for (int i = 0; fd >= 0 && i < 2 * AV_SEAL_DESCRIPTORS; i++)
		fd = dup(0);
	return fd < 0 ? errno : 0;
}

static int try_much_memory(void)
{
	return mmap(NULL, 2 * MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

/* What libclamav lives from. */
static int try_temporary_files(void)
{
	char octets[3];
	int fd;

	if (mkdir("a", 0700) < 0 || mkdir("a/b", 0700) < 0)
		return errno;
	fd = open("a/b/c", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "abc", 3) != 3 || pread(fd, octets, 3, 0) != 3 || close(fd) < 0)
		return errno;
	return unlink("a/b/c") < 0 || rmdir("a/b") < 0 || rmdir("a") < 0 ? errno : 0;
}

static int try_memory(void)
{
	char *octets = malloc(MEMORY / 4);

	if (!octets)
		return ENOMEM;
	memset(octets, 1, MEMORY / 4);
	free(octets);
	return 0;
}

static int try_time(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now) < 0 || time(NULL) == 0 ? errno : 0;
}

static int try_processor_time(void)
{
	return -av_seal_processor_time(5);
}

static int try_endless_loop(void)
{
	if (av_seal_processor_time(0) < 0)
		return EINVAL;
	for (volatile unsigned i = 0;; i = i + 1)
		continue;
}

static const struct row {
	const char *name;
	int (*function)(void);
	enum end end;
	int number; /* of the errno, or of the signal */
	bool without_sanitizer; /* which makes this call itself, or has no such limit */
} rows[] = {
	{ "reads /etc/passwd", try_read_passwd, DENIED, EACCES, false },
	{ "reads its own program", try_read_binary, DENIED, EACCES, false },
	{ "lists /", try_list_root, DENIED, EACCES, false },
	{ "writes into /tmp", try_write_outside, DENIED, EACCES, false },
	{ "writes above its folder", try_climb_out, DENIED, EACCES, false },
	{ "removes a folder outside", try_remove_outside, DENIED, EACCES, false },
	{ "opens a network socket", try_socket, KILLED, SIGSYS, false },
	{ "opens a unix socket", try_unix_socket, KILLED, SIGSYS, false },
	{ "connects a socket that it got", try_connect_inherited, KILLED, SIGSYS, false },
	{ "executes a program", try_exec, KILLED, SIGSYS, false },
	{ "forks", try_fork, KILLED, SIGSYS, false },
	{ "clones", try_vfork_call, KILLED, SIGSYS, false },
	{ "traces its parent", try_ptrace, KILLED, SIGSYS, false },
	{ "sends a signal", try_kill_parent, KILLED, SIGSYS, false },
	{ "has the kernel send a signal", try_signal_by_descriptor, KILLED, SIGSYS, false },
	{ "chooses the signal", try_number_of_signal, KILLED, SIGSYS, false },
	{ "asks for notifications", try_notification, KILLED, SIGSYS, false },
	{ "changes a mode outside", try_mode_outside, DENIED, EPERM, false },
	{ "changes a mode outside by fchmodat()", try_mode_at, DENIED, EPERM, false },
	{ "changes the mode of what it got", try_mode_of_descriptor, DENIED, EPERM, false },
	{ "reads another process's memory", try_memory_of_another, KILLED, SIGSYS, false },
	{ "mounts", try_mount, KILLED, SIGSYS, false },
	{ "makes a user namespace", try_namespace, KILLED, SIGSYS, false },
	{ "calls bpf()", try_bpf, KILLED, SIGSYS, false },
	{ "calls io_uring_setup()", try_io_uring, KILLED, SIGSYS, false },
	{ "becomes root", try_become_root, KILLED, SIGSYS, false },
	{ "makes memory with a name", try_memfd, KILLED, SIGSYS, false },
	{ "maps code", try_code, DENIED, EACCES, false },
	{ "turns memory into code", try_make_code, DENIED, EACCES, false },
	{ "raises a limit", try_higher_limit, KILLED, SIGSYS, false },
	{ "makes a symbolic link", try_symbolic_link, KILLED, SIGSYS, false },
	{ "makes a device", try_device, KILLED, SIGSYS, false },
	{ "writes a file beyond its size", try_large_file, DENIED, EFBIG, false },
	{ "opens too many descriptors", try_many_descriptors, DENIED, EMFILE, false },
	{ "takes too much memory", try_much_memory, DENIED, ENOMEM, true },
	{ "uses temporary files", try_temporary_files, WORKS, 0, false },
	{ "uses memory", try_memory, WORKS, 0, false },
	{ "asks for the time", try_time, WORKS, 0, false },
	{ "sets its processor time", try_processor_time, WORKS, 0, false },
	{ "runs beyond its processor time", try_endless_loop, KILLED, SIGXCPU, false },
};

/* Every piece must be in force on the hosts that run the tests. Never returns. */
static void run_sealed(const struct row *row) __attribute__((noreturn));

static void run_sealed(const struct row *row)
{
	struct av_seal_result result;

	if (chdir(folder) < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		_exit(255);
	av_seal(FILE_SIZE, MEMORY, &result);
	for (enum av_seal_piece piece = 0; piece < AV_SEAL_PIECES; piece++)
		if (result.piece[piece] < 0)
			_exit(254 - (int)piece);
	_exit(row->function());
}

static void attempt(void **state)
{
	const struct row *row = *state;
	int status;
	pid_t pid;

	if (row->without_sanitizer && !av_seal_limits_memory)
		return; /* the limit itself is what that build lacks */
	pid = fork();
	if (pid == 0)
		run_sealed(row);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (row->end == KILLED) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), row->number);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), row->number);
	}
}

/* All of the rows but those that work would be possible without the seal: the test can fail. */
static void unsealed_process_can(void **state)
{
	(void)state;
	assert_int_equal(try_read_passwd(), 0);
	assert_int_equal(try_list_root(), 0);
	assert_int_equal(try_socket(), 0);
	assert_int_equal(try_fork(), 0);
	assert_int_equal(try_memfd(), 0);
	assert_int_equal(try_kill_parent(), 0);
	assert_int_equal(try_signal_by_descriptor(), 0);
	assert_int_equal(try_number_of_signal(), 0);
	assert_int_equal(try_mode_of_descriptor(), 0);
	assert_int_equal(try_code(), 0);
	assert_int_equal(try_make_code(), 0);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static int set_up(void **state)
{
	(void)state;
	inherited_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return mkdtemp(folder) && inherited_socket >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	if (chdir(folder) == 0)
		(void)unlink("large");
	close(inherited_socket);
	return chdir("/") < 0 || rmdir(folder) < 0 ? -1 : 0;
}

int main(void)
{
	TEST_ROWS(rows, attempt);
	test_add("without the seal these can be done", unsealed_process_can);
	return test_run_with("seal", set_up, tear_down);
}
