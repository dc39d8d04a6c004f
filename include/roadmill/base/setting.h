// Settings of a struct as one table: name, type, place, range and default. Reading YAML and JSON,
// writing, defaults and search by name all walk it.
#ifndef ROADMILL_BASE_SETTING_H
#define ROADMILL_BASE_SETTING_H

#include <stddef.h>

#include "roadmill/base/json.h"
#include "roadmill/base/yaml.h"

#ifdef __cplusplus
extern "C" {
#endif

// How a setting lies in its struct: uint32_t, uint64_t, double, bool.
typedef enum rml_setting_kind {
    RML_SETTING_U32,
    RML_SETTING_U64,
    RML_SETTING_F64,
    RML_SETTING_BOOL
} rml_setting_kind;
typedef struct rml_setting {
    const char *name;
    rml_setting_kind kind;
    size_t offset;    // in its struct
    double low, high; // whole numbers are at most 2^53
    double standard;  // what zero means; 0: zero
    bool unnamed;     // decides nothing that lasts: left out of names
} rml_setting;

// A struct with its table, which stands in the order of names. Several of them are one list of
// settings; no name may stand in two.
typedef struct rml_settings {
    const rml_setting *rows;
    size_t count;
    void *base;
} rml_settings;
#define RML_SETTINGS_MAX 128 // in all parts together

// Fills what is zero with what zero means.
RML_API void rml_settings_defaults(const rml_settings *parts, size_t count);
// Those that the map has. Keys besides are refused but for `also` (ended by NULL; NULL: none).
RML_API rml_status rml_settings_yaml(const rml_yaml *map, const rml_settings *parts, size_t count,
                                     const char *const *also, rml_error *err) RML_CHECKED;
// As members of an open object, in the order of names; named: without those that are unnamed.
RML_API void rml_settings_write(const rml_settings *parts, size_t count, bool named,
                                rml_json_writer *w);
// Those that the object has.
RML_API rml_status rml_settings_read(const rml_json *object, rml_str file,
                                     const rml_settings *parts, size_t count, rml_error *err)
    RML_CHECKED;
// One by name and where it lies; NULL: none of that name.
RML_API const rml_setting *rml_settings_find(const rml_settings *parts, size_t count, rml_str name,
                                             void **at);
// Whole kinds are truncated, a truth is value > 0.
RML_API void rml_setting_set(const rml_setting *s, void *at, double value);

#ifdef __cplusplus
}
#endif
#endif
