// JSON: a pull parser, a small tree for manifests and settings, a writer, the canonical form.
//
// Source: RFC 8259 (strict: UTF-8, no comments, no trailing commas, no duplicate keys in the tree);
// canonical form RFC 8785. Numbers that are integers within int64 keep their exact value.
#ifndef ROADMILL_BASE_JSON_H
#define ROADMILL_BASE_JSON_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_JSON_DEPTH_MAX 128

typedef enum rml_json_kind {
    RML_JSON_NULL,
    RML_JSON_BOOL,
    RML_JSON_INT, // written without fraction or exponent and within int64
    RML_JSON_NUMBER,
    RML_JSON_STRING,
    RML_JSON_ARRAY,
    RML_JSON_OBJECT,
} rml_json_kind;

// Pull parser. Events come in order of the text; a key comes as its own event before its value.
typedef enum rml_json_event {
    RML_JSON_EVENT_END, // the text is over
    RML_JSON_EVENT_OBJECT_BEGIN,
    RML_JSON_EVENT_OBJECT_END,
    RML_JSON_EVENT_ARRAY_BEGIN,
    RML_JSON_EVENT_ARRAY_END,
    RML_JSON_EVENT_KEY,
    RML_JSON_EVENT_STRING,
    RML_JSON_EVENT_INT,
    RML_JSON_EVENT_NUMBER,
    RML_JSON_EVENT_BOOL,
    RML_JSON_EVENT_NULL,
} rml_json_event;

typedef struct rml_json_reader {
    rml_str text;
    rml_str file; // for errors
    size_t offset;
    uint32_t depth;
    uint8_t stack[RML_JSON_DEPTH_MAX + 1]; // what the text and each open container expect next
    // Of the last event:
    rml_str string;  // KEY, STRING: unescaped; borrows from text or from scratch until the next
    int64_t integer; // INT
    double number;   // INT, NUMBER
    bool boolean;    // BOOL
    size_t at;       // offset where the event starts
    rml_buffer scratch;
} rml_json_reader;

// Starts at the beginning of a text, which is borrowed; next gives the events one by one, each with
// the reader's fields of it. RML_ERR_DATA with the byte, RML_ERR_LIMIT beyond the depth.
RML_API void rml_json_reader_init(rml_json_reader *r, rml_str text, rml_str file);
RML_API rml_status rml_json_next(rml_json_reader *r, rml_json_event *event, rml_error *err)
    RML_CHECKED;
// Skips the value whose first event was just read (nothing for a scalar).
RML_API rml_status rml_json_skip(rml_json_reader *r, rml_json_event first, rml_error *err)
    RML_CHECKED;
RML_API void rml_json_reader_reset(rml_json_reader *r);

// A tree in an arena. Members keep the order of the text.
typedef struct rml_json {
    rml_json_kind kind;
    bool boolean;
    int64_t integer;
    double number; // INT, NUMBER
    rml_str string;
    rml_str key;                  // when it is a member of an object
    const struct rml_json *child; // ARRAY, OBJECT: the first
    const struct rml_json *next;  // the next sibling
    size_t count;                 // children
    size_t at;                    // offset in the text
} rml_json;

// One value and nothing after it. Strings are copied into the arena.
RML_API rml_status rml_json_parse(rml_arena *arena, rml_str text, rml_str file,
                                  const rml_json **out, rml_error *err) RML_CHECKED;
// A member by key, or NULL (also when value is NULL or no object).
RML_API const rml_json *rml_json_get(const rml_json *value, const char *key);
RML_API rml_str rml_json_get_str(const rml_json *value, const char *key, rml_str otherwise);
RML_API int64_t rml_json_get_i64(const rml_json *value, const char *key, int64_t otherwise);
RML_API double rml_json_get_f64(const rml_json *value, const char *key, double otherwise);
RML_API bool rml_json_get_bool(const rml_json *value, const char *key, bool otherwise);

// Appends the RFC 8785 form. NaN and infinities are refused.
RML_API rml_status rml_json_canonical(const rml_json *value, rml_buffer *out, rml_error *err)
    RML_CHECKED;

// Writer: commas and escapes by itself. The first failure sticks and is given by finish.
typedef struct rml_json_writer {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
    uint32_t depth;
    uint8_t has_items[RML_JSON_DEPTH_MAX];
    bool after_key;
    bool pretty; // two spaces, one member a line
} rml_json_writer;
RML_API void rml_json_writer_init(rml_json_writer *w, rml_buffer *out, rml_error *err);
RML_API void rml_json_object(rml_json_writer *w); // {
RML_API void rml_json_object_end(rml_json_writer *w);
RML_API void rml_json_list(rml_json_writer *w); // [
RML_API void rml_json_list_end(rml_json_writer *w);
RML_API void rml_json_key(rml_json_writer *w, const char *key);
RML_API void rml_json_str(rml_json_writer *w, rml_str text); // not UTF-8: bytes become U+FFFD
RML_API void rml_json_i64(rml_json_writer *w, int64_t value);
RML_API void rml_json_ns(rml_json_writer *w, int64_t value); // as a string: RFC 8785 keeps 2^53
RML_API void rml_json_f64(rml_json_writer *w, double value); // NaN and infinities become null
RML_API void rml_json_bool(rml_json_writer *w, bool value);
RML_API void rml_json_null(rml_json_writer *w);
RML_API void rml_json_base64(rml_json_writer *w, rml_bytes bytes); // a string, RFC 4648 section 4
RML_API void rml_json_value(rml_json_writer *w, const rml_json *value); // a whole tree
// The same with a key before: rml_json_kv_*.
RML_API void rml_json_kv_str(rml_json_writer *w, const char *key, rml_str text);
RML_API void rml_json_kv_i64(rml_json_writer *w, const char *key, int64_t value);
RML_API void rml_json_kv_ns(rml_json_writer *w, const char *key, int64_t value);
RML_API void rml_json_kv_f64(rml_json_writer *w, const char *key, double value);
RML_API void rml_json_kv_bool(rml_json_writer *w, const char *key, bool value);
RML_API rml_status rml_json_finish(rml_json_writer *w) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
