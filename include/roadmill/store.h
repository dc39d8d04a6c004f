// store: bytes by URI. A plain path and "file:///absolute/path" are local files; any other scheme
// is a row of a table (roadmill/store/scheme.h), and one that has no row is refused by name,
// RML_ERR_UNSUPPORTED. Only letters, digits, '+', '-' and '.' before "://" are a scheme: "a:b/c" is
// a path.
//
// Two kinds of rows. Where a scheme has local paths, files are what they are: mapped, written
// beside and renamed, folders made and moved. Where it has none there are objects: each is put
// whole, read by ranges, listed by what its name begins with; a folder is that beginning, and is
// never made. What is written here holds for both:
//
// - An object is there whole or not at all, whenever a process ends.
// - rml_store_put_new lets one of several win, and the others know (RML_ERR_EXISTS). All commits of
//   Roadmill are such puts.
// - A folder that must appear whole (a version, a checkpoint, a model) is an rml_store_folder. Of
//   local files it is written beside and appears by one rename. Of objects, its files are written
//   in a temporary local folder; on commit each is put under its final name if none is there (one
//   with the same bytes is what a killed attempt left, other bytes are RML_ERR_CONFLICT), and then
//   FOLDER/.whole, the list of their names, is put if there is none: with it the folder exists. So
//   of two that make one name one wins and nothing is mixed, and doing a killed one again completes
//   it. To remove such a folder is to remove .whole first.
//
// What other programs read by path (SQL, SQLite) goes by rml_store_copies. Names are joined as
// paths are, with rml_path_join. Functions may be called from any thread, on different handles.
// Errors: RML_ERR_MISSING for what is not there, RML_ERR_IO for what the store refuses; the place
// is the URI.
#ifndef ROADMILL_STORE_H
#define ROADMILL_STORE_H

#include "roadmill/base.h"
#include "roadmill/os.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Objects -----------------------------------------------------------------------------------

// An object opened for range reads. All-zero is "not open". Threads: reads may run side by side.
// One without a local path is fetched when it is opened, into a temporary file without a name.
typedef struct rml_object {
    rml_bytes bytes; // the whole object, mapped
    void *handle;
} rml_object;
RML_API rml_status rml_object_open(rml_object *o, rml_str uri, rml_error *err) RML_CHECKED;
// A range, borrowed until close; beyond the end is RML_ERR_DATA.
RML_API rml_status rml_object_range(const rml_object *o, rml_str uri, uint64_t offset, size_t len,
                                    rml_bytes *out, rml_error *err) RML_CHECKED;
// A range that is not needed for now leaves this process's memory; its bytes can still be read.
RML_API void rml_object_release(const rml_object *o, uint64_t offset, size_t len);
RML_API void rml_object_close(rml_object *o);

// A whole object, at most `most` bytes (RML_ERR_LIMIT above), appended to out.
RML_API rml_status rml_store_get(rml_str uri, size_t most, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Puts an object whole, if there is none of that name yet (RML_ERR_EXISTS).
RML_API rml_status rml_store_put_new(rml_str uri, rml_bytes content, rml_error *err) RML_CHECKED;
// Puts an object whole, over one of that name.
RML_API rml_status rml_store_put(rml_str uri, rml_bytes content, rml_error *err) RML_CHECKED;
RML_API rml_status rml_store_remove(rml_str uri, rml_error *err) RML_CHECKED;
// What stands under a name: an object, a folder (without local paths: something lies below), or
// nothing (exists is false; RML_OK).
RML_API rml_status rml_store_stat(rml_str uri, rml_file_info *out, rml_error *err) RML_CHECKED;

// An object written piece by piece, visible under its name after commit; close without commit
// leaves nothing. All-zero is "not open". URI "-": standard output, where close takes nothing back.
typedef struct rml_store_writer {
    struct rml_store_writing *state;
    uint64_t size; // bytes handed to write so far
} rml_store_writer;
RML_API rml_status rml_store_writer_open(rml_store_writer *w, rml_str uri, rml_error *err)
    RML_CHECKED;
RML_API rml_str rml_store_writer_uri(const rml_store_writer *w); // borrows until renamed or closed
RML_API rml_status rml_store_writer_write(rml_store_writer *w, const void *data, size_t len,
                                          rml_error *err) RML_CHECKED;
// Bytes that were written before, again: the head of a file that is known when its end is.
RML_API rml_status rml_store_writer_patch(rml_store_writer *w, uint64_t offset, const void *data,
                                          size_t len, rml_error *err) RML_CHECKED;
// Another name for what is being written, in the same folder: one that its content decides.
RML_API rml_status rml_store_writer_rename(rml_store_writer *w, rml_str uri, rml_error *err)
    RML_CHECKED;
// replace: over an object of that name; otherwise RML_ERR_EXISTS. Closes it unless it fails.
RML_API rml_status rml_store_writer_commit(rml_store_writer *w, bool replace, rml_error *err)
    RML_CHECKED;
RML_API void rml_store_writer_close(rml_store_writer *w);

// ---- Folders -----------------------------------------------------------------------------------

// Names directly below a folder, sorted; a folder that does not exist is empty. rml_str items.
RML_API rml_status rml_store_list(rml_str uri, rml_arena *arena, rml_array *names, rml_error *err)
    RML_CHECKED;
// All objects below a folder (or the object itself), full URIs, sorted; rml_str items. Of a folder
// of objects that was made whole: those that belong to it. RML_ERR_MISSING if there is none.
RML_API rml_status rml_store_walk(rml_str uri, rml_arena *arena, rml_array *uris, rml_error *err)
    RML_CHECKED;
// With its parents; where there are only objects nothing has to be made.
RML_API rml_status rml_store_folder_make(rml_str uri, rml_error *err) RML_CHECKED;
// With its content; RML_OK if there is none.
RML_API rml_status rml_store_folder_remove(rml_str uri, rml_error *err) RML_CHECKED;

// A folder that appears whole. All-zero is "not begun". Its files are written below `path`, a local
// folder, terminated, with the functions of os or of store; it takes as much local disk.
typedef struct rml_store_folder {
    rml_str path;
    rml_arena arena;
} rml_store_folder;
// beside: where a local folder is written, next to what it becomes; what a kill left there is
// removed first, so only one at a time may use that name (rml_store_lock).
RML_API rml_status rml_store_folder_begin(rml_store_folder *f, rml_str beside, rml_error *err)
    RML_CHECKED;
// Makes it visible: RML_ERR_EXISTS if there is one of that name, RML_ERR_CONFLICT if a name in it
// is taken by other bytes, of an attempt that was not finished; then it stays begun.
RML_API rml_status rml_store_folder_commit(rml_store_folder *f, rml_str uri, rml_error *err)
    RML_CHECKED;
RML_API void rml_store_folder_close(rml_store_folder *f); // without commit: nothing is left
// Whether a folder that appears whole is there.
RML_API rml_status rml_store_folder_has(rml_str uri, bool *out, rml_error *err) RML_CHECKED;

// ---- Local paths -------------------------------------------------------------------------------

// The local path of a URI, in the arena, terminated; RML_ERR_UNSUPPORTED for a scheme without one.
RML_API rml_status rml_store_path(rml_str uri, rml_arena *arena, rml_str *path, rml_error *err)
    RML_CHECKED;
// The name that a URI has from anywhere: of a local file, which must exist, its resolved path; of
// an object its URI. In the arena, terminated.
RML_API rml_status rml_store_absolute(rml_str uri, rml_arena *arena, rml_str *out, rml_error *err)
    RML_CHECKED;
// Whether a URI has a local path: false for objects and for what no store knows.
RML_API bool rml_store_is_local(rml_str uri);

// Objects as local files, for what reads by path. A local file is its own path; another object is
// fetched once, into a temporary folder that goes with the handle. For objects that never change.
// All-zero is empty. One thread at a time.
typedef struct rml_store_copies {
    rml_arena arena;
    rml_str folder;
    rml_map index;   // URI to place in paths
    rml_array paths; // rml_str
} rml_store_copies;
// Terminated, borrowed until close.
RML_API rml_status rml_store_copy(rml_store_copies *c, rml_str uri, rml_str *path, rml_error *err)
    RML_CHECKED;
RML_API void rml_store_copies_close(rml_store_copies *c);

// A lock between processes of one machine: on the file or folder of a local path, else on a file
// in the folder for temporary files. Several machines keep apart by rml_store_put_new alone.
RML_API rml_status rml_store_lock(rml_lock *lock, rml_str uri, bool wait, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
