// catalog: what exists and who did what. SQLite (WAL) in HOME/catalog.db, with a chain of audit
// entries in which each holds the hash of the one before.
//
// An object is anything made and named by a hash: a version, a run, a model, an evaluation, a
// gate's verdict. Its body is JSON. Edges say what it was made from; names (aliases) point to
// objects and move only with an audit entry in the same SQLite transaction. Threads: one catalog
// per thread; several processes may open the same file.
#ifndef ROADMILL_CATALOG_H
#define ROADMILL_CATALOG_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_catalog rml_catalog;
// Opens a catalog, or makes it where there is none; one thread a handle.
RML_API rml_status rml_catalog_open(rml_str path, rml_catalog **out, rml_error *err) RML_CHECKED;
RML_API void rml_catalog_close(rml_catalog *c);
// The path it was opened by, terminated, borrowed: for another handle in another thread.
RML_API rml_str rml_catalog_path(const rml_catalog *c);

typedef struct rml_object_row {
    rml_str kind; // "dataset", "run", "model", "evaluation", "gate", "selection", "predictions"...
    rml_str hash; // 64 hexadecimal digits
    rml_str name; // for people; may be empty
    rml_str body; // JSON
    int64_t created_ns;
} rml_object_row;
typedef struct rml_edge {
    rml_str from; // the thing made (hash)
    rml_str to;   // what it was made from (hash of an object, or a recording_id)
    rml_str role; // "parent", "trained-on", "evaluated-on", "recording", "model", ...
} rml_edge;

// Everything between begin and commit happens or does not. Calls outside are their own transaction.
RML_API rml_status rml_catalog_begin(rml_catalog *c, rml_error *err) RML_CHECKED;
RML_API rml_status rml_catalog_commit(rml_catalog *c, rml_error *err) RML_CHECKED;
RML_API void rml_catalog_abort(rml_catalog *c);

// Puts an object; the same hash with the same body is RML_OK, with another body RML_ERR_CONFLICT.
RML_API rml_status rml_catalog_put(rml_catalog *c, const rml_object_row *row, rml_error *err)
    RML_CHECKED;
// By kind and unique prefix of the hash (at least 4 digits), or by exact name (the newest).
// RML_ERR_MISSING, or RML_ERR_ARGUMENT if the prefix is ambiguous. Text in the arena.
RML_API rml_status rml_catalog_get(rml_catalog *c, const char *kind, rml_str name_or_prefix,
                                   rml_arena *arena, rml_object_row *out, rml_error *err)
    RML_CHECKED;
// rml_object_row items, oldest first. kind NULL is all.
RML_API rml_status rml_catalog_list(rml_catalog *c, const char *kind, rml_arena *arena,
                                    rml_array *rows, rml_error *err) RML_CHECKED;
RML_API rml_status rml_catalog_link(rml_catalog *c, const rml_edge *edge,
                                    rml_error *err) RML_CHECKED; // twice is once
// rml_edge items sorted by role and hash; up: what `hash` was made from, else what was made of it.
RML_API rml_status rml_catalog_edges(rml_catalog *c, rml_str hash, bool up, rml_arena *arena,
                                     rml_array *edges, rml_error *err) RML_CHECKED;

// Names that move: "predictor@production" -> hash. Writes the audit entry with it.
RML_API rml_status rml_catalog_alias_set(rml_catalog *c, rml_str alias, rml_str hash, rml_str actor,
                                         rml_str reason, rml_error *err) RML_CHECKED;
RML_API rml_status rml_catalog_alias_get(rml_catalog *c, rml_str alias, rml_arena *arena,
                                         rml_str *hash, rml_error *err) RML_CHECKED;

// Small values by key, for settings found on this machine and for the steps of jobs.
RML_API rml_status rml_catalog_value_set(rml_catalog *c, rml_str key, rml_str value, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_catalog_value_get(rml_catalog *c, rml_str key, rml_arena *arena,
                                         rml_str *value, rml_error *err) RML_CHECKED;
// Adds one to a counter and gives its new value (looks at a gate set); audited.
RML_API rml_status rml_catalog_count(rml_catalog *c, rml_str key, rml_str actor, int64_t *out,
                                     rml_error *err) RML_CHECKED;

// ---- Audit chain -------------------------------------------------------------------------------

typedef struct rml_audit_entry {
    int64_t sequence; // from 1, without holes
    int64_t time_ns;
    rml_str actor, action, subject;
    rml_str details;        // JSON
    rml_str previous, hash; // hash = SHA-256 of the canonical JSON of all the other fields
} rml_audit_entry;
// Appends an entry (details: JSON); lists all, oldest first, as rml_audit_entry items in the arena.
RML_API rml_status rml_audit_add(rml_catalog *c, rml_str actor, rml_str action, rml_str subject,
                                 rml_str details, rml_error *err) RML_CHECKED;
RML_API rml_status rml_audit_list(rml_catalog *c, rml_arena *arena, rml_array *entries,
                                  rml_error *err) RML_CHECKED;
// Walks the chain. RML_ERR_CONFLICT names the first entry that was altered, is missing or stands in
// another place. head (may be NULL): hash of the last entry, to be kept elsewhere; with
// expected_head given (may be empty) also finds entries cut off the end.
RML_API rml_status rml_audit_verify(rml_catalog *c, rml_str expected_head, rml_hash *head,
                                    int64_t *count, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
