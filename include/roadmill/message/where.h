// Conditions on the fields of messages: "linear_acceleration.x > 9.5 and header.frame_id == 'imu'".
//
//   condition: all { "or" all }     all: term { "and" term }
//   term:      "(" condition ")" | FIELD OP VALUE
//   FIELD      a column's name, with dots into structs      OP   == != < <= > >=
//   VALUE      a number, true, false, 'text' or "text"
//
// A comparison with what is not there (no such field, no value, NaN, a list, a text against a
// number) does not hold, whatever the operator: what cannot be decided does not pass.
#ifndef ROADMILL_MESSAGE_WHERE_H
#define ROADMILL_MESSAGE_WHERE_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_message_where rml_message_where;
// An error names the column of the text. text is copied.
RML_API rml_status rml_message_where_parse(rml_str text, rml_message_where **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_message_where_free(rml_message_where *w);
// True if it holds for a row. May be used by several threads at once.
RML_API bool rml_message_where_holds(const rml_message_where *w, rml_schema schema,
                                     const rml_column *columns, size_t row);

#ifdef __cplusplus
}
#endif
#endif
