// The module libroadmill_mpi.so: moves of bytes between ranks by MPI. Built apart from the library
// where mpi.h is found.
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "ranks_module.h"

// A message has at most this many bytes: MPI counts in int.
#define PIECE ((size_t)1 << 30)

static struct {
    MPI_Request *requests;
    MPI_Status *statuses; // as many; asked for because MPICH's "ignore" is no array to a compiler
    size_t count, room;
} posted;

static bool worked(int code, char text[RML_RANKS_TEXT])
{
    if (code == MPI_SUCCESS) {
        return true;
    }
    char words[MPI_MAX_ERROR_STRING + 1] = "";
    int len = 0;
    MPI_Error_string(code, words, &len);
    snprintf(text, RML_RANKS_TEXT, "%s", words);
    return false;
}

static bool start(int *index, int *count, char text[RML_RANKS_TEXT])
{
    int given;
    bool ok = worked(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given), text);
    ok = ok && worked(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), text);
    return ok && worked(MPI_Comm_rank(MPI_COMM_WORLD, index), text) &&
           worked(MPI_Comm_size(MPI_COMM_WORLD, count), text);
}

static bool room_for(size_t count, char text[RML_RANKS_TEXT])
{
    if (count <= posted.room) {
        return true;
    }
    MPI_Request *more = realloc(posted.requests, count * sizeof *more);
    posted.requests = more != NULL ? more : posted.requests;
    MPI_Status *statuses = realloc(posted.statuses, count * sizeof *statuses);
    posted.statuses = statuses != NULL ? statuses : posted.statuses;
    if (more == NULL || statuses == NULL) {
        snprintf(text, RML_RANKS_TEXT, "no memory for %zu messages", count);
        return false;
    }
    posted.room = count;
    return true;
}

static int post_piece(const rml_ranks_move *m, size_t from, size_t size)
{
    char *data = (char *)m->data + from;
    MPI_Request *request = &posted.requests[posted.count++];
    return m->receive
               ? MPI_Irecv(data, (int)size, MPI_BYTE, (int)m->peer, 0, MPI_COMM_WORLD, request)
               : MPI_Isend(data, (int)size, MPI_BYTE, (int)m->peer, 0, MPI_COMM_WORLD, request);
}

static bool post(const rml_ranks_move *moves, size_t count, char text[RML_RANKS_TEXT])
{
    size_t pieces = 0;
    for (size_t i = 0; i < count; i++) {
        pieces += moves[i].size / PIECE + 1;
    }
    if (pieces > INT_MAX - posted.count || !room_for(posted.count + pieces, text)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t from = 0; from < moves[i].size; from += PIECE) {
            size_t left = moves[i].size - from;
            if (!worked(post_piece(&moves[i], from, left < PIECE ? left : PIECE), text)) {
                return false;
            }
        }
    }
    return true;
}

static bool test(bool *done, char text[RML_RANKS_TEXT])
{
    int all = 0;
    bool ok = worked(MPI_Testall((int)posted.count, posted.requests, &all, posted.statuses), text);
    *done = all != 0;
    posted.count = *done ? 0 : posted.count;
    return ok;
}

static void finish(void)
{
    MPI_Finalize();
    free(posted.requests);
    free(posted.statuses);
}

static void abandon(void)
{
    MPI_Abort(MPI_COMM_WORLD, 1);
}

__attribute__((visibility("default"))) extern const rml_ranks_module rml_ranks_module_1;
const rml_ranks_module rml_ranks_module_1 = {start, post, test, finish, abandon};
