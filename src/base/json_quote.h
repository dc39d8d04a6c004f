// A JSON string in quotes, with the escapes that RFC 8785 (section 3.2.2.2) prescribes.
#ifndef ROADMILL_BASE_JSON_QUOTE_H
#define ROADMILL_BASE_JSON_QUOTE_H

#include "roadmill/base.h"

// Bytes that are not UTF-8 become U+FFFD, one each.
rml_status rml_json_quote(rml_buffer *out, rml_str text, rml_error *err) RML_CHECKED;

#endif
