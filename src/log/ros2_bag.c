// The folder of a ROS 2 bag: metadata.yaml and files in SQLite or MCAP, some of them compressed as
// files (rosbag2, metadata version 1 to 9).
//
// metadata.yaml is a hint: it gives the order of the files. What lies in the folder decides: a file
// that it names and that is missing is told, files that it does not name are read behind the
// others.
#include <string.h>

#include "format.h"
#include "roadmill/base/yaml.h"
#include "roadmill/codec.h"

#define METADATA "metadata.yaml"
#define METADATA_SIZE_MAX ((size_t)64 << 20)
#define FILES_MAX 10000
#define REMEDY "ros2 bag reindex writes it again"

typedef struct opener {
    rml_str folder;
    const rml_log_options *options;
    rml_arena arena;
    rml_array names; // rml_str, in order
    rml_array told;  // rml_error
    rml_array logs;  // rml_log *
    rml_error *err;
} opener;

static bool is_part(rml_str name)
{
    static const char *const ends[] = {".db3", ".mcap", ".db3.zstd", ".mcap.zstd"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (rml_str_ends(name, rml_str_of(ends[i]))) {
            return true;
        }
    }
    return false;
}

static rml_status holds_part(rml_str uri, bool *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(uri, &arena, &names, err);
    for (size_t i = 0; i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        *out |= rml_str_equal(name, RML_STR(METADATA)) || rml_str_ends(name, RML_STR(".db3")) ||
                rml_str_ends(name, RML_STR(".db3.zstd"));
    }
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_ros2_bag_recognised(rml_str uri, bool *out, rml_error *err)
{
    rml_file_info info;
    *out = false;
    RML_TRY(rml_store_stat(uri, &info, err));
    return info.is_folder ? holds_part(uri, out, err) : RML_OK;
}

// ---- Which files -------------------------------------------------------------------------------

static rml_status tell(opener *o, const rml_error *fault)
{
    rml_error *place = rml_array_push(&o->told, o->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = *fault;
    return RML_OK;
}

static bool is_listed(const opener *o, rml_str name)
{
    for (size_t i = 0; i < o->names.count; i++) {
        if (rml_str_equal(*RML_AT(&o->names, rml_str, i), name)) {
            return true;
        }
    }
    return false;
}

static rml_status list(opener *o, rml_str name)
{
    if (o->names.count >= FILES_MAX) {
        return rml_fail(o->err, RML_ERR_LIMIT, rml_place_file(o->folder), NULL,
                        "expected at most %d files in a bag", FILES_MAX);
    }
    rml_str *place = rml_array_push(&o->names, o->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = name;
    return RML_OK;
}

static rml_status is_there(rml_str uri, bool *out, rml_error *err)
{
    rml_file_info info;
    RML_TRY(rml_store_stat(uri, &info, err));
    *out = info.exists;
    return RML_OK;
}

// The files that the metadata names, those that are there; a name with a folder in it (as older
// versions wrote) counts by its last part.
static rml_status list_named(opener *o, const rml_yaml *paths)
{
    for (const rml_yaml *p = paths->child; p != NULL; p = p->next) {
        rml_str name = rml_path_name(p->text);
        rml_str path = rml_path_join(&o->arena, o->folder, name);
        rml_str packed = rml_arena_printf(&o->arena, "%.*s.zstd", RML_FMT(path));
        if (path.data == NULL || packed.data == NULL) {
            return rml_fail_memory(o->err, name.len);
        }
        bool plain = false, zstd = false;
        if (p->kind == RML_YAML_SCALAR) {
            RML_TRY(is_part(name) ? is_there(path, &plain, o->err) : RML_OK);
            RML_TRY(is_there(packed, &zstd, o->err));
        }
        if (plain) {
            RML_TRY(is_listed(o, name) ? RML_OK : list(o, name));
        } else if (zstd) {
            RML_TRY(list(o, rml_path_name(packed)));
        } else {
            rml_error fault = {0};
            (void)rml_fail(&fault, RML_ERR_DATA, p->at, REMEDY,
                           "expected the file %.*s in the folder, found none", RML_FMT(name));
            RML_TRY(tell(o, &fault));
        }
    }
    return RML_OK;
}

static rml_status read_metadata(opener *o)
{
    rml_buffer text = {0};
    rml_error fault = {0};
    const rml_yaml *tree = NULL;
    rml_str path = rml_path_join(&o->arena, o->folder, RML_STR(METADATA));
    if (path.data == NULL) {
        return rml_fail_memory(o->err, o->folder.len);
    }
    bool there = false;
    RML_TRY(is_there(path, &there, o->err));
    if (!there) {
        return RML_OK;
    }
    rml_status st = rml_store_get(path, METADATA_SIZE_MAX, &text, &fault);
    if (st == RML_OK) {
        st = rml_yaml_parse(&o->arena, rml_buffer_text(&text), path, &tree, &fault);
    }
    rml_buffer_reset(&text);
    if (st) {
        return tell(o, &fault);
    }
    const rml_yaml *info = rml_yaml_get(tree, "rosbag2_bagfile_information");
    const rml_yaml *paths = info == NULL ? NULL : rml_yaml_get(info, "relative_file_paths");
    if (paths == NULL || paths->kind != RML_YAML_LIST) {
        (void)rml_fail(&fault, RML_ERR_DATA, rml_place_file(path), REMEDY,
                       "expected rosbag2_bagfile_information with relative_file_paths, found none");
        return tell(o, &fault);
    }
    return list_named(o, paths);
}

// "NAME_10.db3" comes behind "NAME_9.db3": digits compare as numbers.
static int by_number(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_str *x = a, *y = b;
    size_t i = 0, j = 0;
    while (i < x->len && j < y->len) {
        size_t p = i, q = j;
        while (p < x->len && x->data[p] >= '0' && x->data[p] <= '9') {
            p++;
        }
        while (q < y->len && y->data[q] >= '0' && y->data[q] <= '9') {
            q++;
        }
        uint64_t m, n;
        if (p > i && q > j && rml_parse_u64((rml_str){x->data + i, p - i}, &m) &&
            rml_parse_u64((rml_str){y->data + j, q - j}, &n) && m != n) {
            return m < n ? -1 : 1;
        }
        if (x->data[i] != y->data[j]) {
            return (unsigned char)x->data[i] < (unsigned char)y->data[j] ? -1 : 1;
        }
        i++;
        j++;
    }
    return (x->len > y->len) - (x->len < y->len);
}

static rml_status list_others(opener *o)
{
    rml_array found = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(o->folder, &o->arena, &found, o->err);
    if (st == RML_OK) {
        st = rml_array_sort(&found, by_number, NULL, o->err);
    }
    for (size_t i = 0; st == RML_OK && i < found.count; i++) {
        rml_str name = *RML_AT(&found, rml_str, i);
        if (is_part(name) && !is_listed(o, name)) {
            st = list(o, name);
        }
    }
    rml_array_reset(&found);
    return st;
}

// ---- Opening them ------------------------------------------------------------------------------

static rml_status put_piece(void *context, rml_bytes piece, rml_error *err)
{
    return rml_spill_write(context, piece.data, piece.len, err);
}

// A file compressed as a whole is decompressed into one without a name.
static rml_status open_packed(opener *o, rml_str path, rml_log **out, rml_error *err)
{
    rml_object packed;
    rml_spill spill = {0};
    rml_log_options options = o->options != NULL ? *o->options : (rml_log_options){0};
    RML_TRY(rml_object_open(&packed, path, err));
    rml_status st = rml_spill_open(&spill, err);
    if (st == RML_OK) {
        st = rml_unzstd(packed.bytes, rml_place_file(path), put_piece, &spill, err);
    }
    rml_object_close(&packed);
    if (st == RML_OK) {
        st = rml_log_open_spill(&spill, path, &options, out, err);
    }
    rml_spill_close(&spill);
    return st;
}

static rml_status open_part(opener *o, rml_str name)
{
    rml_error fault = {0};
    rml_log *log = NULL;
    rml_str path = rml_path_join(&o->arena, o->folder, name);
    if (path.data == NULL) {
        return rml_fail_memory(o->err, name.len);
    }
    rml_status st = rml_str_ends(name, RML_STR(".zstd"))
                        ? open_packed(o, path, &log, &fault)
                        : rml_log_open(path, o->options, &log, &fault);
    if (rml_status_is_of_data(st)) {
        return tell(o, &fault);
    }
    if (st) {
        if (o->err != NULL) {
            *o->err = fault;
        }
        return st;
    }
    rml_log **place = rml_array_push(&o->logs, o->err);
    if (place == NULL) {
        rml_log_close(log);
        return RML_ERR_MEMORY;
    }
    *place = log;
    return RML_OK;
}

static rml_status open_parts(opener *o)
{
    RML_TRY(read_metadata(o));
    RML_TRY(list_others(o));
    for (size_t i = 0; i < o->names.count; i++) {
        RML_TRY(open_part(o, *RML_AT(&o->names, rml_str, i)));
    }
    if (o->logs.count == 0) {
        const rml_error *first = o->told.count > 0 ? RML_AT(&o->told, rml_error, 0) : NULL;
        return rml_fail(o->err, RML_ERR_DATA, rml_place_file(o->folder), REMEDY,
                        "expected a .db3 or .mcap file in the bag that can be read, found none%s%s",
                        first == NULL ? "" : ": ", first == NULL ? "" : first->what);
    }
    return RML_OK;
}

rml_status rml_ros2_bag_open(rml_str uri, const rml_log_options *options, rml_log **out,
                             rml_error *err)
{
    opener o = {.options = options,
                .names = RML_ARRAY(rml_str),
                .told = RML_ARRAY(rml_error),
                .logs = RML_ARRAY(rml_log *),
                .err = err};
    o.folder = rml_arena_str(&o.arena, uri);
    rml_status st = o.folder.data == NULL ? rml_fail_memory(err, uri.len) : open_parts(&o);
    if (st == RML_OK) {
        st = rml_log_join(o.logs.data, o.logs.count, uri, options, o.told.data, o.told.count, out,
                          err);
    } else {
        for (size_t i = 0; i < o.logs.count; i++) {
            rml_log_close(*RML_AT(&o.logs, rml_log *, i));
        }
    }
    if (st == RML_OK) {
        (*out)->shown = rml_log_db3.name;
        (*out)->unpacks = true;
    }
    rml_array_reset(&o.names);
    rml_array_reset(&o.told);
    rml_array_reset(&o.logs);
    rml_arena_reset(&o.arena);
    return st;
}
