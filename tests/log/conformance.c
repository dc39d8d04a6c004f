// The MCAP conformance set (foxglove/mcap tests/conformance, MIT): 416 files, each with its records
// as JSON. Streamed, every record is as written there; by log time, the messages are, in order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/json.h"
#include "roadmill/log.h"
#include "roadmill/log/mcap.h"
#include "roadmill/os.h"

#define FILES 416
#define WITH_INDEX 160

static void ok(rml_status st, const rml_error *err, const char *file)
{
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s: %s", file, text);
    }
}

// ---- A record as one line of text, as the JSON gives its fields --------------------------------

static void put(rml_buffer *b, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    assert_int_equal(rml_buffer_str(b, rml_str_of(text), NULL), RML_OK);
}

static void put_u64(rml_buffer *b, const char *name, uint64_t v)
{
    put(b, " %s=%llu", name, (unsigned long long)v);
}

static void put_text(rml_buffer *b, const char *name, rml_str v)
{
    put(b, " %s=%.*s", name, RML_FMT(v));
}

static void put_bytes(rml_buffer *b, const char *name, rml_bytes v)
{
    put(b, " %s=[", name);
    for (size_t i = 0; i < v.len; i++) {
        put(b, "%u,", v.data[i]);
    }
    put(b, "]");
}

static void put_text_map(rml_buffer *b, const char *name, rml_bytes left)
{
    rml_str key, value;
    put(b, " %s={", name);
    while (rml_mcap_pairs_text(&left, &key, &value)) {
        put(b, "%.*s:%.*s,", RML_FMT(key), RML_FMT(value));
    }
    put(b, "}");
}

static void put_number_map(rml_buffer *b, const char *name, rml_bytes left)
{
    uint16_t key;
    uint64_t value;
    put(b, " %s={", name);
    while (rml_mcap_pairs_u16(&left, &key, &value)) {
        put(b, "%u:%llu,", key, (unsigned long long)value);
    }
    put(b, "}");
}

static void text_of_index(rml_buffer *b, const rml_mcap_record *r)
{
    switch (r->opcode) {
    case RML_MCAP_CHUNK_INDEX: {
        const rml_mcap_chunk_index *c = &r->as.chunk_index;
        put(b, "ChunkIndex");
        put_u64(b, "chunk_length", c->chunk_length);
        put_u64(b, "chunk_start_offset", c->chunk_offset);
        put_u64(b, "compressed_size", c->compressed_size);
        put_text(b, "compression", c->compression);
        put_u64(b, "message_end_time", c->end_ns);
        put_u64(b, "message_index_length", c->message_index_length);
        put_number_map(b, "message_index_offsets", c->message_index_offsets);
        put_u64(b, "message_start_time", c->start_ns);
        put_u64(b, "uncompressed_size", c->uncompressed_size);
        break;
    }
    case RML_MCAP_ATTACHMENT_INDEX: {
        const rml_mcap_attachment_index *a = &r->as.attachment_index;
        put(b, "AttachmentIndex");
        put_u64(b, "create_time", a->create_ns);
        put_u64(b, "data_size", a->data_size);
        put_u64(b, "length", a->length);
        put_u64(b, "log_time", a->log_ns);
        put_text(b, "media_type", a->media_type);
        put_text(b, "name", a->name);
        put_u64(b, "offset", a->offset);
        break;
    }
    case RML_MCAP_STATISTICS: {
        const rml_mcap_statistics *s = &r->as.statistics;
        put(b, "Statistics");
        put_u64(b, "attachment_count", s->attachment_count);
        put_u64(b, "channel_count", s->channel_count);
        put_number_map(b, "channel_message_counts", s->channel_message_counts);
        put_u64(b, "chunk_count", s->chunk_count);
        put_u64(b, "message_count", s->message_count);
        put_u64(b, "message_end_time", s->end_ns);
        put_u64(b, "message_start_time", s->start_ns);
        put_u64(b, "metadata_count", s->metadata_count);
        put_u64(b, "schema_count", s->schema_count);
        break;
    }
    case RML_MCAP_METADATA_INDEX:
        put(b, "MetadataIndex");
        put_u64(b, "length", r->as.metadata_index.length);
        put_text(b, "name", r->as.metadata_index.name);
        put_u64(b, "offset", r->as.metadata_index.offset);
        break;
    case RML_MCAP_SUMMARY_OFFSET:
        put(b, "SummaryOffset");
        put_u64(b, "group_length", r->as.summary_offset.group_length);
        put_u64(b, "group_opcode", r->as.summary_offset.group_opcode);
        put_u64(b, "group_start", r->as.summary_offset.group_start);
        break;
    default:
        fail_msg("opcode 0x%02x", r->opcode);
    }
}

static void text_of_message(rml_buffer *b, uint64_t channel_id, rml_bytes data, uint64_t log_ns,
                            uint64_t publish_ns, uint64_t sequence)
{
    put(b, "Message");
    put_u64(b, "channel_id", channel_id);
    put_bytes(b, "data", data);
    put_u64(b, "log_time", log_ns);
    put_u64(b, "publish_time", publish_ns);
    put_u64(b, "sequence", sequence);
}

static void text_of_record(rml_buffer *b, const rml_mcap_record *r)
{
    switch (r->opcode) {
    case RML_MCAP_HEADER:
        put(b, "Header");
        put_text(b, "library", r->as.header.library);
        put_text(b, "profile", r->as.header.profile);
        break;
    case RML_MCAP_FOOTER:
        put(b, "Footer");
        put_u64(b, "summary_crc", r->as.footer.summary_crc);
        put_u64(b, "summary_offset_start", r->as.footer.summary_offset_start);
        put_u64(b, "summary_start", r->as.footer.summary_start);
        break;
    case RML_MCAP_SCHEMA:
        put(b, "Schema");
        put_bytes(b, "data", r->as.schema.data);
        put_text(b, "encoding", r->as.schema.encoding);
        put_u64(b, "id", r->as.schema.id);
        put_text(b, "name", r->as.schema.name);
        break;
    case RML_MCAP_CHANNEL:
        put(b, "Channel");
        put_u64(b, "id", r->as.channel.id);
        put_text(b, "message_encoding", r->as.channel.message_encoding);
        put_text_map(b, "metadata", r->as.channel.metadata);
        put_u64(b, "schema_id", r->as.channel.schema_id);
        put_text(b, "topic", r->as.channel.topic);
        break;
    case RML_MCAP_MESSAGE:
        text_of_message(b, r->as.message.channel_id, r->as.message.data, r->as.message.log_ns,
                        r->as.message.publish_ns, r->as.message.sequence);
        break;
    case RML_MCAP_ATTACHMENT:
        put(b, "Attachment");
        put_u64(b, "create_time", r->as.attachment.create_ns);
        put_bytes(b, "data", r->as.attachment.data);
        put_u64(b, "log_time", r->as.attachment.log_ns);
        put_text(b, "media_type", r->as.attachment.media_type);
        put_text(b, "name", r->as.attachment.name);
        break;
    case RML_MCAP_METADATA:
        put(b, "Metadata");
        put_text_map(b, "metadata", r->as.metadata.pairs);
        put_text(b, "name", r->as.metadata.name);
        break;
    case RML_MCAP_DATA_END:
        put(b, "DataEnd");
        put_u64(b, "data_section_crc", r->as.data_end.data_section_crc);
        break;
    default:
        text_of_index(b, r);
        break;
    }
    put(b, "\n");
}

static void text_of_value(rml_buffer *b, const rml_json *v)
{
    if (v->kind == RML_JSON_STRING) {
        put(b, "%.*s", RML_FMT(v->string));
        return;
    }
    bool list = v->kind == RML_JSON_ARRAY;
    put(b, list ? "[" : "{");
    for (const rml_json *c = v->child; c != NULL; c = c->next) {
        if (!list) {
            put(b, "%.*s:", RML_FMT(c->key));
        }
        put(b, "%.*s,", RML_FMT(c->string));
    }
    put(b, list ? "]" : "}");
}

static void text_of_json(rml_buffer *b, const rml_json *record)
{
    rml_str type = rml_json_get_str(record, "type", RML_STR("?"));
    put(b, "%.*s", RML_FMT(type));
    for (const rml_json *f = rml_json_get(record, "fields")->child; f != NULL; f = f->next) {
        put(b, " %.*s=", RML_FMT(f->child->string));
        text_of_value(b, f->child->next);
    }
    put(b, "\n");
}

// ---- The two ways of reading -------------------------------------------------------------------

static void read_streamed(const char *path, rml_buffer *out)
{
    rml_error err = {0};
    rml_mcap_reader *reader;
    ok(rml_mcap_reader_open(rml_str_of(path), NULL, &reader, &err), &err, path);
    for (;;) {
        rml_mcap_record record;
        rml_status st = rml_mcap_reader_next(reader, &record, &err);
        if (st == RML_END) {
            break;
        }
        ok(st, &err, path);
        // The set gives chunks by what they hold, and no message indexes.
        if (record.opcode != RML_MCAP_MESSAGE_INDEX) {
            text_of_record(out, &record);
        }
    }
    assert_int_equal(rml_mcap_reader_lost(reader), 0);
    rml_mcap_reader_close(reader);
}

static void read_by_time(const char *path, rml_buffer *out)
{
    rml_error err = {0};
    rml_log *log;
    const rml_log_options options = {.order = RML_LOG_TIME_ORDER};
    ok(rml_log_open(rml_str_of(path), &options, &log, &err), &err, path);
    for (;;) {
        rml_log_message m;
        size_t count;
        rml_status st = rml_log_next(log, &m, &err);
        if (st == RML_END) {
            break;
        }
        ok(st, &err, path);
        text_of_message(out, rml_log_channels(log, &count)[m.channel].container_id, m.data,
                        (uint64_t)m.log_ns, (uint64_t)m.publish_ns, m.sequence);
        put(out, "\n");
    }
    rml_log_close(log);
}

static int by_log_time(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_json *x = *(const rml_json *const *)a, *y = *(const rml_json *const *)b;
    int64_t t[2];
    const rml_json *both[2] = {x, y};
    for (int i = 0; i < 2; i++) {
        for (const rml_json *f = rml_json_get(both[i], "fields")->child; f != NULL; f = f->next) {
            if (rml_str_equal(f->child->string, RML_STR("log_time"))) {
                assert_true(rml_parse_i64(f->child->next->string, &t[i]));
            }
        }
    }
    return t[0] < t[1] ? -1 : t[0] > t[1];
}

static void expect_by_time(const rml_json *records, rml_buffer *out)
{
    rml_array messages = RML_ARRAY(const rml_json *);
    for (const rml_json *r = records->child; r != NULL; r = r->next) {
        if (rml_str_equal(rml_json_get_str(r, "type", RML_STR("")), RML_STR("Message"))) {
            *(const rml_json **)rml_array_push(&messages, NULL) = r;
        }
    }
    assert_int_equal(rml_array_sort(&messages, by_log_time, NULL, NULL), RML_OK);
    for (size_t i = 0; i < messages.count; i++) {
        text_of_json(out, *RML_AT(&messages, const rml_json *, i));
    }
    rml_array_reset(&messages);
}

static bool check_file(const char *mcap, const char *json)
{
    rml_error err = {0};
    rml_arena arena = {0};
    rml_buffer text = {0}, found = {0}, expected = {0};
    const rml_json *tree;
    ok(rml_file_read(json, (size_t)1 << 22, &text, &err), &err, json);
    ok(rml_json_parse(&arena, rml_buffer_text(&text), rml_str_of(json), &tree, &err), &err, json);
    const rml_json *records = rml_json_get(tree, "records");
    for (const rml_json *r = records->child; r != NULL; r = r->next) {
        text_of_json(&expected, r);
    }
    bool has_index = rml_str_find(rml_buffer_text(&expected), RML_STR("ChunkIndex")) < expected.len;
    read_streamed(mcap, &found);
    put(&found, "%c", 0);
    put(&expected, "%c", 0);
    if (!rml_str_equal(rml_buffer_text(&found), rml_buffer_text(&expected))) {
        fail_msg("%s, streamed: found\n%.*s\nexpected\n%.*s", mcap,
                 RML_FMT(rml_buffer_text(&found)), RML_FMT(rml_buffer_text(&expected)));
    }
    rml_buffer_clear(&found);
    rml_buffer_clear(&expected);
    expect_by_time(records, &expected);
    read_by_time(mcap, &found);
    if (!rml_str_equal(rml_buffer_text(&found), rml_buffer_text(&expected))) {
        fail_msg("%s, by time: found\n%.*s\nexpected\n%.*s", mcap, RML_FMT(rml_buffer_text(&found)),
                 RML_FMT(rml_buffer_text(&expected)));
    }
    rml_buffer_reset(&text);
    rml_buffer_reset(&found);
    rml_buffer_reset(&expected);
    rml_arena_reset(&arena);
    return has_index;
}

static void all_files(void **state)
{
    (void)state;
    const char *data = getenv("RML_DATA");
    if (data == NULL || data[0] == 0) {
        print_message("skipped: no data\n");
        skip();
    }
    rml_arena arena = {0};
    rml_error err = {0};
    rml_array paths = RML_ARRAY(rml_str);
    rml_str folder = rml_arena_printf(&arena, "%s/logs/mcap-conformance/data", data);
    ok(rml_folder_walk(folder.data, &arena, &paths, &err), &err, folder.data);
    size_t files = 0, with_index = 0;
    for (size_t i = 0; i < paths.count; i++) {
        rml_str path = *RML_AT(&paths, rml_str, i);
        if (rml_str_ends(path, RML_STR(".mcap"))) {
            rml_str json = rml_arena_printf(&arena, "%.*s.json", (int)path.len - 5, path.data);
            with_index += check_file(path.data, json.data);
            files++;
        }
    }
    assert_int_equal(files, FILES);
    assert_int_equal(with_index, WITH_INDEX);
    rml_array_reset(&paths);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
