// One file on its way into the lake, beside others (sources.c).
#ifndef ROADMILL_INGEST_SOURCE_FILE_H
#define ROADMILL_INGEST_SOURCE_FILE_H

#include <stdatomic.h>

#include "roadmill/ingest/sources.h"
#include "roadmill/os.h"

typedef struct rml_source_file {
    rml_lake *lake;   // a handle of this file's alone
    rml_arena *arena; // holds the event's texts
    const rml_source_options *options;
    size_t threads; // that may read it
    const rml_progress *progress;
    rml_turnstile *commits; // in the order of numbers
    uint64_t number;
    atomic_bool *failed;    // a file has ended the whole
    rml_source_event event; // path is given, the rest is filled
} rml_source_file;

// Faults of one file do not stop the others; those of the machine or the lake do.
bool rml_source_fault_is_of_file(rml_status st);
// *known is false for a file of no known kind, of which nothing is made. Has left `commits` when it
// returns, and if what failed is not of this file alone, told `failed` before: nothing behind it
// becomes visible.
rml_status rml_source_file_ingest(rml_source_file *f, bool *known, rml_error *err) RML_CHECKED;

#endif
