// Clock, process, signals, environment, shared libraries, terminal, locks, processor.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "roadmill/os.h"
#include "system.h"

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t rml_clock_unix_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

int64_t rml_clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void rml_clock_text(int64_t unix_ns, char text[40])
{
    int64_t seconds = unix_ns / 1000000000, rest = unix_ns % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    }
    time_t time = (time_t)seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    size_t len = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest != 0) {
        len += (size_t)snprintf(text + len, 40 - len, ".%09lld", (long long)rest);
        while (text[len - 1] == '0') {
            len--;
        }
    }
    snprintf(text + len, 40 - len, "Z");
}

uint64_t rml_process_peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

const char *rml_env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    if (stop_asked) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop_asked = 1;
}

void rml_signals_catch(void)
{
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool rml_signals_stop(void)
{
    return stop_asked != 0;
}

rml_status rml_library_open(const char *path, void **out, rml_error *err)
{
    *out = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*out == NULL) {
        return rml_fail(err, RML_ERR_MISSING, rml_place_file(rml_str_of(path)), NULL,
                        "expected a shared library: %s", dlerror());
    }
    return RML_OK;
}

void *rml_library_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

rml_str rml_program_folder(rml_arena *arena)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len <= 0 || (size_t)len >= sizeof path) {
        return (rml_str){0};
    }
    return rml_arena_str(arena, rml_path_folder((rml_str){path, (size_t)len}));
}

rml_str rml_library_folder(rml_arena *arena)
{
    static const char here = 0; // an object of this very file
    Dl_info info;
    char path[PATH_MAX];
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL ||
        realpath(info.dli_fname, path) == NULL) {
        return (rml_str){0};
    }
    return rml_arena_str(arena, rml_path_folder(rml_str_of(path)));
}

bool rml_terminal_is(int fd)
{
    return isatty(fd) == 1;
}

int rml_terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int rml_terminal_rows(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

rml_status rml_lock_take(rml_lock *lock, const char *path, bool wait, rml_error *err)
{
    *lock = (rml_lock){0};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EISDIR) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return rml_system_fail(err, path, "cannot open to lock");
    }
    while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR && !rml_signals_stop()) {
            continue;
        }
        rml_status st = errno == EWOULDBLOCK
                            ? rml_fail(err, RML_ERR_EXISTS, rml_place_file(rml_str_of(path)),
                                       "wait for the other process or stop it",
                                       "expected to be alone, another process holds the lock")
                            : rml_system_fail(err, path, "cannot lock");
        close(fd);
        return st;
    }
    *lock = (rml_lock){fd, true};
    return RML_OK;
}

void rml_lock_drop(rml_lock *lock)
{
    if (lock->held) {
        close(lock->fd);
    }
    *lock = (rml_lock){0};
}

size_t rml_thread_count(void)
{
    const char *wanted = rml_env("ROADMILL_THREADS");
    int64_t count;
    if (wanted != NULL && rml_parse_i64(rml_str_of(wanted), &count) && count >= 1 &&
        count <= 1024) {
        return (size_t)count;
    }
    return rml_processor_count();
}

size_t rml_processor_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}
