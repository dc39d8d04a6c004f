// os: processes of one job that work on the same thing, started by mpirun (Open MPI or MPICH).
//
// NULL is a job of one process, everywhere; what moves data is then never called. A rank that waits
// looks for the others: when one is gone the call fails and names it, with what was being done.
#ifndef ROADMILL_OS_RANKS_H
#define ROADMILL_OS_RANKS_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_ranks rml_ranks;

// *out NULL where this process was not started by mpirun with others. Needs the module
// libroadmill_mpi.so beside the program or in ../lib, or where ROADMILL_MPI says: it is built where
// MPI's headers are found. For one thread at a time.
RML_API rml_status rml_ranks_open(rml_ranks **out, rml_error *err) RML_CHECKED;
// Waits for all ranks; `failed`: ends the others instead, and then this process, unless all agreed
// to end.
RML_API void rml_ranks_close(rml_ranks *r, bool failed);
RML_API size_t rml_ranks_index(const rml_ranks *r); // 0 is the first
RML_API size_t rml_ranks_count(const rml_ranks *r); // at least 1
// What the job is doing, for errors: a literal, and a number that follows it.
RML_API void rml_ranks_doing(rml_ranks *r, const char *what, uint64_t number);

typedef struct rml_ranks_move {
    size_t peer;
    void *data;
    size_t size; // bytes; none is allowed
    bool receive;
} rml_ranks_move;
// All moves at once; returns when they and all that were begun before are done. Moves between two
// ranks meet in their order, so both list them alike. Data that is sent is not written to.
RML_API rml_status rml_ranks_exchange(rml_ranks *r, const rml_ranks_move *moves, size_t count,
                                      rml_error *err) RML_CHECKED;
// Moves that go on beside other work: the data is neither written nor read until an exchange has
// returned. go_on gives them a moment now and then.
RML_API rml_status rml_ranks_begin(rml_ranks *r, const rml_ranks_move *moves, size_t count,
                                   rml_error *err) RML_CHECKED;
RML_API rml_status rml_ranks_go_on(rml_ranks *r, rml_error *err) RML_CHECKED;
// Rank 0's bytes to all.
RML_API rml_status rml_ranks_share(rml_ranks *r, void *data, size_t size, rml_error *err)
    RML_CHECKED;
// Every rank's status so far, where all must go on together: RML_OK if all have it. Else all fail;
// a rank whose fault a lower one has too gets RML_ERR_STOPPED without a message, so that it is told
// once.
RML_API rml_status rml_ranks_agree(rml_ranks *r, rml_status mine, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
