// store: a scheme is a row. Whoever has objects elsewhere adds one, and every room that reads or
// writes by URI (recordings, lake, versions, runs, models, exports) works there.
#ifndef ROADMILL_STORE_SCHEME_H
#define ROADMILL_STORE_SCHEME_H

#include "roadmill/store.h"

#ifdef __cplusplus
extern "C" {
#endif

// URIs come as they were given, "NAME://…", without a slash at the end. Every function may be
// called from any thread. An error's place is the URI.
typedef struct rml_store_scheme {
    const char *name; // of the scheme, in lower case: "s3"
    void *context;    // the first argument of every function
    // The local path of a URI, in the arena, terminated. A row with it has files, and needs nothing
    // of what follows; without it there are objects, and all that follows is needed.
    rml_status (*path)(void *context, rml_str uri, rml_arena *arena, rml_str *path, rml_error *err);
    // An object's size and time; RML_OK with exists false if there is none.
    rml_status (*head)(void *context, rml_str uri, rml_file_info *out, rml_error *err);
    // Exactly len bytes of an object, from an offset on.
    rml_status (*read)(void *context, rml_str uri, uint64_t offset, void *data, size_t len,
                       rml_error *err);
    // An object whole. fresh: if there is none of that name, which the store itself decides in one
    // step (RML_ERR_EXISTS). An answer that was lost is RML_ERR_IO, whether it was put or not: the
    // caller does the whole again and finds out. A row that asks again by itself must tell an
    // object that it put just now from one of somebody else.
    rml_status (*put)(void *context, rml_str uri, rml_bytes content, bool fresh, rml_error *err);
    rml_status (*remove)(void *context, rml_str uri, rml_error *err); // RML_OK if there is none
    // Names below uri + "/", relative to it, in any order, at most `most`; rml_str items in the
    // arena. deep: of all objects; otherwise up to the next slash, each once.
    rml_status (*list)(void *context, rml_str uri, bool deep, size_t most, rml_arena *arena,
                       rml_array *names, rml_error *err);
} rml_store_scheme;

// Adds a row, which must outlive its use; RML_ERR_EXISTS for a name that has one, RML_ERR_LIMIT
// above 8. State of the process, as a scheme is named anywhere in it: add rows before threads are
// started.
RML_API rml_status rml_store_add(const rml_store_scheme *scheme, rml_error *err) RML_CHECKED;
// The row of a URI; RML_ERR_UNSUPPORTED, with the names that there are, if no row has its scheme.
RML_API rml_status rml_store_scheme_of(rml_str uri, const rml_store_scheme **out, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
