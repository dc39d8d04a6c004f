// Several processes on one catalog: nobody is refused, nothing is lost, the chain stays one chain.
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"

enum { PROCESSES = 3, ROUNDS = 40 };

// Opens the catalog, which may not be there yet, and writes; gives an exit code.
static int work(int process)
{
    rml_catalog *c = NULL;
    rml_error err = {0};
    rml_status st = rml_catalog_open(rml_str_of(scratch_path), &c, &err);
    for (int i = 0; i < ROUNDS && st == RML_OK; i++) {
        char hash[65], name[32];
        int64_t n;
        snprintf(hash, sizeof hash, "%04x%060x", (unsigned)process, (unsigned)i);
        snprintf(name, sizeof name, "p%d-%d", process, i);
        rml_object_row row = {RML_STR("run"), rml_str_of(hash), rml_str_of(name), RML_STR("{}"), 0};
        st = rml_catalog_begin(c, &err);
        st = st ? st : rml_catalog_put(c, &row, &err);
        st = st ? st : rml_catalog_count(c, RML_STR("shared"), rml_str_of(name), &n, &err);
        st = st ? st : rml_catalog_commit(c, &err);
        st = st ? st : rml_catalog_count(c, RML_STR("alone"), rml_str_of(name), &n, &err);
    }
    if (st != RML_OK) {
        fprintf(stderr, "process %d: %s: %s\n", process, err.place, err.what);
    }
    rml_catalog_close(c);
    return st == RML_OK ? 0 : 1;
}

enum { RACERS = 6, RACES = 20 };

// Waits for the start, which is the end of the pipe, then makes the catalog.
static int race(const int start[2])
{
    char byte;
    rml_catalog *c = NULL;
    close(start[1]);
    ssize_t got = read(start[0], &byte, 1);
    rml_status st = rml_catalog_open(rml_str_of(scratch_path), &c, NULL);
    rml_catalog_close(c);
    return got == 0 && st == RML_OK ? 0 : 1;
}

// All make the file at once: this is where SQLite does not wait by itself.
static void race_to_make_it(void **state)
{
    (void)state;
    for (int round = 0; round < RACES; round++) {
        pid_t children[RACERS];
        int start[2];
        scratch_close(scratch_open("race"));
        assert_int_equal(pipe(start), 0);
        for (int p = 0; p < RACERS; p++) {
            children[p] = fork();
            if (children[p] == 0) {
                _exit(race(start));
            }
        }
        close(start[0]);
        close(start[1]);
        for (int p = 0; p < RACERS; p++) {
            int status;
            assert_int_equal(waitpid(children[p], &status, 0), children[p]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
    }
    scratch_remove();
}

static void shares_one_file(void **state)
{
    (void)state;
    scratch_close(scratch_open("concurrent")); // names the file and removes it: all race to make it
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        if (children[p] == 0) {
            _exit(work(p));
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(children[p], &status, 0), children[p]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    rml_catalog *c = NULL;
    rml_arena a = {0};
    rml_array rows = RML_ARRAY(rml_object_row);
    int64_t n, count;
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, &count, NULL), RML_OK);
    assert_int_equal(count, 2 * PROCESSES * ROUNDS);
    assert_int_equal(rml_catalog_count(c, RML_STR("shared"), RML_STR("me"), &n, NULL), RML_OK);
    assert_int_equal(n, PROCESSES * ROUNDS + 1);
    assert_int_equal(rml_catalog_list(c, "run", &a, &rows, NULL), RML_OK);
    assert_int_equal(rows.count, PROCESSES * ROUNDS);
    rml_array_reset(&rows);
    rml_arena_reset(&a);
    scratch_close(c);
}

// A process that is killed inside a transaction leaves nothing of it, and blocks nobody.
static void forgets_the_killed(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("killed");
    rml_catalog_close(c);
    pid_t child = fork();
    if (child == 0) {
        rml_str x = RML_STR("x");
        if (rml_catalog_open(rml_str_of(scratch_path), &c, NULL) != RML_OK ||
            rml_audit_add(c, x, x, x, RML_STR("{}"), NULL) != RML_OK ||
            rml_catalog_begin(c, NULL) != RML_OK ||
            rml_audit_add(c, x, x, x, RML_STR("{}"), NULL) != RML_OK) {
            _exit(1);
        }
        _exit(0); // without commit or close
    }
    int status;
    int64_t count;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, &count, NULL), RML_OK);
    assert_int_equal(count, 1);
    scratch_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(race_to_make_it),
                                       cmocka_unit_test(shares_one_file),
                                       cmocka_unit_test(forgets_the_killed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
