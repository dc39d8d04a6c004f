// Upkeep of a lake: checkpoints, so that a long log is read at once, and removing files that no
// version needs any more.
//
// Source: Delta transaction log protocol, "Checkpoints" and "Last Checkpoint File" (classic,
// one Parquet file). Data files are never merged: each belongs to one owner, whose rows can be
// replaced without touching those of others, and one owner's rows share a file up to 128 Mi values
// already (docs/lake.md).
#ifndef ROADMILL_LAKE_UPKEEP_H
#define ROADMILL_LAKE_UPKEEP_H

#include "roadmill/lake.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_LAKE_CHECKPOINT_EVERY 100 // commits: then one is written by itself
#define RML_LAKE_RETAIN_HOURS 168     // what is younger is kept, unless the caller insists

typedef struct rml_lake_checkpoint_info {
    int64_t version;  // of the table
    uint64_t commits; // that a reader need not read any more
    bool written;     // false: the latest version had one
} rml_lake_checkpoint_info;
// Writes the checkpoint of a table's latest version.
RML_API rml_status rml_lake_checkpoint(rml_lake *lake, const char *table,
                                       rml_lake_checkpoint_info *out, rml_error *err) RML_CHECKED;

typedef struct rml_lake_vacuum_options {
    int64_t retain_hours;
    bool insist; // retain_hours may be below RML_LAKE_RETAIN_HOURS
    bool keep;   // only tell what would be removed
} rml_lake_vacuum_options;
typedef struct rml_lake_vacuum_result {
    uint64_t files, bytes; // removed, or to be
    uint64_t kept_young;   // not needed, but younger than what is retained
} rml_lake_vacuum_result;
// Removes data files of a table that its latest version does not list and that it has not listed,
// nor anybody written, for so many hours. A transaction under way that is older than that loses its
// files: that is what the bound is for. Paths of what was found are appended to paths (rml_str, in
// the arena; NULL: not wanted).
RML_API rml_status rml_lake_vacuum(rml_lake *lake, const char *table,
                                   const rml_lake_vacuum_options *options, rml_arena *arena,
                                   rml_array *paths, rml_lake_vacuum_result *out, rml_error *err)
    RML_CHECKED;

// ---- Files against the log ---------------------------------------------------------------------

// A file that is not what the log says.
typedef struct rml_lake_fault {
    rml_str path; // in the arena
    bool missing; // or its bytes are others
    rml_hash expected, found;
} rml_lake_fault;
typedef struct rml_lake_check_result {
    uint64_t files, bytes; // whose SHA-256 is that of the log, or a fault
    uint64_t untold;       // files of other programs: the log does not tell their SHA-256
} rml_lake_check_result;
// Reads every file of a table's latest version and compares its SHA-256 with the log's. Faults are
// appended (rml_lake_fault); they are no error.
RML_API rml_status rml_lake_check(rml_lake *lake, const char *table, rml_arena *arena,
                                  rml_array *faults, rml_lake_check_result *out, rml_error *err)
    RML_CHECKED;

// ---- Tables of the format before
// -----------------------------------------------------------------

typedef struct rml_lake_upgrade_result {
    uint64_t files;         // whose tags were written anew
    rml_hash before, after; // the table's state, as it was reckoned then and is now
} rml_lake_upgrade_result;
// Tells the log of a table what it did not hold at 0e67bf3: the digest of each owner's rows in
// their order, and the SHA-256 of each file. No file is changed, and a program of then still reads
// the table and finds its state. Again after a kill: it goes on.
RML_API rml_status rml_lake_upgrade(rml_lake *lake, const char *table, rml_lake_upgrade_result *out,
                                    rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
