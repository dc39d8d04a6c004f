// The MCAP conformance set written again: each of its files without padding, byte for byte, from
// its records and the writer's options that its name carries.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/log/mcap.h"
#include "roadmill/os.h"

#define WITHOUT_PADDING 208

static void ok(rml_status st, const rml_error *err, const char *file)
{
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s: %s", file, text);
    }
}

// "OneMessage-ch-mx-st.mcap" has the feature "mx".
static bool has(const char *name, const char *feature)
{
    size_t len = strlen(feature);
    for (const char *at = strchr(name, '-'); at != NULL; at = strchr(at + 1, '-')) {
        if (strncmp(at + 1, feature, len) == 0 && (at[1 + len] == '-' || at[1 + len] == '.')) {
            return true;
        }
    }
    return false;
}

static size_t pairs_of(rml_bytes left, rml_log_pair *out, size_t most)
{
    size_t count = 0;
    while (count < most && rml_mcap_pairs_text(&left, &out[count].key, &out[count].value)) {
        count++;
    }
    return count;
}

// One record of the data section into the writer; those of the summary follow from them.
static void write_again(rml_mcap_writer *w, const rml_mcap_record *r, rml_error *err,
                        const char *file)
{
    rml_log_pair pairs[8];
    uint16_t id;
    switch (r->opcode) {
    case RML_MCAP_SCHEMA:
        ok(rml_mcap_writer_schema(w, r->as.schema.name, r->as.schema.encoding, r->as.schema.data,
                                  &id, err),
           err, file);
        assert_int_equal(id, r->as.schema.id);
        break;
    case RML_MCAP_CHANNEL:
        ok(rml_mcap_writer_channel(w, r->as.channel.schema_id, r->as.channel.topic,
                                   r->as.channel.message_encoding, &id, err),
           err, file);
        assert_int_equal(id, r->as.channel.id);
        ok(rml_mcap_writer_channel_pairs(w, id, pairs, pairs_of(r->as.channel.metadata, pairs, 8),
                                         err),
           err, file);
        break;
    case RML_MCAP_MESSAGE:
        ok(rml_mcap_writer_message(w, r->as.message.channel_id, r->as.message.sequence,
                                   (int64_t)r->as.message.log_ns, (int64_t)r->as.message.publish_ns,
                                   r->as.message.data, err),
           err, file);
        break;
    case RML_MCAP_ATTACHMENT:
        ok(rml_mcap_writer_attachment(w, r->as.attachment.name, r->as.attachment.media_type,
                                      (int64_t)r->as.attachment.log_ns,
                                      (int64_t)r->as.attachment.create_ns, r->as.attachment.data,
                                      err),
           err, file);
        break;
    case RML_MCAP_METADATA:
        ok(rml_mcap_writer_metadata(w, r->as.metadata.name, pairs,
                                    pairs_of(r->as.metadata.pairs, pairs, 8), err),
           err, file);
        break;
    default:
        break;
    }
}

static void check_file(const char *path, const char *name, const char *again)
{
    rml_error err = {0};
    rml_mcap_reader *reader;
    rml_mcap_writer *writer;
    rml_mcap_record record;
    const rml_mcap_writer_options options = {.compression = RML_MCAP_NONE,
                                             .no_chunks = !has(name, "ch"),
                                             .no_message_index = !has(name, "mx"),
                                             .no_chunk_index = !has(name, "chx"),
                                             .no_attachment_index = !has(name, "ax"),
                                             .no_metadata_index = !has(name, "mdx"),
                                             .no_statistics = !has(name, "st"),
                                             .no_summary_schemas = !has(name, "rsh"),
                                             .no_summary_channels = !has(name, "rch"),
                                             .no_summary_offsets = !has(name, "sum"),
                                             .first_channel_id = 1};
    ok(rml_mcap_reader_open(rml_str_of(path), NULL, &reader, &err), &err, path);
    ok(rml_mcap_writer_open(again, &options, &writer, &err), &err, path);
    bool in_data = true;
    while (rml_mcap_reader_next(reader, &record, &err) == RML_OK) {
        in_data = in_data && record.opcode != RML_MCAP_DATA_END;
        if (in_data) {
            write_again(writer, &record, &err, path);
        }
    }
    ok(rml_mcap_writer_finish(writer, &err), &err, path);
    rml_mcap_writer_close(writer);
    rml_mcap_reader_close(reader);
    rml_buffer want = {0}, got = {0};
    ok(rml_file_read(path, 1 << 20, &want, &err), &err, path);
    ok(rml_file_read(again, 1 << 20, &got, &err), &err, path);
    if (want.len != got.len || memcmp(want.data, got.data, want.len) != 0) {
        size_t at = 0;
        while (at < want.len && at < got.len && want.data[at] == got.data[at]) {
            at++;
        }
        fail_msg("%s: written again it has %zu bytes, not %zu, and differs at byte %zu", name,
                 got.len, want.len, at);
    }
    rml_buffer_reset(&want);
    rml_buffer_reset(&got);
}

static void every_file_without_padding(void **state)
{
    (void)state;
    if (rml_env("RML_DATA") == NULL) {
        print_message("skipped: no data\n");
        skip();
    }
    rml_error err = {0};
    rml_arena arena = {0};
    rml_array paths = RML_ARRAY(rml_str);
    rml_str temporary;
    ok(rml_folder_temporary(&arena, &temporary, &err), &err, "");
    char folder[1024], again[1024];
    snprintf(again, sizeof again, "%s/again.mcap", temporary.data);
    snprintf(folder, sizeof folder, "%s/logs/mcap-conformance/data", rml_env("RML_DATA"));
    ok(rml_folder_walk(folder, &arena, &paths, &err), &err, folder);
    size_t checked = 0;
    for (size_t i = 0; i < paths.count; i++) {
        rml_str path = *RML_AT(&paths, rml_str, i);
        const char *name = rml_path_name(path).data;
        if (rml_str_ends(path, RML_STR(".mcap")) && !has(name, "pad")) {
            check_file(path.data, name, again);
            checked++;
        }
    }
    assert_int_equal(checked, WITHOUT_PADDING);
    ok(rml_folder_remove(temporary.data, &err), &err, again);
    rml_array_reset(&paths);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_file_without_padding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
