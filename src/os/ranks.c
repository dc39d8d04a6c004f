// Ranks of a job: the module for MPI is opened only where mpirun started the process, so a program
// without MPI pays nothing. Here stands what does not depend on MPI: who is there, waiting, and how
// a lost process is told.
#define _GNU_SOURCE
#include "roadmill/os/ranks.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ranks_module.h"
#include "roadmill/os.h"

#define MODULE "libroadmill_mpi.so"
enum {
    SPINS = 2000,             // looks before a waiting rank gives its processor away
    LOOK_EVERY_NS = 20000000, // between two looks for the others
    GRACE_NS = 500000000,     // after a signal to stop: for the answer of ranks that still run
};

// One process of the job.
typedef struct rank {
    char host[128];
    int64_t process;
} rank;

struct rml_ranks {
    const rml_ranks_module *module;
    size_t index, count;
    rank *all;
    const char *what;
    uint64_t number;
    bool agreed; // that all end, each by itself
};

// ---- Start and end -----------------------------------------------------------------------------

// Whether mpirun started this process with others; a launcher says so in the environment.
static bool started_with_others(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = rml_env(names[i]);
        int64_t size;
        if (text != NULL && rml_parse_i64(rml_str_of(text), &size) && size > 1) {
            return true;
        }
    }
    return false;
}

static rml_status open_module(const rml_ranks_module **out, rml_error *err)
{
    static const char *const places[] = {"/" MODULE, "/../" MODULE, "/../lib/" MODULE};
    rml_arena arena = {0};
    rml_str folder = rml_program_folder(&arena);
    rml_str path = rml_str_of(rml_env("ROADMILL_MPI") ? rml_env("ROADMILL_MPI") : "");
    for (size_t i = 0; path.len == 0 && i < sizeof places / sizeof *places; i++) {
        rml_str place = rml_arena_printf(&arena, "%.*s%s", RML_FMT(folder), places[i]);
        if (place.data != NULL && rml_file_exists(place.data)) {
            path = place;
        }
    }
    void *library = NULL;
    rml_status st =
        path.len > 0 ? rml_library_open(path.data, &library, err)
                     : rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0},
                                "install libopenmpi-dev or libmpich-dev and build again, or start "
                                "it without mpirun",
                                "expected " MODULE " beside the program or in ../lib to run as "
                                "several processes, found none");
    *out = library != NULL ? rml_library_symbol(library, RML_RANKS_MODULE_NAME) : NULL;
    if (st == RML_OK && *out == NULL) {
        st = rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(path), "build it again",
                      "expected the module of roadmill " RML_VERSION ", found another");
    }
    rml_arena_reset(&arena);
    return st;
}

// Tells every rank where all the others run.
static rml_status introduce(rml_ranks *r, rml_error *err)
{
    r->all = rml_heap_make(r->count * sizeof *r->all);
    rml_ranks_move *moves = rml_heap_make(2 * r->count * sizeof *moves);
    if (r->all == NULL || moves == NULL) {
        rml_heap_free(moves);
        return rml_fail_memory(err, r->count * (sizeof *r->all + 2 * sizeof *moves));
    }
    rank *own = &r->all[r->index];
    gethostname(own->host, sizeof own->host - 1);
    own->process = getpid();
    size_t count = 0;
    for (size_t peer = 0; peer < r->count; peer++) {
        if (peer != r->index) {
            moves[count++] = (rml_ranks_move){peer, own, sizeof *own, false};
            moves[count++] = (rml_ranks_move){peer, &r->all[peer], sizeof *own, true};
        }
    }
    rml_status st = rml_ranks_exchange(r, moves, count, err);
    rml_heap_free(moves);
    return st;
}

rml_status rml_ranks_open(rml_ranks **out, rml_error *err)
{
    *out = NULL;
    if (!started_with_others()) {
        return RML_OK;
    }
    const rml_ranks_module *module;
    RML_TRY(open_module(&module, err));
    char text[RML_RANKS_TEXT] = "";
    int index = 0, count = 0;
    if (!module->start(&index, &count, text)) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL, "expected MPI to start: %s",
                        text);
    }
    rml_ranks *r = rml_heap_make(sizeof *r);
    if (r == NULL) {
        module->abandon();
        return rml_fail_memory(err, sizeof *r);
    }
    *r = (rml_ranks){.module = module,
                     .index = (size_t)index,
                     .count = (size_t)count,
                     .what = "starting process",
                     .number = (uint64_t)index};
    rml_status st = introduce(r, err);
    if (st != RML_OK) {
        rml_ranks_close(r, true);
        return st;
    }
    *out = r;
    return RML_OK;
}

void rml_ranks_close(rml_ranks *r, bool failed)
{
    if (r == NULL) {
        return;
    }
    if (failed && !r->agreed) {
        r->module->abandon();
    } else {
        r->module->finish();
    }
    rml_heap_free(r->all);
    rml_heap_free(r);
}

size_t rml_ranks_index(const rml_ranks *r)
{
    return r != NULL ? r->index : 0;
}

size_t rml_ranks_count(const rml_ranks *r)
{
    return r != NULL ? r->count : 1;
}

void rml_ranks_doing(rml_ranks *r, const char *what, uint64_t number)
{
    if (r != NULL) {
        r->what = what;
        r->number = number;
    }
}

// ---- Waiting -----------------------------------------------------------------------------------

// A process of this machine that is no more; of others only MPI can tell.
static bool is_gone(const rml_ranks *r, size_t peer)
{
    const rank *it = &r->all[peer];
    return it->process > 0 && strcmp(it->host, r->all[r->index].host) == 0 &&
           kill((pid_t)it->process, 0) != 0 && errno == ESRCH;
}

static rml_status lost(const rml_ranks *r, size_t peer, const char *how, rml_error *err)
{
    return rml_fail(err, RML_ERR_IO, (rml_place){0},
                    "start the same command again: it goes on from the last checkpoint",
                    "expected all %zu processes, lost rank %zu (process %" PRId64
                    " on %s): %s; while %s %" PRIu64,
                    r->count, peer, r->all[peer].process, r->all[peer].host, how, r->what,
                    r->number);
}

// Called now and then by a rank that waits.
static rml_status look_for_others(const rml_ranks *r, const rml_ranks_move *moves, size_t count,
                                  int64_t *stop_ns, rml_error *err)
{
    for (size_t peer = 0; peer < r->count; peer++) {
        if (is_gone(r, peer)) {
            return lost(r, peer, "it ended", err);
        }
    }
    int64_t now_ns = rml_clock_monotonic_ns();
    if (rml_signals_stop() && *stop_ns == 0) {
        *stop_ns = now_ns;
    }
    if (*stop_ns != 0 && now_ns - *stop_ns > GRACE_NS && count > 0) {
        return lost(r, moves[count - 1].peer, "no answer after a signal to stop", err);
    }
    return RML_OK;
}

static rml_status not_moved(const rml_ranks *r, const char *text, rml_error *err)
{
    return rml_fail(err, RML_ERR_IO, (rml_place){0},
                    "start the same command again: it goes on from the last checkpoint",
                    "expected MPI to move data while %s %" PRIu64 ": %s", r->what, r->number, text);
}

rml_status rml_ranks_begin(rml_ranks *r, const rml_ranks_move *moves, size_t count, rml_error *err)
{
    char text[RML_RANKS_TEXT] = "";
    return r->module->post(moves, count, text) ? RML_OK : not_moved(r, text, err);
}

rml_status rml_ranks_go_on(rml_ranks *r, rml_error *err)
{
    char text[RML_RANKS_TEXT] = "";
    bool done;
    return r->module->test(&done, text) ? RML_OK : not_moved(r, text, err);
}

rml_status rml_ranks_exchange(rml_ranks *r, const rml_ranks_move *moves, size_t count,
                              rml_error *err)
{
    char text[RML_RANKS_TEXT] = "";
    bool done = false, ok = r->module->post(moves, count, text);
    int64_t looked_ns = rml_clock_monotonic_ns(), stop_ns = 0;
    for (size_t spins = 0; ok && !done; spins++) {
        ok = r->module->test(&done, text);
        if (!ok || done || spins < SPINS) {
            continue;
        }
        sched_yield();
        int64_t now_ns = rml_clock_monotonic_ns();
        if (now_ns - looked_ns > LOOK_EVERY_NS) {
            looked_ns = now_ns;
            RML_TRY(look_for_others(r, moves, count, &stop_ns, err));
        }
    }
    return ok ? RML_OK : not_moved(r, text, err);
}

rml_status rml_ranks_share(rml_ranks *r, void *data, size_t size, rml_error *err)
{
    if (r == NULL) {
        return RML_OK;
    }
    if (r->index > 0) {
        rml_ranks_move move = {0, data, size, true};
        return rml_ranks_exchange(r, &move, 1, err);
    }
    rml_ranks_move *moves = rml_heap_make(r->count * sizeof *moves);
    if (moves == NULL) {
        return rml_fail_memory(err, r->count * sizeof *moves);
    }
    for (size_t peer = 1; peer < r->count; peer++) {
        moves[peer - 1] = (rml_ranks_move){peer, data, size, false};
    }
    rml_status st = rml_ranks_exchange(r, moves, r->count - 1, err);
    rml_heap_free(moves);
    return st;
}

rml_status rml_ranks_agree(rml_ranks *r, rml_status mine, rml_error *err)
{
    if (r == NULL) {
        return mine;
    }
    int32_t *all = rml_heap_make(r->count * sizeof *all);
    rml_ranks_move *moves = rml_heap_make(2 * r->count * sizeof *moves);
    rml_status st = all && moves ? RML_OK : rml_fail_memory(err, r->count * sizeof *moves);
    size_t count = 0;
    for (size_t peer = 0; st == RML_OK && peer < r->count; peer++) {
        all[peer] = (int32_t)mine;
        if (peer != r->index) {
            moves[count++] = (rml_ranks_move){peer, &all[r->index], sizeof *all, false};
            moves[count++] = (rml_ranks_move){peer, &all[peer], sizeof *all, true};
        }
    }
    st = st ? st : rml_ranks_exchange(r, moves, count, err);
    size_t first = r->count;
    for (size_t peer = r->count; st == RML_OK && peer-- > 0;) {
        first = all[peer] != RML_OK ? peer : first;
    }
    if (st == RML_OK && first < r->count) {
        r->agreed = true;
        st = mine;
        if (first != r->index && (mine == RML_OK || (rml_status)all[first] == mine)) {
            st = RML_ERR_STOPPED;
            if (err != NULL) {
                *err = (rml_error){0};
            }
        }
    }
    rml_heap_free(moves);
    rml_heap_free(all);
    return st;
}
