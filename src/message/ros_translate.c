// A definition line by line in the words of the other ROS. Comments and constants stay as they are,
// so that what a person wrote about a type is not lost.
#include <string.h>

#include "common.h"
#include "definition.h"
#include "roadmill/message/ros.h"

#define SEPARATOR                                                                                  \
    "================================================================================\n"
#define TIME_DEFINITION "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
#define DURATION_DEFINITION "MSG: builtin_interfaces/Duration\nint32 sec\nuint32 nanosec\n"

typedef struct translator {
    bool to_ros2;
    rml_str file;
    rml_buffer text, changes;
    bool in_header; // the section at hand is std_msgs/Header
    bool skip;      // it is one of builtin_interfaces, which ROS 1 does not have
    bool has_time, has_duration;
    bool told_seq, told_bounds, told_defaults; // changes that are told once
    rml_error *err;
} translator;

static rml_status tell(translator *t, rml_str what, const char *became)
{
    return rml_buffer_printf(&t->changes, t->err, "%s%.*s %s", t->changes.len > 0 ? "; " : "",
                             RML_FMT(what), became);
}

static rml_status tell_once(translator *t, bool *told, const char *what, const char *became)
{
    bool fresh = !*told;
    *told = true;
    return fresh ? tell(t, rml_str_of(what), became) : RML_OK;
}

// ---- Types -------------------------------------------------------------------------------------

static const struct {
    const char *ros1, *ros2;
} renamed[] = {{"time", "builtin_interfaces/Time"},
               {"duration", "builtin_interfaces/Duration"},
               {"Header", "std_msgs/Header"}};

static rml_str other_base(const translator *t, rml_str base)
{
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        rml_str from = rml_str_of(t->to_ros2 ? renamed[i].ros1 : renamed[i].ros2);
        if (rml_str_equal(base, from)) {
            return rml_str_of(t->to_ros2 ? renamed[i].ros2 : renamed[i].ros1);
        }
    }
    // In definitions of builtin_interfaces' own kin the package may be left out.
    if (!t->to_ros2 && rml_str_starts(base, RML_STR("builtin_interfaces/msg/"))) {
        return rml_str_ends(base, RML_STR("Time")) ? RML_STR("time") : RML_STR("duration");
    }
    return base;
}

// "string<=5[<=3]" -> "string[]": the type without bounds.
static rml_status put_type(translator *t, rml_str token)
{
    rml_str base, bound, suffix = rml_str_cut(token, '[', &base);
    bound = rml_str_cut(base, '<', &base);
    bool bounded = suffix.data != NULL && rml_str_starts(suffix, RML_STR("<="));
    if (!t->to_ros2 && rml_str_equal(base, RML_STR("wstring"))) {
        return rml_fail(t->err, RML_ERR_UNSUPPORTED, rml_place_file(t->file), NULL,
                        "expected types that ROS 1 has, found wstring");
    }
    if (!t->to_ros2 && (bound.data != NULL || bounded)) {
        RML_TRY(tell_once(t, &t->told_bounds, "bounds", "are dropped"));
    }
    rml_str other = other_base(t, base);
    t->has_time |= rml_str_equal(base, RML_STR("time"));
    t->has_duration |= rml_str_equal(base, RML_STR("duration"));
    RML_TRY(rml_buffer_str(&t->text, other, t->err));
    return suffix.data == NULL ? RML_OK
           : bounded           ? rml_buffer_str(&t->text, RML_STR("[]"), t->err)
                               : rml_buffer_printf(&t->text, t->err, "[%.*s", RML_FMT(suffix));
}

// ---- Names -------------------------------------------------------------------------------------

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

// Fields of ROS 2 are [a-z][a-z0-9_]*: "frameId" is frame_id, "K" is k.
static rml_status put_name(translator *t, rml_str name)
{
    size_t before = t->text.len;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool capital = is_capital(c);
        bool begins = capital && i > 0 && !is_capital(name.data[i - 1]) && name.data[i - 1] != '_';
        char small = (char)(capital ? c - 'A' + 'a' : c);
        RML_TRY(begins && t->to_ros2 ? rml_buffer_append(&t->text, "_", 1, t->err) : RML_OK);
        RML_TRY(rml_buffer_append(&t->text, t->to_ros2 ? &small : &c, 1, t->err));
    }
    rml_str written = {(const char *)t->text.data + before, t->text.len - before};
    if (rml_str_equal(written, name)) {
        return RML_OK;
    }
    // The text may move while the change is told.
    char became[80];
    size_t len = written.len < sizeof became - 4 ? written.len : sizeof became - 4;
    memcpy(became, "is ", 3);
    memcpy(became + 3, written.data, len);
    became[len + 3] = '\0';
    return tell(t, name, became);
}

// ---- Lines -------------------------------------------------------------------------------------

static rml_status put_line(translator *t, rml_str line)
{
    RML_TRY(rml_buffer_str(&t->text, line, t->err));
    return rml_buffer_append(&t->text, "\n", 1, t->err);
}

// A field line: type, name, perhaps a default value, perhaps a comment.
static rml_status field_line(translator *t, rml_str code, rml_str comment)
{
    rml_str rest = code, type = rml_definition_word(&rest), name = rml_definition_word(&rest);
    bool is_seq = t->to_ros2 && t->in_header && rml_str_equal(name, RML_STR("seq"));
    if (is_seq) {
        return tell_once(t, &t->told_seq, "header.seq", "is dropped");
    }
    RML_TRY(put_type(t, type));
    RML_TRY(rml_buffer_append(&t->text, " ", 1, t->err));
    RML_TRY(put_name(t, name));
    if (rml_str_trim(rest).len > 0) {
        RML_TRY(tell_once(t, &t->told_defaults, "default values", "are dropped"));
    }
    RML_TRY(comment.len > 0 ? rml_buffer_printf(&t->text, t->err, " #%.*s", RML_FMT(comment))
                            : RML_OK);
    return rml_buffer_append(&t->text, "\n", 1, t->err);
}

static rml_status begin_section(translator *t, rml_str type)
{
    t->in_header = rml_str_equal(type, RML_STR("std_msgs/Header"));
    t->skip = !t->to_ros2 && rml_str_starts(type, RML_STR("builtin_interfaces/"));
    if (t->skip) {
        return RML_OK;
    }
    RML_TRY(t->text.len > 0
                ? rml_buffer_printf(&t->text, t->err, SEPARATOR "MSG: %.*s\n", RML_FMT(type))
                : RML_OK);
    if (t->in_header && !t->to_ros2) {
        RML_TRY(tell_once(t, &t->told_seq, "header.seq", "is 0"));
        return put_line(t, RML_STR("uint32 seq"));
    }
    return RML_OK;
}

// "std_msgs/msg/Header" is std_msgs/Header within definitions.
static rml_str plain_type(rml_arena *arena, rml_str name)
{
    rml_str plain = {0};
    return rml_definition_name(name, arena, &plain, NULL) == RML_OK ? plain : (rml_str){0};
}

static rml_status translate_lines(translator *t, rml_str text, rml_arena *arena)
{
    bool want_name = false;
    while (text.len > 0) {
        rml_str line, code;
        text = rml_str_cut(text, '\n', &line);
        rml_str comment = rml_str_cut(line, '#', &code);
        comment = rml_str_trim(comment).len > 0 ? comment : (rml_str){0};
        while (comment.len > 0 && comment.data[comment.len - 1] == '\r') {
            comment.len--;
        }
        code = rml_str_trim(code);
        if (rml_definition_separates(code)) {
            want_name = true;
        } else if (want_name && code.len > 4) {
            rml_str type = rml_str_trim((rml_str){code.data + 4, code.len - 4});
            RML_TRY(begin_section(t, plain_type(arena, type)));
            want_name = false;
        } else if (!want_name && !t->skip) {
            // Constants keep their whole line: a text of theirs may hold anything.
            rml_str rest = code;
            (void)rml_definition_word(&rest);
            rml_str name = rml_definition_word(&rest), after = rml_str_trim(rest);
            bool constant =
                rml_str_find(name, RML_STR("=")) < name.len || rml_str_starts(after, RML_STR("="));
            RML_TRY(code.len == 0 || constant ? put_line(t, line) : field_line(t, code, comment));
        }
    }
    RML_TRY(t->has_time ? put_line(t, RML_STR(SEPARATOR TIME_DEFINITION)) : RML_OK);
    return t->has_duration ? put_line(t, RML_STR(SEPARATOR DURATION_DEFINITION)) : RML_OK;
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status other_name(bool to_ros2, rml_str name, rml_arena *arena, rml_str *out,
                             rml_error *err)
{
    rml_str package, plain = plain_type(arena, name);
    rml_str type = rml_str_cut(plain, '/', &package);
    *out = to_ros2 && type.data != NULL
               ? rml_arena_printf(arena, "%.*s/msg/%.*s", RML_FMT(package), RML_FMT(type))
               : plain;
    return out->data == NULL ? rml_fail_memory(err, name.len) : RML_OK;
}

static rml_status definition_of(const rml_message_kind *from, rml_str file, rml_arena *arena,
                                bool *to_ros2, rml_str *text, rml_error *err)
{
    bool ros1 = rml_str_equal(from->message_encoding, RML_STR("ros1")) &&
                rml_str_equal(from->schema_encoding, RML_STR("ros1msg"));
    bool cdr = rml_str_equal(from->message_encoding, RML_STR("cdr"));
    *to_ros2 = ros1;
    *text = rml_str_of_bytes(from->schema);
    if (ros1 || (cdr && rml_str_equal(from->schema_encoding, RML_STR("ros2msg")))) {
        return RML_OK;
    }
    if (cdr && from->schema_encoding.len == 0) {
        return rml_message_common(from->schema_name, file, arena, text, err);
    }
    return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(file), NULL,
                    "expected messages of ROS 1 (ros1msg) or ROS 2 (ros2msg) to rewrite, found "
                    "\"%.*s\" described by \"%.*s\"",
                    RML_FMT(from->message_encoding), RML_FMT(from->schema_encoding));
}

rml_status rml_ros_translate(const rml_message_kind *from, rml_str file, rml_arena *arena,
                             rml_ros_translation *out, rml_error *err)
{
    translator t = {.file = file, .err = err};
    rml_str text, name;
    RML_TRY(definition_of(from, file, arena, &t.to_ros2, &text, err));
    RML_TRY(other_name(t.to_ros2, from->schema_name, arena, &name, err));
    rml_status st = begin_section(&t, plain_type(arena, from->schema_name));
    st = st ? st : translate_lines(&t, text, arena);
    *out = (rml_ros_translation){
        .kind = {.message_encoding = t.to_ros2 ? RML_STR("cdr") : RML_STR("ros1"),
                 .schema_encoding = t.to_ros2 ? RML_STR("ros2msg") : RML_STR("ros1msg"),
                 .schema_name = name}};
    rml_str kept = st ? (rml_str){0} : rml_arena_str(arena, rml_buffer_text(&t.text));
    out->changes = st ? (rml_str){0} : rml_arena_str(arena, rml_buffer_text(&t.changes));
    out->kind.schema = rml_bytes_of_str(kept);
    rml_buffer_reset(&t.text);
    rml_buffer_reset(&t.changes);
    return st ? st : kept.data == NULL ? rml_fail_memory(err, text.len) : RML_OK;
}
