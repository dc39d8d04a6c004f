// YAML for settings, recipes and policies: a tree whose every node knows its line and column.
//
// Source: YAML 1.1 by libyaml. Refused, each with its place: more than one document, anchors and
// aliases, tags, duplicate keys, keys that are not plain text, depth above 64. A scalar keeps its
// text; the reader of a value says which type it expects, so "1e3" or "no" never change by
// surprise.
#ifndef ROADMILL_BASE_YAML_H
#define ROADMILL_BASE_YAML_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a node is.
typedef enum rml_yaml_kind { RML_YAML_SCALAR, RML_YAML_LIST, RML_YAML_MAP } rml_yaml_kind;

typedef struct rml_yaml {
    rml_yaml_kind kind;
    rml_str text;                 // SCALAR
    bool quoted;                  // SCALAR: it was written in quotes
    rml_str key;                  // when it is a member of a map
    rml_place at;                 // of the value
    rml_place key_at;             // of the key
    const struct rml_yaml *child; // LIST, MAP: the first
    const struct rml_yaml *next;
    size_t count;
} rml_yaml;

// file is copied into the arena, so places stay valid with it.
RML_API rml_status rml_yaml_parse(rml_arena *arena, rml_str text, rml_str file,
                                  const rml_yaml **out, rml_error *err) RML_CHECKED;
RML_API const rml_yaml *rml_yaml_get(const rml_yaml *map, const char *key); // or NULL

// Typed reads. A missing key leaves *out as it is; a value of another type is an error with its
// place. map may be NULL (all keys missing).
RML_API rml_status rml_yaml_get_str(const rml_yaml *map, const char *key, rml_str *out,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_yaml_get_f64(const rml_yaml *map, const char *key, double *out,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_yaml_get_i64(const rml_yaml *map, const char *key, int64_t *out,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_yaml_get_bool(const rml_yaml *map, const char *key, bool *out,
                                     rml_error *err) RML_CHECKED; // true, false
// Fails at the first key that is not in known[0..count), naming the nearest known one.
RML_API rml_status rml_yaml_only(const rml_yaml *map, const char *const *known, size_t count,
                                 rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
