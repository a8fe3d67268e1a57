package main

/*
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t pause_ns;

static void set_pause(int64_t ns) { pause_ns = ns; }

// The program is linked with this one instead of the C library's.
int fdatasync(int fd) {
	int rc = syscall(SYS_fdatasync, fd), why = errno;
	if (pause_ns > 0) {
		struct timespec left = {pause_ns / 1000000000, pause_ns % 1000000000};
		while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
	}
	errno = why;
	return rc;
}
*/
import "C"

import (
	"os"
	"time"
)

// slowSyncs makes every sync of this program take so much longer, whoever asks for
// it: SQLite for any of the contenders, or the raw writes. What a disk makes of a
// commit beside the processor is seen only where its syncs are not the fastest part.
func slowSyncs(by time.Duration) { C.set_pause(C.int64_t(by)) }

// datasync is fdatasync as SQLite calls it.
func datasync(f *os.File) error {
	_, err := C.fdatasync(C.int(f.Fd()))
	return err
}
