// The program through which long text is read on a terminal. It takes over stdout, so the rest of
// the process writes as before.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roadmill/os.h"

// One a process, as stdout is.
static pid_t pager;

bool rml_pager_open(const char *command)
{
    int ends[2];
    if (pager > 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_IGN); // the terminal sends it to both; the pager goes on
        dup2(ends[0], STDIN_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (child > 0) {
        signal(SIGPIPE, SIG_IGN); // a reader who has seen enough is no fault
        dup2(ends[1], STDOUT_FILENO);
        pager = child;
    }
    close(ends[0]);
    close(ends[1]);
    return child > 0;
}

void rml_pager_close(void)
{
    if (pager <= 0) {
        return;
    }
    fflush(stdout);
    // dup2 put the pipe at stdout: closing it is the end of the pager's input.
    close(STDOUT_FILENO);
    while (waitpid(pager, NULL, 0) < 0 && !rml_signals_stop()) {
    }
    pager = 0;
}
