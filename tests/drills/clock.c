/* The clock of the machine, off by the seconds that a file says: for LD_PRELOAD.
 *
 * Clocks that only count on are left alone, as an operating system leaves them alone when it is put
 * right. libfaketime 0.9.10 cannot do that to Python 3.11 and newer: with
 * FAKETIME_DONT_FAKE_MONOTONIC its clock_nanosleep refuses what time.sleep asks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void) {
    static int file = -1;
    char text[32] = {0};
    if (file < 0 && getenv("DRILL_CLOCK"))
        file = open(getenv("DRILL_CLOCK"), O_RDONLY | O_CLOEXEC);
    if (file < 0 || pread(file, text, sizeof text - 1, 0) <= 0)
        return 0;
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec read;
    if (clock_gettime(CLOCK_REALTIME, &read))
        return -1;
    now->tv_sec = read.tv_sec;
    now->tv_usec = read.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    if (into)
        *into = read.tv_sec;
    return read.tv_sec;
}
