// Encodings that only we know (records of MDF groups, frames of a bus) become JSON with a JSON
// schema, which every reader of MCAP knows; all others go as they are.
#include "carry.h"

#include <string.h>

#include "roadmill/base/json.h"

static bool is_ours(rml_str encoding)
{
    static const char *const names[] = {"mdf4", "can", "lin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rml_str_equal(encoding, rml_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static void put_type(const rml_field *f, rml_json_writer *w);

static void put_properties(rml_schema schema, rml_json_writer *w)
{
    rml_json_kv_str(w, "type", RML_STR("object"));
    rml_json_key(w, "properties");
    rml_json_object(w);
    for (size_t i = 0; i < schema.count; i++) {
        rml_json_key(w, schema.fields[i].name.data);
        put_type(&schema.fields[i], w);
    }
    rml_json_object_end(w);
}

static void put_type(const rml_field *f, rml_json_writer *w)
{
    rml_json_object(w);
    switch (f->type) {
    case RML_TYPE_BOOL:
        rml_json_kv_str(w, "type", RML_STR("boolean"));
        break;
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        rml_json_kv_str(w, "type", RML_STR("number"));
        break;
    case RML_TYPE_STRING:
        rml_json_kv_str(w, "type", RML_STR("string"));
        break;
    case RML_TYPE_BINARY:
        rml_json_kv_str(w, "type", RML_STR("string"));
        rml_json_kv_str(w, "contentEncoding", RML_STR("base64"));
        break;
    case RML_TYPE_LIST:
        rml_json_kv_str(w, "type", RML_STR("array"));
        rml_json_key(w, "items");
        put_type(&f->children[0], w);
        break;
    case RML_TYPE_STRUCT:
        put_properties((rml_schema){f->children, f->child_count}, w);
        break;
    default:
        rml_json_kv_str(w, "type", RML_STR("integer"));
        break;
    }
    rml_json_object_end(w);
}

static rml_status describe(rml_carry *c, rml_arena *arena, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "title", c->channel.schema_name);
    put_properties(rml_message_schema(c->from), &w);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_str copy = st ? (rml_str){0} : rml_arena_str(arena, rml_buffer_text(&text));
    rml_buffer_reset(&text);
    c->channel.schema = rml_bytes_of_str(copy);
    return st ? st : copy.data == NULL ? rml_fail_memory(err, 1024) : RML_OK;
}

rml_status rml_carry_init(rml_carry *c, const rml_log_channel *channel, const char *format,
                          rml_str file, rml_arena *arena, rml_error *err)
{
    *c = (rml_carry){.channel = *channel};
    if (strcmp(format, "mcap") != 0 || !is_ours(channel->message_encoding)) {
        return RML_OK; // the writer says whether it can hold them
    }
    const rml_message_kind kind = {channel->message_encoding, channel->schema_encoding,
                                   channel->schema_name, channel->schema};
    RML_TRY(rml_message_compile(&kind, file, &c->from, err));
    RML_TRY(rml_batch_init(&c->batch, rml_message_schema(c->from), err));
    if (c->channel.schema_name.len == 0) {
        c->channel.schema_name =
            rml_arena_printf(arena, "%.*s_frame", RML_FMT(channel->message_encoding));
    }
    c->channel.message_encoding = RML_STR("json");
    c->channel.schema_encoding = RML_STR("jsonschema");
    c->note = "written as JSON with its schema; physical values, NaN and invalid ones as null";
    return describe(c, arena, err);
}

rml_status rml_carry_message(rml_carry *c, const rml_log_message *message, rml_str file,
                             rml_bytes *out, rml_error *err)
{
    *out = message->data;
    if (c->from == NULL) {
        return RML_OK;
    }
    rml_json_writer w;
    rml_batch_clear(&c->batch);
    rml_buffer_clear(&c->bytes);
    RML_TRY(rml_message_decode(c->from, message->data, rml_place_byte(file, message->offset),
                               c->batch.columns, err));
    rml_json_writer_init(&w, &c->bytes, err);
    rml_message_json(c->batch.schema, c->batch.columns, 0, &w);
    RML_TRY(rml_json_finish(&w));
    *out = rml_buffer_bytes(&c->bytes);
    return RML_OK;
}

void rml_carry_reset(rml_carry *c)
{
    rml_message_plan_free(c->from);
    rml_batch_reset(&c->batch);
    rml_buffer_reset(&c->bytes);
}
