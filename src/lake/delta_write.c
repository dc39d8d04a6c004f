// Writing a commit of a Delta table: put-if-absent of the next version's file.
//
// Source: Delta transaction log protocol, reader version 1 and writer version 2.
#include <stdio.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/lake/delta.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

#include "delta_log.h"
#include "delta_schema.h"

static void end_line(rml_json_writer *j, rml_buffer *out)
{
    rml_json_object_end(j);
    if (j->status == RML_OK) {
        j->status = rml_buffer_append(out, "\n", 1, j->err);
    }
}

static void begin_action(rml_json_writer *j, const char *name)
{
    rml_error *err = j->err;
    rml_status before = j->status;
    rml_json_writer_init(j, j->out, err);
    j->status = before;
    rml_json_object(j);
    rml_json_key(j, name);
    rml_json_object(j);
}

static void end_action(rml_json_writer *j)
{
    rml_json_object_end(j);
    end_line(j, j->out);
}

// Reserved characters and those that are not ASCII, percent-encoded (RFC 2396).
static void put_path(rml_json_writer *j, rml_arena *arena, rml_str path)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = rml_arena_make(arena, path.len * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; text != NULL && i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     memchr("/-_.=!~*'()", c, 11) != NULL;
        if (plain) {
            text[n++] = (char)c;
        } else {
            text[n++] = '%';
            text[n++] = digits[c >> 4];
            text[n++] = digits[c & 15];
        }
    }
    if (text == NULL && j->status == RML_OK) {
        j->status = rml_fail_memory(j->err, path.len * 3);
    }
    rml_json_kv_str(j, "path", (rml_str){text, n});
}

// A name that nobody else gives: a version 4 UUID made of the folder and the time.
static rml_status make_id(rml_str folder, int64_t now_ns, char text[37], rml_error *err)
{
    rml_sha256_state s = {0};
    RML_TRY(rml_sha256_begin(&s, err));
    rml_sha256_add(&s, folder.data, folder.len);
    rml_sha256_add(&s, &now_ns, sizeof now_ns);
    rml_hash hash;
    rml_sha256_end(&s, &hash);
    hash.bytes[6] = (uint8_t)((hash.bytes[6] & 0x0f) | 0x40);
    hash.bytes[8] = (uint8_t)((hash.bytes[8] & 0x3f) | 0x80);
    char digits[RML_HASH_TEXT];
    rml_hash_text(&hash, digits);
    size_t n = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            text[n++] = '-';
        }
        text[n++] = digits[i];
    }
    text[n] = '\0';
    return RML_OK;
}

static rml_status put_metadata(rml_json_writer *j, rml_str folder, const rml_delta_commit *commit,
                               int64_t now_ns, rml_error *err)
{
    char id[37];
    RML_TRY(make_id(folder, now_ns, id, err));
    rml_buffer schema = {0};
    rml_status st = rml_schema_delta(commit->schema, &schema, err);
    begin_action(j, "metaData");
    rml_json_kv_str(j, "id", commit->table_id.len > 0 ? commit->table_id : rml_str_of(id));
    rml_json_key(j, "format");
    rml_json_object(j);
    rml_json_kv_str(j, "provider", RML_STR("parquet"));
    rml_json_key(j, "options");
    rml_json_object(j);
    rml_json_object_end(j);
    rml_json_object_end(j);
    rml_json_kv_str(j, "schemaString", rml_buffer_text(&schema));
    rml_json_key(j, "partitionColumns");
    rml_json_list(j);
    rml_json_list_end(j);
    rml_json_key(j, "configuration");
    rml_json_object(j);
    rml_json_object_end(j);
    rml_json_kv_i64(j, "createdTime", now_ns / 1000000);
    end_action(j);
    rml_buffer_reset(&schema);
    return st;
}

static void put_add(rml_json_writer *j, rml_arena *arena, const rml_delta_file *file,
                    int64_t now_ns)
{
    begin_action(j, "add");
    put_path(j, arena, file->path);
    rml_json_key(j, "partitionValues");
    rml_json_object(j);
    rml_json_object_end(j);
    rml_json_kv_i64(j, "size", (int64_t)file->size);
    rml_json_kv_i64(j, "modificationTime", now_ns / 1000000);
    rml_json_kv_bool(j, "dataChange", !file->rearranged);
    if (file->stats.len > 0) {
        rml_json_kv_str(j, "stats", file->stats);
    }
    char text[RML_HASH_TEXT];
    rml_json_key(j, "tags");
    rml_json_object(j);
    if (file->owner.len > 0) {
        rml_hash_text(&file->rows_of, text);
        rml_json_kv_str(j, "owner", file->owner);
        rml_json_kv_str(j, "rows", rml_str_of(text));
        snprintf(text, sizeof text, "%llu", (unsigned long long)file->parts);
        rml_json_kv_str(j, "files", rml_str_of(text));
    }
    rml_hash_text(&file->sha256, text);
    rml_json_kv_str(j, "sha256", rml_str_of(text));
    if (file->digest.len > 0) {
        rml_json_kv_str(j, "digest", file->digest);
    }
    if (file->last.len > 0) {
        rml_json_kv_str(j, "last", file->last);
    }
    rml_json_object_end(j);
    end_action(j);
}

static void put_info(rml_json_writer *j, const rml_delta_commit *commit, int64_t version,
                     int64_t now_ns)
{
    begin_action(j, "commitInfo");
    rml_json_kv_i64(j, "timestamp", now_ns / 1000000);
    rml_json_kv_str(j, "operation", rml_str_of(commit->operation));
    rml_json_key(j, "operationParameters");
    rml_json_object(j);
    rml_json_kv_str(j, "owner", commit->owner);
    rml_json_object_end(j);
    rml_json_kv_bool(j, "isBlindAppend", commit->remove_count == 0);
    rml_json_kv_str(j, "engineInfo", RML_STR("roadmill/" RML_VERSION));
    end_action(j);
    if (version == 0) {
        begin_action(j, "protocol");
        rml_json_kv_i64(j, "minReaderVersion", 1);
        rml_json_kv_i64(j, "minWriterVersion", 2);
        end_action(j);
    }
}

rml_status rml_delta_write(rml_str folder, int64_t read_version, const rml_delta_commit *commit,
                           rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer text = {0};
    int64_t now_ns = rml_clock_unix_ns(), version = read_version + 1;
    rml_json_writer j;
    rml_json_writer_init(&j, &text, err);
    put_info(&j, commit, version, now_ns);
    rml_status st = RML_OK;
    if (commit->schema.count > 0) {
        st = put_metadata(&j, folder, commit, now_ns, err);
    }
    if (commit->owner.len > 0) {
        begin_action(&j, "txn");
        rml_json_kv_str(&j, "appId", commit->owner);
        rml_json_kv_i64(&j, "version", version);
        rml_json_kv_i64(&j, "lastUpdated", now_ns / 1000000);
        end_action(&j);
    }
    for (size_t i = 0; i < commit->remove_count; i++) {
        begin_action(&j, "remove");
        put_path(&j, &arena, commit->remove[i]);
        rml_json_kv_i64(&j, "deletionTimestamp", now_ns / 1000000);
        rml_json_kv_bool(&j, "dataChange", true);
        end_action(&j);
    }
    for (size_t i = 0; i < commit->add_count; i++) {
        put_add(&j, &arena, &commit->add[i], now_ns);
    }
    st = st != RML_OK ? st : j.status;
    if (st == RML_OK) {
        rml_str name = rml_arena_printf(&arena, "%020lld.json", (long long)version);
        rml_str path = rml_delta_log_path(&arena, folder, name);
        rml_str log = rml_path_folder(path);
        st = path.data == NULL ? rml_fail_memory(err, 256) : rml_store_folder_make(log, err);
        if (st == RML_OK) {
            st = rml_store_put_new(path, rml_buffer_bytes(&text), err);
        }
    }
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}
