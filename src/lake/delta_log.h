// Replaying a Delta log: actions in, live files and metadata out.
//
// Source: Delta transaction log protocol, "Action Reconciliation".
#ifndef ROADMILL_LAKE_DELTA_LOG_H
#define ROADMILL_LAKE_DELTA_LOG_H

#include "roadmill/base/json.h"
#include "roadmill/lake/delta.h"

#define RML_DELTA_COMMIT_SIZE_MAX ((size_t)256 << 20)

typedef struct rml_delta_state {
    rml_delta *out;         // its arena holds what lives on
    rml_arena *files_arena; // holds out->files: its arena too, unless a log is followed
    rml_place at;           // the file being read
    rml_arena line;         // one action
    rml_map index;          // path to files
    rml_array files;        // rml_delta_item
    rml_array features;     // rml_str: reader features
    rml_array sidecars;     // rml_str: names below _delta_log/_sidecars
    int64_t reader_version, writer_version; // 0: no protocol yet
    bool has_metadata, partitioned, mapped; // mapped: column mapping is on
} rml_delta_state;

typedef struct rml_delta_item {
    rml_delta_file file;
    bool live, has_vector; // a deletion vector
} rml_delta_item;

void rml_delta_state_begin(rml_delta_state *s, rml_delta *out);
// One action: a JSON object with one member that is not null.
rml_status rml_delta_apply(rml_delta_state *s, rml_str action, rml_error *err) RML_CHECKED;
// All lines of a text.
rml_status rml_delta_apply_lines(rml_delta_state *s, rml_str text, rml_error *err) RML_CHECKED;
// Checks protocol and metadata, and gives the live files.
rml_status rml_delta_state_end(rml_delta_state *s, rml_error *err) RML_CHECKED;
void rml_delta_state_reset(rml_delta_state *s);

// A table that is read again and again: only commits that are new are read. All-zero is closed; it
// must not move while it is open.
typedef struct rml_delta_follower {
    rml_delta delta;
    rml_delta_state state;
    rml_arena files;
    bool open;
    uint64_t
        size; // of the last commit's file, and its time: another table of the same name differs
    int64_t modified_ns;
} rml_delta_follower;
// Brings f->delta to the latest version of the table; what it held before is no longer valid.
rml_status rml_delta_follow(rml_delta_follower *f, rml_str folder, rml_error *err) RML_CHECKED;
void rml_delta_follower_close(rml_delta_follower *f);

// The version of a name like 00000000000000000007.json, or -1.
int64_t rml_delta_commit_version(rml_str name);
// FOLDER/_delta_log/NAME in the arena.
rml_str rml_delta_log_path(rml_arena *arena, rml_str folder, rml_str name);

#endif
