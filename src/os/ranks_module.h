// What the module for MPI offers to this room: one table of functions, found by name after dlopen.
// The module alone includes mpi.h, so the program runs where no MPI is installed.
#ifndef ROADMILL_OS_RANKS_MODULE_H
#define ROADMILL_OS_RANKS_MODULE_H

#include "roadmill/os/ranks.h"

#define RML_RANKS_MODULE_NAME "rml_ranks_module_1"
#define RML_RANKS_TEXT 512

typedef struct rml_ranks_module {
    // Each gives false and MPI's own words on an error.
    bool (*start)(int *index, int *count, char text[RML_RANKS_TEXT]);
    bool (*post)(const rml_ranks_move *moves, size_t count, char text[RML_RANKS_TEXT]);
    // Of all that was posted since it last was all done.
    bool (*test)(bool *done, char text[RML_RANKS_TEXT]);
    void (*finish)(void);
    void (*abandon)(void); // ends all processes of the job
} rml_ranks_module;

#endif
