// os: files, folders, threads, clocks, signals and the terminal. The one room with system headers.
#ifndef ROADMILL_OS_H
#define ROADMILL_OS_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Files. Paths are C strings: this is the edge to the system --------------------------------

// A file mapped for reading. An empty file maps to length 0. All-zero is "not open".
typedef struct rml_map_file {
    rml_bytes bytes;
    void *handle;
} rml_map_file;
RML_API rml_status rml_map_file_open(rml_map_file *m, const char *path, rml_error *err) RML_CHECKED;
// A range that is not needed for now leaves this process's memory; its bytes can still be read.
RML_API void rml_map_file_release(const rml_map_file *m, uint64_t offset, size_t len);
RML_API void rml_map_file_close(rml_map_file *m);

// Reads a whole file, at most `most` bytes (RML_ERR_LIMIT above), appended to out.
RML_API rml_status rml_file_read(const char *path, size_t most, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Writes beside the target, syncs, then renames over it.
RML_API rml_status rml_file_replace(const char *path, rml_bytes content, rml_error *err)
    RML_CHECKED;
// Writes beside the target, syncs, then links: RML_ERR_EXISTS if the target is there already.
RML_API rml_status rml_file_put_new(const char *path, rml_bytes content, rml_error *err)
    RML_CHECKED;
// A second name for a file of the same file system.
RML_API rml_status rml_file_link(const char *from, const char *to, rml_error *err) RML_CHECKED;
RML_API rml_status rml_file_remove(const char *path, rml_error *err) RML_CHECKED;

// What stands at a path; all-zero: nothing.
typedef struct rml_file_info {
    bool exists, is_folder;
    uint64_t size;
    int64_t modified_ns;
} rml_file_info;
// A path without anything is no error; RML_ERR_IO where it cannot be looked at.
RML_API rml_status rml_file_stat(const char *path, rml_file_info *out, rml_error *err) RML_CHECKED;
RML_API bool rml_file_exists(const char *path);

// A file written piece by piece; commit makes it visible under its name, close without commit
// removes it. positions are absolute. path "-": standard output, where close takes nothing back.
typedef struct rml_file_writer {
    int fd;        // -1: not open
    uint64_t size; // bytes handed to write so far
    rml_buffer pending;
    char *path, *temporary;
} rml_file_writer;
RML_API rml_status rml_file_writer_open(rml_file_writer *w, const char *path, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_file_writer_write(rml_file_writer *w, const void *data, size_t len,
                                         rml_error *err) RML_CHECKED;
// Bytes that were written before, again: the head of a file that is known when its end is.
RML_API rml_status rml_file_writer_patch(rml_file_writer *w, uint64_t offset, const void *data,
                                         size_t len, rml_error *err) RML_CHECKED;
// Another name for what is being written, in the same filesystem: one that its content decides.
RML_API rml_status rml_file_writer_rename(rml_file_writer *w, const char *path, rml_error *err)
    RML_CHECKED;
// What was written so far, mapped, until the map is closed; the writer may be closed before.
RML_API rml_status rml_file_writer_map(rml_file_writer *w, rml_map_file *out, rml_error *err)
    RML_CHECKED;
// replace: over a file of that name; otherwise RML_ERR_EXISTS.
RML_API rml_status rml_file_writer_commit(rml_file_writer *w, bool replace, rml_error *err)
    RML_CHECKED;
RML_API void rml_file_writer_close(rml_file_writer *w);

// A file without a name, in ROADMILL_TMP, TMPDIR or /tmp, that is gone when it is closed. All-zero
// is "not open". Written at its end, read anywhere.
typedef struct rml_spill {
    int fd;
    bool open;
    uint64_t size;
} rml_spill;
RML_API rml_status rml_spill_open(rml_spill *s, rml_error *err) RML_CHECKED;
RML_API rml_status rml_spill_write(rml_spill *s, const void *data, size_t len, rml_error *err)
    RML_CHECKED;
// Exactly len bytes at an offset that was written.
RML_API rml_status rml_spill_read(const rml_spill *s, uint64_t offset, void *data, size_t len,
                                  rml_error *err) RML_CHECKED;
// Its content mapped, until the map is closed; the spill may be closed before.
RML_API rml_status rml_spill_map(const rml_spill *s, rml_map_file *out, rml_error *err) RML_CHECKED;
RML_API void rml_spill_close(rml_spill *s);
// All of standard input into a spill.
RML_API rml_status rml_spill_stdin(rml_spill *s, rml_error *err) RML_CHECKED;
RML_API const char *rml_temporary_folder(void); // that folder; borrowed from the environment
// A new folder there, its path in the arena; rml_folder_remove takes it away.
RML_API rml_status rml_folder_temporary(rml_arena *arena, rml_str *path, rml_error *err)
    RML_CHECKED;

RML_API rml_status rml_folder_make(const char *path, rml_error *err) RML_CHECKED; // with parents
// Names in a folder, sorted by bytes, without . and ..; rml_str items, in the arena.
RML_API rml_status rml_folder_list(const char *path, rml_arena *arena, rml_array *names,
                                   rml_error *err) RML_CHECKED;
// All plain files below a folder (or the file itself), full paths, sorted; rml_str items.
RML_API rml_status rml_folder_walk(const char *path, rml_arena *arena, rml_array *paths,
                                   rml_error *err) RML_CHECKED;
// Makes a folder written beside visible under its name, by one rename that is synced:
// RML_ERR_EXISTS if a file or a folder with content stands there.
RML_API rml_status rml_folder_commit(const char *temporary, const char *path, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_folder_remove(const char *path, rml_error *err) RML_CHECKED; // with content
RML_API rml_status rml_path_absolute(const char *path, rml_arena *arena, rml_str *out,
                                     rml_error *err) RML_CHECKED;
// folder + "/" + name in the arena; data NULL when there is no memory.
RML_API rml_str rml_path_join(rml_arena *arena, rml_str folder, rml_str name);
RML_API rml_str rml_path_name(rml_str path);   // after the last slash
RML_API rml_str rml_path_folder(rml_str path); // before it; "." if there is none

// ---- Threads -----------------------------------------------------------------------------------

// Workers that run numbered tiles. Made by main or the library's user and passed in; NULL is a pool
// of one that runs in the caller. run returns when all tiles are done. Tiles are handed out in any
// order, so a tile must not depend on another. Not for use by two callers at once.
typedef struct rml_pool rml_pool;
RML_API rml_status rml_pool_make(size_t threads, rml_pool **out, rml_error *err) RML_CHECKED;
RML_API void rml_pool_free(rml_pool *pool);
RML_API size_t rml_pool_threads(const rml_pool *pool); // at least 1
RML_API void rml_pool_run(rml_pool *pool, size_t tiles,
                          void (*work)(void *context, size_t tile, size_t worker), void *context);
// Numbered tasks 0, 1, 2… done ahead of one reader that waits for them in that order. At most
// `depth` are offered and not yet waited for, so what belongs to a task may lie in slot task %
// depth of the caller's. Workers are `threads` beside the reader; while it waits it works too.
typedef struct rml_ahead rml_ahead;
RML_API rml_status rml_ahead_make(size_t threads, size_t depth,
                                  void (*work)(void *context, uint64_t task), void *context,
                                  rml_ahead **out, rml_error *err) RML_CHECKED;
RML_API void rml_ahead_offer(rml_ahead *a);               // the next number; its slot is filled
RML_API void rml_ahead_wait(rml_ahead *a, uint64_t task); // returns when it is done
RML_API void rml_ahead_free(rml_ahead *a);                // waits for tasks under way
// Numbers 0, 1, 2… that pass one after the other, for work done side by side whose ends must keep
// an order. Enter returns when all lower numbers have left; leave waits for them too if enter was
// not called, and does nothing the second time. Every number must leave once.
typedef struct rml_turnstile rml_turnstile;
RML_API rml_status rml_turnstile_make(rml_turnstile **out, rml_error *err) RML_CHECKED;
RML_API void rml_turnstile_free(rml_turnstile *t);
RML_API void rml_turnstile_enter(rml_turnstile *t, uint64_t number);
RML_API void rml_turnstile_leave(rml_turnstile *t, uint64_t number);
// Processors that this process may use; ROADMILL_THREADS (1 to 1024) overrides.
RML_API size_t rml_thread_count(void);
// In a loop that looks again, its turns counted: leaves the core to its other thread, and after
// some hundred turns the processor to others.
RML_API void rml_relax(size_t turn);
RML_API size_t rml_processor_count(void); // that this process may use, whatever is asked for

// ---- Processor ---------------------------------------------------------------------------------

enum {
    RML_CPU_AVX2 = 1,
    RML_CPU_AVX512 = 2,
    RML_CPU_NEON = 4,
    RML_CPU_AMX = 8
}; // AVX2: with FMA; AVX512: F, BW, DQ, VL; AMX: TILE, BF16
// ROADMILL_CPU=scalar|avx2|avx512 lowers it. Where there is AMX, the process asks for its
// registers.
RML_API unsigned rml_cpu_features(void);

// ---- Clock, process, signals, environment ------------------------------------------------------

// Now, since 1970 (UTC); since some fixed point, never backwards.
RML_API int64_t rml_clock_unix_ns(void);
RML_API int64_t rml_clock_monotonic_ns(void);
// "2026-11-21T08:15:30Z" (with fraction if any); terminated.
RML_API void rml_clock_text(int64_t unix_ns, char text[40]);
RML_API uint64_t rml_process_peak_bytes(void); // largest resident size so far
RML_API const char *rml_env(const char *name); // NULL if unset or empty
// After this, SIGINT and SIGTERM only set a flag; a second one ends the process.
RML_API void rml_signals_catch(void);
RML_API bool rml_signals_stop(void);

// A shared library opened at run time.
RML_API rml_status rml_library_open(const char *path, void **out, rml_error *err) RML_CHECKED;
RML_API void *rml_library_symbol(void *library, const char *name); // NULL if there is none
// The folder that holds the running program, and that of the file that holds this library, which is
// the program's own if it is linked statically; in the arena, data NULL if unknown.
RML_API rml_str rml_program_folder(rml_arena *arena);
RML_API rml_str rml_library_folder(rml_arena *arena);

// Whether a descriptor is a terminal, and its width in characters.
RML_API bool rml_terminal_is(int fd);
RML_API int rml_terminal_columns(int fd); // 80 if unknown
RML_API int rml_terminal_rows(int fd);    // 24 if unknown
// Starts a program (a line for sh) that reads what is written to stdout from here on; false, and
// nothing has changed, if that cannot be done.
RML_API bool rml_pager_open(const char *command);
RML_API void rml_pager_close(void); // ends its input and waits for it; nothing if there is none

// A lock on a folder or file between processes (flock); all-zero is "not held".
typedef struct rml_lock {
    int fd;
    bool held;
} rml_lock;
RML_API rml_status rml_lock_take(rml_lock *lock, const char *path, bool wait,
                                 rml_error *err) RML_CHECKED; // RML_ERR_EXISTS: held by another
RML_API void rml_lock_drop(rml_lock *lock);

#ifdef __cplusplus
}
#endif
#endif
