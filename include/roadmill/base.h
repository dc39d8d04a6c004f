// base: memory, slices, errors and containers, the ground that every room stands on.
//
// Nothing here prints, exits, aborts or keeps global state (one exception, for tests: the
// allocation hook). Unless a function says otherwise it is pure, or touches only what it is handed,
// and may be called from any thread on different objects at once.
#ifndef ROADMILL_BASE_H
#define ROADMILL_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RML_API __attribute__((visibility("default")))
#define RML_CHECKED __attribute__((warn_unused_result))
#define RML_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define RML_PREFETCH(at) __builtin_prefetch(at) // soon to be read; at may lie anywhere
#else
#define RML_API
#define RML_CHECKED
#define RML_PRINTF(text, first)
#define RML_PREFETCH(at) ((void)(at))
#endif

#define RML_VERSION "0.1.0"

// ---- Status and error --------------------------------------------------------------------------

// What went wrong, for code to act on. The text for people is in rml_error.
typedef enum rml_status {
    RML_OK = 0,
    RML_END,             // a sequence is over; not an error, the rml_error is left alone
    RML_ERR_DATA,        // bytes from outside do not follow their format
    RML_ERR_ARGUMENT,    // a value given by the user or caller is out of its range
    RML_ERR_LIMIT,       // a stated maximum would be exceeded; the text names the limit
    RML_ERR_MEMORY,      // no memory
    RML_ERR_IO,          // the system refused to read or write
    RML_ERR_MISSING,     // the thing named does not exist
    RML_ERR_EXISTS,      // the thing to be made is there already (a lost race of put-if-absent)
    RML_ERR_UNSUPPORTED, // well-formed, but of a kind that this version does not handle
    RML_ERR_CONFLICT,    // two inputs contradict each other, or a digest does not match
    RML_ERR_STOPPED,     // a signal asked the work to stop; what is done is kept
} rml_status;

// A view of text; not terminated, not owned. UTF-8 unless stated.
typedef struct rml_str {
    const char *data;
    size_t len;
} rml_str;

// A view of bytes; not owned.
typedef struct rml_bytes {
    const uint8_t *data;
    size_t len;
} rml_bytes;

// Where in an input something was found. An all-zero place means "nowhere in particular".
typedef enum rml_place_kind { RML_PLACE_FILE = 0, RML_PLACE_BYTE, RML_PLACE_LINE } rml_place_kind;
typedef struct rml_place {
    rml_str file; // borrowed; as the user wrote it
    rml_place_kind kind;
    uint64_t offset; // RML_PLACE_BYTE: from the file's start
    uint32_t line;   // RML_PLACE_LINE: from 1
    uint32_t column; // RML_PLACE_LINE: from 1; 0 where unknown
} rml_place;

// One fault, told to a person in one line. Plain, allocates nothing, owned by the caller; an
// all-zero struct is "no error". Every fallible function takes one last, and NULL is allowed.
typedef struct rml_error {
    rml_status status;
    // Where, for code, as in rml_place; the file stands in the text alone.
    rml_place_kind place_kind;
    uint64_t offset;
    uint32_t line, column;
    // Where and why, for a person.
    char place[320];  // "file: byte 12" or "file:3:7", empty if nowhere
    char what[512];   // expected ..., found ...
    char remedy[256]; // a command or option that exists; may be empty
} rml_error;

// Places: a file as a whole, a byte of it, a line (and column, 0 where unknown). file is borrowed.
RML_API rml_place rml_place_file(rml_str file);
RML_API rml_place rml_place_byte(rml_str file, uint64_t offset);
RML_API rml_place rml_place_line(rml_str file, uint32_t line, uint32_t column);

// Fills err (if not NULL) and returns status. remedy may be NULL. Text that is too long is cut.
RML_API rml_status rml_fail(rml_error *err, rml_status status, rml_place at, const char *remedy,
                            const char *format, ...) RML_PRINTF(5, 6);
// Out of memory, in one place so that its text is the same everywhere.
RML_API rml_status rml_fail_memory(rml_error *err, size_t size);
// "place: what; remedy" into text[size], always terminated; gives the length it would need.
RML_API size_t rml_error_text(const rml_error *err, char *text, size_t size);
// Whether a failure is one of the data at hand, which costs that data alone: it cannot be read, is
// beyond a limit, or of a kind that is not known. Others are the machine's or the caller's.
RML_API bool rml_status_is_of_data(rml_status status);
// The name of a status: "data", "limit"...
RML_API const char *rml_status_name(rml_status status);

// Hands a failure up where there is nothing to clean up. RML_END is handed up too.
#define RML_TRY(call)                                                                              \
    do {                                                                                           \
        rml_status rml_try_status_ = (call);                                                       \
        if (rml_try_status_ != RML_OK) {                                                           \
            return rml_try_status_;                                                                \
        }                                                                                          \
    } while (0)

// ---- Text and byte views -----------------------------------------------------------------------

#define RML_STR(literal) ((rml_str){(literal), sizeof(literal) - 1})
// For printf("%.*s"): RML_FMT(str)
#define RML_FMT(str) (int)(str).len, (str).data

// Views of text and what they hold, byte by byte.
RML_API rml_str rml_str_of(const char *text); // NULL gives an empty one
RML_API bool rml_str_equal(rml_str a, rml_str b);
RML_API int rml_str_compare(rml_str a, rml_str b); // by bytes, shorter first
RML_API bool rml_str_starts(rml_str text, rml_str prefix);
RML_API bool rml_str_ends(rml_str text, rml_str suffix);
RML_API rml_str rml_str_trim(rml_str text); // ASCII spaces, tabs, line ends
// Offset of the first occurrence, or text.len if there is none.
RML_API size_t rml_str_find(rml_str text, rml_str needle);
// Cuts text at the first `at`: *head gets what lies before, the rest after it is returned. Without
// `at`, *head is all of it and the rest is empty (data NULL).
RML_API rml_str rml_str_cut(rml_str text, char at, rml_str *head);
// Of these names the one with the fewest edits (insert, delete, replace a byte) from text, for "did
// you mean …?"; NULL where none is near enough. Borrowed from the list.
RML_API const char *rml_nearest_name(rml_str text, const char *const *names, size_t count);
RML_API rml_bytes rml_bytes_of(const void *data, size_t len);
RML_API rml_bytes rml_bytes_of_str(rml_str text);
RML_API rml_str rml_str_of_bytes(rml_bytes bytes);
RML_API bool rml_utf8_valid(rml_str text);

// Numbers, independent of the locale; false unless all of text is one number in range.
RML_API bool rml_parse_i64(rml_str text, int64_t *out);
RML_API bool rml_parse_u64(rml_str text, uint64_t *out);
RML_API bool rml_parse_f64(rml_str text, double *out); // also inf, nan; correctly rounded
// Shortest text that reads back as the same number, as ECMAScript writes it ("1e+21", "0.1");
// "NaN", "Infinity", "-Infinity". Terminated; gives the length.
#define RML_F64_TEXT 32
RML_API size_t rml_format_f64(double value, char text[RML_F64_TEXT]);
RML_API size_t rml_format_f32(float value, char text[RML_F64_TEXT]);

// ---- Sizes -------------------------------------------------------------------------------------

// false on overflow, then *out is untouched.
RML_API bool rml_size_add(size_t a, size_t b, size_t *out);
RML_API bool rml_size_mul(size_t a, size_t b, size_t *out);

// ---- Memory ------------------------------------------------------------------------------------

// The heap; malloc is called here only. NULL when there is none left. Size 0 gives NULL.
RML_API void *rml_heap_make(size_t size);          // zeroed
RML_API void *rml_heap_grow(void *p, size_t size); // p may be NULL; the new part is not zeroed
RML_API void rml_heap_free(void *p);               // NULL does nothing
// Aligned and zeroed; free with rml_heap_aligned_free. alignment is a power of two.
RML_API void *rml_heap_aligned_make(size_t alignment, size_t size);
RML_API void rml_heap_aligned_free(void *p);
// Tests: after `after` more allocations, every one fails; UINT64_MAX (the default) never.
// Process-wide; not for use while other threads allocate.
RML_API void rml_heap_fail_after(uint64_t after);
// Tests: allocations made so far in this process.
RML_API uint64_t rml_heap_count(void);

// An arena: memory of one operation, freed as a whole. All-zero is a valid empty one.
// Not for use by several threads at once.
typedef struct rml_arena {
    struct rml_arena_block *last;
    size_t used;  // bytes handed out
    size_t limit; // 0: none; above it allocations give NULL
} rml_arena;
// Zeroed, aligned for any type. NULL if there is no memory or the limit is met.
RML_API void *rml_arena_make(rml_arena *arena, size_t size);
RML_API void *rml_arena_make_array(rml_arena *arena, size_t count, size_t item_size);
// A copy, terminated by a zero byte that len does not count; data is NULL when there is no memory.
RML_API rml_str rml_arena_str(rml_arena *arena, rml_str text);
RML_API rml_str rml_arena_printf(rml_arena *arena, const char *format, ...) RML_PRINTF(2, 3);
RML_API void rml_arena_reset(rml_arena *arena); // frees everything
#define RML_NEW(arena, type) ((type *)rml_arena_make((arena), sizeof(type)))
#define RML_NEW_ARRAY(arena, type, count)                                                          \
    ((type *)rml_arena_make_array((arena), (count), sizeof(type)))

// ---- Growing buffer ----------------------------------------------------------------------------

// Bytes that grow; owns its memory. All-zero is empty. A failed call leaves it as it was.
typedef struct rml_buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
} rml_buffer;
RML_API rml_status rml_buffer_reserve(rml_buffer *b, size_t more, rml_error *err) RML_CHECKED;
// Grows by size bytes, not zeroed; NULL (and err filled) when there is no memory.
RML_API uint8_t *rml_buffer_add(rml_buffer *b, size_t size, rml_error *err);
RML_API rml_status rml_buffer_append(rml_buffer *b, const void *data, size_t len, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_buffer_str(rml_buffer *b, rml_str text, rml_error *err) RML_CHECKED;
RML_API rml_status rml_buffer_printf(rml_buffer *b, rml_error *err, const char *format, ...)
    RML_PRINTF(3, 4) RML_CHECKED;
RML_API rml_bytes rml_buffer_bytes(const rml_buffer *b); // borrows until the next change
RML_API rml_str rml_buffer_text(const rml_buffer *b);
RML_API void rml_buffer_clear(rml_buffer *b); // length 0, memory kept
RML_API void rml_buffer_reset(rml_buffer *b); // frees
// The bytes that base64 text stands for (RFC 4648 section 4, padding asked for), appended;
// RML_ERR_DATA for other text.
RML_API rml_status rml_base64_append(rml_str text, rml_buffer *out, rml_error *err) RML_CHECKED;

// ---- Growing array -----------------------------------------------------------------------------

// Items of one size, in a row; owns its memory, not what its items point to. Make one with
// {.item_size = sizeof(type)}. Pointers to items are valid until the next push.
typedef struct rml_array {
    void *data;
    size_t count;
    size_t capacity;
    size_t item_size;
} rml_array;
#define RML_ARRAY(type) ((rml_array){.item_size = sizeof(type)})
#define RML_AT(array, type, index) (&((type *)(array)->data)[(index)])
// A new zeroed item at the end; NULL (and err filled) when there is no memory.
RML_API void *rml_array_push(rml_array *a, rml_error *err);
// count new zeroed items; NULL when there is no memory.
RML_API void *rml_array_push_many(rml_array *a, size_t count, rml_error *err);
RML_API void rml_array_clear(rml_array *a);
RML_API void rml_array_reset(rml_array *a);
// Stable merge sort; compare as in qsort, with a context. Needs memory for a copy.
RML_API rml_status rml_array_sort(rml_array *a,
                                  int (*compare)(const void *a, const void *b, void *context),
                                  void *context, rml_error *err) RML_CHECKED;

// ---- Map from text to a number -----------------------------------------------------------------

// Open addressing with linear probing; owns copies of its keys. All-zero is empty. Iteration is in
// the order of insertion: entries[0..count).
typedef struct rml_map_entry {
    rml_str key;
    uint64_t value;
} rml_map_entry;
typedef struct rml_map {
    rml_map_entry *entries;
    uint32_t *slots; // index into entries + 1, 0 is free
    size_t count, capacity, slot_count;
    rml_arena keys;
} rml_map;
RML_API rml_status rml_map_put(rml_map *map, rml_str key, uint64_t value,
                               rml_error *err) RML_CHECKED;                 // replaces
RML_API bool rml_map_get(const rml_map *map, rml_str key, uint64_t *value); // value may be NULL
RML_API void rml_map_reset(rml_map *map);

// ---- Bitmap, least significant bit first -------------------------------------------------------

static inline bool rml_bit_get(const uint8_t *bits, size_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}
static inline void rml_bit_set(uint8_t *bits, size_t i, bool on)
{
    uint8_t mask = (uint8_t)(1u << (i & 7));
    bits[i >> 3] = (uint8_t)(on ? bits[i >> 3] | mask : bits[i >> 3] & ~mask);
}

// ---- Cursor over little-endian records ---------------------------------------------------------

// A parser reads like the schema of its record: each take is false, and takes nothing, when too few
// bytes are left.
typedef struct rml_cursor {
    rml_bytes left;
} rml_cursor;
RML_API bool rml_take(rml_cursor *c, size_t len, rml_bytes *out);
RML_API bool rml_take_u8(rml_cursor *c, uint8_t *out);
RML_API bool rml_take_u16(rml_cursor *c, uint16_t *out);
RML_API bool rml_take_u32(rml_cursor *c, uint32_t *out);
RML_API bool rml_take_u64(rml_cursor *c, uint64_t *out);
// A length as u32, then so many bytes.
RML_API bool rml_take_str32(rml_cursor *c, rml_str *out);

static inline uint16_t rml_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t rml_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t rml_load_u64(const uint8_t *p)
{
    return (uint64_t)rml_load_u32(p) | (uint64_t)rml_load_u32(p + 4) << 32;
}
static inline void rml_save_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void rml_save_u32(uint8_t *p, uint32_t v)
{
    rml_save_u16(p, (uint16_t)v);
    rml_save_u16(p + 2, (uint16_t)(v >> 16));
}
static inline void rml_save_u64(uint8_t *p, uint64_t v)
{
    rml_save_u32(p, (uint32_t)v);
    rml_save_u32(p + 4, (uint32_t)(v >> 32));
}

// ---- Names by hash -----------------------------------------------------------------------------

// A SHA-256 digest and its name: 64 lower-case hexadecimal digits.
typedef struct rml_hash {
    uint8_t bytes[32];
} rml_hash;
#define RML_HASH_TEXT 65
RML_API void rml_hash_text(const rml_hash *hash, char text[RML_HASH_TEXT]);
RML_API bool rml_hash_parse(rml_str text, rml_hash *out); // exactly 64 digits
RML_API bool rml_hash_equal(const rml_hash *a, const rml_hash *b);

// ---- What a message is -------------------------------------------------------------------------

// How the messages of a channel are encoded, as a recording says it: `log` tells it of a channel,
// `message` compiles it. All is borrowed.
typedef struct rml_message_kind {
    rml_str message_encoding; // "cdr"
    rml_str schema_encoding;  // "ros2msg"; empty: none
    rml_str schema_name;      // "sensor_msgs/msg/Imu"
    rml_bytes schema;         // for ros2msg: text, dependencies after lines of "="
} rml_message_kind;

// ---- Progress ----------------------------------------------------------------------------------

// How long work tells how far it is and hears whether it shall stop. All-zero is silent and never
// stops. Called often; both functions return fast. report is called from one thread at a time, stop
// from any.
typedef struct rml_progress {
    void (*report)(void *context, const char *what, double done, double total, const char *unit);
    bool (*stop)(void *context); // true: finish the step cleanly and return RML_ERR_STOPPED
    void *context;
} rml_progress;
RML_API void rml_progress_report(const rml_progress *p, const char *what, double done, double total,
                                 const char *unit); // p may be NULL
RML_API bool rml_progress_stop(const rml_progress *p);
// RML_OK, or RML_ERR_STOPPED told: "stopped while DOING".
RML_API rml_status rml_progress_check(const rml_progress *p, const char *doing, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
