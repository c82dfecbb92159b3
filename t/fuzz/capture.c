#include "t/fuzz/capture.h"

#include "t/fuzz/fuzz.h"

#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

static int log_fd = -1, fuzzer_fd = -1;

void capture_begin(void)
{
	if (log_fd < 0) {
		log_fd = memfd_create("log", MFD_CLOEXEC);
		fuzzer_fd = dup(STDERR_FILENO);
		CLAIM(log_fd >= 0 && fuzzer_fd >= 0);
		__sanitizer_set_report_fd((void *)(intptr_t)fuzzer_fd);
	}
	CLAIM(ftruncate(log_fd, 0) == 0 && lseek(log_fd, 0, SEEK_SET) == 0);
	CLAIM(dup2(log_fd, STDERR_FILENO) == STDERR_FILENO);
}

struct view capture_end(void *mem)
{
	struct stat st;
	char *octets;

	CLAIM(dup2(fuzzer_fd, STDERR_FILENO) == STDERR_FILENO);
	CLAIM(fstat(log_fd, &st) == 0);
	octets = talloc_size(mem, (size_t)st.st_size);
	CLAIM(octets && pread(log_fd, octets, (size_t)st.st_size, 0) == st.st_size);
	return (struct view){ octets, (size_t)st.st_size };
}
