// Schemas in Delta's JSON form.
//
// Source: Delta transaction log protocol, "Schema Serialization Format".
#ifndef ROADMILL_LAKE_DELTA_SCHEMA_H
#define ROADMILL_LAKE_DELTA_SCHEMA_H

#include "roadmill/base/column.h"
#include "roadmill/base/json.h"

// Delta's schemaString. Every field is nullable there: a table lives longer than a file.
rml_status rml_schema_delta(rml_schema schema, rml_buffer *out, rml_error *err) RML_CHECKED;
// From schemaString. Types of others are read as the nearest of ours, and *exact is false: date as
// i32 days, timestamp as i64 nanoseconds, decimal as u64 (20,0) or f64, map as a list of structs.
rml_status rml_schema_parse(rml_arena *arena, const rml_json *text, rml_place at, rml_schema *out,
                            bool *exact, rml_error *err) RML_CHECKED;

#endif
