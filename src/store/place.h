// What a URI stands for: the row of its scheme, and its local path where there is one.
#ifndef ROADMILL_STORE_PLACE_H
#define ROADMILL_STORE_PLACE_H

#include "roadmill/store/scheme.h"

typedef struct rml_store_place {
    const rml_store_scheme *scheme;
    rml_str uri;  // without slashes at its end
    rml_str path; // terminated; data NULL: an object
    rml_arena arena;
} rml_store_place;

rml_status rml_store_place_of(rml_store_place *p, rml_str uri, rml_error *err) RML_CHECKED;
void rml_store_place_reset(rml_store_place *p);

// Of objects: what lies below a name, their full URIs, sorted.
rml_status rml_store_below(const rml_store_scheme *s, rml_str uri, rml_arena *arena,
                           rml_array *uris, rml_error *err) RML_CHECKED;
// The object that makes a folder whole: FOLDER/.whole.
#define RML_STORE_WHOLE ".whole"
rml_str rml_store_marker(rml_arena *arena, rml_str folder);
// An object, or several of its ranges one after the other, into a local file.
rml_status rml_store_fetch(const rml_store_scheme *s, rml_str uri, rml_spill *out, rml_error *err)
    RML_CHECKED;

#endif
