// store: bytes by URI. Local files are the one scheme so far.
//
// A URI is "file:///absolute/path" or a plain path. Writers never leave a half-written object.
#ifndef ROADMILL_STORE_H
#define ROADMILL_STORE_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// An object opened for range reads. All-zero is "not open". Threads: reads may run side by side.
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

// Whole objects, at most `most` bytes.
RML_API rml_status rml_store_get(rml_str uri, size_t most, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Puts an object whole, if there is none of that name yet (RML_ERR_EXISTS).
RML_API rml_status rml_store_put_new(rml_str uri, rml_bytes content, rml_error *err) RML_CHECKED;
// Puts an object whole, over one of that name.
RML_API rml_status rml_store_put(rml_str uri, rml_bytes content, rml_error *err) RML_CHECKED;
// Names directly below a folder, sorted; a folder that does not exist is empty. rml_str items.
RML_API rml_status rml_store_list(rml_str uri, rml_arena *arena, rml_array *names, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_store_remove(rml_str uri, rml_error *err) RML_CHECKED;
// The local path of a URI, in the arena, terminated; RML_ERR_UNSUPPORTED for a scheme without one.
RML_API rml_status rml_store_path(rml_str uri, rml_arena *arena, rml_str *path, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
